"""Tables that are ready made: somebody else built the features, and a task takes them as they are."""

from __future__ import annotations

import fnmatch
import glob
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from cxai_runner.config.problems import Problem, did_you_mean
from cxai_runner.data import engines
from cxai_runner.data.answers import row, value
from cxai_runner.data.dataset import Dataset, Dropped, Roles
from cxai_runner.data.tables.needs import Needs
from cxai_runner.data.tables.standard import STANDARD
from cxai_runner.features.base import Features
from cxai_runner.features.parts import ordered

if TYPE_CHECKING:
    from ibis.expr.types import Table as IbisTable

    from cxai_runner.data.tables.opened import Tables
    from cxai_runner.evaluation.splits import Part

_FEW = 0.05
"""The share of odd values up to which a column of text is one of numbers that somebody has to mend."""

_TIMES = ("time", "occasion", "timestamp")
_BOUGHT = ("incidence", "quantity")
_NO_BRAND = ("", "0", "0.0", "none")
"""How a panel says that no brand was bought."""

_PANEL_INPUTS = ("price_*", "promotion_*")


@dataclass(frozen=True, kw_only=True)
class Table(Features):
    """A standard table as it is: one row of it is one row of the dataset.

    Inputs are what ``columns`` names. Where it names none, they are the prices and promotions of a panel, or every
    number in another table. Ids, times, and what happened on an occasion (incidence, brand, quantity, revenue) are
    inputs only where ``columns`` names them, ids never. Other columns describe the rows.

    Parameters
    ----------
    table
        The standard table.
    columns
        The inputs, by name or pattern (``price_*``).
    exclude
        Columns that are no inputs, by name or pattern.
    missing
        What becomes of a row in which an input is missing: it is left out and counted, or kept for a model that
        can use it.
    purchases_only
        Whether the occasions of a panel on which nothing was bought are left out and counted. Bought is what
        ``incidence`` says or, where there is no such column, a ``quantity`` above 0; where there is neither, a
        ``brand`` other than 0 and none, unless a brand of the panel is called so (``price_none``).
    """

    makes: ClassVar[str] = "customers"

    table: str = "customers"
    columns: Sequence[str] | None = None
    exclude: Sequence[str] = ()
    missing: Literal["drop", "keep"] = "drop"
    purchases_only: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "makes", self.table)

    def needs(self) -> Needs:
        """The table's id, and whatever else it has."""
        required = ("customer_id", "occasion") if self.table == "panel" else ("customer_id",)
        return Needs({self.table: required}, {self.table: ("*",)})

    def provides(self, tables: Tables) -> tuple[str, ...]:
        """The table's columns."""
        return tables.columns(self.table)

    def problems(self, tables: Tables) -> Iterator[Problem]:
        """Yield names and patterns that meet no column, and whether no input is left."""
        have = tables.columns(self.table)
        found = False
        if self.purchases_only:
            yield from self._unclear_purchases(tables)
        for key in ("columns", "exclude"):
            for want in getattr(self, key) or ():
                if not fnmatch.filter(have, want):
                    found = True
                    yield Problem(key, f"no such column in {self.table}", value=want, remedy=did_you_mean(want, have))
        for column in (one for one in self.columns or () if one in have):
            if column.endswith("_id"):
                found = True
                yield Problem("columns", "an id is never an input", value=column, remedy="leave it out")
        if self.columns is None and self.table != "panel":
            yield from self._odd_values(tables)
        if not found and not self._inputs(tables):
            yield Problem("columns", f"no column of {self.table} is left as an input", remedy=did_you_mean("", have))

    def _odd_values(self, tables: Tables) -> Iterator[Problem]:
        """Yield columns that are numbers but for a few values: one odd value must not cost an input, or a fit."""
        table = tables[self.table]
        schema = table.schema()
        left_out = {column for want in self.exclude for column in fnmatch.filter(table.columns, want)}
        measures: dict[str, Any] = {"all rows": table.count()}
        for column in table.columns:
            kind = schema[column]
            if column in left_out or column.endswith("_id") or not (kind.is_string() or kind.is_floating()):
                continue
            number = table[column].try_cast("float64") if kind.is_string() else table[column]
            odd = number.isinf() | number.isnan()
            odd = table[column].notnull() & (number.isnull() | odd) if kind.is_string() else odd
            like = table[column].cast("string").min(where=odd)
            measures |= {f"odd {column}": table.count(where=odd), f"like {column}": like}
        found = row(table.aggregate(**measures))
        mapped = tables.mapped[self.table]
        nulls = f"data.{mapped.key}".rstrip(".") + ".nulls"
        for column in table.columns:
            odd, like = found.get(f"odd {column}", 0), found.get(f"like {column}")
            if 0 < odd <= (1 if schema[column].is_floating() else _FEW) * found["all rows"]:
                message = f"{column} cannot be an input: {odd:,} of its {found['all rows']:,} values are no numbers"
                null = f"{nulls}=[{like}] if it stands for a missing value"
                if mapped.noun != "file":  # only of files is it said what stands for one
                    null = f"make it null in the {mapped.noun} if it stands for a missing value"
                remedy = f"{null}, or features.exclude=[{column}]"
                yield Problem("columns", f"{message}, such as `{like}`", remedy=remedy)

    def _unclear_purchases(self, tables: Tables) -> Iterator[Problem]:
        """Yield why a purchase cannot be told from an occasion without one."""
        have = set(tables.columns(self.table))
        if not have & {*_BOUGHT, "brand"}:
            told = f"{self.table} does not say whether anything was bought"
            yield Problem("purchases_only", told, True, "map its column incidence or quantity, or set it to false")
        if set(_BOUGHT) <= have:
            panel = tables[self.table]
            bought, units = panel["incidence"] == 1, panel["quantity"] > 0
            rows = value(panel.filter(bought != units).count())
            if rows:
                told = f"incidence and quantity of {self.table} contradict each other on {rows:,} rows"
                yield Problem("purchases_only", told, True, "mend the rows, or map only the column that is right")

    def rows(self, tables: Tables) -> IbisTable:
        """The customers, and the occasions of a table that has such."""
        rows = self._complete(tables)
        time = self._time(tables)
        return rows.select("customer_id") if time is None else rows.select("customer_id", time=rows[time])

    def build(self, tables: Tables, part: Part, learned: Mapping[str, Any]) -> Dataset:
        """Build one part."""
        inputs, time = self._inputs(tables), self._time(tables)
        every = part.select(self._wanted(tables), time)
        frame = part.select(self._complete(tables), time).execute()
        dropped = self._incomplete(every, inputs) if self.missing == "drop" else ()
        if self.purchases_only:
            dropped = (*self._without_purchase(part.select(tables[self.table], time), every), *dropped)
        frame = ordered(frame, ["customer_id"] if time is None else ["customer_id", time])
        return Dataset(self.table, frame, self._roles(tables, list(frame.columns)), dropped)

    def for_new_rows(self, inputs: Sequence[str], as_of: datetime | None) -> Features:
        """Take just the columns that the model takes, and every row."""
        wanted = [glob.escape(name) for name in inputs]
        return replace(self, columns=wanted, exclude=(), missing="keep", purchases_only=False)

    def wants_all(self) -> bool:
        """Whether rows that lack an input were left out of training."""
        return self.missing == "drop"

    def stream(self, tables: Tables, part: Part, learned: Mapping[str, Any], size: int) -> Iterator[Dataset]:
        """Read the rows as they come, in one pass: each is a row of the dataset, whoever's it is."""
        time = self._time(tables)
        have = tables.columns(self.table)
        wanted = ["customer_id", *(name for name in _TIMES if name in have), *self._inputs(tables)]
        wanted = list(dict.fromkeys(wanted))
        rows = part.select(self._complete(tables), time).select(*wanted)
        roles = self._roles(tables, wanted)
        for frame in engines.stream(rows, size):
            yield Dataset(self.table, frame, roles)

    def _roles(self, tables: Tables, columns: Sequence[str]) -> Roles:
        inputs, time = self._inputs(tables), self._time(tables)
        special = {"customer_id", time, *inputs}
        return Roles(
            time=time,
            inputs=inputs,
            describe=tuple(column for column in columns if column not in special),
            alternatives=_alternatives(columns) if self.table == "panel" else (),
        )

    def _inputs(self, tables: Tables) -> tuple[str, ...]:
        have = tables.columns(self.table)
        schema = tables[self.table].schema()
        if self.columns is not None:
            named = [column for want in self.columns for column in fnmatch.filter(have, want)]
        elif self.table == "panel":
            named = [column for want in _PANEL_INPUTS for column in fnmatch.filter(have, want)]
        else:
            rules = STANDARD[self.table].columns
            named = [one for one in have if one not in rules and (schema[one].is_numeric() or schema[one].is_boolean())]
        left_out = {column for want in self.exclude for column in fnmatch.filter(have, want)}
        return tuple(one for one in dict.fromkeys(named) if one not in left_out and not one.endswith("_id"))

    def _time(self, tables: Tables) -> str | None:
        have = tables.columns(self.table)
        return next((one for one in _TIMES if one in have), None)

    def _complete(self, tables: Tables) -> IbisTable:
        """The rows that have a value in every input, unless those that have not are kept."""
        table = self._wanted(tables)
        inputs = self._inputs(tables)
        return table.drop_null(list(inputs), how="any") if self.missing == "drop" and inputs else table

    def _wanted(self, tables: Tables) -> IbisTable:
        """The rows, those of a purchase alone if only they are wanted."""
        table = tables[self.table]
        if not self.purchases_only:
            return table
        if "incidence" in table.columns:
            return table.filter(table["incidence"] == 1)
        if "quantity" in table.columns:
            return table.filter(table["quantity"] > 0)
        brand = table["brand"].cast("string").strip().lower()
        return table.filter(brand.notnull() & brand.notin(_no_brand(table.columns)))

    def _without_purchase(self, rows: IbisTable, kept: IbisTable) -> tuple[Dropped, ...]:
        every = value(rows.count())
        left = every - value(kept.count())
        reason = "nothing was bought"
        if not set(_BOUGHT) & set(rows.columns):
            words = [word for word in _no_brand(rows.columns) if word not in ("", "0.0")]
            reason += f" (brand is empty{''.join(f' or {word}' for word in words)})"
        return (Dropped(self.table, reason, left, every),) if left else ()

    def _incomplete(self, rows: IbisTable, inputs: Sequence[str]) -> tuple[Dropped, ...]:
        """Rows without a value, counted under the first input that has none."""
        if not inputs:
            return ()
        measures: dict[str, Any] = {"all rows": rows.count()}
        earlier: Any = None
        for column in inputs:
            empty = rows[column].isnull()
            measures[column] = rows.count(where=empty if earlier is None else empty & ~earlier)
            earlier = empty if earlier is None else earlier | empty
        counts = row(rows.aggregate(**measures))
        return tuple(
            Dropped(self.table, f"no value of {column}", counts[column], counts["all rows"])
            for column in inputs
            if counts[column]
        )


def _no_brand(columns: Sequence[str]) -> list[str]:
    """The words for no purchase, but for those that are a brand of the panel, with a price of its own."""
    named = {name.lower() for name in _alternatives(columns)}
    return [word for word in _NO_BRAND if word.removesuffix(".0") not in named]


def _alternatives(columns: Sequence[str]) -> tuple[str, ...]:
    return tuple(column.removeprefix("price_") for column in columns if column.startswith("price_"))
