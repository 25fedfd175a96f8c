"""What single values look like: the texts that stand for nothing, and the ways to write a number or a date."""

from __future__ import annotations

import re

MISSING = ("na", "n/a", "#n/a", "nan", "null", "none", "nil", "missing", "unknown", "-", "--", "?", ".", "\\n")
"""Texts, in lower case, that stand for a missing value where the others of a column are numbers or dates."""

NUMBER = r"^\s*[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?\s*$"
GROUPED = r"^\s*[-+]?\d{1,3}(,\d{3})+(\.\d+)?\s*$"
COMMA = r"^\s*[-+]?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?\s*$"
"""Numbers with a point; with commas between thousands; with a decimal comma, and perhaps points between thousands."""

_DAYS = (
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%Y%m%d",
    "%d.%m.%y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d %b %Y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
)
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", "T%H:%M:%S")
DATES = tuple(day + time for time in _TIMES for day in _DAYS)
"""How dates are written beside ISO 8601, in the order in which they are preferred."""
ISO_DATES = (*("%Y-%m-%d" + time for time in _TIMES), "%Y-%m-%dT%H:%M:%SZ")
"""ISO 8601 as formats, for columns that have other ways too."""

DATE_SHAPE = r"^\s*(\d{1,4}[-/. ]([A-Za-z]{3,9}|\d{1,2})[-/. ]\d{1,4}|[A-Za-z]{3,9} \d{1,2}, \d{4}|\d{8})\b"
ISO = r"^\s*\d{4}-\d{1,2}-\d{1,2}([T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[-+]\d{2}(:?\d{2})?)?)?\s*$"
LETTERED = r"^([A-Za-z]{1,3})[-_/ ]?\d+$"
"""A whole number with letters in front, as cancelled invoices have: C489449."""
MAIL = r"^[^@\s]+@[^@\s]+\.[A-Za-z]{2,}$"

_VALUE = re.compile("|".join((NUMBER, GROUPED, COMMA, DATE_SHAPE, ISO)))


def is_value(text: str) -> bool:
    """Whether ``text`` is a number or a date, and so hardly the name of a column."""
    return bool(_VALUE.match(text))
