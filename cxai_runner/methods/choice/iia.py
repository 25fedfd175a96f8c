"""Does an alternative take from all others in proportion? Tests of the independence of irrelevant alternatives.

The conditional logit says so (IIA). Then leaving alternatives out, with the occasions at which they were chosen, must
not move the coefficients [1]_; and nests must not raise the likelihood.

The first of these rejects too often where IIA holds [2]_, and supposes that occasions are independent: `nest_scores`
has its size, with customers whose occasions are alike too.

References
----------
.. [1] Hausman and McFadden (1984), Specification tests for the multinomial logit model, Econometrica 52(5).
.. [2] Cheng and Long (2007), Testing for IIA in the multinomial logit model, Sociological Methods & Research 35(4).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats
from sklearn.base import clone

from .conditional import ConditionalLogit
from .data import ChoiceData
from .errors import ChoiceError, ChoiceWarning
from .nested import NestedLogit
from .reading import labels


@dataclass(frozen=True)
class IIATest:
    """A test whose null hypothesis is that IIA holds.

    Parameters
    ----------
    statistic, degrees_of_freedom, p
        Its χ² statistic, and the probability of one as large where IIA holds.
    compared
        The parameters that it is about.
    words
        What was compared with what.
    """

    statistic: float
    degrees_of_freedom: int
    p: float
    compared: tuple[str, ...]
    words: str


def hausman_mcfadden(
    model: ConditionalLogit, X: pd.DataFrame | ChoiceData, y: ArrayLike | None = None, *, keep: Sequence[object]
) -> IIATest:
    """Return (b_s − b)ᵀ (V_s − V)⁺ (b_s − b), with the degrees of freedom the rank of V_s − V.

    Its p is too small in samples of some hundred occasions: of 300 simulated panels in which IIA holds, of 900 choices
    among three alternatives, about one in ten has a p below 5 % over the three tests after Bonferroni's correction.
    What is said of IIA should rest on `nest_scores`.

    Parameters
    ----------
    model
        The terms to test; fitted anew, with classical covariances, which the test needs.
    X, y
        As in `ConditionalLogit.fit`.
    keep
        Two or more of the alternatives: b_s is fitted on the occasions at which one of them was chosen.

    Raises
    ------
    ChoiceError
        Fewer than two alternatives are kept, or all of them; or no parameter is in both fits.

    Warns
    -----
    ChoiceWarning
        V_s − V is not positive semi-definite, which happens in finite samples: the directions in which it is not are
        left out, and the test is of little use.
    """
    kept = labels(keep)
    reference = None if model.reference is None else labels([model.reference])[0]
    full = clone(model).set_params(covariance="classical")
    if reference not in kept:
        full.set_params(reference=kept[0])
    data, _ = full._read(X, y, None, None)
    others = [name for name in kept if name not in data.alternatives]
    if others:
        message = f"to be kept, but no alternatives: {', '.join(others)}"
        raise ChoiceError(message, f"they are {', '.join(data.alternatives)}", tuple(others))
    if not 2 <= len(kept) < len(data.alternatives):
        raise ChoiceError(
            f"{len(kept)} of {len(data.alternatives)} alternatives are kept", "keep two at least, and not all"
        )
    full.set_params(alternatives=None).fit(data)
    subset = clone(full).fit(data.only(kept))
    common = [name for name in full.parameter_names_ if name in subset.parameter_names_]
    if not common:
        raise ChoiceError("no parameter is in both fits", "keep other alternatives, or add a generic term")
    at = [full.parameter_names_.index(name) for name in common]
    there = [subset.parameter_names_.index(name) for name in common]
    moved = subset.coef_[there] - full.coef_[at]
    spread = subset.covariance_[np.ix_(there, there)] - full.covariance_[np.ix_(at, at)]
    # In units of the subset's standard errors, in which a direction of no spread can be told from a small one.
    error = subset.standard_errors_[there]
    values, vectors = np.linalg.eigh(spread / np.outer(error, error))
    used = values > 1e-8
    if (values < -1e-8).any():
        message = (
            f"the difference of the covariances is not positive semi-definite in {int((values < -1e-8).sum())} of "
            f"{len(common)} directions, which the test leaves out; try other alternatives, or compare a nested logit"
        )
        warnings.warn(message, ChoiceWarning, stacklevel=2)
    along = vectors[:, used].T @ (moved / error)
    statistic, df = float((along**2 / values[used]).sum()), int(used.sum())
    left = [name for name in data.alternatives if name not in kept]
    words = f"Hausman–McFadden, {', '.join(left)} left out"
    p = float(stats.chi2.sf(statistic, df)) if df else float("nan")
    return IIATest(statistic, df, p, tuple(common), words)


def nests_against_none(model: NestedLogit) -> IIATest:
    """Return the likelihood-ratio test of λ = 1 in all nests of a fitted nested logit."""
    names = tuple(name for name in model.parameter_names_ if name.startswith("dissimilarity["))
    statistic = 2 * max(model.log_likelihood_ - model.conditional_log_likelihood_, 0.0)
    words = "likelihood ratio of the nested and the conditional logit"
    return IIATest(statistic, len(names), float(stats.chi2.sf(statistic, len(names))), names, words)
