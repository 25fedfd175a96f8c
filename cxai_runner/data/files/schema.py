"""What a config says of a table in files: where they are, and how they are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge

from cxai_runner.data.tables.settings import TableSettings


@dataclass(frozen=True, kw_only=True)
class TableFile(TableSettings):
    """A table in one or more files of the same columns.

    Parameters
    ----------
    path
        A file, a pattern such as ``orders/*.parquet`` (relative to the source's root), or an address
        (``s3://bucket/orders/*.parquet``). Of files that somebody else divided, one of these for each part:
        ``{train: u1.base, test: u1.test}``. Rows then have a column ``part``, which says whose they are.
    format
        ``csv`` (any separated values), ``fixed`` (columns at fixed positions) or ``parquet``; by the file's ending
        where it is not given.
    delimiter
        What separates values; found from the file where it is not given.
    header
        Whether the first line names the columns, or the names of a file that has no such line. Where it is not given,
        a CSV has one, unless it looks like values, and a file of fixed columns has none.
    skip
        How many lines stand before the header.
    quote
        What stands around a value that holds delimiters or line ends; empty where quotes are only text.
    nulls
        What stands for a missing value, beside nothing at all.
    encoding
        Of a text file: any that Python knows. A byte order mark goes first.
    decimal, thousands
        The marks with which numbers are written, where they are not written as 1234.5.
    positions
        Of fixed columns: name → first and last position, counted from 1. Found from the blanks that run through the
        first lines where none are given.
    long
        Of a panel with one row per occasion and alternative: ``alternative`` → the column that names it, ``chosen`` →
        the column that is 1 where it was chosen.
    """

    path: str | Mapping[str, str]
    format: Literal["csv", "fixed", "parquet"] | None = None
    delimiter: str | None = None
    header: bool | Sequence[str] | None = None
    skip: Annotated[int, Ge(0)] = 0
    quote: str = '"'
    nulls: Sequence[str] = ()
    encoding: str = "utf-8"
    decimal: str | None = None
    thousands: str | None = None
    positions: Mapping[str, Sequence[int]] = field(default_factory=dict)
    long: Mapping[str, str] = field(default_factory=dict)

    unspoken: ClassVar[tuple[str, ...]] = ("path",)

    @property
    def paths(self) -> Mapping[str | None, str]:
        """The path of each part; of None where parts are not told apart."""
        return {None: self.path} if isinstance(self.path, str) else {str(part): one for part, one in self.path.items()}

    @property
    def is_parquet(self) -> bool:
        """Whether the files are Parquet, as said or by their ending."""
        if self.format is not None:
            return self.format == "parquet"
        return all(path.lower().endswith((".parquet", ".pq")) for path in self.paths.values())

    @property
    def is_fixed(self) -> bool:
        """Whether the files are text in fixed columns."""
        return self.format == "fixed"

    @property
    def marks(self) -> Mapping[str, str]:
        """The marks with which numbers are written as text."""
        return {"decimal": self.decimal or ".", "thousands": self.thousands or ""}
