"""Where prices answer to demand: the part of a price that its cost drivers do not explain, as a term of its own.

A price coefficient is causal only if price is exogenous given the other terms. Where a shop raises a price because it
expects demand that the model does not see, the coefficient is too small. A control function takes what instruments
leave unexplained of the price, and puts it into the utility, where it stands for that demand [1]_.

References
----------
.. [1] Petrin and Train (2010), A control function approach to endogeneity in consumer choice models, Journal of
   Marketing Research 47(1).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from .data import ChoiceData
from .errors import ChoiceError, ChoiceWarning, NotIdentifiedError

Floats = NDArray[np.float64]

# Below this F statistic of the instruments an estimate leans towards the one without them (Staiger and Stock 1997).
WEAK = 10.0


@dataclass(frozen=True, eq=False)
class ControlFunction:
    """The first stage of a control function.

    Parameters
    ----------
    data
        The panel with one attribute more, ``<column>_residual``, to be named among the terms.
    column
        The attribute whose residual it is.
    f_statistic
        Of the instruments, given the controls and a constant for each alternative.
    r2
        Share of the attribute's variance within alternatives that instruments and controls explain.
    slopes
        Of controls and instruments, in that order, shape (M,).
    """

    data: ChoiceData
    column: str
    f_statistic: float
    r2: float
    slopes: Floats


def control_function(
    data: ChoiceData, column: str = "price", *, instruments: Sequence[str], controls: Sequence[str] = ()
) -> ControlFunction:
    """Return the panel with the residual of a least-squares fit of an attribute.

    The standard errors of a model that holds the residual do not know that it was estimated: bootstrap both stages by
    customer where they matter.

    Parameters
    ----------
    data
        The panel.
    column
        The attribute that may answer to demand.
    instruments
        Attributes or characteristics that move it and are no term of the utility: costs, prices elsewhere.
    controls
        The other terms of the utility.

    Raises
    ------
    ChoiceError
        A column that is not there, or one that is instrument and control at once.
    NotIdentifiedError
        Instruments and controls that are collinear, or the same for all occasions.

    Warns
    -----
    ChoiceWarning
        The instruments explain little (F < 10).
    """
    if not instruments:
        raise ChoiceError("no instrument is given", "name what moves the price, and is no term of the utility")
    both = sorted(set(instruments) & {column, *controls})
    if both:
        raise ChoiceError(f"instrument and term at once: {', '.join(both)}", "an instrument is no term", tuple(both))
    there = np.ones((len(data), len(data.alternatives)), dtype=bool) if data.available is None else data.available
    target = _within(_values(data, column), there)
    names = [*controls, *instruments]
    columns = np.stack([_within(_values(data, name), there) for name in names], axis=1)
    size = np.sqrt((columns**2).mean(axis=0))
    # What is left of a constant after its mean is taken off may be a rounding error.
    level = [np.abs(_values(data, name)[there]).max() for name in names]
    still = [name for name, s, most in zip(names, size, level, strict=True) if not s > 1e-12 * most]
    if still:
        message = f"the same at all occasions for each alternative: {', '.join(still)}"
        raise NotIdentifiedError(message, "leave it out", tuple(still))
    if np.linalg.cond(columns / size) > 1e6:
        raise NotIdentifiedError(f"collinear columns among {', '.join(names)}", "leave one out", tuple(names))
    slopes: Floats = np.asarray(np.linalg.lstsq(columns, target, rcond=None)[0], dtype=np.float64)
    residual = target - columns @ slopes
    fixed = columns[:, : len(controls)]
    restricted = target - fixed @ np.linalg.lstsq(fixed, target, rcond=None)[0] if controls else target
    left = float(residual @ residual)
    freedom = len(target) - len(data.alternatives) - len(names)
    f_statistic = (float(restricted @ restricted) - left) / len(instruments) / (left / freedom)
    if f_statistic < WEAK:
        message = (
            f"the instruments {', '.join(instruments)} explain little of {column} (F = {f_statistic:.3g}): what they "
            "correct is lost in noise; find stronger ones"
        )
        warnings.warn(message, ChoiceWarning, stacklevel=2)
    spread = np.zeros(there.T.shape)
    spread[there.T] = residual
    named = data.changed(f"{column}_residual", spread.T)
    return ControlFunction(named, column, f_statistic, 1.0 - left / float(target @ target), slopes)


class PriceControl(TransformerMixin, BaseEstimator):
    """The control function of a wide panel: adds a column ``<column>_residual<separator><alternative>`` for each.

    What was learned of the training rows is what other rows are compared with.

    Parameters
    ----------
    column, instruments, controls
        As in `control_function`.
    alternatives : sequence
        Their names, as the columns spell them.
    separator, availability
        As in `ConditionalLogit`.

    Attributes
    ----------
    f_statistic_, r2_ : float
        As in `ControlFunction`.
    slopes_ : ndarray of shape (M,)
        Of controls and instruments.
    means_ : ndarray of shape (1 + M, J)
        Of the column, the controls and the instruments, for each alternative where it was available.
    """

    def __init__(
        self,
        column: str = "price",
        *,
        instruments: Sequence[str] = (),
        controls: Sequence[str] = (),
        alternatives: Sequence[object] = (),
        separator: str = "_",
        availability: str | None = None,
    ) -> None:
        self.column = column
        self.instruments = instruments
        self.controls = controls
        self.alternatives = alternatives
        self.separator = separator
        self.availability = availability

    def fit(self, X: pd.DataFrame, y: object = None) -> PriceControl:
        """Fit the first stage; raises and warns as `control_function` does."""
        data = self._read(X)
        found = control_function(data, self.column, instruments=self.instruments, controls=self.controls)
        self.f_statistic_, self.r2_, self.slopes_ = found.f_statistic, found.r2, found.slopes
        there = np.ones((len(data), len(data.alternatives)), dtype=bool) if data.available is None else data.available
        names = (self.column, *self.controls, *self.instruments)
        self.means_ = np.stack([np.average(_values(data, name), axis=0, weights=there) for name in names])
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return the frame with the residuals added; 0 where an alternative was not available."""
        check_is_fitted(self, "slopes_")
        data = self._read(X)
        apart = [
            _values(data, name) - mean
            for name, mean in zip((self.column, *self.controls, *self.instruments), self.means_, strict=True)
        ]
        residual = apart[0] - np.einsum("knj,k->nj", np.stack(apart[1:]), self.slopes_)
        if data.available is not None:
            residual = np.where(data.available, residual, 0.0)
        names = [f"{self.column}_residual{self.separator}{name}" for name in data.alternatives]
        return X.assign(**dict(zip(names, residual.T, strict=True)))

    def _read(self, X: pd.DataFrame) -> ChoiceData:
        names = (self.column, *self.controls, *self.instruments)
        return ChoiceData.from_wide(
            X, self.alternatives, names=names, separator=self.separator, availability=self.availability
        )


def _values(data: ChoiceData, name: str) -> Floats:
    if name in data.attributes:
        return data.attributes[name]
    if name in data.characteristics:
        return np.repeat(data.characteristics[name][:, np.newaxis], len(data.alternatives), axis=1)
    known = ", ".join([*data.attributes, *data.characteristics])
    raise ChoiceError(f"there is no attribute or characteristic {name!r}", f"it has {known}", (name,))


def _within(values: Floats, there: NDArray[np.bool_]) -> Floats:
    """Less the mean of each alternative, where available, alternative by alternative."""
    return np.concatenate([column[use] - column[use].mean() for column, use in zip(values.T, there.T, strict=True)])
