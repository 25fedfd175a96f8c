"""Linear models: each item is told from all others, by weights that are learnt for it.

The score of item i is Σⱼ x_j B_ji over the history x. B makes XB close to X with nothing on its diagonal, or an item
would tell itself. EASE is the ridge regression of that, in closed form; SLIM is sparse, and has no weight below 0.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import linalg, sparse
from sklearn.linear_model import enet_path
from threadpoolctl import threadpool_limits

from cxai_runner.methods.recommend.errors import CatalogueTooLargeError, UnlearnableError
from cxai_runner.methods.recommend.interactions import Floats, Interactions
from cxai_runner.methods.recommend.ranking import BLOCK
from cxai_runner.methods.recommend.recommender import Recommender

Doubles = NDArray[np.float64]

GIB = 2**30


class _Linear(Recommender):
    """What both have in common: a matrix of items × items."""

    k: int
    repeats: bool
    weighted: bool
    memory: float
    n_jobs: int | None

    def _values(self, several: Interactions) -> sparse.csr_array:
        return several.matrix() if self.weighted else several.bought

    def _score(self, several: Interactions) -> Floats:
        found = self._values(several) @ self.weights_
        return found.toarray() if sparse.issparse(found) else found

    def _check(self, items: int, bytes_each: int, remedy: str) -> None:
        """Refuse what does not fit before it is begun."""
        need = items**2 * bytes_each / GIB
        if need > self.memory:
            raise CatalogueTooLargeError(
                f"{items:,} items need {need:.1f} GiB, and memory={self.memory:g} allows less: leave out what few "
                f"customers bought, with a higher features.fewest or a coarser features.item; {remedy}"
            )

    weights_: Floats | sparse.csr_array


class EASE(_Linear):
    """Recommend by ridge regressions of each item on all others, in closed form [1]_.

    With P = (XᵀX + λI)⁻¹ the weights are B_ij = −P_ij / P_jj, and 0 on the diagonal. It takes 12 bytes for each pair of
    items: 4.5 GiB for 20,000. The time grows with the third power of their number.

    Parameters
    ----------
    k
        Items on a list.
    repeats
        Whether what a customer bought before may be on their list.
    penalty
        λ: the more, the closer the weights are to 0. It is in customers, so larger data bear a larger one.
    weighted
        Whether the weights of purchases count, or only what was bought.
    memory
        GiB that may be taken.
    n_jobs
        Threads.

    Attributes
    ----------
    weights_ : ndarray of shape (m, m)
        B, in single precision.

    References
    ----------
    .. [1] Steck (2019), Embarrassingly shallow autoencoders for sparse data, WWW.
    """

    def __init__(
        self,
        k: int = 10,
        repeats: bool = True,
        penalty: float = 300.0,
        weighted: bool = False,
        memory: float = 16.0,
        n_jobs: int | None = None,
    ) -> None:
        self.k = k
        self.repeats = repeats
        self.penalty = penalty
        self.weighted = weighted
        self.memory = memory
        self.n_jobs = n_jobs

    def _learn(self, several: Interactions, items: pd.DataFrame | None) -> None:
        if self.penalty <= 0:
            raise ValueError(f"penalty: more than 0, not {self.penalty!r}")
        self._check(several.items, 12, "or take model=recommendation/item_knn, which is sparse")
        with threadpool_limits(self.n_jobs or 1):
            inverse = inverted(gram(self._values(several)), self.penalty)
        across = -1 / np.diag(inverse)
        self.weights_ = np.empty(inverse.shape, dtype=np.float32)
        # The inverse is symmetric: its columns, which lie together in memory, are its rows.
        for row in range(len(inverse)):
            np.multiply(inverse[:, row], across, out=self.weights_[row], casting="same_kind")
        np.fill_diagonal(self.weights_, 0)


class SLIM(_Linear):
    """Recommend by sparse regressions of each item on all others, without a weight below 0 [1]_.

    B minimises ½‖X − XB‖² + ½ ridge ‖B‖² + lasso ‖B‖₁ where B ≥ 0 with nothing on the diagonal: an elastic net for each
    item, by coordinate descent on XᵀX. It takes 8 bytes for each pair of items while it is fitted; what is kept is
    sparse. 2,000 items take seconds, and 5,000 a minute or two.

    Parameters
    ----------
    k
        Items on a list.
    repeats
        Whether what a customer bought before may be on their list.
    lasso
        In customers, as ``ridge``: the more, the fewer weights. More than 0.
    ridge
        The more, the closer the weights are to 0.
    weighted
        Whether the weights of purchases count, or only what was bought.
    tol
        An item is done when its duality gap is below this share of the squared length of its column.
    max_iter
        Rounds after which an item is done, however far it is.
    memory
        GiB that may be taken.

    Attributes
    ----------
    weights_ : csr_array of shape (m, m)
        B.

    References
    ----------
    .. [1] Ning and Karypis (2011), SLIM: sparse linear methods for top-N recommender systems, ICDM.
    """

    def __init__(
        self,
        k: int = 10,
        repeats: bool = True,
        lasso: float = 1.0,
        ridge: float = 100.0,
        weighted: bool = False,
        tol: float = 1e-3,
        max_iter: int = 500,
        memory: float = 16.0,
    ) -> None:
        self.k = k
        self.repeats = repeats
        self.lasso = lasso
        self.ridge = ridge
        self.weighted = weighted
        self.tol = tol
        self.max_iter = max_iter
        self.memory = memory

    def _learn(self, several: Interactions, items: pd.DataFrame | None) -> None:
        if self.lasso <= 0:
            raise ValueError(f"lasso: more than 0, not {self.lasso!r}; without it no weight is 0, as with EASE")
        if self.ridge < 0:
            raise ValueError(f"ridge: 0 or more, not {self.ridge!r}")
        self._check(several.items, 8, "or take model=recommendation/item_knn, which is sparse")
        self.weights_ = sparse_weights(gram(self._values(several)), self.lasso, self.ridge, self.tol, self.max_iter)


def gram(values: sparse.csr_array) -> Doubles:
    """Return XᵀX, dense, shape (m, m); no more than it and a block are held."""
    m = values.shape[1]
    turned = values.T.tocsr().astype(np.float64)
    right = values.astype(np.float64)
    found = np.empty((m, m), order="F")
    size = max(1, BLOCK // (4 * m))
    for begin in range(0, m, size):
        # It is symmetric: a block of rows is one of columns, which lie together in memory.
        found.T[begin : begin + size] = (turned[begin : begin + size] @ right).toarray()
    return found


def inverted(symmetric: Doubles, penalty: float) -> Doubles:
    """Return (G + penalty I)⁻¹ in the memory of G, which lies by columns.

    Raises
    ------
    ValueError
        G + penalty I is not positive definite.
    """
    diagonal = np.einsum("ii->i", symmetric)
    diagonal += penalty
    factor, told = linalg.lapack.dpotrf(symmetric, lower=1, overwrite_a=1, clean=0)
    if told == 0:
        factor, told = linalg.lapack.dpotri(factor, lower=1, overwrite_c=1)
    if told != 0:
        raise UnlearnableError("the items cannot be told from each other: a penalty above 0 is needed")
    for row in range(1, len(factor)):
        factor[:row, row] = factor[row, :row]
    return factor


def sparse_weights(symmetric: Doubles, lasso: float, ridge: float, tol: float, max_iter: int) -> sparse.csr_array:
    """Return the weights that `SLIM` minimises for, shape (m, m), from G = XᵀX."""
    by_row = symmetric.T  # the same numbers, in the order that coordinate descent wants
    m = len(by_row)
    shape_alone = np.zeros((1, m), order="F")  # all that is needed of X is in G
    columns = []
    for item in range(m):
        target, own = by_row[item].copy(), by_row[item, item]
        # An item without length is passed over: so it has no weight in telling itself.
        target[item] = by_row[item, item] = 0
        _, found, _ = enet_path(
            shape_alone,
            np.array([np.sqrt(own)]),
            alphas=[lasso + ridge],
            l1_ratio=lasso / (lasso + ridge),
            precompute=by_row,
            Xy=target,
            positive=True,
            check_input=False,
            random_state=0,  # of no use to a cyclic descent, which would take from the global one all the same
            tol=tol,
            max_iter=max_iter,
        )
        by_row[item, item] = own
        columns.append(sparse.csr_array(found.T.astype(np.float32)))
    return sparse.vstack(columns, format="csr").T.tocsr()
