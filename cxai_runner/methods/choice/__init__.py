"""Brand choice: which alternative is bought, how that answers to price, and who gains from whom.

Models take a wide panel or a `ChoiceData`, and terms that a config or a formula says; elasticities, switching and
scenarios take any of the fitted models.
"""

from .conditional import ConditionalLogit
from .data import ChoiceData
from .elasticity import Elasticities, share_elasticities, shorthand_elasticity
from .errors import ChoiceError, ChoiceWarning, NotIdentifiedError
from .multinomial import multinomial_elasticities
from .switching import clout_and_vulnerability, share_scenario
from .terms import ChoiceTerms

__all__ = [
    "ChoiceData",
    "ChoiceError",
    "ChoiceTerms",
    "ChoiceWarning",
    "ConditionalLogit",
    "Elasticities",
    "NotIdentifiedError",
    "clout_and_vulnerability",
    "multinomial_elasticities",
    "share_elasticities",
    "share_scenario",
    "shorthand_elasticity",
]
