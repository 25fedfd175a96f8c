"""Latent classes of mixed columns by the EM algorithm: categories and numbers, independent within a class.

Within a class a category has a probability of its own and a number a normal distribution; columns depend on each other
only through the class [1]_. A missing value says nothing, and is left out of the likelihood. Rows that are equal are
counted and computed once.

References
----------
.. [1] McLachlan & Peel (2000), Finite Mixture Models, Wiley; Hagenaars & McCutcheon (2002), Applied Latent Class
   Analysis, Cambridge University Press.
.. [2] Biernacki, Celeux & Govaert (2003), Choosing starting values for the EM algorithm, Computational Statistics &
   Data Analysis 41.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEAST_VARIANCE: Final = 1e-3
"""Of a number within a class, as a share of its variance over all rows: a class of equal rows has no likelihood."""
LEAST_PROBABILITY: Final = 1e-12
SHORT: Final = 15
"""Steps of each start, of which the best goes on to the end [2]_."""


@dataclass(frozen=True, eq=False)
class MixedRows:
    """Different rows and how often each is there.

    Parameters
    ----------
    indicators
        A column per category, 1 where the row has it; all of a column's are 0 where its value is missing.
    blocks
        Which indicators belong to each categorical column.
    numbers, known
        Standardised numbers, 0 where missing, and 1 where they are known.
    counts
        How many rows are the same.
    """

    indicators: Floats
    blocks: tuple[slice, ...]
    numbers: Floats
    known: Floats
    counts: Floats

    @classmethod
    def of(cls, codes: Floats, sizes: Sequence[int], numbers: Floats, counts: Floats) -> MixedRows:
        """Rows from the codes 0 … size − 1 of their categories and from their numbers, NaN where missing."""
        ends = np.cumsum([0, *sizes])
        indicators = np.zeros((len(codes), int(ends[-1])))
        for j, start in enumerate(ends[:-1]):
            row = np.flatnonzero(~np.isnan(codes[:, j]))
            indicators[row, start + codes[row, j].astype(np.intp)] = 1.0
        blocks = tuple(slice(int(a), int(b)) for a, b in pairwise(ends))
        known = ~np.isnan(numbers)
        return cls(indicators, blocks, np.where(known, numbers, 0.0), known.astype(np.float64), counts)


@dataclass(frozen=True, eq=False)
class Classes:
    """Shares of the classes, shape (k,), and what rows of each are like, shapes (k, categories) and (k, numbers)."""

    weights: Floats
    probabilities: Floats
    means: Floats
    variances: Floats

    def ordered(self, order: NDArray[np.intp]) -> Classes:
        """The same classes in another order."""
        return Classes(self.weights[order], self.probabilities[order], self.means[order], self.variances[order])


@dataclass(frozen=True, eq=False)
class Fit:
    """Classes, the log-likelihood after each step, and whether it came to rest."""

    classes: Classes
    path: Floats
    converged: bool

    @property
    def log_likelihood(self) -> float:
        """At the end."""
        return float(self.path[-1])


def log_joint(rows: MixedRows, classes: Classes) -> Floats:
    """Log of share times density, shape (rows, k)."""
    inverse = 1 / classes.variances
    # A column of the result after another in memory: so that steps over the few classes are quick.
    normal = (np.log(2 * np.pi * classes.variances) + classes.means**2 * inverse) @ rows.known.T
    normal += inverse @ (rows.numbers**2).T - 2 * (classes.means * inverse) @ rows.numbers.T
    with np.errstate(divide="ignore"):
        weight = np.log(classes.weights)
    joint = weight[:, np.newaxis] + np.log(classes.probabilities) @ rows.indicators.T - normal / 2
    return np.asarray(joint.T)


def bayes(joint: Floats) -> tuple[Floats, Floats]:
    """Log density of each row, shape (rows,), and how probably it is in each class, shape (rows, k)."""
    top = joint.max(axis=1)
    member = np.exp(joint - top[:, np.newaxis])
    total = member.sum(axis=1)
    return top + np.log(total), member / total[:, np.newaxis]


def maximised(rows: MixedRows, membership: Floats) -> Classes:
    """The classes of highest likelihood, given how probably each row is in each, shape (rows, k)."""
    weighted = membership * rows.counts[:, np.newaxis]
    size = weighted.sum(axis=0)
    probabilities = weighted.T @ rows.indicators
    for block in rows.blocks:
        total = probabilities[:, block].sum(axis=1, keepdims=True)
        even = 1 / (block.stop - block.start)
        probabilities[:, block] = np.where(total > 0, probabilities[:, block] / np.where(total > 0, total, 1), even)
    seen = weighted.T @ rows.known
    known = seen > 0
    share = np.where(known, seen, 1.0)
    means = np.where(known, weighted.T @ rows.numbers / share, 0.0)
    variances = np.where(known, weighted.T @ rows.numbers**2 / share - means**2, 1.0)
    return Classes(
        size / size.sum(),
        np.maximum(probabilities, LEAST_PROBABILITY),
        means,
        np.maximum(variances, LEAST_VARIANCE),
    )


def fit(rows: MixedRows, k: int, random: np.random.RandomState, *, starts: int, max_iter: int, tol: float) -> Fit:
    """Fit ``k`` classes: short runs from random memberships, the best of them to the end.

    Parameters
    ----------
    rows
        What is divided.
    k
        Number of classes.
    random
        Draws the starts.
    starts, max_iter
        Short runs, and the most steps of the long one.
    tol
        It comes to rest when a step adds less than this to the log-likelihood per row.
    """
    begun = [
        _climbed(rows, maximised(rows, random.dirichlet(np.full(k, 0.5), len(rows.counts))), SHORT, tol)
        for _ in range(starts if k > 1 else 1)
    ]
    best = max(begun, key=lambda one: one.log_likelihood)
    if best.converged:
        return best
    ended = _climbed(rows, best.classes, max_iter, tol)
    return replace(ended, path=np.concatenate([best.path, ended.path]))


def _climbed(rows: MixedRows, classes: Classes, steps: int, tol: float) -> Fit:
    path: list[float] = []
    n = rows.counts.sum()
    for _ in range(steps):
        density, membership = bayes(log_joint(rows, classes))
        path.append(float(rows.counts @ density))
        if len(path) > 1 and path[-1] - path[-2] < tol * n:
            return Fit(classes, np.array(path), converged=True)
        classes = maximised(rows, membership)
    path.append(float(rows.counts @ bayes(log_joint(rows, classes))[0]))
    return Fit(classes, np.array(path), converged=False)


def parameters(rows: MixedRows, k: int) -> int:
    """Free parameters of ``k`` classes."""
    free = sum(block.stop - block.start - 1 for block in rows.blocks)
    return k - 1 + k * (free + 2 * rows.numbers.shape[1])


def standard_errors(rows: MixedRows, classes: Classes) -> Classes:
    """Standard errors of shares, probabilities, means and variances, in the place of each.

    From the outer product of the scores, taken on the log-odds of shares and probabilities and carried over by the
    delta method. NaN where a probability lies at 0 or 1, or a variance at its least: there is no error at a boundary.
    """
    member = bayes(log_joint(rows, classes))[1]
    k = len(classes.weights)
    scores = [member - classes.weights]
    for c in range(k):
        own = member[:, [c]]
        for block in rows.blocks:
            there = rows.indicators[:, block].sum(axis=1, keepdims=True)
            scores.append(own * (rows.indicators[:, block] - there * classes.probabilities[c, block]))
        away = (rows.numbers - classes.means[c]) * rows.known
        scores.append(own * away / classes.variances[c])
        scores.append(own * (away**2 / classes.variances[c] - rows.known) / (2 * classes.variances[c]))
    score = np.concatenate(scores, axis=1)
    covariance: Floats = np.linalg.pinv(score.T @ (score * rows.counts[:, np.newaxis]), hermitian=True).astype(
        np.float64
    )
    numbers = rows.numbers.shape[1]
    at = k
    weights = _share_errors(classes.weights, covariance[:k, :k])
    probabilities, means, variances = (
        np.empty_like(part) for part in (classes.probabilities, classes.means, classes.means)
    )
    for c in range(k):
        for block in rows.blocks:
            width = block.stop - block.start
            probabilities[c, block] = _share_errors(
                classes.probabilities[c, block], covariance[at : at + width, at : at + width]
            )
            at += width
        for part in (means, variances):
            part[c] = np.sqrt(np.diag(covariance[at : at + numbers, at : at + numbers]))
            at += numbers
    bound = classes.variances <= LEAST_VARIANCE
    return Classes(weights, probabilities, np.where(bound, np.nan, means), np.where(bound, np.nan, variances))


def _share_errors(shares: Floats, covariance: Floats) -> Floats:
    """From log-odds to shares: ∂p_i/∂θ_j = p_i (1[i = j] − p_j)."""
    slope = np.diag(shares) - np.outer(shares, shares)
    errors = np.sqrt(np.maximum(np.diag(slope @ covariance @ slope.T), 0.0))
    return np.where((shares > 1e-6) & (shares < 1 - 1e-6), errors, np.nan)
