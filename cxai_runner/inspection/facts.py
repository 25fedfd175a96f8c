"""What is known of a column: facts, and what follows from them alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from cxai_runner.inspection.dates import Dates
from cxai_runner.inspection.names import is_personal

Type = Literal["whole numbers", "numbers", "dates", "true/false", "text", "empty"]


@dataclass(frozen=True)
class Facts:
    """What is known of one column.

    Parameters
    ----------
    name, type
        Its name, and what its values are.
    rows, missing, distinct
        Rows looked at; those without a value; distinct values of the others.
    low, high
        The range of numbers and dates.
    below, zeros
        How many numbers are below 0, and how many 0.
    values
        Each value and how often it occurs, where they are few.
    odd
        Values that are not of the type.
    nulls
        Texts that stand for a missing value.
    written
        How dates are written; nothing for ISO 8601.
    numbers, starts
        Of text that is mostly whole numbers, as ``C489449`` among invoices: how many rows are such numbers, and what
        the others begin with and how often.
    epoch
        ``seconds`` or ``milliseconds`` since 1970, where numbers are likely that.
    decimal, thousands
        The signs in its numbers, where they are not a plain point.
    zeros_in_front
        Whether whole numbers have zeros in front, as in ``00042``.
    fractions
        Whether any number has a fraction.
    longest
        Characters of the longest value.
    mails
        Whether values are e-mail addresses.
    step
        Whole days from each date to the next, where they are the same throughout.
    stored
        The type that the source itself gives it; nothing for text files.
    """

    name: str
    type: Type
    rows: int
    missing: int
    distinct: int
    low: Any = None
    high: Any = None
    below: int = 0
    zeros: int = 0
    values: tuple[tuple[Any, int], ...] = ()
    odd: int = 0
    nulls: tuple[str, ...] = ()
    written: Dates = field(default_factory=Dates)
    numbers: int = 0
    starts: tuple[tuple[str, int], ...] = ()
    epoch: str = ""
    decimal: str = ""
    thousands: str = ""
    zeros_in_front: bool = False
    fractions: bool = False
    longest: int = 0
    mails: bool = False
    step: int | None = None
    stored: str = ""

    @property
    def dates(self) -> tuple[str, ...]:
        """Formats that read every value, tried in this order; none for ISO 8601, or where several are needed."""
        return self.written.same

    @property
    def unique(self) -> bool:
        """Whether every row has a value of its own."""
        return self.rows > 0 and self.missing == 0 and self.distinct == self.rows

    @property
    def numeric(self) -> bool:
        """Whether its values are numbers."""
        return self.type in {"whole numbers", "numbers"}

    @property
    def whole(self) -> bool:
        """Whether all its numbers are whole, however they are written."""
        return self.type == "whole numbers" or (self.type == "numbers" and not self.fractions)

    @property
    def binary(self) -> bool:
        """Whether it is 0 or 1, true or false, yes or no, and both occur."""
        if self.distinct != 2:
            return False
        if self.type == "true/false" or (self.numeric and (self.low, self.high) == (0, 1)):
            return True
        return {str(value).lower() for value, _ in self.values} in ({"yes", "no"}, {"y", "n"}, {"t", "f"})

    @property
    def personal(self) -> bool:
        """Whether its values may be of a person: they are never shown."""
        return self.mails or (self.distinct > 2 and is_personal(self.name))
