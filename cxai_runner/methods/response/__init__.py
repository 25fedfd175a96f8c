"""What a price does altogether: incidence, choice and quantity as one chain, with the total elasticity and its parts.

A chain is fitted and asked in scikit-learn's way; its economics take the fitted chain and the chains of resampled
customers.
"""

from .chain import INCLUSIVE, OUTCOME, PurchaseChain
from .economics import ALL, NAMES, Competitors, Draw, Occasions, Response, Scenario, interval, respond
from .errors import ResponseError
from .forecast import OccasionForecast
from .optimum import Optimum, optimum
from .refits import refits

__all__ = [
    "ALL",
    "INCLUSIVE",
    "NAMES",
    "OUTCOME",
    "Competitors",
    "Draw",
    "OccasionForecast",
    "Occasions",
    "Optimum",
    "PurchaseChain",
    "Response",
    "ResponseError",
    "Scenario",
    "interval",
    "optimum",
    "refits",
    "respond",
]
