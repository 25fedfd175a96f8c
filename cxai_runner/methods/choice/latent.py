"""The latent-class logit: a few kinds of customers, each with coefficients of its own.

A single price coefficient is the mean of customers who differ, and hides who would switch. Here a customer belongs to
one of C classes, which nobody observes; all choices of the customer tell which, and the panel tells the classes.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Annotated

import numpy as np
import pandas as pd
from annotated_types import Ge
from numpy.typing import ArrayLike, NDArray
from scipy import special
from sklearn.utils import check_random_state

from cxai_runner.methods.sandwich import few_customers

from .conditional import logit_responses
from .data import ChoiceData
from .errors import ChoiceError, ChoiceWarning, NotIdentifiedError
from .maximise import check_information
from .mixture import Mixture, State
from .model import ChoiceModel, softmax, utilities
from .panels import customers_of
from .statistics import Covariance, covariance, covariance_type

Floats = NDArray[np.float64]

# A start is given this many steps before the best of them go on, and those this many before Newton's method.
FIRST, LATER = 15, 200
BEST = 2


class LatentClassLogit(ChoiceModel):
    """Conditional logit with C classes of customers, by maximum likelihood.

    The likelihood of customer i is L_i = Σ_c π_c Π_t P(y_it | b_c) [1]_. The EM algorithm, from several starts, comes
    near its maximum; Newton's method with the analytic Hessian ends there, which also gives the observed information.
    Classes are numbered from 1 by falling share.

    Parameters
    ----------
    terms, alternatives, reference, separator, availability
        As in `ConditionalLogit`; every coefficient differs between classes.
    n_classes : int
        C. `select_classes` compares several.
    covariance : {"auto", "classical", "robust", "clustered"}
        The inverse of the observed information, or the sandwich of the customers' scores (``clustered``, and the
        same without its finite-sample factor, ``robust``). ``auto`` is classical: the customers are in the model.
    n_init : int
        Starts.
    random_state : int, RandomState or None
        Draws them.
    max_iter : int
        Newton steps at most.

    Attributes
    ----------
    parameters_ : ndarray of shape (C · K + C − 1,)
        Coefficients class by class, then log-odds of the shares against class 1.
    coef_ : ndarray of shape (C, K)
    class_shares_ : ndarray of shape (C,)
        π.
    posterior_ : ndarray of shape (N, C)
        Probability of each class given the customer's choices, customers in the order in which they first appear.
    bic_, aic_ : float
        −2 log L + P log N and −2 log L + 2 P, with P parameters and N customers.
    entropy_r2_ : float
        1 for customers who are told for certain, 0 for classes that tell nothing.
    starts_ : ndarray of shape (n_init,)
        Log-likelihood of each start after its first steps.

    All else is as in `ConditionalLogit`.

    References
    ----------
    .. [1] Kamakura and Russell (1989), A probabilistic choice model for market segmentation and elasticity structure,
       Journal of Marketing Research 26(4); Train (2009), Discrete Choice Methods with Simulation, 2nd edition,
       section 14.3.
    """

    def __init__(
        self,
        terms: str | Mapping[str, object] | Sequence[str] = ("price",),
        *,
        n_classes: Annotated[int, Ge(1)] = 2,
        alternatives: Sequence[object] | None = None,
        reference: object | None = None,
        covariance: Covariance = "auto",
        separator: str = "_",
        availability: str | None = None,
        n_init: Annotated[int, Ge(1)] = 8,
        random_state: int | None = None,
        max_iter: Annotated[int, Ge(1)] = 100,
    ) -> None:
        self.terms = terms
        self.n_classes = n_classes
        self.alternatives = alternatives
        self.reference = reference
        self.covariance = covariance
        self.separator = separator
        self.availability = availability
        self.n_init = n_init
        self.random_state = random_state
        self.max_iter = max_iter

    def fit(
        self,
        X: pd.DataFrame | ChoiceData,
        y: ArrayLike | None = None,
        *,
        groups: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> LatentClassLogit:
        """Fit by maximum likelihood.

        Raises
        ------
        ChoiceError
            What `ConditionalLogit` refuses, or occasions of one customer that have different weights.
        NotIdentifiedError
            More classes than the panel can tell apart, or one whose choices its terms tell without error.
        """
        data, layout = self._read(X, y, groups, sample_weight)
        assert data.chosen is not None
        kind = "classical" if self.covariance == "auto" else covariance_type(self.covariance, data.customers)
        codes, weights = customers_of(data)
        self._check_size(len(layout.names), len(weights))
        likelihood, pooled = self._pooled(data, layout)
        mixture = Mixture(likelihood, codes, weights, layout.names)
        state = self._best_start(mixture, pooled.estimate)
        state, information, self.n_iter_ = mixture.newton(state, self.max_iter)
        order = np.argsort(-state.shares, kind="stable")
        state = State(state.coef[order], state.shares[order])
        value, information, scores, posterior = mixture.derivatives(state)
        C = len(state.shares)
        names = [f"class {c + 1}: {name}" for c in range(C) for name in layout.names]
        names += [f"class {c + 1}: share, log-odds" for c in range(1, C)]
        self.parameter_names_ = tuple(names)
        self._check_separation(mixture, state, posterior)
        check_information(information, self.parameter_names_)
        self.parameters_, self.coef_, self.class_shares_ = state.vector, state.coef, state.shares
        self.log_likelihood_, self.posterior_ = value, posterior
        # The scores are those of customers already: the clustered factor counts occasions, as elsewhere.
        self.covariance_type_ = kind
        self.covariance_ = _sandwich(information, scores, kind, len(data))
        self._account(data, mixture)
        return self

    def _check_size(self, K: int, N: int) -> None:
        count = self.n_classes * (K + 1) - 1
        if self.n_classes > 1 and count >= N:
            message = f"{count} parameters in {self.n_classes} classes for {N} customers"
            raise NotIdentifiedError(message, "try fewer classes or fewer terms")

    def _check_separation(self, mixture: Mixture, state: State, posterior: Floats) -> None:
        """Refuse a class whose likeliest members choose as its terms say without error."""
        for c, (b, member) in enumerate(zip(state.coef, posterior.T, strict=True)):
            weights = (member * mixture.weights)[mixture.codes]
            guilty = mixture.likelihood.maximise(mixture.names, weights=weights, start=b, max_iter=30).separated
            if guilty:
                raise NotIdentifiedError(
                    f"the choices of class {c + 1} are perfectly separated by {', '.join(guilty)}: the likelihood has "
                    "no maximum",
                    "try fewer classes or fewer terms",
                    guilty,
                )

    def _best_start(self, mixture: Mixture, pooled: Floats) -> State:
        """The best of several starts, after the steps of EM."""
        if self.n_classes == 1:
            self.starts_ = np.array([mixture.value(State(pooled[np.newaxis], np.ones(1)))])
            return State(pooled[np.newaxis], np.ones(1))
        rng = check_random_state(self.random_state)
        C, spread = self.n_classes, 0.5 / mixture.likelihood.scale
        tried = []
        for _ in range(self.n_init):
            coef = pooled + spread * rng.normal(size=(C, len(pooled)))
            tried.append(mixture.em(State(coef, np.full(C, 1 / C)), FIRST))
        self.starts_ = np.array([value for value, _ in tried])
        best = sorted(tried, key=lambda start: -start[0])[:BEST]
        return max((mixture.em(state, LATER) for _, state in best), key=lambda found: found[0])[1]

    def _account(self, data: ChoiceData, mixture: Mixture) -> None:
        P, N, C = len(self.parameters_), float(mixture.weights.sum()), self.n_classes
        self.bic_ = -2 * self.log_likelihood_ + P * np.log(N)
        self.aic_ = -2 * self.log_likelihood_ + 2 * P
        unsure = -special.xlogy(self.posterior_, self.posterior_).sum(axis=1) @ mixture.weights
        self.entropy_r2_ = 1.0 - unsure / (N * np.log(C)) if C > 1 else 1.0
        shares = self.probabilities(data)
        self._compare(data, shares.argmax(axis=1) == data.chosen)
        small = [c + 1 for c, share in enumerate(self.class_shares_) if share * len(mixture.weights) < 10]
        if small:
            message = f"class {', '.join(map(str, small))} holds fewer than ten customers; try fewer classes"
            warnings.warn(message, ChoiceWarning, stacklevel=3)

    def posterior(
        self, X: pd.DataFrame | ChoiceData, y: ArrayLike | None = None, *, groups: ArrayLike | None = None
    ) -> pd.DataFrame:
        """Return the probability of each class for customers with their choices, one row per customer.

        The index holds the customers as ``groups`` names them, in the order in which they first appear.
        """
        data = self.read(X)
        if y is not None or groups is not None:
            data = self._given(data, y, groups, None)
        if data.chosen is None:
            raise ChoiceError("the choices are not known", "give y, the chosen alternative of each occasion")
        codes, weights = customers_of(data)
        mixture = Mixture(self._likelihood(data, self.layout(data)), codes, weights, self.parameter_names_)
        logs, _ = mixture.posterior(State(self.coef_, self.class_shares_))
        names = np.arange(len(weights)) if groups is None else pd.factorize(np.asarray(groups))[1]
        columns = [f"class {c + 1}" for c in range(self.n_classes)]
        return pd.DataFrame(np.exp(logs).T, index=pd.Index(names, name="customer"), columns=columns)

    def profile_frame(self, customers: pd.DataFrame) -> pd.DataFrame:
        """Return the mean of each customer column in each class, weighted by the posterior.

        Parameters
        ----------
        customers : DataFrame of shape (N, columns)
            Numeric columns, customers in the order of ``posterior_``.
        """
        if len(customers) != len(self.posterior_):
            raise ChoiceError(
                f"{len(customers)} rows for {len(self.posterior_)} customers",
                "give one row for each customer, in order",
            )
        weight = self.posterior_ / self.posterior_.sum(axis=0)
        index = pd.Index([f"class {c + 1}" for c in range(self.n_classes)], name="class")
        means = pd.DataFrame(weight.T @ customers.to_numpy(dtype=np.float64), index=index, columns=customers.columns)
        means.insert(0, "share", self.class_shares_)
        return means

    def _classes(self, parameters: Floats, design: Floats) -> tuple[Floats, Floats]:
        C, K = self.n_classes, len(design)
        return parameters[: C * K].reshape(C, K), special.softmax(np.concatenate([[0.0], parameters[C * K :]]))

    def _probabilities(self, parameters: Floats, design: Floats, available: NDArray[np.bool_] | None) -> Floats:
        coef, shares = self._classes(parameters, design)
        parts = (s * softmax(utilities(b, design), available) for b, s in zip(coef, shares, strict=True))
        return np.asarray(sum(parts))

    def _responses(
        self, parameters: Floats, design: Floats, slopes: Floats, available: NDArray[np.bool_] | None
    ) -> tuple[Floats, Floats]:
        """Of each class as in the conditional logit, weighted by the classes' shares."""
        coef, shares = self._classes(parameters, design)
        P, R = np.zeros(design.shape[1:]), np.zeros((design.shape[1], *design.shape[1:]))
        for b, share in zip(coef, shares, strict=True):
            own = softmax(utilities(b, design), available)
            P += share * own
            R += share * logit_responses(own, utilities(b, slopes))
        return P, R


def _sandwich(information: Floats, scores: Floats, kind: str, n: int) -> Floats:
    if kind == "classical":
        return covariance(information, None, None)
    robust = covariance(information, scores, None)
    return robust if kind == "robust" else robust * few_customers(scores.shape[1], n, len(scores))
