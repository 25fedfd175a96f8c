"""How many units a customer buys once they buy: forms of the mean, their laws of counts, and the economics of price.

Six forms are fitted in one way (scikit-learn's) and compared on one scale, the probability that each gave to the count
that was bought; price elasticities come with standard errors.
"""

from .counts import (
    NegativeBinomialQuantity,
    PoissonQuantity,
    TruncatedNegativeBinomialQuantity,
    TruncatedPoissonQuantity,
)
from .dispersion import DispersionTest, cameron_trivedi, truncated_score
from .empirical import EmpiricalCounts
from .errors import QuantityError, QuantityWarning
from .forecast import Forecast, UnitsForecast, forecast, has_law
from .linear import LinearQuantity, LogLinearQuantity
from .model import QuantityModel
from .response import PriceResponse, Response
from .terms import ChosenTerms

__all__ = [
    "ChosenTerms",
    "DispersionTest",
    "EmpiricalCounts",
    "Forecast",
    "LinearQuantity",
    "LogLinearQuantity",
    "NegativeBinomialQuantity",
    "PoissonQuantity",
    "PriceResponse",
    "QuantityError",
    "QuantityModel",
    "QuantityWarning",
    "Response",
    "TruncatedNegativeBinomialQuantity",
    "TruncatedPoissonQuantity",
    "UnitsForecast",
    "cameron_trivedi",
    "forecast",
    "has_law",
    "truncated_score",
]
