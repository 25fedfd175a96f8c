"""The mixed logit: coefficients that differ from customer to customer, with a distribution of their own.

Where customers differ by degree and not by kind, the coefficients have a mean and a spread. The spread also undoes the
independence of irrelevant alternatives: who likes one cheap brand likes the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from annotated_types import Ge
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from .data import ChoiceData
from .draws import normal_draws
from .errors import ChoiceError
from .maximise import maximise
from .model import ChoiceModel
from .panels import customers_of
from .simulated import DISTRIBUTIONS, HELD, NEGATIVE, NORMAL, Mixing, SimulatedLikelihood
from .statistics import Covariance, covariance, covariance_type
from .terms import Layout

Floats = NDArray[np.float64]


class MixedLogit(ChoiceModel):
    """Logit with random coefficients, by maximum simulated likelihood over panels.

    The likelihood of customer i is L_i = ∫ Π_t P(y_it | b) f(b) db, averaged over R draws of b [1]_; each draw holds
    for all occasions of the customer.

    Parameters
    ----------
    terms, alternatives, reference, separator, availability
        As in `ConditionalLogit`.
    random : mapping of str to {"normal", "lognormal", "negative_lognormal"}
        Distribution of a coefficient, by its name or the term's (then of all its coefficients). A lognormal one is
        positive for everybody, a negative lognormal one, fit for a price, negative. They are independent.
    n_draws : int
        R, for each customer. The logarithm of a mean over draws lies below that of the integral, in expectation by
        half the relative variance of the mean: with more draws the log-likelihood rises [1]_.
    draws : {"halton", "sobol"}
        Sequences that fill the space evenly, and do not repeat themselves across customers.
    covariance : {"auto", "classical", "robust", "clustered"}
        The inverse of the observed information, or the sandwich of the customers' scores (``clustered`` and
        ``robust`` alike). ``auto`` is classical.
    random_state : int or None
        Scrambles the draws; without it they are the plain sequence. Fits of different seeds differ by the error of
        simulation, which the standard errors leave out.
    max_iter : int
        Steps at most.

    Attributes
    ----------
    parameters_ : ndarray of shape (K + D,)
        For each column of the design its coefficient, or the mean of it where it is normal, or the mean of the
        logarithm of its size where it is lognormal; then the D standard deviations on the same scale.
    coefficients_ : DataFrame
        Mean, median and standard deviation over customers of each random coefficient, on its own scale.
    conditional_log_likelihood_ : float
        Of the conditional logit with the same terms, in which nothing is random.

    All else is as in `ConditionalLogit`. The draws take N · R · D · 8 bytes for N customers; utilities are computed
    in pieces of 3 MB.

    References
    ----------
    .. [1] Revelt and Train (1998), Mixed logit with repeated choices, Review of Economics and Statistics 80(4); Train
       (2009), Discrete Choice Methods with Simulation, 2nd edition, chapters 6 and 10.
    """

    def __init__(
        self,
        terms: str | Mapping[str, object] | Sequence[str] = ("price",),
        *,
        random: Mapping[str, str] | None = None,
        n_draws: Annotated[int, Ge(1)] = 500,
        draws: Literal["halton", "sobol"] = "halton",
        alternatives: Sequence[object] | None = None,
        reference: object | None = None,
        covariance: Covariance = "auto",
        separator: str = "_",
        availability: str | None = None,
        random_state: int | None = None,
        max_iter: Annotated[int, Ge(1)] = 200,
    ) -> None:
        self.terms = terms
        self.random = random
        self.n_draws = n_draws
        self.draws = draws
        self.alternatives = alternatives
        self.reference = reference
        self.covariance = covariance
        self.separator = separator
        self.availability = availability
        self.random_state = random_state
        self.max_iter = max_iter

    def fit(
        self,
        X: pd.DataFrame | ChoiceData,
        y: ArrayLike | None = None,
        *,
        groups: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> MixedLogit:
        """Fit by maximum simulated likelihood, from the conditional logit with the same terms.

        Raises
        ------
        ChoiceError
            What `ConditionalLogit` refuses; no random coefficient, or one that is not there; occasions of one customer
            that have different weights.
        NotIdentifiedError
            The panel does not tell a spread from the rest.
        """
        data, layout = self._read(X, y, groups, sample_weight)
        assert data.chosen is not None
        kind = "classical" if self.covariance == "auto" else covariance_type(self.covariance, data.customers)
        self.mixing_ = _mixing(self.random or {}, layout)
        codes, weights = customers_of(data)
        likelihood, pooled = self._pooled(data, layout)
        D = len(self.mixing_.positions)
        normal = normal_draws(len(weights), self.n_draws, D, sequence=self.draws, seed=self.random_state)
        simulated = SimulatedLikelihood(likelihood, data.chosen, codes, self.mixing_, normal)

        def objective(parameters: Floats) -> tuple[float, Floats]:
            values, scores = simulated.scores(parameters)
            return float(values @ weights), scores * weights

        K = len(layout.names)
        names = _names(layout.names, self.mixing_)
        start = _start(pooled.estimate, likelihood.scale, self.mixing_)
        best = maximise(objective, start, names, max_iter=self.max_iter, newton=1)
        # The likelihood is the same whichever sign a spread has.
        signs = np.concatenate([np.ones(K), np.where(best.estimate[K:] < 0, -1.0, 1.0)])
        self.parameters_, self.parameter_names_ = best.estimate * signs, names
        self.coef_, self.n_iter_ = self.parameters_[:K], best.steps
        self.log_likelihood_, self.conditional_log_likelihood_ = best.value, pooled.value
        self.covariance_type_ = kind
        scores = None if kind == "classical" else objective(best.estimate)[1]
        self.covariance_ = np.outer(signs, signs) * covariance(best.information, scores, None)
        self._few_draws = normal_draws(1, self.n_draws, D, sequence=self.draws, seed=self.random_state)[0]
        self._varying = [layout.names[position] for position in self.mixing_.positions]
        self._compare(data, self.probabilities(data).argmax(axis=1) == data.chosen)
        return self

    @property
    def coefficients_(self) -> pd.DataFrame:
        """Mean, median and standard deviation over customers of each random coefficient, on its own scale."""
        check_is_fitted(self, "parameters_")
        rows = {}
        spreads = self.parameters_[len(self.coef_) :]
        for name, position, distribution, s in zip(
            self._varying, self.mixing_.positions, self.mixing_.distributions, spreads, strict=True
        ):
            m = self.parameters_[position]
            if distribution == NORMAL:
                rows[name] = (distribution, m, m, s)
            else:
                sign = -1.0 if distribution == NEGATIVE else 1.0
                mean = np.exp(m + s**2 / 2)
                rows[name] = (distribution, sign * mean, sign * np.exp(m), mean * np.sqrt(np.expm1(s**2)))
        table = pd.DataFrame.from_dict(rows, orient="index", columns=["distribution", "mean", "median", "sd"])
        return table.rename_axis("coefficient")

    def _drawn(self, parameters: Floats, K: int) -> Floats:
        """Coefficients of every draw, shape (R, K)."""
        random, _ = self.mixing_.coefficients(parameters[self.mixing_.positions], parameters[K:], self._few_draws)
        drawn = np.repeat(parameters[np.newaxis, :K], random.shape[1], axis=0)
        drawn[:, self.mixing_.positions] = random.T
        return drawn

    def _probabilities(self, parameters: Floats, design: Floats, available: NDArray[np.bool_] | None) -> Floats:
        """The mean over draws, the same draws for all occasions: of a customer of whom nothing is known."""
        drawn = self._drawn(parameters, len(design))
        P = np.empty(design.shape[1:])
        for where in _slices(P, drawn):
            own = _of_draws(drawn, design[:, :, where], None if available is None else available[:, where])
            P[:, where] = own.mean(axis=2).T
        return P

    def _responses(
        self, parameters: Floats, design: Floats, slopes: Floats, available: NDArray[np.bool_] | None
    ) -> tuple[Floats, Floats]:
        """Mean of P_k (1{k = j} − P_j) s_j over the draws, all of which are multiplied at once."""
        K, J, n = design.shape
        drawn = self._drawn(parameters, K)
        P, R = np.empty((J, n)), np.empty((J, J, n))
        for where in _slices(P, drawn):
            own = _of_draws(drawn, design[:, :, where], None if available is None else available[:, where])
            moved = own * (slopes[:, :, where].transpose(2, 1, 0) @ drawn.T)
            P[:, where] = own.mean(axis=2).T
            both = -(own @ moved.transpose(0, 2, 1)) / len(drawn)
            both[:, np.arange(J), np.arange(J)] += moved.mean(axis=2)
            R[:, :, where] = both.transpose(1, 2, 0)
        return P, R


def _slices(P: Floats, drawn: Floats) -> Iterator[slice]:
    """Occasions whose utilities with every draw a processor's cache keeps."""
    J, n = P.shape
    size = max(int(HELD // (J * len(drawn))), 1)
    return (slice(start, start + size) for start in range(0, n, size))


def _of_draws(drawn: Floats, design: Floats, available: NDArray[np.bool_] | None) -> Floats:
    """Probabilities with every draw, shape (n, J, R)."""
    V = np.ascontiguousarray(design.transpose(2, 1, 0)) @ drawn.T
    if available is not None:
        V[~available.T] = -np.inf
    V -= V.max(axis=1, keepdims=True)
    np.exp(V, out=V)
    V /= V.sum(axis=1, keepdims=True)
    return V


def _mixing(random: Mapping[str, str], layout: Layout) -> Mixing:
    if not random:
        remedy = "name some, as in {price: normal}, or fit a ConditionalLogit"
        raise ChoiceError("no coefficient is random", remedy)
    found: dict[int, str] = {}
    for name, distribution in random.items():
        if distribution not in DISTRIBUTIONS:
            message = f"{name!r} has the distribution {distribution!r}"
            raise ChoiceError(message, f"write one of {', '.join(DISTRIBUTIONS)}", (name,))
        at = [k for k, full in enumerate(layout.names) if full == name or full.startswith(f"{name}[")]
        if not at:
            message = f"the random coefficient {name!r} is not in the model"
            raise ChoiceError(message, f"it has {', '.join(layout.names)}", (name,))
        found.update(dict.fromkeys(at, distribution))
    positions = sorted(found)
    return Mixing(np.asarray(positions), tuple(found[k] for k in positions))


def _names(names: tuple[str, ...], mixing: Mixing) -> tuple[str, ...]:
    means, spreads = list(names), []
    for position, distribution in zip(mixing.positions, mixing.distributions, strict=True):
        log = "" if distribution == NORMAL else "log "
        if log:
            means[position] = f"{names[position]}: mean of log"
        spreads.append(f"{names[position]}: sd{' of log' if log else ''}")
    return (*means, *spreads)


def _start(pooled: Floats, scale: Floats, mixing: Mixing) -> Floats:
    """The conditional logit's coefficients, and a spread of half of each, or of a tenth of a unit of utility."""
    start = np.concatenate([pooled, np.zeros(len(mixing.positions))])
    for d, (position, distribution) in enumerate(zip(mixing.positions, mixing.distributions, strict=True)):
        b, least = pooled[position], 0.1 / scale[position]
        if distribution == NORMAL:
            start[len(pooled) + d] = max(abs(b) / 2, least)
        else:
            sign = -1.0 if distribution == NEGATIVE else 1.0
            start[position] = np.log(max(sign * b, least))
            start[len(pooled) + d] = 0.5
    return start
