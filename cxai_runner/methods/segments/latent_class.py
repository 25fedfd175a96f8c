"""Segments as latent classes: of categories and numbers side by side, with values missing, as questionnaires are.

Distances mean little between occupations. A class says instead how probable each answer is, and every customer is in
each class with a probability.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Gt
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from .criteria import Solution
from .mixed_em import LEAST_PROBABILITY, Classes, MixedRows, bayes, fit, log_joint, parameters, standard_errors
from .numbered import NumberedSegments, by_size
from .silhouettes import inertia_of

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Labels = NDArray[np.intp]


class LatentClassSegments(NumberedSegments):
    """Latent classes of mixed columns, the largest first.

    Columns are independent within a class: a category has a probability, a number a normal distribution. Missing
    values are left out of the likelihood; a category that the fit has not seen counts as missing.

    Parameters
    ----------
    n_clusters : int or "auto"
        ``auto`` chooses the number between ``k_min`` and ``k_max``.
    categorical : list of str or "auto"
        Columns that are categories. ``auto``: text, truth values, and whole numbers of at most ``most_codes`` different
        values.
    most_codes : int
        Different whole numbers up to which a column is one of codes.
    choose_by : {"bic", "silhouette", "elbow", "prediction_strength", "majority"}
        What ``auto`` goes by: the least BIC [1]_, or as in `KMeansSegments`, the elbow that of −2 log-likelihood. The
        gap statistic knows no categories.
    k_min, k_max : int
        The numbers tried with ``auto``.
    n_init : int
        Short runs of the EM algorithm; the best of them goes on.
    max_iter, tol
        The most steps, and what a step has to add to the log-likelihood per row.
    silhouette_sample : int
        Rows that stand for all in what judges the numbers.
    random_state : int, RandomState instance or None
        Decides starts and samples.

    Attributes
    ----------
    n_clusters_, labels_, sizes_, selection_
        As in `KMeansSegments`; ``selection_`` has ``bic``, and ``deviance``, −2 log-likelihood, for ``inertia``.
        A row belongs to the class in which it most probably is.
    log_likelihood_, bic_ : float
        Of the training rows; of numbers, as standardised.
    path_ : ndarray
        Log-likelihood after each step; it never falls.
    converged_, n_iter_ : bool, int
        Whether it came to rest, and the steps.
    weights_, probabilities_, means_, variances_ : ndarray
        Shares of the classes, and within each the probabilities of the categories one column after another, and means
        and variances of the standardised numbers.
    categories_ : list of list
        The categories of each categorical column.
    categorical_, numeric_ : list of int
        Positions of the columns of either kind.

    References
    ----------
    .. [1] Nylund, Asparouhov & Muthén (2007), Deciding on the number of classes in latent class analysis, Structural
       Equation Modeling 14.
    """

    criteria: ClassVar[tuple[str, ...]] = ("bic", "silhouette", "elbow", "prediction_strength")
    challenge_rows: ClassVar[int] = 2_500
    costly_rows: ClassVar[int] = 1_000
    takes_categories: ClassVar[bool] = True

    def __init__(
        self,
        n_clusters: Literal["auto"] | Annotated[int, Ge(2)] = "auto",
        *,
        categorical: Literal["auto"] | Sequence[str] = "auto",
        most_codes: Annotated[int, Ge(2)] = 10,
        choose_by: Literal["bic", "silhouette", "elbow", "prediction_strength", "majority"] = "bic",
        k_min: Annotated[int, Ge(2)] = 2,
        k_max: Annotated[int, Ge(2)] = 8,
        n_init: Annotated[int, Ge(1)] = 10,
        max_iter: Annotated[int, Ge(1)] = 1000,
        tol: Annotated[float, Gt(0)] = 1e-6,
        silhouette_sample: Annotated[int, Ge(100)] = 2000,
        random_state: Any = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.categorical = categorical
        self.most_codes = most_codes
        self.choose_by = choose_by
        self.k_min = k_min
        self.k_max = k_max
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.silhouette_sample = silhouette_sample
        self.random_state = random_state

    def predict_proba(self, X: ArrayLike) -> Floats:
        """Return the probability of each class for each row, shape (n, n_clusters_)."""
        check_is_fitted(self)
        rows = self._rows(self._read(X), counted=False)[0]
        return bayes(log_joint(rows, self._classes()))[1]

    def profile(self, X: ArrayLike) -> pd.DataFrame:
        """Return what each class is like, with standard errors from the rows of ``X``, those of the fit.

        Returns
        -------
        DataFrame
            ``segment``, ``column``, ``value`` (the category; ``mean`` of a number), ``estimate`` (its probability, or
            the mean in the column's own unit) and ``standard_error``, NaN at a probability of 0 or 1.
        """
        import pandas as pd

        check_is_fitted(self)
        errors = standard_errors(self._rows(self._read(X))[0], self._classes())
        names = getattr(self, "feature_names_in_", np.array([f"x{j}" for j in range(self.n_features_in_)]))
        shares = np.where(self.probabilities_ > LEAST_PROBABILITY, self.probabilities_, 0.0)
        found, at = [], 0
        for j, categories in zip(self.categorical_, self.categories_, strict=True):
            for one in categories:
                for k in range(self.n_clusters_):
                    found.append((k, names[j], _text(one), shares[k, at], errors.probabilities[k, at]))
                at += 1
        for at, j in enumerate(self.numeric_):
            for k in range(self.n_clusters_):
                mean = self.means_[k, at] * self.scale_[at] + self.centre_[at]
                found.append((k, names[j], "mean", mean, errors.means[k, at] * self.scale_[at]))
        return pd.DataFrame(found, columns=["segment", "column", "value", "estimate", "standard_error"])

    def _solutions(
        self, values: Any, counts: Sequence[int], random: np.random.RandomState, starts: int | None
    ) -> Sequence[Solution]:
        rows, back = self._rows(values)
        return [self._classed(k, rows, back, random, starts) for k in counts]

    def _classed(
        self, k: int, rows: MixedRows, back: Labels, random: np.random.RandomState, starts: int | None
    ) -> Solution:
        starts = min(self.n_init, starts or self.n_init)
        found = fit(rows, k, random, starts=starts, max_iter=self.max_iter, tol=self.tol)

        def assign(values: Any) -> Labels:
            other, place = self._rows(values)
            return np.asarray(log_joint(other, found.classes).argmax(axis=1))[place]

        labels = np.asarray(log_joint(rows, found.classes).argmax(axis=1))[back]
        deviance = -2 * found.log_likelihood
        bic = deviance + parameters(rows, k) * np.log(rows.counts.sum())
        return Solution(labels, assign, deviance, found, {"bic": float(bic)})

    @property
    def _misfit_name(self) -> str:
        return "deviance"

    def _keep(self, solution: Solution, values: Any) -> None:
        found = solution.fitted
        k = len(found.classes.weights)
        order, rank = by_size(solution.labels, np.hstack([found.classes.means, found.classes.probabilities]))
        classes = found.classes.ordered(order)
        self.weights_, self.probabilities_ = classes.weights, classes.probabilities
        self.means_, self.variances_ = classes.means, classes.variances
        self.n_clusters_ = k
        self.labels_ = rank[solution.labels]
        self.sizes_ = np.bincount(self.labels_, minlength=k)
        self.log_likelihood_ = found.log_likelihood
        self.bic_ = solution.measures["bic"]
        self.path_, self.converged_, self.n_iter_ = found.path, bool(found.converged), len(found.path)
        self.inertia_ = inertia_of(self._measured(values), np.unique(self.labels_, return_inverse=True)[1])

    def _assign(self, values: Any) -> Labels:
        rows, back = self._rows(values)
        return np.asarray(log_joint(rows, self._classes()).argmax(axis=1)).astype(np.intp)[back]

    def _classes(self) -> Classes:
        return Classes(self.weights_, self.probabilities_, self.means_, self.variances_)

    def _rows(self, values: Floats, counted: bool = True) -> tuple[MixedRows, Labels]:
        """Different rows with how often each is there, and which of them each row is."""
        often, back = np.ones(len(values), dtype=np.intp), np.arange(len(values))
        if counted:
            values, back, often = np.unique(values, axis=0, return_inverse=True, return_counts=True)
        split = len(self.categorical_)
        sizes = [len(categories) for categories in self.categories_]
        return MixedRows.of(values[:, :split], sizes, values[:, split:], often.astype(np.float64)), back.ravel()

    def _measured(self, values: Any) -> Floats:
        """Numbers in standard deviations, categories at a distance of 1 from each other; missing ones in the middle."""
        rows = self._rows(values, counted=False)[0]
        middle = [rows.indicators[:, block] + self._shares(block) * _absent(rows, block) for block in rows.blocks]
        return np.hstack([rows.numbers, *(part / np.sqrt(2) for part in middle)])

    def _shares(self, block: slice) -> Floats:
        return np.asarray(self.shares_[block])

    def _read(self, X: ArrayLike, first: bool = False) -> Any:
        """Codes of the categories, then standardised numbers, NaN where a value is missing or was never seen."""
        frame = self._frame(X, first)
        if first:
            self._learn(frame)
        columns = [
            _codes(frame.iloc[:, j], known) for j, known in zip(self.categorical_, self.categories_, strict=True)
        ]
        numbers = [_numbers(frame.iloc[:, j]) for j in self.numeric_]
        scaled = [(one - c) / s for one, c, s in zip(numbers, self.centre_, self.scale_, strict=True)]
        values = np.stack([*columns, *scaled], axis=1)
        if first:
            sizes = [len(categories) for categories in self.categories_]
            rows = MixedRows.of(values[:, : len(columns)], sizes, values[:, len(columns) :], np.ones(len(values)))
            self.shares_ = rows.indicators.mean(axis=0)
        return values

    def _frame(self, X: Any, first: bool) -> pd.DataFrame:
        import pandas as pd

        if isinstance(X, pd.DataFrame):
            validate_data(self, X, skip_check_array=True, reset=first)
            return X
        checked = validate_data(self, X, dtype=None, ensure_all_finite="allow-nan", reset=first)
        return pd.DataFrame(checked).infer_objects()

    def _learn(self, frame: pd.DataFrame) -> None:
        from pandas.api import types

        names = [str(name) for name in frame.columns]
        given = self.categorical
        if not isinstance(given, str) and (unknown := sorted(set(given) - set(names))):
            raise ValueError(f"categorical names {', '.join(unknown)}, and there is no such column")
        self.categorical_, self.numeric_ = [], []
        self.categories_: list[list[Any]] = []
        centre, scale = [], []
        for j, name in enumerate(names):
            column = frame.iloc[:, j]
            if column.dtype.kind in "iuf" and np.isinf(_numbers(column)).any():
                raise ValueError(f"Input X contains infinity in column {name}")
            text = types.is_bool_dtype(column) or not types.is_numeric_dtype(column)
            if (self._is_code(column) if given == "auto" else name in given) or text:
                self.categorical_.append(j)
                self.categories_.append(
                    sorted(set(_plain(column.dropna())), key=lambda one: (isinstance(one, str), one))
                )
            else:
                values = _numbers(column)
                self.numeric_.append(j)
                known = values[~np.isnan(values)]
                centre.append(known.mean() if len(known) else 0.0)
                spread = known.std() if len(known) else 0.0
                scale.append(spread if spread > 0 else 1.0)
        self.centre_, self.scale_ = np.array(centre), np.array(scale)

    def _is_code(self, column: pd.Series) -> bool:
        values = np.unique(_numbers(column)[~np.asarray(column.isna())]) if column.dtype.kind in "iuf" else np.empty(0)
        return 0 < len(values) <= self.most_codes and bool((values == np.floor(values)).all())

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.categorical = tags.input_tags.string = True
        return tags


def _absent(rows: MixedRows, block: slice) -> Floats:
    return np.asarray(1 - rows.indicators[:, block].sum(axis=1, keepdims=True))


def _numbers(column: pd.Series) -> Floats:
    return np.asarray(column.astype("float64"))


def _plain(column: pd.Series) -> list[str | float]:
    """Categories as they are kept: whole and other numbers as floats, all else as text."""
    from pandas.api import types

    if types.is_numeric_dtype(column) and not types.is_bool_dtype(column):
        return [float(value) for value in column]
    return [str(value) for value in column]


def _codes(column: pd.Series, known: list[str | float]) -> Floats:
    import pandas as pd

    place, values = pd.factorize(column)
    code = {value: float(i) for i, value in enumerate(known)}
    # The last answers to −1, a missing value.
    return np.array([*(code.get(value, np.nan) for value in _plain(pd.Series(values))), np.nan])[place]


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:g}"
