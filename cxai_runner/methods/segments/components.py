"""K-means on principal components: customers divided by the few directions in which they differ most.

Columns that say nearly the same count once then, and not as often as there are columns.
"""

from __future__ import annotations

import numbers
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Ge, Gt, Lt
from numpy.typing import ArrayLike, NDArray
from sklearn.decomposition import PCA

from .kmeans import KMeansSegments

Floats = NDArray[np.float64]


class ComponentSegments(KMeansSegments):
    """K-means on principal components, the segments numbered by size.

    Parameters
    ----------
    n_components : int or float
        How many components, or the share of the variance that they have to explain.
    n_clusters, choose_by, k_min, k_max, n_init, max_iter, tol, silhouette_sample, random_state
        As in `KMeansSegments`.

    Attributes
    ----------
    pca_ : PCA
        The components: ``components_`` their weights, ``explained_variance_ratio_`` their shares.
    n_clusters_, cluster_centers_, labels_, sizes_, inertia_, selection_
        As in `KMeansSegments`, centres and distances in the space of the components.
    """

    def __init__(
        self,
        n_components: Annotated[int, Ge(1)] | Annotated[float, Gt(0), Lt(1)] = 0.8,
        n_clusters: Literal["auto"] | Annotated[int, Ge(2)] = "auto",
        *,
        choose_by: Literal["silhouette", "elbow", "gap", "prediction_strength", "majority"] = "silhouette",
        k_min: Annotated[int, Ge(2)] = 2,
        k_max: Annotated[int, Ge(2)] = 8,
        n_init: Annotated[int, Ge(1)] = 10,
        max_iter: Annotated[int, Ge(1)] = 300,
        tol: Annotated[float, Ge(0)] = 1e-4,
        silhouette_sample: Annotated[int, Ge(100)] = 2000,
        random_state: Any = None,
    ) -> None:
        super().__init__(
            n_clusters,
            choose_by=choose_by,
            k_min=k_min,
            k_max=k_max,
            n_init=n_init,
            max_iter=max_iter,
            tol=tol,
            silhouette_sample=silhouette_sample,
            random_state=random_state,
        )
        self.n_components = n_components

    def _read(self, X: ArrayLike, first: bool = False) -> Any:
        values = super()._read(X, first)
        if first:
            self.pca_ = PCA(self._components(values), svd_solver="full").fit(values)
        return self.pca_.transform(values)

    def _components(self, values: Floats) -> Any:
        """At most as many as there are; PCA would refuse more."""
        given: Any = self.n_components
        return min(int(given), *values.shape) if isinstance(given, numbers.Integral) else given
