"""Brand choice: which alternative is bought, how that answers to price, and who gains from whom.

Models take a wide panel or a `ChoiceData`, and terms that a config or a formula says; elasticities, switching and
scenarios take any of the fitted models.
"""

from .baselines import MarketShares, TransitionShares
from .categories import LastChoice, PanelCategories
from .conditional import ConditionalLogit
from .control import ControlFunction, PriceControl, control_function
from .curves import share_curves
from .data import ChoiceData
from .elasticity import Elasticities, price_elasticities, share_elasticities, shorthand_elasticity
from .errors import ChoiceError, ChoiceWarning, NotIdentifiedError
from .groups import is_told_apart
from .iia import IIATest, hausman_mcfadden, nests_against_none
from .latent import LatentClassLogit
from .mixed import MixedLogit
from .multinomial import as_choice_model, multinomial_elasticities
from .nest_scores import NestScore, nest_scores
from .nested import NestedLogit
from .selection import select_classes
from .switching import clout_and_vulnerability, share_scenario
from .terms import ChoiceTerms

__all__ = [
    "ChoiceData",
    "ChoiceError",
    "ChoiceTerms",
    "ChoiceWarning",
    "ConditionalLogit",
    "ControlFunction",
    "Elasticities",
    "IIATest",
    "LastChoice",
    "LatentClassLogit",
    "MarketShares",
    "MixedLogit",
    "NestScore",
    "NestedLogit",
    "NotIdentifiedError",
    "PanelCategories",
    "PriceControl",
    "TransitionShares",
    "as_choice_model",
    "clout_and_vulnerability",
    "control_function",
    "hausman_mcfadden",
    "is_told_apart",
    "multinomial_elasticities",
    "nest_scores",
    "nests_against_none",
    "price_elasticities",
    "select_classes",
    "share_curves",
    "share_elasticities",
    "share_scenario",
    "shorthand_elasticity",
]
