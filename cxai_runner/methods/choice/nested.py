"""The nested logit: alternatives of one nest take more from each other than from the rest.

The conditional logit lets every brand lose to a rival in the same proportion. Where that is not so, alternatives that
share what the model does not see are put into a nest, whose dissimilarity λ tells how much they share: 1 is the
conditional logit again, and towards 0 they become the same thing.
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

from .data import ChoiceData
from .errors import ChoiceError, ChoiceWarning
from .maximise import maximise
from .model import ChoiceModel, utilities
from .reading import labels
from .statistics import Covariance, covariance, covariance_type

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

# A dissimilarity below this is on its way to zero.
NEARLY_ONE_THING = 0.02


class NestedLogit(ChoiceModel):
    """Two-level nested logit by full-information maximum likelihood, in its random-utility form.

    P_j = P(j | m) P(m) with P(j | m) = exp(V_j / λ_m) / S_m, S_m = Σ_{i in m} exp(V_i / λ_m) and
    P(m) = S_m^λ_m / Σ_l S_l^λ_l [1]_. An alternative that is in no nest is one of its own, with λ = 1.

    Parameters
    ----------
    terms, alternatives, reference, covariance, separator, availability
        As in `ConditionalLogit`.
    nests : mapping of str to sequence
        Name and alternatives of each nest of two or more.
    max_iter : int
        Steps at most.

    Attributes
    ----------
    parameters_ : ndarray of shape (K + M,)
        Coefficients and dissimilarities, in the order of ``parameter_names_``; ``coef_`` are the former.
    dissimilarity_ : dict of str to float
        λ of each nest.
    conditional_log_likelihood_ : float
        Of the conditional logit with the same terms, which is λ = 1 in all nests.

    All else is as in `ConditionalLogit`.

    References
    ----------
    .. [1] Train (2009), Discrete Choice Methods with Simulation, 2nd edition, section 4.2.
    """

    def __init__(
        self,
        terms: str | Mapping[str, object] | Sequence[str] = ("price",),
        *,
        nests: Mapping[str, Sequence[object]] | None = None,
        alternatives: Sequence[object] | None = None,
        reference: object | None = None,
        covariance: Covariance = "auto",
        separator: str = "_",
        availability: str | None = None,
        max_iter: Annotated[int, Ge(1)] = 200,
    ) -> None:
        self.terms = terms
        self.nests = nests
        self.alternatives = alternatives
        self.reference = reference
        self.covariance = covariance
        self.separator = separator
        self.availability = availability
        self.max_iter = max_iter

    def fit(
        self,
        X: pd.DataFrame | ChoiceData,
        y: ArrayLike | None = None,
        *,
        groups: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> NestedLogit:
        """Fit by full-information maximum likelihood, from the conditional logit with the same terms.

        Raises
        ------
        ChoiceError
            What `ConditionalLogit` refuses; a nest of one alternative, of an unknown one, or of one in two nests.
        NotIdentifiedError
            The data do not tell the dissimilarities from the coefficients.
        """
        data, layout = self._read(X, y, groups, sample_weight)
        assert data.chosen is not None
        kind = covariance_type(self.covariance, data.customers)
        self._members = _positions(self.nests or {}, data.alternatives)
        chosen, weights, there = data.chosen, data.weights, data.there
        likelihood, simple = self._pooled(data, layout)
        names = (*layout.names, *(f"dissimilarity[{name}]" for name in self._members))
        K = len(layout.names)

        # The logarithm of λ is what is searched over: it has no bounds.
        def objective(free: Floats) -> tuple[float, Floats]:
            scale = np.exp(free[K:])
            values, scores = self._scores(np.concatenate([free[:K], scale]), likelihood.design, chosen, there)
            scores[K:] *= scale[:, np.newaxis]
            if weights is not None:
                scores *= weights
                values = values * weights
            return float(values.sum()), scores

        start = np.concatenate([simple.estimate, np.zeros(len(self._members))])
        best = maximise(objective, start, names, max_iter=self.max_iter)
        scale = np.concatenate([np.ones(K), np.exp(best.estimate[K:])])
        self.parameters_ = np.concatenate([best.estimate[:K], scale[K:]])
        self.parameter_names_, self.coef_, self.n_iter_ = names, self.parameters_[:K], best.steps
        self.dissimilarity_ = {name: float(v) for name, v in zip(self._members, scale[K:], strict=True)}
        self.log_likelihood_, self.conditional_log_likelihood_ = best.value, simple.value
        scores = None if kind == "classical" else objective(best.estimate)[1]
        clusters = data.customers if kind == "clustered" else None
        self.covariance_type_ = kind
        self.covariance_ = np.outer(scale, scale) * covariance(best.information, scores, clusters)
        shares = self._probabilities(self.parameters_, likelihood.design, there)
        self._compare(data, shares.argmax(axis=0) == chosen)
        self._warn_of_dissimilarity()
        return self

    def _warn_of_dissimilarity(self) -> None:
        for name, value in self.dissimilarity_.items():
            if value > 1:
                message = (
                    f"nest {name!r} has the dissimilarity {value:.3g}: above 1 its alternatives take less from each "
                    "other than from the rest, and no maximisation of utility need be behind it; try another nest"
                )
                warnings.warn(message, ChoiceWarning, stacklevel=3)
            if value < NEARLY_ONE_THING:
                message = (
                    f"nest {name!r} has the dissimilarity {value:.3g}: near 0 its alternatives are one and the same, "
                    "all coefficients vanish with it, and none can be told; try another nest"
                )
                warnings.warn(message, ChoiceWarning, stacklevel=3)

    def _levels(self, parameters: Floats, design: Floats, available: Flags | None) -> _Levels:
        K = len(design)
        linear = utilities(parameters[:K], design)
        linear = linear - (linear if available is None else np.where(available, linear, -np.inf)).max(axis=0)
        return _Levels(linear, parameters[K:], tuple(self._members.values()), available)

    def _scores(
        self, parameters: Floats, design: Floats, chosen: NDArray[np.intp], available: Flags | None
    ) -> tuple[Floats, Floats]:
        """Log-likelihood and gradient of each occasion, shapes (n,) and (K + M, n)."""
        levels = self._levels(parameters, design, available)
        n = np.arange(len(chosen))
        weight = levels.by_utility()[chosen, :, n].T
        by_utility = np.einsum("kjn,jn->kn", design, weight)
        by_dissimilarity = levels.by_dissimilarity(chosen)
        return levels.logs[chosen, n], np.concatenate([by_utility, by_dissimilarity])

    def _probabilities(self, parameters: Floats, design: Floats, available: Flags | None) -> Floats:
        return np.exp(self._levels(parameters, design, available).logs)

    def _responses(
        self, parameters: Floats, design: Floats, slopes: Floats, available: Flags | None
    ) -> tuple[Floats, Floats]:
        """∂P_k / ∂a_j = P_k (∂ log P_k / ∂V_j) ∂V_j / ∂a_j."""
        levels = self._levels(parameters, design, available)
        P, slope = np.exp(levels.logs), utilities(parameters[: len(slopes)], slopes)
        return P, P[:, np.newaxis] * levels.by_utility() * slope[np.newaxis]


class _Levels:
    """Probabilities within and of the nests at given utilities, shape (J, n), and derivatives of their logarithms."""

    def __init__(
        self, linear: Floats, scale: Floats, members: tuple[NDArray[np.intp], ...], available: Flags | None
    ) -> None:
        self.linear, self.scale, self.members = linear, scale, members
        there = np.ones(linear.shape, dtype=bool) if available is None else available
        J = len(linear)
        self.nest_of = np.full(J, -1)
        for m, positions in enumerate(members):
            self.nest_of[positions] = m
        alone = np.flatnonzero(self.nest_of < 0)
        masked = np.where(there, linear, -np.inf)
        self.within = np.where(there, 1.0, 0.0)
        self.inclusive = np.empty((len(members), linear.shape[1]))
        log_within = np.where(there, 0.0, -np.inf)
        for m, positions in enumerate(members):
            scaled = masked[positions] / scale[m]
            # The inclusive value log S_m; −∞ where nothing of the nest is available.
            self.inclusive[m] = special.logsumexp(scaled, axis=0)
            known = np.where(np.isfinite(self.inclusive[m]), self.inclusive[m], 0.0)
            log_within[positions] = scaled - known
            self.within[positions] = np.exp(log_within[positions])
        upper = np.concatenate([self.inclusive * scale[:, np.newaxis], masked[alone]])
        total = special.logsumexp(upper, axis=0)
        log_upper = np.empty(linear.shape)
        log_upper[alone] = masked[alone] - total
        self.of_nest = np.exp(self.inclusive * scale[:, np.newaxis] - total)
        for m, positions in enumerate(members):
            log_upper[positions] = self.inclusive[m] * scale[m] - total
        self.logs = log_within + log_upper

    def by_utility(self) -> Floats:
        """∂ log P_k / ∂V_j, shape (J, J, n): 1{k = j}/λ + 1{same nest} (1 − 1/λ) P(j | m) − P_j."""
        J = len(self.linear)
        P = np.exp(self.logs)
        slopes = np.repeat(-P[np.newaxis], J, axis=0)
        for k in range(J):
            m = self.nest_of[k]
            if m < 0:
                slopes[k, k] += 1.0
            else:
                slopes[k, k] += 1.0 / self.scale[m]
                slopes[k, self.members[m]] += (1 - 1 / self.scale[m]) * self.within[self.members[m]]
        return np.asarray(slopes)

    def by_dissimilarity(self, chosen: NDArray[np.intp]) -> Floats:
        """∂ log P_chosen / ∂λ_m, shape (M, n)."""
        n = np.arange(len(chosen))
        slopes = np.empty((len(self.members), len(chosen)))
        for m, positions in enumerate(self.members):
            scale = self.scale[m]
            inclusive = np.where(np.isfinite(self.inclusive[m]), self.inclusive[m], 0.0)
            moved = -(self.within[positions] * self.linear[positions]).sum(axis=0) / scale**2
            inside = self.nest_of[chosen] == m
            own = -self.linear[chosen, n] / scale**2 + inclusive + (scale - 1) * moved
            slopes[m] = np.where(inside, own, 0.0) - self.of_nest[m] * (inclusive + scale * moved)
        return slopes


def _positions(nests: Mapping[str, Sequence[object]], alternatives: tuple[str, ...]) -> dict[str, NDArray[np.intp]]:
    if not nests:
        raise ChoiceError("no nest is given", "name the alternatives of each, or fit a ConditionalLogit")
    found: dict[str, NDArray[np.intp]] = {}
    seen: set[str] = set()
    for nest, members in nests.items():
        names = labels(members)
        strangers = [name for name in names if name not in alternatives]
        if strangers:
            message = f"nest {nest!r} holds {', '.join(strangers)}, which is no alternative"
            raise ChoiceError(message, f"they are {', '.join(alternatives)}", tuple(strangers))
        if len(names) < 2:
            remedy = "leave the nest out: an alternative of its own needs none"
            raise ChoiceError(f"nest {nest!r} has one alternative, whose λ has no effect", remedy, names)
        if seen & set(names):
            twice = ", ".join(sorted(seen & set(names)))
            raise ChoiceError(f"in two nests: {twice}", "put each alternative into one")
        seen |= set(names)
        found[nest] = np.asarray([alternatives.index(name) for name in names])
    if len(found) == 1 and len(seen) == len(alternatives):
        raise ChoiceError("all alternatives are in one nest", "leave at least one out, or make two nests")
    return found
