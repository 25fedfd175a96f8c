"""The conditional logit: which alternative is chosen, given what each of them costs and offers.

scikit-learn's multinomial logistic regression knows customers, not alternatives: it cannot give one price coefficient
to all brands, nor leave out a brand that was not on the shelf. This is McFadden's model, which can.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from annotated_types import Ge
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import ConvergenceWarning

from .characteristics import of_characteristics
from .data import ChoiceData
from .likelihood import separation
from .model import ChoiceModel, softmax, utilities
from .statistics import Covariance, covariance, covariance_type

Floats = NDArray[np.float64]

TOGETHER = 2_000_000
"""Utilities that are worked on at once, over several vectors of parameters."""


class ConditionalLogit(ChoiceModel):
    """Conditional (multinomial) logit, P_j = exp(x_j·b) / Σ_m exp(x_m·b) over the available m, by maximum likelihood.

    Newton's method with the analytic gradient and Hessian [1]_, whose log-likelihood is concave.

    Parameters
    ----------
    terms : str, mapping or sequence of str
        The utility: ``{price: generic, income: alternative, constants: true}``, ``"price | income | time"``, or a list
        of generic terms; see `ChoiceTerms`.
    alternatives : sequence, optional
        Their names as the columns of a wide panel spell them; by default all that have a column for every attribute.
    reference
        The alternative whose constant and coefficients of characteristics are zero; by default the first.
    covariance : {"auto", "classical", "robust", "clustered"}
        H⁻¹; the sandwich H⁻¹ (Σ s sᵀ) H⁻¹ of the occasions' scores; that of the customers' scores with the factor
        G / (G − 1) · (n − 1) / (n − K). ``auto`` is clustered where groups are given and classical where not.
    separator : str
        Between attribute and alternative in the columns of a wide panel.
    availability : str, optional
        Prefix of the columns of a wide panel that say whether an alternative was available.
    on_separation : {"raise", "warn"}
        What to do where the terms tell some choices without error: the likelihood then has no maximum. ``warn`` keeps
        the coefficients where they stood, without standard errors (NaN).
    max_iter : int
        Newton steps at most; six are usual.

    Attributes
    ----------
    coef_ : ndarray of shape (K,)
        Change of utility per unit of each term, in the order of ``parameter_names_``. ``parameters_`` is the same.
    covariance_ : ndarray of shape (K, K)
    covariance_type_ : str
        ``classical``, ``robust`` or ``clustered``.
    standard_errors_ : ndarray of shape (K,)
    alternatives_, reference_, classes_
        The alternatives, the reference among them, and the alternatives as ``y`` spells them.
    log_likelihood_, equal_shares_log_likelihood_, constants_log_likelihood_ : float
        At the maximum; with equal shares of the available alternatives; of fitted constants alone.
    mcfadden_r2_ : float
        1 − log_likelihood_ / constants_log_likelihood_ [1]_: what the terms say beyond market shares.
    mcfadden_r2_equal_shares_ : float
        The same against equal shares, which flatters.
    hit_rate_ : float
        Share of the occasions whose likeliest alternative was chosen.
    n_occasions_, n_iter_ : int

    References
    ----------
    .. [1] McFadden (1974), Conditional logit analysis of qualitative choice behavior, in: Frontiers in Econometrics.
    """

    def __init__(
        self,
        terms: str | Mapping[str, object] | Sequence[str] = ("price",),
        *,
        alternatives: Sequence[object] | None = None,
        reference: object | None = None,
        covariance: Covariance = "auto",
        separator: str = "_",
        availability: str | None = None,
        on_separation: Literal["raise", "warn"] = "raise",
        max_iter: Annotated[int, Ge(1)] = 100,
    ) -> None:
        self.terms = terms
        self.alternatives = alternatives
        self.reference = reference
        self.covariance = covariance
        self.separator = separator
        self.availability = availability
        self.on_separation = on_separation
        self.max_iter = max_iter

    def fit(
        self,
        X: pd.DataFrame | ChoiceData,
        y: ArrayLike | None = None,
        *,
        groups: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> ConditionalLogit:
        """Fit by maximum likelihood.

        Parameters
        ----------
        X : DataFrame of shape (n, columns) or ChoiceData
            A wide panel, or one that was read already.
        y : array-like of shape (n,), optional
            The chosen alternatives; may be left out where ``X`` holds them.
        groups : array-like of shape (n,), optional
            The customer of each occasion.
        sample_weight : array-like of shape (n,), optional
            How often each occasion counts.

        Returns
        -------
        ConditionalLogit
            Itself.

        Raises
        ------
        ChoiceError
            What `ChoiceData` and `ChoiceTerms` refuse.
        NotIdentifiedError
            An alternative that is never available, or never chosen though it has a constant; a term that does not
            vary between alternatives; collinear terms; or (unless ``on_separation="warn"``) separated choices.
        """
        if self.on_separation not in ("raise", "warn"):
            raise ValueError(f"on_separation must be 'raise' or 'warn', not {self.on_separation!r}")
        data, layout = self._read(X, y, groups, sample_weight)
        assert data.chosen is not None
        kind = covariance_type(self.covariance, data.customers)
        likelihood = of_characteristics(data, layout) or self._likelihood(data, layout)
        best = likelihood.maximise(layout.names, weights=data.weights, max_iter=self.max_iter)
        self.parameter_names_, self.n_iter_ = layout.names, best.steps
        self.coef_ = self.parameters_ = best.estimate
        self.log_likelihood_ = best.value
        self.covariance_type_ = kind
        if best.separated:
            error = separation(best.separated)
            if self.on_separation == "raise":
                raise error
            warnings.warn(str(error), ConvergenceWarning, stacklevel=2)
            self.covariance_ = np.full_like(best.information, np.nan)
        else:
            scores = None
            if kind != "classical":
                scores = likelihood.scores(best.estimate)
                if data.weights is not None:
                    scores *= data.weights
            clusters = data.customers if kind == "clustered" else None
            self.covariance_ = covariance(best.information, scores, clusters)
        self._compare(data, likelihood.hits(best.estimate, data.chosen))
        return self

    def _probabilities(self, parameters: Floats, design: Floats, available: NDArray[np.bool_] | None) -> Floats:
        return softmax(utilities(parameters, design), available)

    def _responses(
        self, parameters: Floats, design: Floats, slopes: Floats, available: NDArray[np.bool_] | None
    ) -> tuple[Floats, Floats]:
        """∂P_k / ∂a_j = P_k (1{k = j} − P_j) ∂V_j / ∂a_j."""
        P = softmax(utilities(parameters, design), available)
        return P, logit_responses(P, utilities(parameters, slopes))

    def _responding(
        self,
        parameters: Sequence[Floats],
        design: Floats,
        slopes: Floats,
        available: NDArray[np.bool_] | None,
        weight: Floats,
        moved: Floats,
        only: int | None = None,
    ) -> Iterator[Floats]:
        """The sums without a number for every pair of alternatives and occasion: all are products of matrices."""
        K, J, n = design.shape
        several = np.stack(parameters)
        total = np.zeros((len(several), J, 2 if moved.ndim == 1 or only is not None else 1 + J))
        priced = np.flatnonzero(slopes.any(axis=(1, 2)))
        size = max(1, TOGETHER // (len(several) * J))
        for start in range(0, n, size):
            where = slice(start, start + size)
            there = None if available is None else available[:, where]
            V = (several @ design[:, :, where].reshape(K, -1)).reshape(len(several), J, -1)
            S = (several[:, priced] @ slopes[priced][:, :, where].reshape(len(priced), -1)).reshape(V.shape)
            P = np.moveaxis(softmax(np.moveaxis(V, 1, 0), there if there is None else there[:, np.newaxis]), 0, 1)
            total[:, :, 0] += P @ weight[where]
            if moved.ndim == 1:
                mean = (P * S).sum(axis=1, keepdims=True)
                total[:, :, 1] += (P * (S - mean)) @ moved[where]
            elif only is None:
                M = P * S * moved[:, where]
                total[:, :, 1:] -= P @ M.swapaxes(1, 2)
                j = np.arange(J)
                total[:, j, 1 + j] += M.sum(axis=2)
            else:
                m = P[:, only] * S[:, only] * moved[only, where]
                total[:, :, 1] -= np.einsum("vkn,vn->vk", P, m)
                total[:, only, 1] += m.sum(axis=1)
        yield from total


def logit_responses(P: Floats, slope: Floats) -> Floats:
    """Return P_k (1{k = j} − P_j) s_j, shape (J, J, n), for utilities that change by s_j."""
    moved = P * slope
    responses = -P[:, np.newaxis] * moved[np.newaxis]
    j = np.arange(len(P))
    responses[j, j] += moved
    return np.asarray(responses)
