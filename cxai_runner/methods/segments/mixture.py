"""Segments as a mixture of normal distributions: of any shape, every customer in each with a probability."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Gt
from numpy.typing import ArrayLike, NDArray
from sklearn.mixture import GaussianMixture
from sklearn.utils.validation import check_is_fitted

from .criteria import Solution
from .numbered import NumberedSegments
from .silhouettes import inertia_of

Floats = NDArray[np.float64]
Labels = NDArray[np.intp]
Shape = Literal["full", "tied", "diag", "spherical"]
SHAPES: tuple[Shape, ...] = ("full", "tied", "diag", "spherical")


class GaussianMixtureSegments(NumberedSegments):
    """A Gaussian mixture with a chosen number of segments, the largest first.

    Parameters
    ----------
    n_clusters : int or "auto"
        ``auto`` chooses the number between ``k_min`` and ``k_max``.
    covariance_type : {"full", "tied", "diag", "spherical", "auto"}
        The shape of the segments, as in `sklearn.mixture.GaussianMixture`; ``auto`` takes for every number the shape
        of the least BIC.
    choose_by : {"bic", "silhouette", "elbow", "gap", "prediction_strength", "majority"}
        What ``auto`` goes by: the least BIC [1]_, or as in `KMeansSegments`, the elbow that of −2 log-likelihood.
    k_min, k_max : int
        The numbers tried with ``auto``.
    n_init : int
        Starts, the first from k-means, the others from random rows; the one with the highest likelihood is kept, of
        those whose segments all have as many rows as parameters, where there are such.
    max_iter, tol, reg_covar
        As in `sklearn.mixture.GaussianMixture`.
    silhouette_sample : int
        Rows that stand for all in what judges the numbers.
    random_state : int, RandomState instance or None
        Decides starts and samples.

    Attributes
    ----------
    n_clusters_, labels_, sizes_, selection_
        As in `KMeansSegments`; ``selection_`` has ``bic``, and ``deviance``, −2 log-likelihood, for ``inertia``.
        A row belongs to the segment in which it most probably is.
    mixture_ : GaussianMixture
        The fitted mixture, its components in the order of the segments.
    covariance_type_ : str
        The shape.
    bic_, log_likelihood_ : float
        Of the training rows.

    References
    ----------
    .. [1] Fraley & Raftery (2002), Model-based clustering, discriminant analysis, and density estimation, Journal of
       the American Statistical Association 97.
    """

    criteria: ClassVar[tuple[str, ...]] = ("bic", "silhouette", "elbow", "gap", "prediction_strength")
    challenge_rows: ClassVar[int] = 5_000
    costly_rows: ClassVar[int] = 1_000

    def __init__(
        self,
        n_clusters: Literal["auto"] | Annotated[int, Ge(2)] = "auto",
        *,
        covariance_type: Literal["full", "tied", "diag", "spherical", "auto"] = "full",
        choose_by: Literal["bic", "silhouette", "elbow", "gap", "prediction_strength", "majority"] = "bic",
        k_min: Annotated[int, Ge(2)] = 2,
        k_max: Annotated[int, Ge(2)] = 8,
        n_init: Annotated[int, Ge(1)] = 3,
        max_iter: Annotated[int, Ge(1)] = 500,
        tol: Annotated[float, Gt(0)] = 1e-3,
        reg_covar: Annotated[float, Ge(0)] = 1e-6,
        silhouette_sample: Annotated[int, Ge(100)] = 2000,
        random_state: Any = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.covariance_type = covariance_type
        self.choose_by = choose_by
        self.k_min = k_min
        self.k_max = k_max
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.reg_covar = reg_covar
        self.silhouette_sample = silhouette_sample
        self.random_state = random_state

    def predict_proba(self, X: ArrayLike) -> Floats:
        """Return the probability of each segment for each row, shape (n, n_clusters_)."""
        check_is_fitted(self)
        return np.asarray(self.mixture_.predict_proba(self._read(X)))

    def _solutions(
        self, values: Any, counts: Sequence[int], random: np.random.RandomState, starts: int | None
    ) -> Sequence[Solution]:
        shapes = SHAPES if self.covariance_type == "auto" else (self.covariance_type,)
        return [
            min(
                (self._mixed(k, shape, values, random, starts) for shape in shapes), key=lambda one: one.measures["bic"]
            )
            for k in counts
        ]

    def _mixed(self, k: int, shape: str, values: Floats, random: np.random.RandomState, starts: int | None) -> Solution:
        begins = ["kmeans"] + ["random_from_data"] * (0 if starts else self.n_init - 1)
        climbed = [self._climbed(k, shape, values, begin, random) for begin in begins]
        fitted = max(climbed, key=lambda one: (_has_room(one, values), one.lower_bound_))
        deviance = -2 * float(fitted.score(values)) * len(values)
        return Solution(fitted.predict(values), fitted.predict, deviance, fitted, {"bic": float(fitted.bic(values))})

    def _climbed(
        self, k: int, shape: str, values: Floats, begin: str, random: np.random.RandomState
    ) -> GaussianMixture:
        return GaussianMixture(
            k,
            covariance_type=shape,
            init_params=begin,
            max_iter=self.max_iter,
            tol=self.tol,
            reg_covar=self.reg_covar,
            random_state=random.randint(np.iinfo(np.int32).max),
        ).fit(values)

    @property
    def _misfit_name(self) -> str:
        return "deviance"

    def _keep(self, solution: Solution, values: Any) -> None:
        mixture = solution.fitted
        order = _order(solution.labels, mixture.means_)
        for name in ("weights_", "means_"):
            setattr(mixture, name, getattr(mixture, name)[order])
        if mixture.covariance_type != "tied":
            for name in ("covariances_", "precisions_", "precisions_cholesky_"):
                setattr(mixture, name, getattr(mixture, name)[order])
        self.mixture_ = mixture
        self.n_iter_ = int(mixture.n_iter_)
        self.covariance_type_ = str(mixture.covariance_type)
        self.n_clusters_ = len(order)
        self.labels_ = np.argsort(order)[solution.labels].astype(np.intp)
        self.sizes_ = np.bincount(self.labels_, minlength=len(order))
        self.bic_ = solution.measures["bic"]
        self.log_likelihood_ = -solution.misfit / 2
        self.inertia_ = inertia_of(values, np.unique(self.labels_, return_inverse=True)[1])

    def _assign(self, values: Any) -> Labels:
        return np.asarray(self.mixture_.predict(values)).astype(np.intp)


def _has_room(mixture: GaussianMixture, values: Floats) -> bool:
    """Whether every segment has as many rows as parameters: a likelihood of fewer can rise without bound."""
    d = values.shape[1]
    own = {"full": d + d * (d + 1) // 2, "tied": d, "diag": 2 * d, "spherical": d + 1}[mixture.covariance_type]
    return bool((mixture.weights_ * len(values)).min() >= own)


def _order(labels: Labels, means: Floats) -> Labels:
    sizes = np.bincount(labels, minlength=len(means))
    return np.lexsort([*means.T[::-1], -sizes]).astype(np.intp)
