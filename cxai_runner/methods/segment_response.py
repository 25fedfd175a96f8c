"""Whether segments tell something that nobody told them: how customers respond, to whom they belong, what they answer.

All of it is judged on customers that had no part in it. What is learned of a segment, its mean response say, is
learned from the other folds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Labels = NDArray[np.intp]

LEVELS: Final = 12
"""So many values of a column are told apart, its commonest; a number of more is cut at its quartiles."""


def folds(segment: Labels, many: int, rng: np.random.Generator) -> Labels:
    """Divide customers into folds at random, those of a segment evenly; shape (n,)."""
    found = np.empty(len(segment), dtype=np.intp)
    for k in np.unique(segment):
        own = rng.permutation(np.flatnonzero(segment == k))
        found[own] = np.arange(len(own)) % many
    return found


def errors_by_segment(response: Floats, segment: Labels, fold: Labels) -> tuple[Floats, Floats]:
    """Return each customer's squared error of the own segment's mean and of the mean of all, both of other folds.

    Parameters
    ----------
    response, segment, fold
        Shape (n,).

    Returns
    -------
    by_segment, by_one_mean
        Shape (n,). The share of variance that segments explain held out is 1 − Σ by_segment / Σ by_one_mean.
    """
    by_segment, by_one = np.empty(len(response)), np.empty(len(response))
    present, codes = np.unique(segment, return_inverse=True)
    for one in np.unique(fold):
        out = fold == one
        mean = response[~out].mean()
        sums = np.bincount(codes[~out], response[~out], len(present))
        sizes = np.bincount(codes[~out], minlength=len(present))
        means = np.where(sizes > 0, sums / np.maximum(sizes, 1), mean)
        by_segment[out] = (response[out] - means[codes[out]]) ** 2
        by_one[out] = (response[out] - mean) ** 2
    return by_segment, by_one


def told_by(frame: pd.DataFrame, segment: Labels, fold: Labels) -> tuple[Labels, Labels]:
    """Return the segment that columns tell, and the largest one, each learned from the other folds.

    A multinomial logit on the values of the columns, ridge penalty 1: numbers are cut at their quartiles, and what is
    missing is a value.

    Parameters
    ----------
    frame
        The columns, shape (n, columns).
    segment, fold
        Shape (n,).

    Returns
    -------
    told, largest
        Shape (n,).
    """
    from sklearn.linear_model import LogisticRegression

    known = indicators(frame)
    told, largest = np.empty(len(segment), dtype=np.intp), np.empty(len(segment), dtype=np.intp)
    for one in np.unique(fold):
        out = fold == one
        present, sizes = np.unique(segment[~out], return_counts=True)
        largest[out] = present[sizes.argmax()]
        if len(present) < 2 or not known.shape[1]:
            told[out] = largest[out]
            continue
        model = LogisticRegression(max_iter=500).fit(known[~out], segment[~out])
        told[out] = model.predict(known[out])
    return told, largest


def indicators(frame: pd.DataFrame) -> Floats:
    """Return a column of 0 and 1 for every value of every column, shape (n, values)."""
    parts = []
    for name in frame.columns:
        column = frame[name].reset_index(drop=True)
        if column.nunique() > LEVELS and pd.api.types.is_numeric_dtype(column):
            column = pd.qcut(column.rank(method="average"), 4, labels=False, duplicates="drop")
        text = column.astype("object").where(column.notna(), "(missing)").map(str)
        common = sorted(text.value_counts().index[:LEVELS])
        parts += [np.asarray(text == level, dtype=np.float64) for level in common]
    return np.stack(parts, axis=1) if parts else np.empty((len(frame), 0))


@dataclass(frozen=True, eq=False)
class Effects:
    """What an offer did in each segment.

    Parameters
    ----------
    table
        ``segment``, ``offer``, ``customers``, ``without``, ``response`` and ``response_without`` (means), ``effect``
        with its standard ``error``; segments in which too few had it are left out.
    statistic, freedom, p
        Cochran's Q of the same effect everywhere; of several offers the one that differs most, p corrected for their
        number.
    """

    table: pd.DataFrame
    statistic: float
    freedom: int
    p: float


def offer_effects(response: Floats, offer: ArrayLike, segment: Labels, few: int = 10) -> Effects:
    """Compare who had an offer with who had the commonest one, segment by segment.

    The effect in a segment is a difference of means, its variance the sum of those of the two means. Under one effect
    for all, Q = Σ (dₖ − d̄)² / vₖ with d̄ weighted by 1 / vₖ is χ² with one degree of freedom less than there are
    segments (Cochran (1954), The combination of estimates from different experiments, Biometrics 10). An effect is one
    only where offers were given at random.

    Parameters
    ----------
    response
        Shape (n,).
    offer
        What each customer was offered, shape (n,); the commonest, or ``0`` or ``none`` where there is one, is what the
        others are compared with.
    segment
        Shape (n,).
    few
        Customers that both sides need at least.
    """
    given = pd.Series(np.asarray(offer)).astype(str).to_numpy()
    reference = _reference(given)
    rows, tests = [], []
    for name in sorted(set(given) - {reference}):
        own = []
        for k in np.unique(segment):
            with_it, without = (response[(segment == k) & (given == one)] for one in (name, reference))
            if min(len(with_it), len(without)) < few:
                continue
            variance = with_it.var(ddof=1) / len(with_it) + without.var(ddof=1) / len(without)
            effect = with_it.mean() - without.mean()
            own.append((effect, variance))
            rows.append(
                {
                    "segment": int(k),
                    "offer": name,
                    "customers": len(with_it),
                    "without": len(without),
                    "response": with_it.mean(),
                    "response_without": without.mean(),
                    "effect": effect,
                    "error": np.sqrt(variance),
                }
            )
        tests.append(homogeneity(own))
    known = [one for one in tests if np.isfinite(one[2])]
    if not known:
        return Effects(pd.DataFrame(rows), np.nan, 0, np.nan)
    statistic, freedom, p = min(known, key=lambda one: one[2])
    return Effects(pd.DataFrame(rows), statistic, freedom, min(1.0, p * len(known)))


def homogeneity(effects: list[tuple[float, float]]) -> tuple[float, int, float]:
    """Return Cochran's Q of effects with their variances, its degrees of freedom, and its p value."""
    from scipy.stats import chi2

    known = [(effect, variance) for effect, variance in effects if variance > 0]
    if len(known) < 2:
        return np.nan, 0, np.nan
    values, variances = (np.asarray(part, dtype=np.float64) for part in zip(*known, strict=True))
    mean = (values / variances).sum() / (1 / variances).sum()
    statistic = float(((values - mean) ** 2 / variances).sum())
    return statistic, len(known) - 1, float(chi2.sf(statistic, len(known) - 1))


def _reference(given: NDArray[np.object_]) -> str:
    """The offer that others are compared with: none, where that is an offer, else the commonest."""
    values, sizes = np.unique(given, return_counts=True)
    nothing = [one for one in values if one.strip().lower() in _NOTHING or one.strip().lower().startswith("no ")]
    return str(nothing[0] if nothing else values[sizes.argmax()])


_NOTHING: Final = ("0", "0.0", "none", "no", "false", "control", "")
