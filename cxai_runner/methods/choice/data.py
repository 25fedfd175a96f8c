"""Who could choose what, and what they chose: one form for wide and long panels.

A wide panel has a row per occasion and a column per attribute and alternative (`price_1`, `price_2` …), a long one a
row per occasion and alternative. Both become arrays of occasions × alternatives that lie in memory alternative by
alternative, which is how a panel's columns lie and how the likelihood runs through them fastest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from .errors import ChoiceError
from .reading import labels, no_column, numbers, stems

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Codes = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class ChoiceData:
    """Occasions of choice among named alternatives.

    Parameters
    ----------
    alternatives
        Names of the J alternatives, in the order of the arrays' second axis.
    attributes
        What differs between alternatives, price for example: arrays of shape (n, J), finite where available.
    characteristics
        What is the same for all alternatives of an occasion, income for example: arrays of shape (n,).
    available
        Whether the alternative could be chosen, shape (n, J); all of them where it is left out.
    chosen
        Position of the chosen alternative, shape (n,); left out where it is to be predicted.
    customers
        Code of each occasion's customer, shape (n,), 0 … customers − 1.
    weights
        How often each occasion counts, shape (n,), positive.
    occasions
        n, where nothing else tells it.

    Raises
    ------
    ChoiceError
        A missing value, an occasion without alternatives, a choice of what was not available, or a weight that is
        not positive.
    """

    alternatives: tuple[str, ...]
    attributes: Mapping[str, Floats] = field(default_factory=dict)
    characteristics: Mapping[str, Floats] = field(default_factory=dict)
    available: Flags | None = None
    chosen: Codes | None = None
    customers: Codes | None = None
    weights: Floats | None = None
    occasions: int = 0

    def __post_init__(self) -> None:
        if len(self.alternatives) < 2:
            raise ChoiceError("fewer than two alternatives", "a choice needs two", tuple(self.alternatives))
        for name, values in self.attributes.items():
            missing = ~np.isfinite(values) if self.available is None else ~np.isfinite(values) & self.available
            for position in np.flatnonzero(missing.any(axis=0))[:1]:
                raise ChoiceError(
                    f"{name!r} of alternative {self.alternatives[position]!r} is missing or infinite at "
                    f"{int(missing[:, position].sum())} occasions where it is available",
                    "fill the value, or say that the alternative was not available there",
                    (name,),
                )
        for name, values in self.characteristics.items():
            if not np.isfinite(values).all():
                count = int((~np.isfinite(values)).sum())
                message = f"column {name!r} is missing or infinite at {count} occasions"
                raise ChoiceError(message, "fill the values, or leave the occasions out", (name,))
        if self.available is not None:
            self._check_available(self.available)
        if self.weights is not None and not (np.isfinite(self.weights).all() and (self.weights > 0).all()):
            raise ChoiceError("a weight is not a positive number", "leave occasions without weight out", ("weights",))

    def _check_available(self, available: Flags) -> None:
        empty = np.flatnonzero(~available.any(axis=1))
        if len(empty):
            message = f"{len(empty)} occasions have no alternative available, the first at position {empty[0]}"
            raise ChoiceError(message, "leave them out")
        if self.chosen is not None:
            absurd = np.flatnonzero(~available[np.arange(len(available)), self.chosen])
            if len(absurd):
                name = self.alternatives[self.chosen[absurd[0]]]
                message = (
                    f"{len(absurd)} occasions have a choice that was not available, "
                    f"the first {name!r} at position {absurd[0]}"
                )
                raise ChoiceError(message, "correct the availability, or leave the occasions out", (name,))

    def __len__(self) -> int:
        """Return the number of occasions."""
        for values in (*self.attributes.values(), *self.characteristics.values()):
            return len(values)
        for other in (self.available, self.chosen):
            if other is not None:
                return len(other)
        return self.occasions

    @property
    def there(self) -> Flags | None:
        """What was available as utilities lie, shape (J, n); None where everything was."""
        return None if self.available is None else self.available.T

    @classmethod
    def from_wide(
        cls,
        frame: pd.DataFrame,
        alternatives: Sequence[object],
        *,
        choice: ArrayLike | str | None = None,
        names: Sequence[str] | None = None,
        separator: str = "_",
        availability: str | None = None,
        customers: ArrayLike | str | None = None,
        weights: ArrayLike | str | None = None,
    ) -> ChoiceData:
        """Read a panel of one row per occasion.

        Parameters
        ----------
        frame : DataFrame of shape (n, columns)
            Attributes in one column per alternative, named ``<attribute><separator><alternative>``; characteristics
            in a column of their own.
        alternatives
            Their names, as the columns spell them.
        choice
            Name of the chosen alternative, shape (n,), or the column that holds it.
        names
            Attributes and characteristics to read; a column of just that name is a characteristic. By default
            every attribute that all alternatives have, and every other numeric column.
        separator
            Between attribute and alternative.
        availability
            Prefix of the columns that say whether an alternative was available, as 0 or 1.
        customers, weights
            Of each occasion, shape (n,), or the column that holds them.

        Raises
        ------
        ChoiceError
            A column that is absent or not numeric, or a choice that is none of the alternatives.
        """
        options = labels(alternatives)
        suffixes = [f"{separator}{name}" for name in options]
        taken = [_column(frame, given) for given in (choice, customers, weights)]
        if names is None:
            skip = {given for given in (choice, customers, weights) if isinstance(given, str)}
            names = [name for name in stems(frame, suffixes, skip) if name != availability]
        attributes: dict[str, Floats] = {}
        characteristics: dict[str, Floats] = {}
        for name in names:
            if name in frame.columns:
                characteristics[name] = numbers(frame, name)
                continue
            columns = [f"{name}{suffix}" for suffix in suffixes]
            absent = [column for column in columns if column not in frame.columns]
            if absent:
                raise ChoiceError(
                    f"{name!r} has no column {name!r}, nor one per alternative: {', '.join(absent)} missing",
                    f"name the columns <attribute>{separator}<alternative>, or give their separator",
                    tuple(absent),
                )
            attributes[name] = _beside([numbers(frame, column) for column in columns])
        available = None
        if availability is not None:
            flags = _beside([numbers(frame, f"{availability}{suffix}") for suffix in suffixes])
            if np.isnan(flags).any():
                message = f"whether an alternative was available is missing at {int(np.isnan(flags).sum())} places"
                raise ChoiceError(message, "fill them with 0 or 1", (availability,))
            available = flags.astype(bool, order="K")
        return cls(
            options,
            attributes,
            characteristics,
            _unless_all(available),
            None if taken[0] is None else chosen_positions(taken[0], options),
            None if taken[1] is None else pd.factorize(taken[1])[0],
            None if taken[2] is None else np.asarray(taken[2], dtype=np.float64),
            len(frame),
        )

    @classmethod
    def from_long(
        cls,
        frame: pd.DataFrame,
        *,
        occasion: str,
        alternative: str,
        choice: str | None = None,
        alternatives: Sequence[object] | None = None,
        names: Sequence[str] | None = None,
        customers: str | None = None,
        weights: str | None = None,
    ) -> ChoiceData:
        """Read a panel of one row per occasion and available alternative; an alternative without a row was not.

        Parameters
        ----------
        frame : DataFrame of shape (rows, columns)
            In any order; occasions keep the order in which they first appear.
        occasion, alternative
            The columns that tell the rows apart.
        choice
            The column that marks the chosen row: 1 or true there, else 0 or false.
        alternatives
            Their names; by default all that occur, in the order of their appearance.
        names
            Columns to read; by default every other numeric one. What never differs within an occasion is a
            characteristic, anything else an attribute.
        customers, weights
            Columns that are the same in every row of an occasion.

        Raises
        ------
        ChoiceError
            A column that is absent or not numeric, two rows of one alternative at one occasion, an occasion with no
            choice or several, or an alternative that is not named.
        """
        used = (occasion, alternative, choice, customers, weights)
        for name in (*(name for name in used if name), *(names or ())):
            if name not in frame.columns:
                raise ChoiceError(
                    f"there is no column {name!r}", f"it has {', '.join(map(str, frame.columns))}", (name,)
                )
        row, occasions = pd.factorize(frame[occasion])
        options = labels(frame[alternative].unique() if alternatives is None else alternatives)
        position = chosen_positions(frame[alternative], options)
        shape = (len(options), len(occasions))
        at = position * len(occasions) + row
        if len(np.unique(at)) < len(at):
            twice = frame.loc[pd.Series(at, index=frame.index).duplicated(), [occasion, alternative]].iloc[0]
            message = f"occasion {twice[occasion]} has two rows of alternative {twice[alternative]!r}"
            raise ChoiceError(message, "keep one row per occasion and alternative", (occasion, alternative))
        flat = np.zeros(shape[0] * shape[1], dtype=bool)
        flat[at] = True
        first = np.unique(row, return_index=True)[1]
        if names is None:
            names = [name for name in frame.select_dtypes(["number", "bool"]).columns if name not in used]
        attributes: dict[str, Floats] = {}
        characteristics: dict[str, Floats] = {}
        for name in names:
            values = numbers(frame, name)
            if np.array_equal(values, values[first][row], equal_nan=True):
                characteristics[name] = values[first]
            else:
                spread = np.zeros(len(flat))
                spread[at] = values
                attributes[name] = spread.reshape(shape).T
        return cls(
            options,
            attributes,
            characteristics,
            _unless_all(flat.reshape(shape).T),
            None if choice is None else _marked(numbers(frame, choice), row, position, occasions, choice),
            None if customers is None else pd.factorize(frame[customers].to_numpy()[first])[0],
            None if weights is None else numbers(frame, weights)[first],
        )

    def take(self, rows: ArrayLike) -> ChoiceData:
        """Return some of the occasions, chosen by position or by a mask."""
        index = np.asarray(rows)
        return self._at(np.flatnonzero(index) if index.dtype == bool else index)

    def block(self, start: int, stop: int) -> ChoiceData:
        """Return the occasions of a range of positions, as views."""
        return self._at(slice(start, stop))

    def _at(self, index: Codes | slice) -> ChoiceData:
        return replace(
            self,
            attributes={name: values.T[:, index].T for name, values in self.attributes.items()},
            characteristics={name: values[index] for name, values in self.characteristics.items()},
            available=None if self.available is None else self.available.T[:, index].T,
            chosen=None if self.chosen is None else self.chosen[index],
            customers=None if self.customers is None else self.customers[index],
            weights=None if self.weights is None else self.weights[index],
            occasions=len(np.arange(self.occasions)[index]) if self.occasions else 0,
        )

    def only(self, alternatives: Sequence[str]) -> ChoiceData:
        """Return the occasions at which one of these alternatives was chosen, as if there had been no others."""
        if self.chosen is None:
            raise ChoiceError("the choices are not known", "give the choice")
        keep = [self.alternatives.index(name) for name in alternatives]
        rows = np.flatnonzero(np.isin(self.chosen, keep))
        data, order = self._at(rows), np.argsort(keep)
        assert data.chosen is not None
        chosen = order[np.searchsorted(np.asarray(keep)[order], data.chosen)]
        return replace(
            data,
            alternatives=tuple(alternatives),
            attributes={name: np.asfortranarray(values[:, keep]) for name, values in data.attributes.items()},
            available=None if data.available is None else _unless_all(np.asfortranarray(data.available[:, keep])),
            chosen=chosen,
        )

    def changed(self, attribute: str, values: Floats) -> ChoiceData:
        """Return the same occasions with other values of one attribute, shape (n, J)."""
        return replace(self, attributes={**self.attributes, attribute: np.asfortranarray(values)})


def chosen_positions(choice: object, options: tuple[str, ...]) -> Codes:
    """Return the position of each choice among the alternatives; raises where it is none of them."""
    codes, found = pd.factorize(np.asarray(choice))
    if (codes < 0).any():
        raise ChoiceError(f"{int((codes < 0).sum())} occasions have no choice", "leave them out")
    names = labels(found)
    others = [name for name in names if name not in options]
    if others:
        raise ChoiceError(
            f"chosen, but not among the alternatives: {', '.join(others)}",
            "name them as alternatives, or leave these occasions out",
            tuple(others),
        )
    return np.asarray([options.index(name) for name in names], dtype=np.intp)[codes]


def _marked(flags: Floats, row: Codes, position: Codes, occasions: pd.Index, column: str) -> Codes:
    times = np.bincount(row, flags != 0, minlength=len(occasions))
    wrong = np.flatnonzero(times != 1)
    if len(wrong):
        message = (
            f"{len(wrong)} occasions have no chosen alternative or several, "
            f"the first {occasions[wrong[0]]} with {int(times[wrong[0]])}"
        )
        raise ChoiceError(message, "leave them out, or keep one choice each", (column,))
    chosen = np.empty(len(occasions), dtype=np.intp)
    chosen[row[flags != 0]] = position[flags != 0]
    return chosen


def _column(frame: pd.DataFrame, given: ArrayLike | str | None) -> NDArray[np.generic] | None:
    if given is None:
        return None
    if isinstance(given, str):
        if given not in frame.columns:
            raise no_column(given, frame)
        return frame[given].to_numpy()
    values = np.asarray(given)
    if values.shape != (len(frame),):
        raise ChoiceError(f"{values.shape} values for {len(frame)} occasions", "give one for each occasion")
    return values


def _beside(columns: list[Floats]) -> Floats:
    return np.stack(columns).T


def _unless_all(available: Flags | None) -> Flags | None:
    return None if available is None or available.all() else available
