"""Does the likelihood of a conditional logit rise where alternatives become a nest? A test of IIA that has its size.

A nested logit of dissimilarity λ is the conditional logit at λ = 1, and the derivative of its log-likelihood there is
that of one term more, z_j = −log P(j | nest) within the nest and 0 outside [1]_. So nothing but the conditional logit
is fitted, and the score of that term is asked whether it is zero. What the other terms explain of it is taken out, and
its variance is that of the customers' sums: rows of a customer may be alike.

Leaving alternatives out (`hausman_mcfadden`) rejects too often in finite samples [2]_, and supposes that all occasions
are independent.

References
----------
.. [1] McFadden (1987), Regression-based specification tests for the multinomial logit model, Journal of Econometrics
   34(1-2); robust to clusters as in Wooldridge (2010), Econometric Analysis of Cross Section and Panel Data, 12.6.
.. [2] Fry and Harris (1996), A Monte Carlo study of tests for the independence of irrelevant alternatives property,
   Transportation Research B 30(1); Cheng and Long (2007), Testing for IIA in the multinomial logit model, Sociological
   Methods & Research 35(4).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from sklearn.utils.validation import check_is_fitted

from .conditional import ConditionalLogit
from .data import ChoiceData, chosen_positions
from .errors import ChoiceError
from .grouping import weighted
from .model import CHUNK
from .reading import labels

Floats = NDArray[np.float64]

MOST = 6
"""Of so many alternatives, the most frequent, all pairs are tested: 15 of them."""
SPANNED = 1e-8
"""The part of a nest's term beside the other terms below which they say the same."""


@dataclass(frozen=True)
class NestScore:
    """The test that alternatives of a nest take no more from each other than the conditional logit says.

    Parameters
    ----------
    nest
        The alternatives.
    z
        The score over its standard error, standard normal where IIA holds; below zero they are closer to each other.
        NaN where the other terms leave nothing of the nest's.
    p
        The probability of one as far from zero, where IIA holds.
    adjusted
        By Holm's method over all tests: where it is below 5 %, at most one in twenty panels in which IIA holds shows
        any such nest.
    """

    nest: tuple[str, ...]
    z: float
    p: float
    adjusted: float


def nest_scores(
    model: ConditionalLogit,
    X: pd.DataFrame | ChoiceData,
    y: ArrayLike | None = None,
    *,
    nests: Sequence[Sequence[object]] | None = None,
    groups: ArrayLike | None = None,
    weights: ArrayLike | None = None,
) -> list[NestScore]:
    """Test each nest by itself, against the conditional logit that was fitted.

    Parameters
    ----------
    model
        Fitted by maximum likelihood on the same occasions.
    X, y
        As in `ConditionalLogit.fit`.
    nests
        Two alternatives or more each; by default every pair of the six that were chosen most often.
    groups : array-like of shape (n,), optional
        The customer of each occasion; by default those of the panel, or each occasion by itself.
    weights : array-like of shape (n,), optional
        How often each occasion counts.

    Raises
    ------
    ChoiceError
        A nest of fewer than two alternatives or of all, or with one that is not there; fewer than three alternatives;
        one customer only; choices that are not known.
    """
    check_is_fitted(model, "coef_")
    data = model.read(X)
    chosen = data.chosen if y is None else chosen_positions(y, data.alternatives)
    if chosen is None:
        raise ChoiceError("the choices are not known", "give y, the chosen alternative of each occasion")
    members = _members(data, chosen, nests)
    owner = np.arange(len(data)) if data.customers is None else data.customers
    codes = owner if groups is None else pd.factorize(np.asarray(groups))[0]
    if len(np.unique(codes)) < 2:
        raise ChoiceError("one customer only: what differs between customers is not known", "leave groups out")
    score, information = _derivatives(model, data, chosen, members, weighted(data, weights))
    K = len(model.coef_)
    own, cross, terms = information[K:, K:], information[K:, :K], information[:K, :K]
    explained = np.linalg.lstsq(terms, cross.T, rcond=None)[0].T
    left = np.diag(own) - np.einsum("mk,mk->m", explained, cross)
    known = left > SPANNED * np.maximum(np.diag(own), np.finfo(float).tiny)
    sums = np.stack([np.bincount(codes, row) for row in score[K:] - explained @ score[:K]])
    G = len(np.unique(codes))
    error = np.sqrt((sums**2).sum(axis=1) * G / (G - 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.where(known, sums.sum(axis=1) / error, np.nan)
    p = 2 * stats.norm.sf(np.abs(z))
    names = [tuple(data.alternatives[j] for j in nest) for nest in members]
    return [NestScore(*each) for each in zip(names, z.tolist(), p.tolist(), holm(p).tolist(), strict=True)]


def holm(p: Floats) -> Floats:
    """Return probabilities adjusted for their number, by Holm (1979), in the same order; NaN counts for nothing."""
    adjusted = np.full(len(p), np.nan)
    order = [i for i in np.argsort(p) if np.isfinite(p[i])]
    raised = [p[i] * (len(order) - rank) for rank, i in enumerate(order)]
    adjusted[order] = np.minimum(np.maximum.accumulate(raised), 1.0) if raised else raised
    return adjusted


def _members(
    data: ChoiceData, chosen: NDArray[np.intp], nests: Sequence[Sequence[object]] | None
) -> list[tuple[int, ...]]:
    """Positions of each nest's alternatives."""
    J = len(data.alternatives)
    if J < 3:
        raise ChoiceError("of two alternatives none can be closer to each other", "test three or more")
    if nests is None:
        times = np.bincount(chosen, minlength=J)
        largest = np.sort(np.argsort(-times, kind="stable")[:MOST])
        return list(combinations(largest.tolist(), 2))
    found = []
    for nest in nests:
        names = labels(nest)
        others = tuple(name for name in names if name not in data.alternatives)
        if others:
            told = f"in a nest, but no alternatives: {', '.join(others)}"
            raise ChoiceError(told, f"they are {', '.join(data.alternatives)}", others)
        if not 2 <= len(set(names)) < J:
            raise ChoiceError(f"{len(set(names))} of {J} alternatives are a nest", "name two at least, and not all")
        found.append(tuple(data.alternatives.index(name) for name in names))
    return found


def _derivatives(
    model: ConditionalLogit,
    data: ChoiceData,
    chosen: NDArray[np.intp],
    nests: list[tuple[int, ...]],
    weight: Floats,
) -> tuple[Floats, Floats]:
    """Scores by occasion, shape (K + M, n), and information, of the terms and of the M nests after them."""
    layout, parts = model.layout(data), []
    size = len(model.coef_) + len(nests)
    information = np.zeros((size, size))
    for start in range(0, len(data), CHUNK):
        block, w, took = (one[start : start + CHUNK] for one in (np.arange(len(data)), weight, chosen))
        part = data.take(block)
        design = layout.design(part)
        P = model._probabilities(model.coef_, design, part.there)
        everyone = np.concatenate([design, np.stack(list(_terms(P, nests)))])
        mean = np.einsum("kjn,jn->kn", everyone, P)
        parts.append((everyone[:, took, np.arange(len(took))] - mean) * w)
        wide = (everyone * np.sqrt(P * w)).reshape(size, -1)
        information += wide @ wide.T - (mean * w) @ mean.T
    return np.concatenate(parts, axis=1), information


def _terms(P: Floats, nests: list[tuple[int, ...]]) -> Iterator[Floats]:
    """−log P(j | nest), shape (J, n): the derivative of the utilities by λ at 1; zero where nothing of it is there."""
    for nest in nests:
        term, inside = np.zeros_like(P), P[list(nest)]
        with np.errstate(invalid="ignore", divide="ignore"):
            logs = -np.log(inside / inside.sum(axis=0))
        term[list(nest)] = np.where(inside > 0, logs, 0.0)
        yield term
