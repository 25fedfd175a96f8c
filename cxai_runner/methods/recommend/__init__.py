"""Recommendation: what each customer is likely to want next, from what they and others bought.

Every model follows scikit-learn's conventions and takes one row per customer, with lists of what was bought; see
`interactions`. It ranks the whole catalogue, for customers it has seen and others alike.
"""

from cxai_runner.methods.recommend.choice import ChoiceRecommender
from cxai_runner.methods.recommend.errors import CatalogueTooLargeError, UnlearnableError, UnrankableError
from cxai_runner.methods.recommend.factorisation import FeatureFactorisation
from cxai_runner.methods.recommend.factors import BPR, IALS
from cxai_runner.methods.recommend.fitted_choice import FittedChoice
from cxai_runner.methods.recommend.frequency import PersonalFrequency
from cxai_runner.methods.recommend.hybrid import Hybrid
from cxai_runner.methods.recommend.interactions import Catalogue, Interactions
from cxai_runner.methods.recommend.linear import EASE, SLIM
from cxai_runner.methods.recommend.lists import MalformedHistoryError
from cxai_runner.methods.recommend.neighbours import ItemKNN, UserKNN
from cxai_runner.methods.recommend.next_basket import NextBasket
from cxai_runner.methods.recommend.popularity import Popularity
from cxai_runner.methods.recommend.ranking import Ranked
from cxai_runner.methods.recommend.recommender import Recommender
from cxai_runner.methods.recommend.self_attentive import SelfAttentive
from cxai_runner.methods.recommend.two_tower import TwoTower

__all__ = [
    "BPR",
    "EASE",
    "IALS",
    "SLIM",
    "Catalogue",
    "CatalogueTooLargeError",
    "ChoiceRecommender",
    "FeatureFactorisation",
    "FittedChoice",
    "Hybrid",
    "Interactions",
    "ItemKNN",
    "MalformedHistoryError",
    "NextBasket",
    "PersonalFrequency",
    "Popularity",
    "Ranked",
    "Recommender",
    "SelfAttentive",
    "TwoTower",
    "UnlearnableError",
    "UnrankableError",
    "UserKNN",
]
