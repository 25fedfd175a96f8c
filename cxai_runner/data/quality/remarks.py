"""Rows that break no rule and mean something else than they seem to: told with a count, never changed.

A till that numbers its receipts from 1 every morning, a month that was loaded twice, a customer called NA, a date of
tomorrow: each is possible, and each makes another number of all that is computed of it. Of a table of many rows only
its dates are looked at.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from cxai_runner.data.answers import ask, row, value
from cxai_runner.data.tables.standard import STANDARD, is_key

if TYPE_CHECKING:
    from ibis.expr.types import Table as IbisTable

    from cxai_runner.data.tables.mapped import MappedTable
    from cxai_runner.data.tables.opened import Tables

MANY_ROWS: Final = 5_000_000
"""Above this, only dates are looked at, and everything but missing values is told from a sample."""

NOTHING: Final = ("NA", "N/A", "n/a", "#N/A", "NULL", "Null", "null", "None", "none", "nan", "NAN", "-", "?")
"""What is often written for a missing value, and could be a name."""

_OFTEN: Final = 0.01
"""The share of rows from which on such a word, or rows that are there twice, are worth a remark."""

_DISTINCT: Final = 10_000
"""Names of other letters than ASCII's beyond which none are compared."""

_UNSEEN: Final = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff"))


def remarks(tables: Tables, name: str, columns: Collection[str]) -> tuple[str, ...]:
    """Return what is remarkable of the rows of a table that stay, in sentences.

    Parameters
    ----------
    columns
        Those that are read.
    """
    table, kept = tables.mapped[name], tables.rows(name)
    if not kept:
        return ()
    read = [column for column in table.columns if column in columns]
    found = [*_future(table, read)]
    if kept <= MANY_ROWS:
        found += [*_nobodies(table, read, kept), *_alike(table, read), *_long_orders(table, read)]
        found += [*_repeated(table, kept), *_same_occasion(table)]
    return tuple(found)


def _future(table: MappedTable, columns: list[str]) -> Iterator[str]:
    """Dates that have not come yet, wherever on earth it is."""
    import ibis

    rows = table.rows
    dated = [column for column in columns if _kind(table, column) == "timestamp" and rows[column].type().is_timestamp()]
    if not dated:
        return
    day = datetime.now(UTC).date() + timedelta(days=2)
    late = ibis.literal(day.isoformat(), type="timestamp")
    measures = {}
    for number, column in enumerate(dated):
        measures[f"late {number}"] = rows.count(where=rows[column] >= late)
        measures[f"last {number}"] = rows[column].max().cast("string")
    told = row(rows.aggregate(**measures))
    for number, column in enumerate(dated):
        if told[f"late {number}"]:
            count, last = told[f"late {number}"], str(told[f"last {number}"])[:10]
            have = f"{_rows(count)} {'has' if count == 1 else 'have'}"
            remedy = f"data.{_below(table, 'where')}.{column}={{lt: {day}}}"
            yield (
                f"{have} a {column} in the future, up to {last}, and time is counted up to the last one: "
                f"`{remedy}` leaves such rows out"
            )


def _nobodies(table: MappedTable, columns: list[str], kept: int) -> Iterator[str]:
    """Words for a missing value that are taken for the name of somebody."""
    rows = table.rows
    asked = [(column, word) for column in _texts(table, columns) for word in NOTHING]
    if not asked:
        return
    met = row(
        rows.aggregate(**{f"m{n}": rows.count(where=rows[column] == word) for n, (column, word) in enumerate(asked)})
    )
    for number, (column, word) in enumerate(asked):
        count = met[f"m{number}"]
        if count and (count >= _OFTEN * kept or count == _highest(rows, column)):
            remedy = f"{_below(table, 'nulls')}=['{word}']"
            if table.noun == "table":
                remedy = f"{_below(table, 'where')}.{column}={{not_in: ['{word}']}}"
            yield (
                f"`{word}` is the {column} of {_rows(count)} ({100 * count / kept:.2g} %), as if it were one: "
                f"if it stands for a missing value, `data.{remedy}`"
            )


def _highest(rows: IbisTable, column: str) -> int:
    """The rows of the most frequent value."""
    counted = rows.group_by(column).aggregate(times=rows.count())
    return int(value(counted.filter(counted[column].notnull())["times"].max()))


def _alike(table: MappedTable, columns: list[str]) -> Iterator[str]:
    """Names that a reader takes for one, and no engine does: é in two ways, a blank that nobody sees."""
    for column in _texts(table, columns):
        name = table.rows[column]
        odd = table.rows.filter(name.re_search("[^ -~]")).select(name=name).distinct().limit(_DISTINCT + 1)
        names = [str(one) for one in ask(odd)["name"].to_pylist()]
        if not names or len(names) > _DISTINCT:
            continue
        forms = {one: _form(one) for one in names}
        plain = table.rows.filter(name.isin(sorted(set(forms.values())))).select(name=name).distinct()
        held = {str(one) for one in ask(plain)["name"].to_pylist()} | set(names)
        seen: dict[str, str] = {}
        pairs = []
        for one in sorted(held):
            form = forms.get(one, one)
            if form in seen:
                pairs.append((seen[form], one))
            seen.setdefault(form, one)
        if pairs:
            # Of what a key names nobody is told more than how many there are.
            like = "" if is_key(table.name, column) else f", such as {pairs[0][0]!a} and {pairs[0][1]!a}"
            times = "1 value" if len(pairs) == 1 else f"{len(pairs):,} values"
            yield (
                f"{times} of {column} differ{'s' if len(pairs) == 1 else ''} from another one in nothing that can be "
                f"seen (blanks, or the way an accent is written): each counts by itself{like}"
            )


def _form(name: str) -> str:
    """A name as it is seen."""
    return " ".join(unicodedata.normalize("NFC", name).translate(_UNSEEN).split())


def _long_orders(table: MappedTable, columns: list[str]) -> Iterator[str]:
    if not {"customer_id", "order_id", "timestamp"} <= set(columns) or table.name != "transactions":
        return
    rows = table.rows
    time = rows["timestamp"]
    orders = rows.group_by(["customer_id", "order_id"]).aggregate(first=time.min(), last=time.max())
    long = orders["first"].truncate("D") < orders["last"].truncate("D")
    found = row(orders.aggregate(all=orders.count(), long=orders.count(where=long)))
    if found["long"]:
        some = "1 order spans" if found["long"] == 1 else f"{found['long']:,} of {found['all']:,} orders span"
        yield (
            f"{some} more than one day; an order_id that a customer has again counts as the same order: "
            "if a till starts anew every day, add the date to its numbers"
        )


def _repeated(table: MappedTable, kept: int) -> Iterator[str]:
    if table.name != "transactions":
        return
    distinct = int(value(table.rows.distinct().count()))
    if kept - distinct >= _OFTEN * kept:
        share = 100 * (kept - distinct) / kept
        yield (
            f"{_rows(kept - distinct)} ({share:.2g} %) {'repeats' if kept - distinct == 1 else 'repeat'} another one "
            "in every column: a file that is there twice, or a product that was rung up twice"
        )


def _same_occasion(table: MappedTable) -> Iterator[str]:
    """Rows of a panel that are of one customer and one occasion: standard errors take each for another occasion."""
    key = ["customer_id", "occasion"]
    if table.name != "panel" or not set(key) <= set(table.columns):
        return
    occasions = table.rows.group_by(key).aggregate(times=table.rows.count())
    again = occasions.filter((occasions["times"] > 1) & occasions["occasion"].notnull())
    found = row(again.aggregate(times=again["times"].sum(), all=again.count(), like=again["occasion"].min()))
    if found["all"]:
        many = int(found["times"]) - int(found["all"])
        yield (
            f"{_rows(many)} {'repeats' if many == 1 else 'repeat'} the customer and the occasion of another one, such "
            f"as at occasion {found['like']}, and each counts as an occasion of its own: a file that is there twice, "
            "or visits that the column does not tell apart"
        )


def _texts(table: MappedTable, columns: list[str]) -> list[str]:
    """Columns of names, as text."""
    names = [column for column in columns if is_key(table.name, column) or _kind(table, column) == "name"]
    return [column for column in names if table.staged[column].type().is_string()]


def _kind(table: MappedTable, column: str) -> str:
    rule = STANDARD[table.name].rule(column) if table.name in STANDARD else None
    return "" if rule is None else rule.kind


def _below(table: MappedTable, key: str) -> str:
    return f"{table.key}.{key}" if table.key else key


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"
