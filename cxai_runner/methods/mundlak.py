"""A logit that tells apart what a price does to a customer and which customers meet which prices.

Customers who shop where it is cheap may be other customers. Mundlak's form adds each customer's own mean of a term to
the term itself: the term's coefficient is then what a change *within* a customer does, and the mean's is how much more
customers differ *between* each other than that.

Of a new customer the mean is not known beforehand: what they will meet lies ahead, and so do their purchases. They are
predicted with the mean of the training rows, so that a row's prediction takes nothing but the row; the same is done
for everybody, and the elasticity is that within a customer. Where a price never changes within one, there is no such
thing: its coefficient compares customers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from .coefficients import coefficient_table
from .errors import LogitError
from .logit import BinomialLogit, design_of
from .logit_model import Covariance, Curvature, Floats, logistic
from .names import BY, is_price, is_promotion
from .panel_logit import PanelLogit
from .sandwich import by_customer

_SAME = 1e-9


class MundlakLogit(PanelLogit):
    """Binomial logit with the customers' means of its terms, log-odds a + x_it·b + x̄_i·c [1]_, by maximum likelihood.

    Parameters
    ----------
    covariance : {"clustered", "classical"}
        Clustered by customer, or the inverse information.
    between : sequence of str, optional
        The terms whose means are added. By default those of nothing but price and promotion where names tell them, else
        every column: the mean of what a customer did before (a previous purchase, or its product with a price) would
        tell of their outcomes.

    Attributes
    ----------
    coef_ : ndarray of shape (1, n_features)
        b, within a customer.
    intercept_ : ndarray of shape (1,)
        Of a customer whose means are those of the training rows: a + x̄·c.
    means_ : list of str
        The terms whose means were added.
    means_parameters_, means_covariance_ : ndarray of shape (2 m,) and (2 m, 2 m)
        Their b, then their c, and the covariance of both; `within_and_between` is the table of them.
    left_out_ : tuple of str
        Terms whose means are the same for all customers, or which never change within one: nothing tells the two apart.
    between_only_ : tuple of str
        Terms that never change within a customer: their b compares customers.
    wald_ : tuple of float
        Wald statistic that all c are zero, its degrees of freedom, and p (χ²); NaN where there is no mean.
    log_likelihood_, null_log_likelihood_, mcfadden_r2_ : float
        Of the whole form.

    References
    ----------
    .. [1] Mundlak (1978), On the pooling of time series and cross section data, Econometrica 46(1), 69–85.
    """

    form: ClassVar[str] = "Mundlak logit"
    needs_names: ClassVar[bool] = True

    def __init__(self, *, covariance: Covariance = "clustered", between: Sequence[str] | None = None) -> None:
        self.covariance = covariance
        self.between = between

    def fit(self, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None) -> MundlakLogit:
        """Fit by maximum likelihood.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            Finite numbers.
        y : array-like of shape (n,)
            Two different values.
        groups : array-like of shape (n,)
            The customer of each row.

        Returns
        -------
        MundlakLogit
            Itself.

        Raises
        ------
        ValueError
            A missing or infinite value, one class only, more than two classes, no groups, or an unknown option.
        LogitError
            Columns that are constant or collinear, separated outcomes, customers without repeated rows, or a name in
            ``between`` that is no column.
        """
        values, outcome, codes = self._panel(X, y, groups)
        names = self._names()
        # The terms are judged by themselves first, so that nothing is said of means where they are at fault.
        design_of(values, values.mean(axis=0), values.std(axis=0), names)
        means = (by_customer(values, codes) / np.bincount(codes)[:, np.newaxis])[codes]
        spread = np.maximum(values.std(axis=0), np.finfo(float).tiny)
        differ = means.std(axis=0) > _SAME * spread
        change = (values - means).std(axis=0) > _SAME * spread
        wanted = self._wanted(names)
        used = [j for j, name in enumerate(names) if name in wanted and differ[j] and change[j]]
        self.between_only_ = tuple(name for j, name in enumerate(names) if not change[j])
        self.left_out_ = tuple(name for j, name in enumerate(names) if name in wanted and j not in used)

        labels = [*names, *(f"customer's mean of {names[j]}" for j in used)]
        design = pd.DataFrame(np.column_stack([values, means[:, used]]), columns=labels)
        whole = BinomialLogit().fit(design, outcome, groups=codes if self.covariance == "clustered" else None)
        self.covariance_type_ = self.covariance
        self.log_likelihood_, self.null_log_likelihood_ = whole.log_likelihood_, whole.null_log_likelihood_
        self.mcfadden_r2_ = whole.mcfadden_r2_

        k = len(names)
        level = np.eye(1 + k, 1 + k + len(used))
        level[0, 1 + k :] = means[:, used].mean(axis=0)
        parameters = np.concatenate([whole.intercept_, whole.coef_[0]])
        shown = level @ parameters
        self.intercept_, self.coef_ = shown[:1], shown[1:][np.newaxis, :]
        self.covariance_ = level @ whole.covariance_ @ level.T
        self.standard_errors_ = np.sqrt(np.diag(self.covariance_))
        self.means_ = [names[j] for j in used]
        places = [*(1 + j for j in used), *range(1 + k, 1 + k + len(used))]
        self.means_parameters_ = parameters[places]
        self.means_covariance_ = whole.covariance_[np.ix_(places, places)]
        self.wald_ = self._wald()
        return self

    def within_and_between(self) -> pd.DataFrame:
        """Return ``within`` b, ``between`` b + c and their ``difference`` c with 95 % intervals and p, by term."""
        m = len(self.means_)
        one, nothing = np.eye(m), np.zeros((m, m))
        looks = {"within": [one, nothing], "between": [one, one], "difference": [nothing, one]}
        parts = []
        for label, blocks in looks.items():
            look = np.hstack(blocks)
            error = np.sqrt(np.diag(look @ self.means_covariance_ @ look.T))
            table = coefficient_table(self.means_, look @ self.means_parameters_, error)
            heads = {"coefficient": label, "low": f"{label}_low", "high": f"{label}_high", "p": f"{label}_p"}
            parts.append(table[[*heads]].rename(columns=heads))
        return pd.concat(parts, axis=1)

    def _wald(self) -> tuple[float, int, float]:
        m = len(self.means_)
        if not m:
            return (np.nan, 0, np.nan)
        c = self.means_parameters_[m:]
        statistic = float(c @ np.linalg.solve(self.means_covariance_[m:, m:], c))
        return (statistic, m, float(stats.chi2.sf(statistic, m)))

    def curvature(self, log_odds: Floats) -> Curvature:
        """Return the purchase probability at log-odds, with its derivatives."""
        return logistic(log_odds)

    def _wanted(self, names: list[str]) -> set[str]:
        if self.between is None:
            named = {name for name in names if all(is_price(one) or is_promotion(one) for one in name.split(BY))}
            return named or set(names)
        unknown = [name for name in self.between if name not in names]
        if unknown:
            told = f"between names {unknown[0]!r}, which is none of the terms {', '.join(names)}"
            raise LogitError(told, "name terms, or leave between out")
        return set(self.between)
