"""The table of an estimate: what every model that has standard errors says of its coefficients, in one form."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]

# The 97.5 % point of the standard normal distribution.
Z_95 = float(special.ndtri(0.975))


def coefficient_table(terms: Sequence[str], estimate: Floats, standard_error: Floats) -> pd.DataFrame:
    """Return one row per term: coefficient, standard error, z, p (two-sided) and 95 % interval.

    Parameters
    ----------
    terms
        Names of the P parameters.
    estimate, standard_error : ndarray of shape (P,)
        NaN where a parameter has no standard error, and then no z, p or interval.
    """
    z = estimate / standard_error
    return pd.DataFrame(
        {
            "coefficient": estimate,
            "standard_error": standard_error,
            "z": z,
            "p": 2 * special.ndtr(-np.abs(z)),
            "low": estimate - Z_95 * standard_error,
            "high": estimate + Z_95 * standard_error,
        },
        index=pd.Index(list(terms), name="term"),
    )
