"""Whether a column differs between segments by more than chance, and how much of it segments account for.

Numbers are compared by the rank test of Kruskal and Wallis, which asks nothing of their distribution, and their share
of variance between segments is η². Codes and texts are compared by Pearson's χ², and their association is Cramér's V.
p values are corrected for the number of columns by Holm's procedure.

A column that segments were made of differs between them because it was made to: its p value is no evidence of anything.

References: Kruskal and Wallis (1952), Use of ranks in one-criterion variance analysis, JASA 47; Cramér (1946),
Mathematical methods of statistics, section 21.9; Holm (1979), Scandinavian Journal of Statistics 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

LEVELS: Final = 20
"""So many codes are told apart, the commonest; the others are one, since few customers each would make χ² of chance."""
_REST: Final = "(other)"


@dataclass(frozen=True)
class Difference:
    """How a column differs between segments.

    Parameters
    ----------
    column
        Its name.
    test, statistic, freedom
        ``Kruskal-Wallis`` or ``chi-square``, its statistic, and its degrees of freedom.
    p
        The p value; NaN where there is nothing to test.
    effect, size
        ``η²`` or ``Cramér's V``, and its size, 0 … 1.
    customers
        How many have a value.
    """

    column: str
    test: str
    statistic: float
    freedom: int
    p: float
    effect: str
    size: float
    customers: int


def difference(column: pd.Series, segment: NDArray[np.intp], *, codes: bool | None = None) -> Difference:
    """Compare a column between segments; missing values are left out.

    Parameters
    ----------
    column, segment
        A value and a segment for each customer, shape (n,).
    codes
        Whether the values are names without an order; by default those of texts and truth values are, and those of a
        column that has two.
    """
    known = column.notna().to_numpy()
    values, own = column[known], segment[known]
    few = values.nunique() <= 2
    number = types.is_numeric_dtype(values) and not types.is_bool_dtype(values)
    if codes if codes is not None else few or not number:
        return _of_codes(str(column.name), values.astype(str).to_numpy(), own)
    return _of_numbers(str(column.name), values.to_numpy(dtype=np.float64), own)


def _of_numbers(name: str, values: NDArray[np.float64], segment: NDArray[np.intp]) -> Difference:
    from scipy.stats import kruskal

    groups = [values[segment == k] for k in np.unique(segment)]
    if len(groups) < 2 or len(np.unique(values)) < 2:
        return Difference(name, "Kruskal-Wallis", np.nan, 0, np.nan, "η²", 0.0, len(values))
    statistic, p = kruskal(*groups)
    finite = np.isfinite(values).all()
    total = ((values - values.mean()) ** 2).sum() if finite else np.nan
    between = sum(len(own) * (own.mean() - values.mean()) ** 2 for own in groups) if finite else np.nan
    size = float(between / total) if finite and total else 0.0
    return Difference(name, "Kruskal-Wallis", float(statistic), len(groups) - 1, float(p), "η²", size, len(values))


def _of_codes(name: str, values: NDArray[np.object_], segment: NDArray[np.intp]) -> Difference:
    from scipy.stats import chi2_contingency

    common = pd.Series(values).value_counts().index[:LEVELS]
    counts = pd.crosstab(segment, np.where(np.isin(values, common), values, _REST)).to_numpy()
    if min(counts.shape, default=0) < 2:
        return Difference(name, "chi-square", np.nan, 0, np.nan, "Cramér's V", 0.0, len(values))
    found = chi2_contingency(counts, correction=False)
    size = float(np.sqrt(found.statistic / (counts.sum() * (min(counts.shape) - 1))))
    return Difference(
        name, "chi-square", float(found.statistic), int(found.dof), float(found.pvalue), "Cramér's V", size, len(values)
    )


def corrected(p: Sequence[float]) -> NDArray[np.float64]:
    """Return p values corrected for how many there are, by Holm's procedure; NaN stays and does not count."""
    values = np.asarray(p, dtype=np.float64)
    found = np.full(len(values), np.nan)
    known = np.flatnonzero(np.isfinite(values))
    order = known[np.argsort(values[known], kind="stable")]
    times = np.arange(len(order), 0, -1)
    found[order] = np.minimum(1.0, np.maximum.accumulate(values[order] * times))
    return found
