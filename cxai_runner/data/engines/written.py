"""How values are written as text: one shape of a number and of a date for every engine that has no safe cast.

The patterns mean the same to PostgreSQL, Java and Python. What they let through, each engine's own cast takes without
an error, so that text which is something else becomes null, and is counted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ibis.expr.types import StringValue, Value

NUMBER = r"^[ ]*[-+]?([0-9]{1,200}[.]?[0-9]{0,200}|[.][0-9]{1,200})([eE][-+]?[0-9]{1,2})?[ ]*$"
"""A number. Endless ones and those of more than 200 digits are none: they could not be summed."""

_YEAR = "([0-9][0-9][0-9][1-9]|[0-9][0-9][1-9][0-9]|[0-9][1-9][0-9][0-9]|[1-9][0-9][0-9][0-9])"
_LEAP = "([0-9][0-9](0[48]|[2468][048]|[13579][26])|(0[48]|[2468][048]|[13579][26])00)"
_DAY = "(0?[1-9]|1[0-9]|2[0-8])"
_DATE = f"({_YEAR}-((0?[13578]|1[02])-({_DAY}|29|30|31)|(0?[469]|11)-({_DAY}|29|30)|0?2-{_DAY})|{_LEAP}-0?2-29)"
_TIME = "([ T]([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,9})?)?Z?)?"
INSTANT = f"^{_DATE}{_TIME}$"
"""A day that the calendar has, and a time of that day or none; ISO 8601 in UTC, or without a zone."""

MIDNIGHT = "^[^ T]+[ T]24:00(:00([.]0+)?)?Z?$"
"""The end of a day, as ISO 8601 may write the beginning of the next."""

TRUE, FALSE = ("true", "t", "yes", "y", "1"), ("false", "f", "no", "n", "0")

_EARLY = ("january", "february", "march", "april", "may", "june")
_LATE = ("july", "august", "september", "october", "november", "december")
_MONTHS = (*_EARLY, *_LATE)
_TWO = "([0-9]{1,2})"
_DIRECTIVES = {
    "Y": ("year", "([0-9]{4})"),
    "y": ("short", "([0-9]{2})"),
    "m": ("month", _TWO),
    "d": ("day", _TWO),
    "e": ("day", "[ ]?([0-9]{1,2})"),
    "H": ("hour", _TWO),
    "I": ("twelve", _TWO),
    "M": ("minute", _TWO),
    "S": ("second", _TWO),
    "f": ("fraction", "([0-9]{1,9})"),
    "p": ("half", "([AaPp][Mm])"),
    "b": ("name", "([A-Za-z]{3})"),
    "B": ("name", "([A-Za-z]{3,9})"),
    "a": ("", "([A-Za-z]+)"),
    "A": ("", "([A-Za-z]+)"),
}
_COMPOUND = {"T": "%H:%M:%S", "D": "%m/%d/%y", "F": "%Y-%m-%d", "R": "%H:%M"}


def shape(written: str) -> tuple[str, dict[str, int]]:
    """Return the pattern of dates written as ``written`` (``%d/%m/%Y``), and which group of it is which part.

    Raises
    ------
    ValueError
        With what is wrong, where it is not such a format, or names no day.
    """
    for short, long in _COMPOUND.items():
        written = written.replace(f"%{short}", long)
    pattern, parts, groups = "", {}, 0
    for percent, dash, letter, plain in re.findall(r"(%)([-]?)(.)|([^%]+|%$)", written, re.DOTALL):
        if not percent:
            if plain == "%":
                raise ValueError("it ends in %")
            pattern += re.escape(plain).replace("\\ ", " ").replace("\\-", "-").replace("\\/", "/")
        elif letter == "%":
            pattern += "%"
        elif letter not in _DIRECTIVES:
            raise ValueError(f"%{dash}{letter} is not known to this engine")
        else:
            part, piece = _DIRECTIVES[letter]
            if part in parts:
                raise ValueError(f"%{letter} stands in it twice")
            pattern += piece
            groups += 1
            if part:
                parts[part] = groups
    if not {"day"} <= parts.keys() or not {"year", "short"} & parts.keys() or not {"month", "name"} & parts.keys():
        raise ValueError("it names no day: it takes a year, a month and a day")
    return f"^{pattern}$", parts


def parse(text: StringValue, formats: Sequence[str]) -> Value:
    """Return ``text`` as timestamps written in the first of ``formats`` that it fits, null where it fits none.

    Every part is found by a pattern and the date is put together as ISO 8601, whose cast knows the calendar.
    """
    return reduce(lambda one, other: one.fill_null(other), (_parse(text, written) for written in formats))


def _parse(text: StringValue, written: str) -> Value:
    import ibis

    pattern, parts = shape(written)

    def part(name: str) -> Any:
        return text.re_extract(pattern, parts[name])

    def two(value: Any) -> Any:
        return (ibis.literal("0") + value).right(2)

    day = two(part("day"))
    iso = _year(part, parts) + "-" + _month(part, parts, two) + "-" + day
    if {"hour", "twelve"} & parts.keys():
        iso = iso + " " + _hour(part, parts, two) + ":" + (two(part("minute")) if "minute" in parts else "00")
        if "second" in parts:
            iso = iso + ":" + two(part("second"))
            if "fraction" in parts:
                iso = iso + "." + part("fraction")
    return text.re_search(pattern).ifelse(iso, ibis.null("string")).try_cast("timestamp")


def _year(part: Any, parts: dict[str, int]) -> Any:
    import ibis

    if "year" in parts:
        return part("year")
    # POSIX: 69 … 99 are of the last century.
    short = part("short")
    return (short >= "69").ifelse(ibis.literal("19") + short, ibis.literal("20") + short)


def _month(part: Any, parts: dict[str, int], two: Any) -> Any:
    import ibis

    if "month" in parts:
        return two(part("month"))
    name = part("name").lower()
    numbers = [(name.isin([month[:3], month]), f"{number:02}") for number, month in enumerate(_MONTHS, 1)]
    return ibis.cases(*numbers, else_="00")


def _hour(part: Any, parts: dict[str, int], two: Any) -> Any:
    import ibis

    if "hour" in parts:
        return two(part("hour"))
    hour = two(part("twelve"))
    # Of 13 o'clock in the afternoon there is none: it stays what no cast takes.
    afternoon = part("half").lower() == "pm" if "half" in parts else ibis.literal(False)
    later = [(hour == f"{hour12:02}", f"{hour12 % 12 + 12:02}") for hour12 in range(1, 13)]
    earlier = [(hour == "12", "00"), *((hour == f"{hour12:02}", f"{hour12:02}") for hour12 in range(1, 12))]
    return afternoon.ifelse(ibis.cases(*later, else_="99"), ibis.cases(*earlier, else_="99"))
