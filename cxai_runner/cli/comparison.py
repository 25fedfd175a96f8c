"""A comparison on a terminal: what differs, each against the best, and the best among themselves."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill, wrap
from typing import TYPE_CHECKING, Final

from cxai_runner.cli.output import table
from cxai_runner.evaluation.results import Finding
from cxai_runner.evaluation.wording import number, with_interval
from cxai_runner.lifecycle.compare.evidence import TOP
from cxai_runner.lifecycle.compare.words import headline, listed, names, p_value, value
from cxai_runner.report.wording import column

if TYPE_CHECKING:
    from cxai_runner.lifecycle.compare.compared import Compared
    from cxai_runner.lifecycle.compare.standings import Row

_WIDTH: Final = 118
_LONG: Final = 12
_SIGNS: Final = {"better": "+", "worse": "−", "cannot tell": "·", "not comparable": "×"}


def in_words(compared: Compared) -> str:
    """Return a comparison as it is shown on a terminal."""
    shown = _shown(compared)
    lines = [
        f"{compared.task} · {_by(compared)}",
        fill(headline(compared), _WIDTH, initial_indent="  ", subsequent_indent="  "),
        "",
        *_rows(compared, shown),
    ]
    if len(shown) < len(compared.rows):
        lines.append(f"  … and {len(compared.rows) - len(shown):,} more: --top, or all of them with --csv FILE")
    lines += ["", *_against(compared, shown), *_matrix(compared), *_more(compared)]
    notes = [fill(one, _WIDTH, initial_indent="  ", subsequent_indent="  ") for one in compared.notes]
    return "\n".join([*lines, "", *notes]).rstrip()


def _by(compared: Compared) -> str:
    return "described" if compared.goal is None else f"{compared.goal.key}, {compared.goal.better} is better"


def _more(compared: Compared) -> list[str]:
    """What the task says of the runs beside each other: its sentences, and its tables as far as they fit."""
    lines = []
    for one in compared.tables():
        heads = [str(name) for name in one.frame]
        columns = [[head, *column(one.frame[head])] for head in heads]
        shown = [cells for i, cells in enumerate(columns) if _fits(columns[: i + 1])]
        rows = table(list(zip(*shown, strict=True))).splitlines()
        left = len(columns) - len(shown)
        lines += ["", f"  {one.title}", *rows, *([f"  and {left} more: --html, or --json"] if left else [])]
    told = [one.text for one in compared.more if isinstance(one, Finding)]
    return [*lines, *(fill(one, _WIDTH, initial_indent="  ", subsequent_indent="  ") for one in told)]


def _fits(columns: Sequence[Sequence[str]]) -> bool:
    return sum(max(map(len, cells)) + 2 for cells in columns) <= _WIDTH


def _shown(compared: Compared) -> list[int]:
    """The rows that are judged, and as many of those without a value; the one compared with in any case."""
    ranked = [place for place, row in enumerate(compared.rows) if row.rank is not None]
    rest = [place for place, row in enumerate(compared.rows) if row.rank is None]
    chosen = {*ranked[: compared.shown], *rest[: compared.shown]}
    return sorted(chosen if compared.against is None else chosen | {compared.against})


def _rows(compared: Compared, shown: Sequence[int]) -> list[str]:
    rows = [compared.rows[place] for place in shown]
    seeded = len({seed for row in rows for seed in row.seeds}) > 1
    columns = [
        ["", *(str(row.rank or "") for row in rows)],
        ["run", *(row.run for row in rows)],
        *(
            []
            if compared.goal is None
            else [
                [compared.label, *(_value(row) for row in rows)],
                ["baseline", *("" if row.baseline is None else _plain(row.baseline.value, row) for row in rows)],
            ]
        ),
        *([["seed", *(_seeds(row) for row in rows)]] if seeded else []),
        ["seconds", *("" if row.took is None else number(row.took, 1) for row in rows)],
    ]
    called = names(compared.params)
    room = _WIDTH - sum(max(map(len, column)) + 2 for column in columns)
    left = []
    for key, name in called.items():
        column = [name, *(value(key, row.params[key]) or "–" for row in rows)]
        width = max(map(len, column)) + 2
        if width > room:
            left.append(name)
            continue
        room -= width
        columns.append(column)
    lines = table(list(zip(*columns, strict=True))).splitlines()
    if left:
        told = f"also different, in --csv and --html: {listed(left)}"
        lines += wrap(told, _WIDTH, initial_indent="  ", subsequent_indent="  ")
    return lines


def _against(compared: Compared, shown: Sequence[int]) -> list[str]:
    """The difference of each row from the one that all are compared with, and what can be said of it."""
    if compared.against is None or len(compared.rows) < 2:
        return []
    rows = [["", "run", "difference", "p", f"than run {compared.rows[compared.against].run}"]]
    for place in shown:
        row, found = compared.rows[place], compared.beside(place)
        known = found is not None and not found.incomparable
        rows.append(
            [
                str(row.rank or ""),
                row.run,
                with_interval(found.difference) if found is not None and known else "",
                p_value(found.adjusted) if found is not None and known else "",
                compared.verdict(place),
            ]
        )
    before = sum(max(len(row[i]) for row in rows) + 2 for i in range(4))
    wide: list[list[str]] = []
    for cells in rows:
        first, *more = wrap(cells[-1], _WIDTH - before - 2, break_on_hyphens=False) or [""]
        wide += [[*cells[:-1], first], *(["", "", "", "", f"  {line}"] for line in more)]
    how = sorted({one.how for place in shown if (one := compared.beside(place)) is not None and one.how})
    return [*table(wide).splitlines(), *([f"  by {'; '.join(how)}"] if how else [])]


def _matrix(compared: Compared) -> list[str]:
    """The best among themselves, a sign for each pair."""
    places = [place for place, row in enumerate(compared.rows) if row.rank is not None][:TOP]
    if len(places) < 3:
        return []
    ranks = [str(compared.rows[place].rank) for place in places]
    rows = [["row against column", *ranks]]
    for a, rank in zip(places, ranks, strict=True):
        found = [compared.comparisons.get((a, b)) for b in places]
        rows.append(
            [f"{rank:>2}  {compared.rows[a].run}", *("" if one is None else _SIGNS[one.verdict] for one in found)]
        )
    legend = ", ".join(f"{sign} {words}" for words, sign in _SIGNS.items())
    return ["", *table(rows).splitlines(), f"  {legend}"]


def _value(row: Row) -> str:
    return "" if row.value is None else with_interval(row.value)


def _seeds(row: Row) -> str:
    text = ", ".join(row.seeds)
    return text if len(text) <= _LONG else f"{len(row.seeds)} seeds"


def _plain(baseline: float, row: Row) -> str:
    """The baseline's value, with the digits of the run's."""
    digits = len(_value(row).partition(" ")[0].partition(".")[2]) or 3
    return number(baseline, digits)
