"""What a value must be, in words: the one generator behind every message about a wrong value.

It describes an *annotation* (``Annotated[int, Ge(2)]`` → "a whole number of at least 2"), so a message says what is
right instead of which check failed, and a new constraint needs no new message.
"""

from __future__ import annotations

import datetime as dt
import types
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from pathlib import PurePath
from typing import Annotated, Any, Literal, Union, get_args, get_origin

_SCALARS: tuple[tuple[type, str], ...] = (
    (bool, "true or false"),
    (int, "a whole number"),
    (float, "a number"),
    (str, "text"),
    (dt.datetime, "a date and time such as 2017-12-31 08:30"),
    (dt.date, "a date such as 2017-12-31"),
    (dt.timedelta, "a duration"),
    (PurePath, "a path"),
)


@dataclass(frozen=True)
class Bounds:
    """What limits a number or a length; None is unlimited."""

    low: Any = None
    high: Any = None
    low_open: bool = False
    high_open: bool = False
    step: Any = None
    shortest: int | None = None
    longest: int | None = None

    def words(self) -> str:
        """``of at least 2``, ``from 2 to 10``, ``above 0`` …; empty where nothing limits."""
        step = f"divisible by {_number(self.step)}" if self.step is not None else ""
        if self.low is not None and self.high is not None:
            span = f"from {_number(self.low)} to {_number(self.high)}"
            left_out = [
                _number(bound) for bound, is_open in ((self.low, self.low_open), (self.high, self.high_open)) if is_open
            ]
            if len(left_out) == 2:
                span = f"between {left_out[0]} and {left_out[1]}, neither included"
            elif left_out:
                span += f", {left_out[0]} not included"
        elif self.low is not None:
            span = f"above {_number(self.low)}" if self.low_open else f"of at least {_number(self.low)}"
        elif self.high is not None:
            span = f"below {_number(self.high)}" if self.high_open else f"of at most {_number(self.high)}"
        else:
            span = ""
        return ", ".join(part for part in (span, step) if part)

    @property
    def is_share(self) -> bool:
        """Whether these are the bounds of a share."""
        return (self.low, self.high) == (0, 1) and self.step is None


def describe(annotation: Any, value: Any = None) -> str:
    """Say what a value of ``annotation`` is.

    Parameters
    ----------
    annotation
        A type as Python and ``annotated_types`` write it.
    value
        The value that was wrong: a bound that was hit exactly is then said to be left out.

    Returns
    -------
    str
        A noun phrase without a full stop: ``a whole number of at least 2``.
    """
    bare, bounds = unwrap(annotation)
    if bare is None or bare is type(None):
        return "null"
    origin, arguments = get_origin(bare), get_args(bare)
    if origin is Literal:
        return "one of: " + ", ".join(spell(option) for option in arguments)
    if origin in (Union, types.UnionType):
        return _union(arguments, value)
    if origin is not None:
        return _container(origin, arguments, bounds)
    return _plain(bare, bounds, value)


def options(annotation: Any) -> tuple[str, ...]:
    """Return the names among which ``annotation`` asks for a choice; none where it does not."""
    bare, _ = unwrap(annotation)
    if get_origin(bare) is Literal:
        return tuple(str(option) for option in get_args(bare))
    if get_origin(bare) in (Union, types.UnionType):
        return tuple(name for arm in get_args(bare) for name in options(arm))
    if isinstance(bare, type) and issubclass(bare, Enum):
        return tuple(str(member.value) for member in bare)
    return ()


def unwrap(annotation: Any) -> tuple[Any, Bounds]:
    """Split ``Annotated`` into its bare type and what limits it."""
    metadata: list[Any] = []
    while get_origin(annotation) is Annotated:
        metadata = [*annotation.__metadata__, *metadata]
        annotation = annotation.__origin__
    found: dict[str, Any] = {}
    for constraint in _flat(metadata):
        for attribute, name, is_open in (
            ("ge", "low", False),
            ("gt", "low", True),
            ("le", "high", False),
            ("lt", "high", True),
        ):
            bound = getattr(constraint, attribute, None)
            if bound is not None:
                found |= {name: bound, f"{name}_open": is_open}
        for attribute, name in (("multiple_of", "step"), ("min_length", "shortest"), ("max_length", "longest")):
            if getattr(constraint, attribute, None) is not None:
                found[name] = getattr(constraint, attribute)
    return annotation, Bounds(**found)


def spell(value: Any) -> str:
    """Write a value as a config would: ``true``, ``null``, ``[a, b]``; cut where it is long."""
    if value is None:
        text = "null"
    elif isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, Mapping):
        text = "{" + ", ".join(f"{key}: {spell(item)}" for key, item in value.items()) + "}"
    elif isinstance(value, list | tuple | set | frozenset):
        text = "[" + ", ".join(spell(item) for item in value) + "]"
    elif isinstance(value, str):
        text = value if value.strip() else f'"{value}"'
    else:
        text = str(value)
    text = text.replace("\n", " ")
    return text if len(text) <= 60 else text[:57] + "…"


def _flat(metadata: Iterable[Any]) -> Iterable[Any]:
    """Open groups of constraints: annotated_types' ``Interval`` and ``Len``, pydantic's ``Field``."""
    for entry in metadata:
        if hasattr(entry, "metadata") and isinstance(entry.metadata, list):
            yield from _flat(entry.metadata)
        elif isinstance(entry, Iterable) and not isinstance(entry, str | bytes):
            yield from _flat(entry)
        else:
            yield entry


def _plain(bare: Any, bounds: Bounds, value: Any) -> str:  # noqa: PLR0911 - one line for each sort of type
    if bare is Any or bare is object:
        return "any value"
    if not isinstance(bare, type):
        return f"a value of type {bare}"
    if issubclass(bare, Enum):
        return "one of: " + ", ".join(str(member.value) for member in bare)
    if is_dataclass(bare):
        return "a mapping with the keys " + ", ".join(entry.name for entry in fields(bare) if entry.init)
    for kind, noun in _SCALARS:
        if issubclass(bare, kind):
            return _scalar(kind, noun, bounds, value)
    if issubclass(bare, Mapping | Sequence | Set):
        return _container(bare, (), bounds)
    return f"a component of class {bare.__name__}"


def _scalar(kind: type, noun: str, bounds: Bounds, value: Any) -> str:
    if kind is float and bounds.is_share:
        at_the_edge = (value == 0 and bounds.low_open) or (value == 1 and bounds.high_open)
        return "a share between 0 and 1" + (f", {_number(value)} not included" if at_the_edge else "")
    if kind is str:
        return _text(bounds)
    limits = bounds.words()
    return f"{noun} {limits}" if limits else noun


def _text(bounds: Bounds) -> str:
    if bounds.longest is not None:
        return f"text of {bounds.shortest or 0} to {bounds.longest} characters"
    if bounds.shortest == 1:
        return "text that is not empty"
    return f"text of at least {bounds.shortest} characters" if bounds.shortest else "text"


def _union(arms: tuple[Any, ...], value: Any) -> str:
    # What a list holds comes late, or the next word would read as one more thing that it may hold.
    first = [arm for arm in arms if arm is not type(None)]
    first.sort(key=lambda arm: "each item" in describe(arm, value))
    arms = (*first, *((type(None),) if type(None) in arms else ()))
    phrases = list(dict.fromkeys(describe(arm, value) for arm in arms))
    return " or ".join(phrases) if len(phrases) < 3 else ", ".join(phrases[:-1]) + f", or {phrases[-1]}"


def _container(origin: Any, arguments: tuple[Any, ...], bounds: Bounds) -> str:
    if not isinstance(origin, type):
        return f"a value of type {origin}"
    if issubclass(origin, Mapping):
        inside = describe(arguments[1]) if len(arguments) == 2 else "any value"
        return "a mapping" if inside == "any value" else f"a mapping; each value: {inside}"
    if origin is tuple and arguments and arguments[-1] is not Ellipsis:
        return f"a list of {len(arguments)}: " + "; ".join(describe(argument) for argument in arguments)
    if issubclass(origin, Sequence | Set) and not issubclass(origin, str | bytes):
        many = "a list" if bounds.shortest is None and bounds.longest is None else f"a list {_many(bounds)}"
        inside = describe(arguments[0]) if arguments else "any value"
        return many if inside == "any value" else f"{many}; each item: {inside}"
    return f"a component of class {origin.__name__}"


def _many(bounds: Bounds) -> str:
    if bounds.shortest is not None and bounds.shortest == bounds.longest:
        return f"of {bounds.shortest} items"
    if bounds.longest is None:
        return f"of at least {bounds.shortest} item{'s' if bounds.shortest != 1 else ''}"
    return f"of {bounds.shortest or 0} to {bounds.longest} items"


def _number(value: Any) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return f"{value:g}" if isinstance(value, float) else str(value)
