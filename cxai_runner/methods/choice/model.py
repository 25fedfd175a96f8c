"""What every model of choice shares: reading a panel by its terms, refusing what has no answer, telling what it found.

A model takes a wide frame of one row per occasion together with the choices, or a `ChoiceData`, keeps scikit-learn's
conventions, and is asked for probabilities, elasticities and scenarios in the same way whatever its form.
"""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from cxai_runner.methods.coefficients import coefficient_table

from .data import ChoiceData, chosen_positions
from .errors import ChoiceError, ChoiceWarning, NotIdentifiedError
from .likelihood import LogitLikelihood, Maximum, separation
from .reading import labels
from .statistics import constants_log_likelihood, equal_shares_log_likelihood
from .terms import ChoiceTerms, Layout, alternatives_in

Floats = NDArray[np.float64]

# Occasions that are worked on at once where every pair of alternatives has a number.
CHUNK = 20_000


class ChoiceModel(ClassifierMixin, BaseEstimator):
    """A model of the choice among alternatives; its subclasses say how utilities become probabilities.

    Subclasses have the parameters ``terms``, ``alternatives``, ``reference``, ``separator`` and ``availability``, and
    leave ``parameters_`` (shape (P,), all that is estimated) and ``covariance_`` (P × P) behind, of which the first K
    multiply the K columns of the design.
    """

    terms: str | Mapping[str, object] | Sequence[str]
    alternatives: Sequence[object] | None
    reference: object | None
    separator: str
    availability: str | None

    parameters_: Floats
    covariance_: Floats
    parameter_names_: tuple[str, ...]
    log_likelihood_: float

    @abstractmethod
    def fit(
        self,
        X: pd.DataFrame | ChoiceData,
        y: ArrayLike | None = None,
        *,
        groups: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Fit by maximum likelihood."""

    @abstractmethod
    def _probabilities(self, parameters: Floats, design: Floats, available: NDArray[np.bool_] | None) -> Floats:
        """Probabilities, shape (J, n)."""

    @abstractmethod
    def _responses(
        self, parameters: Floats, design: Floats, slopes: Floats, available: NDArray[np.bool_] | None
    ) -> tuple[Floats, Floats]:
        """Probabilities, shape (J, n), and the derivative of each by the column of each utility, shape (J, J, n)."""

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
        """For each vector of parameters Σ_n w_n P_kn, and Σ_n moved_jn ∂P_kn / ∂a_jn, shape (J, 1 + M).

        ``moved`` is an attribute's, shape (J, n), of which ``only`` takes one; or a characteristic's, shape (n,).
        """
        for vector in parameters:
            P, R = self._responses(vector, design, slopes, available)
            if moved.ndim == 1:
                response = (R.sum(axis=1) @ moved)[:, np.newaxis]
            elif only is None:
                response = np.einsum("kjn,jn->kj", R, moved)
            else:
                response = R[:, only] @ moved[only, :, np.newaxis]
            yield np.hstack([(P @ weight)[:, np.newaxis], response])

    # Reading

    def _read(
        self,
        X: pd.DataFrame | ChoiceData,
        y: ArrayLike | None,
        groups: ArrayLike | None,
        sample_weight: ArrayLike | None,
    ) -> tuple[ChoiceData, Layout]:
        """The panel and its design's layout; refuses what has no maximum whatever the model."""
        terms = ChoiceTerms.parse(self.terms)
        if isinstance(X, ChoiceData):
            data = self._given(X, y, groups, sample_weight)
        else:
            data = self._wide(X, y, terms, groups, sample_weight)
        if data.chosen is None:
            raise ChoiceError("the choices are not known", "give y, the chosen alternative of each occasion")
        self.alternatives_ = data.alternatives
        self.classes_ = as_given(data.alternatives, y)
        self.reference_ = data.alternatives[0] if self.reference is None else labels([self.reference])[0]
        self.terms_ = terms
        self.positive_ = tuple(
            name for name, values in data.attributes.items() if (_seen(values, data) > 0).all()
        )  # those that were above zero wherever they were seen, as prices are
        layout = terms.layout(data, self.reference_)
        _check_alternatives(data, layout)
        self.n_occasions_ = len(data)
        return data, layout

    def _given(
        self,
        data: ChoiceData,
        y: ArrayLike | None,
        groups: ArrayLike | None,
        sample_weight: ArrayLike | None,
    ) -> ChoiceData:
        if self.alternatives is not None and labels(self.alternatives) != data.alternatives:
            raise ChoiceError(
                f"the panel has the alternatives {', '.join(data.alternatives)}, the model others",
                "leave alternatives out, or name the same in the same order",
            )
        given: dict[str, Any] = {}
        if y is not None:
            given["chosen"] = chosen_positions(y, data.alternatives)
        if groups is not None:
            given["customers"] = pd.factorize(np.asarray(groups))[0]
        if sample_weight is not None:
            given["weights"] = np.asarray(sample_weight, dtype=np.float64)
        for name, values in given.items():
            if len(values) != len(data):
                raise ChoiceError(f"{len(values)} {name} for {len(data)} occasions", "give one for each occasion")
        return replace(data, **given) if given else data

    def _wide(
        self,
        X: pd.DataFrame,
        y: ArrayLike | None,
        terms: ChoiceTerms,
        groups: ArrayLike | None,
        sample_weight: ArrayLike | None,
    ) -> ChoiceData:
        frame = _frame(X)
        if y is None:
            raise ChoiceError("the choices are not known", "give y, the chosen alternative of each occasion")
        named = self.alternatives is not None
        alternatives: Any = self.alternatives if named else alternatives_in(frame, terms, self.separator)
        if not named and not alternatives:
            stems = [name for name in terms.columns if name not in frame.columns]
            if stems:
                raise ChoiceError(
                    f"no alternative has a column for each of {', '.join(stems)}",
                    f"name the columns <attribute>{self.separator}<alternative>, or give their separator",
                    tuple(stems),
                )
            alternatives = sorted(pd.unique(np.asarray(y)))
        data = ChoiceData.from_wide(
            frame,
            alternatives,
            choice=y,
            names=terms.columns,
            separator=self.separator,
            availability=self.availability,
            customers=groups,
            weights=sample_weight,
        )
        read = [*data.characteristics, *(f"{a}{self.separator}{j}" for a in data.attributes for j in data.alternatives)]
        if self.availability is not None:
            read += [f"{self.availability}{self.separator}{name}" for name in data.alternatives]
        self.feature_names_in_ = np.asarray(read, dtype=object)
        self.n_features_in_ = len(read)
        return data

    def read(self, X: pd.DataFrame | ChoiceData) -> ChoiceData:
        """Return a panel as the fitted model sees it.

        Raises
        ------
        ChoiceError
            A column that is absent, or other alternatives than the fitted ones.
        """
        check_is_fitted(self, "parameters_")
        if not isinstance(X, ChoiceData):
            return ChoiceData.from_wide(
                _frame(X),
                self.alternatives_,
                names=self.terms_.columns,
                separator=self.separator,
                availability=self.availability,
            )
        if X.alternatives != self.alternatives_:
            raise ChoiceError(
                f"the panel has the alternatives {', '.join(X.alternatives)}, "
                f"the model was fitted on {', '.join(self.alternatives_)}",
                "read the panel with the model's alternatives",
            )
        return X

    def layout(self, data: ChoiceData) -> Layout:
        """Return the layout of the design for a panel that `read` returned."""
        return self.terms_.layout(data, self.reference_)

    # Fitting

    def _likelihood(self, data: ChoiceData, layout: Layout) -> LogitLikelihood:
        """The likelihood of the conditional logit, from whose differences all models take theirs."""
        assert data.chosen is not None
        return LogitLikelihood(layout.design(data), data.chosen, data.there)

    def _pooled(self, data: ChoiceData, layout: Layout) -> tuple[LogitLikelihood, Maximum]:
        """That likelihood and its maximum, where models that go beyond it start; refuses separated choices."""
        likelihood = self._likelihood(data, layout)
        best = likelihood.maximise(layout.names, weights=data.weights)
        if best.separated:
            raise separation(best.separated)
        return likelihood, best

    # Telling

    def _compare(self, data: ChoiceData, hits: NDArray[np.bool_]) -> None:
        """Fit statistics that every model has."""
        self.equal_shares_log_likelihood_ = equal_shares_log_likelihood(data)
        self.constants_log_likelihood_ = constants_log_likelihood(data)
        self.mcfadden_r2_equal_shares_ = _r2(self.log_likelihood_, self.equal_shares_log_likelihood_)
        self.mcfadden_r2_ = _r2(self.log_likelihood_, self.constants_log_likelihood_)
        self.hit_rate_ = float(np.average(hits, weights=data.weights))

    def probabilities(self, data: ChoiceData, parameters: Floats | None = None) -> Floats:
        """Return the probability of each alternative at each occasion, shape (n, J)."""
        used = self.parameters_ if parameters is None else parameters
        layout, parts = self.layout(data), []
        for start in range(0, max(len(data), 1), CHUNK):
            block = data.block(start, start + CHUNK)
            parts.append(self._probabilities(used, layout.design(block), block.there))
        return np.concatenate(parts, axis=1).T

    def predict_proba(self, X: pd.DataFrame | ChoiceData) -> Floats:
        """Return the probability of each alternative, shape (n, J), in the order of ``classes_``; 0 where missing.

        Warns
        -----
        ChoiceWarning
            A negative value of what was above zero wherever the model was fitted, a price for example: the occasion has
            no probabilities (NaN).
        """
        data = self.read(X)
        P = self.probabilities(data)
        for name in getattr(self, "positive_", ()):
            wrong = (_seen(data.attributes[name], data) < 0).any(axis=1)
            if wrong.any():
                message = f"{name} is negative on {int(wrong.sum())} of {len(data)} occasions, and was above zero"
                warnings.warn(f"{message} in training: they have no probabilities", ChoiceWarning, stacklevel=2)
                P[wrong] = np.nan
        return P

    def predict(self, X: pd.DataFrame | ChoiceData) -> NDArray[Any]:
        """Return the likeliest alternative of each occasion, shape (n,)."""
        P = self.predict_proba(X)
        if np.isnan(P).any():
            raise ChoiceError("some occasions have no probabilities", "correct what was warned of, or leave them out")
        return self.classes_[P.argmax(axis=1)]

    def score(self, X: pd.DataFrame | ChoiceData, y: ArrayLike | None = None) -> float:
        """Return the mean log-likelihood of an occasion: above the log of equal shares it says something."""
        data = self.read(X)
        chosen = data.chosen if y is None else chosen_positions(y, data.alternatives)
        if chosen is None:
            raise ChoiceError("the choices are not known", "give y, the chosen alternative of each occasion")
        probability = self.probabilities(data)[np.arange(len(chosen)), chosen]
        return float(np.log(np.maximum(probability, np.finfo(float).tiny)).mean())

    @property
    def standard_errors_(self) -> Floats:
        """Square roots of the covariance's diagonal."""
        return np.sqrt(np.diag(self.covariance_))

    def summary_frame(self) -> pd.DataFrame:
        """Return one row per parameter: coefficient, standard error, z, p (two-sided) and 95 % interval."""
        check_is_fitted(self, "parameters_")
        return coefficient_table(self.parameter_names_, self.parameters_, self.standard_errors_)


def utilities(coefficients: Floats, design: Floats) -> Floats:
    """Return Σ_k b_k x_k, shape (J, n)."""
    K = len(coefficients)
    return np.asarray((coefficients @ design.reshape(K, -1)).reshape(design.shape[1:]))


def softmax(linear: Floats, available: NDArray[np.bool_] | None) -> Floats:
    """Return exp(V_j) / Σ exp(V_m) over the first axis and the available alternatives."""
    if available is not None:
        linear = np.where(available, linear, -np.inf)
    shares = np.exp(linear - linear.max(axis=0))
    return np.asarray(shares / shares.sum(axis=0))


def _seen(values: Floats, data: ChoiceData) -> Floats:
    """An attribute where the alternative was available, and 1 elsewhere; shape (n, J)."""
    return values if data.available is None else np.where(data.available, values, 1.0)


def _r2(value: float, against: float) -> float:
    return 1.0 - value / against if against < 0 else float("nan")


def _frame(X: object) -> pd.DataFrame:
    if not isinstance(X, pd.DataFrame):
        raise TypeError(
            f"a choice model finds columns by name: pass a pandas frame or ChoiceData, not {type(X).__name__}"
        )
    return X


def as_given(alternatives: tuple[str, ...], y: ArrayLike | None) -> NDArray[Any]:
    """Return the alternatives, as whole numbers where the choices were."""
    if y is not None and np.asarray(y).dtype.kind in "iu":
        return np.asarray([int(name) for name in alternatives])
    return np.asarray(alternatives, dtype=object)


def _check_alternatives(data: ChoiceData, layout: Layout) -> None:
    assert data.chosen is not None
    times = np.bincount(data.chosen, minlength=len(data.alternatives))
    there = np.ones((1, len(times)), dtype=bool) if data.available is None else data.available
    for j, name in enumerate(data.alternatives):
        if not there[:, j].any():
            raise NotIdentifiedError(f"alternative {name!r} is never available", "leave it out", (name,))
        if times[j]:
            continue
        if any(term is None for _, term, _ in layout.cells):
            raise NotIdentifiedError(
                f"alternative {name!r} is never chosen, so its constant has no estimate (it goes to −∞)",
                "leave the alternative out, merge it with another, or set constants to false",
                (name,),
            )
        message = f"alternative {name!r} is never chosen: its share rests on the terms alone"
        warnings.warn(message, ChoiceWarning, stacklevel=4)
