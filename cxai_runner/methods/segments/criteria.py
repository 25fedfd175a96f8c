"""How many segments there are, by criteria that no single method owns: elbow, gap statistic, prediction strength.

Each takes a way to divide rows, so that the same question can be put to every method.

References
----------
.. [1] Satopää et al. (2011), Finding a "kneedle" in a haystack, ICDCS Workshops.
.. [2] Tibshirani, Walther & Hastie (2001), Estimating the number of clusters in a data set via the gap statistic,
   Journal of the Royal Statistical Society B 63.
.. [3] Tibshirani & Walther (2005), Cluster validation by prediction strength, Journal of Computational and Graphical
   Statistics 14.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .silhouettes import inertia_of

Floats = NDArray[np.float64]
Labels = NDArray[np.intp]

REFERENCES = 10
"""Sets of rows without segments behind the gap statistic."""
HALVINGS = 5
"""How often rows are halved for the prediction strength; each half is predicted from the other."""
STRONG = 0.8
"""Prediction strength from which segments count as found again; the authors say 0.8 to 0.9."""


@dataclass(frozen=True, eq=False)
class Solution:
    """Rows divided into a number of segments.

    Parameters
    ----------
    labels
        The segment of each row, in any numbering, shape (n,).
    assign
        The segment of further rows, in the same numbering.
    misfit
        What falls as segments are added: the sum of squared distances to the own centre, or −2 times the
        log-likelihood.
    fitted
        What the method wants to keep of it.
    measures
        Further figures for the table of the choice, such as ``bic``.
    """

    labels: Labels
    assign: Callable[[Any], Labels]
    misfit: float
    fitted: Any = None
    measures: dict[str, float] = field(default_factory=dict)


Solve = Callable[[Any, Sequence[int], np.random.RandomState], Sequence[Solution]]
"""From rows and numbers of segments to a solution for each."""


def elbow(k: Floats, misfit: Floats) -> Floats:
    """How far each misfit lies below the straight line from the first to the last, in units of their difference [1]_.

    NaN of fewer than three numbers, or where nothing falls.
    """
    if len(k) < 3 or not misfit[0] > misfit[-1]:
        return np.full(len(k), np.nan)
    share = (k - k[0]) / (k[-1] - k[0])
    return np.asarray(1 - share - (misfit - misfit[-1]) / (misfit[0] - misfit[-1]))


def gap_statistic(
    solve: Solve, values: Floats, counts: Sequence[int], random: np.random.RandomState
) -> tuple[Floats, Floats]:
    """How much tighter the segments are than those of as many rows without any [2]_.

    The reference is drawn uniformly from the box around the rows, turned along their principal axes, so that a single
    long cloud is no two segments.

    Parameters
    ----------
    solve
        Divides rows.
    values
        Shape (n, features).
    counts
        The numbers of segments.
    random
        Draws the reference rows.

    Returns
    -------
    gap, error
        E log W* − log W for each number, W the sum of squares within segments, and its simulation error
        s = sd · √(1 + 1/B).
    """
    found = _log_within(solve, values, counts, random)
    centre = values.mean(axis=0)
    axes = np.linalg.svd(values - centre, full_matrices=False)[2]
    turned = (values - centre) @ axes.T
    low, high = turned.min(axis=0), turned.max(axis=0)
    drawn = np.stack(
        [
            _log_within(solve, random.uniform(low, high, turned.shape) @ axes + centre, counts, random)
            for _ in range(REFERENCES)
        ]
    )
    return drawn.mean(axis=0) - found, drawn.std(axis=0) * np.sqrt(1 + 1 / REFERENCES)


def _log_within(solve: Solve, values: Floats, counts: Sequence[int], random: np.random.RandomState) -> Floats:
    sums = np.array([inertia_of(values, one.labels) for one in solve(values, counts, random)])
    return np.asarray(np.log(np.maximum(sums, np.finfo(float).tiny)))


def first_within_one_error(counts: Sequence[int], gap: Floats, error: Floats) -> int | None:
    """The smallest k with Gap(k) ≥ Gap(k + 1) − s(k + 1) [2]_; None where the gap rises to the end."""
    for i in range(len(counts) - 1):
        if gap[i] >= gap[i + 1] - error[i + 1]:
            return int(counts[i])
    return None


def prediction_strength(
    solve: Solve, values: Any, counts: Sequence[int], random: np.random.RandomState
) -> tuple[Floats, Floats]:
    """How well segments of one half of the rows predict who is together in the other [3]_.

    Of each segment of one half, the share of its pairs that the segments of the other half keep together; the least
    over segments counts. A segment of one row has no pair, and counts as not found again.

    Returns
    -------
    strength, error
        Mean over halvings and its standard error, for each number; 1 for one segment.
    """
    n = len(values)
    drawn = []
    for _ in range(HALVINGS):
        order = random.permutation(n)
        halves = [_take(values, np.sort(part)) for part in (order[: n // 2], order[n // 2 :])]
        possible = [k for k in counts if k < min(map(len, halves))]
        solved = [solve(half, possible, random) for half in halves]
        for one, other in ((0, 1), (1, 0)):
            strengths = [
                _kept_together(theirs.labels, ours.assign(halves[other]))
                for ours, theirs in zip(solved[one], solved[other], strict=True)
            ]
            drawn.append(strengths + [0.0] * (len(counts) - len(possible)))
    strength = np.array(drawn)
    return strength.mean(axis=0), strength.std(axis=0, ddof=1) / np.sqrt(len(strength))


def last_strong(counts: Sequence[int], strength: Floats, error: Floats) -> int:
    """The largest number whose strength, plus its error, reaches `STRONG` [3]_; at least the first."""
    strong = np.flatnonzero(strength + error >= STRONG)
    return int(counts[strong[-1] if len(strong) else 0])


def _kept_together(labels: Labels, predicted: Labels) -> float:
    one, other = (np.unique(part, return_inverse=True)[1] for part in (labels, predicted))
    both = np.zeros((one.max() + 1, other.max() + 1))
    np.add.at(both, (one, other), 1.0)
    size = both.sum(axis=1)
    pairs = (both * (both - 1)).sum(axis=1)
    return float(np.where(size > 1, pairs / np.maximum(size * (size - 1), 1.0), 0.0).min())


def _take(values: Any, rows: Labels) -> Any:
    return values.iloc[rows] if hasattr(values, "iloc") else values[rows]
