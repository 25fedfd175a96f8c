"""The customers of a panel: whose choices belong together."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from .data import ChoiceData
from .errors import ChoiceError, ChoiceWarning

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]


def customers_of(data: ChoiceData) -> tuple[Codes, Floats]:
    """Return the customer of each occasion, 0 … N − 1, and the weight of each customer, shape (N,).

    Raises
    ------
    ChoiceError
        A customer's occasions have different weights.

    Warns
    -----
    ChoiceWarning
        No customers are given: each occasion is then one of its own.
    """
    codes = data.customers
    if codes is None:
        message = (
            "no customers are given, so each occasion is one of its own: what customers differ in can hardly be told "
            "from chance; give groups"
        )
        warnings.warn(message, ChoiceWarning, stacklevel=4)
        codes = np.arange(len(data))
    if data.weights is None:
        return codes, np.ones(int(codes.max()) + 1)
    first = np.unique(codes, return_index=True)[1]
    weights = data.weights[first]
    if not np.array_equal(weights[codes], data.weights):
        raise ChoiceError(
            "a customer's occasions have different weights", "give each customer one weight", ("weights",)
        )
    return codes, weights


def by_customer(values: Floats, codes: Codes, count: int) -> Floats:
    """Return sums over each customer's occasions: the last axis becomes the customers."""
    if values.ndim == 1:
        return np.bincount(codes, values, minlength=count).astype(np.float64)
    return np.stack([np.bincount(codes, row, minlength=count) for row in values])
