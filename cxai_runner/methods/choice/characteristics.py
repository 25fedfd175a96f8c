"""The logit's likelihood where nothing differs between alternatives: the multinomial logit, of characteristics alone.

The utility of alternative j is then b_j·x, with one x for all of them. The dense design, which holds x once for each
coefficient and alternative, would be mostly zeros; here x is held once, and the derivatives are, block by block,
Σ (1{chosen = j} − P_j) x and Σ P_j (1{j = m} − P_m) x xᵀ [1]_.

References
----------
.. [1] Greene (2018), Econometric Analysis, 8th edition, section 18.2.4.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .data import ChoiceData
from .likelihood import LogitLikelihood
from .terms import Layout, Term

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]


class CharacteristicsLikelihood(LogitLikelihood):
    """The log-likelihood of one panel, all of whose alternatives are always available.

    Parameters
    ----------
    columns : ndarray of shape (p, n)
        The distinct characteristics, a column of ones for the constants among them.
    row, of : ndarray of shape (K,)
        Of each parameter the characteristic, and the alternative whose utility it is in.
    chosen : ndarray of shape (n,)
        Positions of the chosen alternatives.
    alternatives : int
        J.
    """

    def __init__(self, columns: Floats, row: Codes, of: Codes, chosen: Codes, alternatives: int) -> None:
        self.columns, self.row, self.of, self.chosen, self.alternatives = columns, row, of, chosen, alternatives
        self.missing, self.occasions = None, len(chosen)
        # The mean square of x (1{j = a} − 1{chosen = a}) over alternatives j and occasions.
        own = np.stack([np.bincount(chosen, x * x, minlength=alternatives) for x in columns])
        squares = own.sum(axis=1)[row] + (alternatives - 2) * own[row, of]
        self.scale = np.sqrt(squares / (alternatives * len(chosen)))

    def linear(self, beta: Floats, where: slice = slice(None)) -> Floats:
        """Return utilities less that of the chosen alternative, shape (J, n)."""
        by_alternative = np.zeros((self.alternatives, len(self.columns)))
        by_alternative[self.of, self.row] = beta
        total = by_alternative @ self.columns[:, where]
        total -= total[self.chosen[where], np.arange(total.shape[1])]
        return total

    def scores(self, beta: Floats) -> Floats:
        """Return the gradient of each occasion, shape (K, n)."""
        scores = np.empty((len(self.row), self.occasions))
        for where in self._blocks():
            left = self._left(self._shares(beta, where)[0], where)
            np.multiply(self.columns[self.row, where], left[self.of], out=scores[:, where])
        return scores

    def derivatives(self, beta: Floats, weights: Floats | None = None) -> tuple[float, Floats, Floats]:
        """Return log-likelihood, gradient of shape (K,), and negative Hessian of shape (K, K)."""
        K, same = len(self.row), self.of[:, np.newaxis] == self.of
        value, gradient, information = 0.0, np.zeros(K), np.zeros((K, K))
        for where in self._blocks():
            shares, logs = self._shares(beta, where)
            x = self.columns[self.row, where]
            times = np.ones(len(logs)) if weights is None else weights[where]
            value += float(logs @ times)
            gradient += (x * self._left(shares, where)[self.of]) @ times
            expected = x * shares[self.of]
            weighted = expected * times
            information -= weighted @ expected.T
            information += np.where(same, weighted @ x.T, 0.0)
        return value, gradient, information

    def _left(self, shares: Floats, where: slice) -> Floats:
        """1{chosen = j} − P_j, shape (J, n)."""
        left = -shares
        left[self.chosen[where], np.arange(shares.shape[1])] += 1.0
        return left


def of_characteristics(data: ChoiceData, layout: Layout) -> CharacteristicsLikelihood | None:
    """Return the likelihood of a panel in this form, or None where a term differs between alternatives."""
    if data.available is not None or data.chosen is None:
        return None
    terms: dict[str, Term | None] = {}
    row, of = [], []
    for _, term, j in layout.cells:
        if j is None or (term is not None and term.differs(data)):
            return None
        text = "" if term is None else term.text
        terms.setdefault(text, term)
        row.append(list(terms).index(text))
        of.append(j)
    columns = np.stack([np.ones(len(data)) if term is None else term.value(data) for term in terms.values()])
    return CharacteristicsLikelihood(columns, np.array(row), np.array(of), data.chosen, len(data.alternatives))
