"""What a config asks for, found in a panel: the alternatives, the terms of their utilities, the columns behind them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cxai_runner.data.dataset import Dataset
from cxai_runner.features.seen import with_prices
from cxai_runner.methods.choice import ChoiceTerms, is_told_apart
from cxai_runner.methods.choice.categories import is_calendar, is_category
from cxai_runner.methods.choice.reading import labels

if TYPE_CHECKING:
    from tasks.brand_choice.task import BrandChoice

BRAND = "brand"
SEPARATOR = "_"
OUTCOMES = ("incidence", "brand", "quantity", "revenue")
REPEAT = "repeat"
"""The attribute of being the brand bought last."""
PLACES = ("store_group",)
"""Columns that are known before a choice and are no inputs: they may be terms all the same."""


@dataclass(frozen=True)
class Specification:
    """A utility, ready for a model.

    Parameters
    ----------
    alternatives, reference
        Their names; the one whose constant is zero.
    terms
        As said, categories among them.
    categories
        Those of the terms' columns that hold words or parts of a date.
    price
        The attribute whose elasticities are asked for.
    availability
        Prefix of the columns that say what was available; None where everything always was.
    instruments
        What moves prices and is no term.
    repeats
        The column of the brand bought last, where `REPEAT` is a term; else None.
    columns
        What the model takes.
    time
        The column of the date.
    """

    alternatives: tuple[str, ...]
    reference: str
    terms: ChoiceTerms
    categories: tuple[str, ...]
    price: str
    availability: str | None
    instruments: tuple[str, ...]
    repeats: str | None
    columns: tuple[str, ...]
    time: str | None

    @classmethod
    def of(cls, task: BrandChoice, data: Dataset) -> Specification:
        """Find what ``task`` asks for; a column that is absent stays out, and is `rows`' to tell."""
        frame, allowed = data.frame, allowed_columns(task, data)
        alternatives = alternatives_of(task, data)
        terms = terms_of(task, data, alternatives)
        time = data.roles.time
        flagged = task.availability is not None and set(own(task.availability, alternatives)) <= set(frame.columns)
        availability = task.availability if flagged else None
        categories = tuple(name for name in terms.columns if is_category(frame, name, time))
        names = (*terms.columns, *task.instruments)
        behind = [column for name in names for column in sought(task, name, alternatives, data)]
        repeats = task.last_brand if REPEAT in terms.columns and task.last_brand in behind else None
        more = own(availability, alternatives) if availability else []
        columns = [name for name in dict.fromkeys([*behind, *more]) if name in {*allowed, *more, time}]
        reference = alternatives[0] if task.reference is None else labels([task.reference])[0]
        return cls(
            alternatives,
            reference,
            terms,
            categories,
            task.price,
            availability,
            tuple(task.instruments),
            repeats,
            tuple(columns),
            time,
        )

    @property
    def attributes(self) -> list[str]:
        """Attributes of alternatives among the terms, not categories."""
        single = set(self.columns)
        return [name for name in self.terms.columns if name not in single and name not in self.categories]

    @property
    def prices(self) -> list[str]:
        """The column of each alternative's price."""
        return own(self.price, self.alternatives)

    def present(self, frame: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Whether each alternative was available, shape (n, J)."""
        if self.availability is None:
            return np.ones((len(frame), len(self.alternatives)), dtype=bool)
        flags = frame[own(self.availability, self.alternatives)].apply(pd.to_numeric, errors="coerce")
        return np.asarray(flags.fillna(0) != 0)


def own(stem: str, alternatives: Iterable[str]) -> list[str]:
    """Return the columns of an attribute."""
    return [f"{stem}{SEPARATOR}{name}" for name in alternatives]


def brands(values: pd.Series) -> pd.Series:
    """Return brands as columns spell them: 3, 3.0 and ``"3"`` are one; missing ones stay missing."""
    codes, found = pd.factorize(values)
    names = np.asarray([*labels_of(found), None], dtype=object)
    return pd.Series(names[codes], index=values.index, name=values.name)


def labels_of(values: Iterable[object]) -> list[str]:
    """Return the label of each value by itself; two may be the same."""
    return [labels([value])[0] for value in values]


def alternatives_of(task: BrandChoice, data: Dataset) -> tuple[str, ...]:
    """Return the alternatives that the config names, or else those of the panel."""
    if task.alternatives is not None:
        return tuple(labels_of(task.alternatives))
    prefix = f"{task.price}{SEPARATOR}"
    priced = [str(name).removeprefix(prefix) for name in data.frame.columns if str(name).startswith(prefix)]
    known = [name for name in data.roles.alternatives if name in priced]
    return tuple(known or priced)


def terms_of(task: BrandChoice, data: Dataset, alternatives: Sequence[str]) -> ChoiceTerms:
    """Return the terms; ``auto`` is constants and every attribute among the inputs, the price first.

    What other models say of the customer has a coefficient for each alternative where enough of them chose each.
    """
    if task.terms != "auto":
        return ChoiceTerms.parse(utility(task))
    found = [
        name for name in offered(task, data, alternatives) if name == task.price or tells(data, name, alternatives)
    ]
    generic = dict.fromkeys(found, "generic")
    chosen = brands(data.frame[BRAND]).to_numpy(dtype=object)
    fed = [name for name in data.roles.fed if is_told_apart(data.frame[name], chosen, alternatives)]
    return ChoiceTerms.parse({**generic, **dict.fromkeys(fed, "alternative"), "constants": True})


def utility(task: BrandChoice) -> Any:
    """Return ``task.terms``; a command line makes a number of the formula ``0``."""
    return str(task.terms) if isinstance(task.terms, int) else task.terms


def offered(task: BrandChoice, data: Dataset, alternatives: Sequence[str]) -> list[str]:
    """Return every attribute among the inputs, the price first."""
    inputs, found = set(data.roles.inputs), [task.price]
    last = f"{SEPARATOR}{alternatives[-1]}" if alternatives else ""
    for name in data.roles.inputs:
        stem = name.removesuffix(last)
        if name.endswith(last) and set(own(stem, alternatives)) <= inputs:
            found.append(stem)
    return list(dict.fromkeys(name for name in found if name != task.availability))


def tells(data: Dataset, name: str, alternatives: Sequence[str]) -> bool:
    """Return whether an attribute says more than constants do: some difference between alternatives ever changes."""
    columns = [column for column in own(name, alternatives) if column in data.frame]
    values = data.frame[columns].apply(pd.to_numeric, errors="coerce")
    apart = values.sub(values.iloc[:, 0], axis=0)
    return len(columns) < len(alternatives) or bool((apart.max() > apart.min()).any() or values.isna().any(axis=None))


def allowed_columns(task: BrandChoice, data: Dataset) -> list[str]:
    """Return what a model may see: the inputs, every price, the date, and where it was."""
    known = [name for name in (*PLACES, task.last_brand) if name in data.frame.columns]
    return list(dict.fromkeys([*with_prices(data, prefix=f"{task.price}{SEPARATOR}"), *map(str, known)]))


def is_repeat(task: BrandChoice, name: str, columns: Iterable[object]) -> bool:
    """Whether a term is that of buying the last brand again, and not a column of that name."""
    have = set(map(str, columns))
    return name == REPEAT and task.last_brand in have and not any(one.startswith(own(REPEAT, [""])[0]) for one in have)


def sought(task: BrandChoice, name: str, alternatives: Sequence[str], data: Dataset) -> list[str]:
    """Return the columns that a term's column should be made of: itself, a date, or one for each alternative."""
    if name in data.frame.columns:
        return [name]
    if is_calendar(data.frame, name, data.roles.time):
        return [str(data.roles.time)]
    if is_repeat(task, name, data.frame.columns):
        return [str(task.last_brand)]
    return own(name, alternatives)


def stems(columns: Iterable[str]) -> list[str]:
    """Return what may be an attribute: names that something follows."""
    found = [
        str(name).rpartition(SEPARATOR)[0]
        for name in columns
        if SEPARATOR in str(name) and not str(name).endswith("_id")
    ]
    return list(dict.fromkeys(name for name in found if name))


def single(name: str, columns: Sequence[str]) -> bool:
    """Return whether a column of just that name can be there, patterns among the columns."""
    return any(name == one or ("*" in one and fnmatchcase(name, one)) for one in columns)


def there(name: str, columns: Sequence[str]) -> bool:
    """Return whether a column, or one for each of some alternatives, can be there."""
    return single(name, columns) or any(one.startswith(own(name, [""])[0]) for one in columns)
