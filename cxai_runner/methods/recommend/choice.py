"""A model of choice as a recommender: which of a few alternatives, brands of a category, a customer takes next."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import pandas as pd
from annotated_types import Ge, Gt, Lt
from numpy.typing import NDArray

from cxai_runner.methods.recommend.baskets import Baskets, chosen
from cxai_runner.methods.recommend.errors import UnlearnableError
from cxai_runner.methods.recommend.interactions import Floats, Interactions
from cxai_runner.methods.recommend.recommender import Recommender

Doubles = NDArray[np.float64]

ALTERNATIVES = 500
"""Items above which a choice among all of them is no longer one that a customer makes."""
_NUMBERS = 20_000_000
"""Occasions times alternatives that are in memory; of more, evenly spaced customers are taken."""
_STEPS, _TOLERANCE = 50, 1e-9


class ChoiceRecommender(Recommender):
    """Recommend by the probability of a choice, given that a customer buys any of the catalogue: a conditional logit.

    The utility of an alternative is constant + b₁ · loyalty + b₂ · last. Loyalty is Guadagni and Little's [1]_: a share
    of purchases that begins as that of the market and keeps ``carry_over`` of itself at each basket, the rest being the
    basket's own shares. ``last`` are the shares of the latest basket alone.
    Every item of a basket is one choice, and the choices of a basket count as one occasion. Constants and the two
    coefficients are fitted to all baskets but each customer's first, with a penalty of regularisation / 2 · their sum
    of squares.

    Histories tell no prices of what was not bought, so that none is a term: `FittedChoice` ranks by a model that knows
    them.

    Parameters
    ----------
    k
        Items on a list.
    repeats
        Whether what a customer bought before may be on their list.
    carry_over
        How much of a loyalty is left after one more basket, 0 to less than 1.
    regularisation
        The penalty, more than 0.

    Attributes
    ----------
    constants_ : ndarray of shape (m,)
    coefficients_ : ndarray of shape (2,)
        Of loyalty and of the last basket.
    shares_ : ndarray of shape (m,)
        Of the market, where loyalties begin.
    log_likelihood_ : float
        Of an occasion, on average.

    References
    ----------
    .. [1] Guadagni and Little (1983), A logit model of brand choice calibrated on scanner data, Marketing Science 2(3).
    """

    def __init__(
        self,
        k: int = 10,
        repeats: bool = True,
        carry_over: Annotated[float, Ge(0), Lt(1)] = 0.8,
        regularisation: Annotated[float, Gt(0)] = 1.0,
    ) -> None:
        self.k = k
        self.repeats = repeats
        self.carry_over = carry_over
        self.regularisation = regularisation

    def _learn(self, several: Interactions, items: pd.DataFrame | None) -> None:
        if not 0 <= self.carry_over < 1:
            raise ValueError(f"carry_over: 0 to less than 1, not {self.carry_over!r}")
        if not 0 < self.regularisation < np.inf:
            raise ValueError(f"regularisation: more than 0, not {self.regularisation!r}")
        if several.items > ALTERNATIVES:
            told = f"a choice among {several.items:,} items, of {ALTERNATIVES} at most"
            raise UnlearnableError(f"{told}: recommend brands of one category, or set features.fewest higher")
        weights = Baskets(several).weights
        self.shares_ = np.bincount(several.codes, weights, several.items) / weights.sum(dtype=np.float64)
        taken, loyalty, last = self._occasions(several)
        fitted = _logit(taken, np.stack([loyalty, last]), self.regularisation)
        self.constants_, self.coefficients_, self.log_likelihood_ = fitted

    def _score(self, several: Interactions) -> Floats:
        baskets = Baskets(several)
        later = baskets.firsts[several.rows + 1] - 1 - baskets.of_events
        kept = self.carry_over ** np.diff(baskets.firsts)
        own = several.matrix((1 - self.carry_over) * self.carry_over**later * baskets.weights).toarray()
        loyalty = own + kept[:, np.newaxis] * self.shares_
        last = several.matrix((later == 0) * baskets.weights).toarray()
        return _probabilities(self.constants_ + self.coefficients_[0] * loyalty + self.coefficients_[1] * last).astype(
            np.float32
        )

    def _occasions(self, several: Interactions) -> tuple[Doubles, Doubles, Doubles]:
        """Of every basket but the first its shares, the loyalties and the last basket's shares, each of shape (n, m).

        Loyalties move from basket to basket, those of all customers at once.
        """
        every = len(Baskets(several).begins)
        step = -(-every * several.items // _NUMBERS)
        if step > 1:
            some = np.arange(0, len(several), step)
            several = chosen(several, some, several.begins[some + 1])
        baskets = Baskets(several)
        many = np.diff(baskets.firsts)
        shares = np.zeros((len(baskets.begins) - 1, several.items))
        np.add.at(shares, (baskets.of_events, several.codes), baskets.weights)
        loyalty, last = np.empty_like(shares), np.zeros_like(shares)
        state = np.tile(self.shares_, (len(several), 1))
        for place in range(int(many.max(initial=0))):
            there = np.flatnonzero(many > place)
            basket = baskets.firsts[there] + place
            loyalty[basket] = state[there]
            if place:
                last[basket] = shares[basket - 1]
            state[there] = self.carry_over * state[there] + (1 - self.carry_over) * shares[basket]
        later = np.ones(len(shares), dtype=bool)
        later[baskets.firsts[:-1][many > 0]] = False
        return shares[later], loyalty[later], last[later]


def _probabilities(utilities: Doubles) -> Doubles:
    powers = np.exp(utilities - utilities.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _logit(taken: Doubles, terms: Doubles, penalty: float) -> tuple[Doubles, Doubles, float]:
    """Fit a constant for each alternative and a coefficient for each term by Newton's steps, with a ridge.

    Parameters
    ----------
    taken
        How much of each occasion was taken of each alternative, shape (n, m), rows that add up to 1.
    terms
        Shape (L, n, m).
    penalty
        Half of it times the sum of squares is taken off the log-likelihood, which has then one maximum.

    Returns
    -------
    constants, coefficients, log_likelihood
        Shape (m,), (L,), and the mean over occasions without the penalty.
    """
    m, few = taken.shape[1], len(terms)
    estimate = np.zeros(m + few)

    def utilities(at: Doubles) -> Doubles:
        return at[:m] + np.tensordot(at[m:], terms, axes=1)

    def log_likelihood(at: Doubles) -> float:
        found = utilities(at)
        top = found.max(axis=1)
        whole = top + np.log(np.exp(found - top[:, np.newaxis]).sum(axis=1))
        return float((taken * found).sum() - whole.sum())

    def value(at: Doubles) -> float:
        return log_likelihood(at) - penalty / 2 * float(at @ at)

    best = value(estimate)
    for _ in range(_STEPS):
        P = _probabilities(utilities(estimate))
        apart = taken - P
        gradient = np.concatenate([apart.sum(axis=0), (terms * apart).sum(axis=(1, 2))]) - penalty * estimate
        centred = terms - (terms * P).sum(axis=2, keepdims=True)
        information = penalty * np.eye(m + few)
        information[:m, :m] += np.diag(P.sum(axis=0)) - P.T @ P
        across = (centred * P).sum(axis=1)
        information[m:, :m] += across
        information[:m, m:] += across.T
        information[m:, m:] += np.einsum("lnj,knj,nj->lk", centred, centred, P, optimize=True)
        step = np.linalg.solve(information, gradient)
        while (reached := value(estimate + step)) < best and np.abs(step).max() > _TOLERANCE:
            step /= 2
        estimate, best = estimate + step, reached
        if np.abs(step).max() <= _TOLERANCE:
            break
    return estimate[:m], estimate[m:], log_likelihood(estimate) / max(len(taken), 1)
