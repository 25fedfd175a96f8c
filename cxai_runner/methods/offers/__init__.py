"""The next best offer: what an offer is worth, who gets which under rules, why, and whether such a policy would pay.

From a model's ranking to a list to send: `likelihood` makes probabilities of scores, `assignment` chooses offers that
break no rule, `reasons` says because of what a customer gets one, `off_policy` judges a policy by what was done.
"""

from cxai_runner.methods.offers.assignment import Assignment, assign
from cxai_runner.methods.offers.candidates import Candidates, candidates_of
from cxai_runner.methods.offers.exposed import Exposed
from cxai_runner.methods.offers.held_back import HeldBack, held_back
from cxai_runner.methods.offers.likelihood import PurchaseLikelihood
from cxai_runner.methods.offers.off_policy import Overlap, PolicyValue, overlap, policy_values, propensities
from cxai_runner.methods.offers.reasons import Reasons, reasons
from cxai_runner.methods.offers.rules import Offers, Rules

__all__ = [
    "Assignment",
    "Candidates",
    "Exposed",
    "HeldBack",
    "Offers",
    "Overlap",
    "PolicyValue",
    "PurchaseLikelihood",
    "Reasons",
    "Rules",
    "assign",
    "candidates_of",
    "held_back",
    "overlap",
    "policy_values",
    "propensities",
    "reasons",
]
