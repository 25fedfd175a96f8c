"""Covariances of estimates that hold where rows are alike, or vary otherwise than a likelihood supposes.

H⁻¹ (Σ s sᵀ) H⁻¹ [1]_: H is the information, and s are the scores of the rows, or their sums over the rows of a customer
where these are alike; then with the correction of few customers, c = G / (G − 1) · (n − 1) / (n − p) [2]_.

References
----------
.. [1] White (1982), Maximum likelihood estimation of misspecified models, Econometrica 50(1).
.. [2] Cameron and Miller (2015), A practitioner's guide to cluster-robust inference, Journal of Human Resources 50(2),
   equations 11 and 12.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def by_customer(scores: Floats, codes: NDArray[np.intp]) -> Floats:
    """Add up the scores of rows, shape (n, p), by the code of each row's customer: shape (G, p)."""
    return np.column_stack([np.bincount(codes, column) for column in scores.T]).astype(np.float64, copy=False)


def few_customers(customers: int, rows: int, parameters: int) -> float:
    """Return c, by which the covariance is too small where the customers are few."""
    return customers / (customers - 1) * (rows - 1) / (rows - parameters)


def sandwich(bread: Floats, scores: Floats, factor: float = 1.0) -> Floats:
    """Return factor · H⁻¹ (Σ s sᵀ) H⁻¹.

    Parameters
    ----------
    bread
        H⁻¹, shape (p, p).
    scores
        Of rows, or of customers, shape (G, p).
    factor
        A correction.
    """
    return np.asarray(factor * bread @ (scores.T @ scores) @ bread)


def clustered(bread: Floats, scores: Floats, rows: int) -> Floats:
    """Return the covariance from the scores of each of the G customers, shape (G, p), who have ``rows`` in all."""
    many, p = scores.shape
    return sandwich(bread, scores, few_customers(many, rows, p))
