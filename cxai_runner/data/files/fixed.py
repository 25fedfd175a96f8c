"""Files in fixed columns: each value between two positions of its line, as older systems and statistics write them.

Where nobody says the positions they are what the blanks that run through the first lines leave. A later value that is
longer than all of those, and would be cut, stops the reading instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from cxai_runner.config.problems import Problem
from cxai_runner.data.files.text import UnreadableError
from cxai_runner.data.tables.names import unique

if TYPE_CHECKING:
    from ibis.expr.types import StringValue
    from ibis.expr.types import Table as IbisTable

END: Final = 2**20
"""The position at which the last column ends where it was found: wherever its line does."""

CUT: Final = "a value would be cut after position"
"""How the engine's error begins when a value goes on past its column."""


def given(positions: Mapping[str, Sequence[int]]) -> dict[str, tuple[int, int]]:
    """Return positions as they were written in a config, checked.

    Raises
    ------
    UnreadableError
        With the first that are no positions.
    """
    made: dict[str, tuple[int, int]] = {}
    for name, place in positions.items():
        pair = [one for one in place if isinstance(one, int)] if isinstance(place, Sequence) else []
        if len(pair) != 2 or len(place) != 2 or not 1 <= pair[0] <= pair[1]:
            remedy = "the first and the last position, counted from 1, as in [1, 6]"
            raise UnreadableError(Problem(f"positions.{name}", "not two positions", value=place, remedy=remedy))
        made[str(name)] = (pair[0], pair[1])
    return made


def found(text: str, skip: int, header: bool | Sequence[str] | None) -> dict[str, tuple[int, int]]:
    """Return the positions of columns that are parted by blanks in every line of ``text``.

    Raises
    ------
    UnreadableError
        Where there are no such runs, or other names than columns.
    """
    lines = [line for line in text.splitlines()[skip:] if line.strip()]
    width = max((len(line) for line in lines), default=0)
    used = [any(len(line) > place and line[place] != " " for line in lines) for place in range(width)]
    runs: list[tuple[int, int]] = []
    for place in range(width):
        if used[place] and (place == 0 or not used[place - 1]):
            runs.append((place + 1, place + 1))
        elif used[place]:
            runs[-1] = (runs[-1][0], place + 1)
    if len(runs) < 2:
        remedy = "say where they are: {here}positions={id: [1, 6], date: [8, 15]}"
        message = "no blanks that run through the first lines part columns"
        raise UnreadableError(Problem("positions", message, remedy=remedy))
    places = _widened(runs, lines)
    return dict(zip(_names(header, runs, lines), places, strict=True))


def _widened(runs: list[tuple[int, int]], lines: list[str]) -> list[tuple[int, int]]:
    """Runs with the blanks between them: text that starts in line keeps those after it, all else those before it."""
    places, start = [], 1
    for number, (first, last) in enumerate(runs):
        if number == len(runs) - 1:
            places.append((start, END))
            break
        ragged = any(len(line) < last or line[last - 1] == " " for line in lines)
        flush = all(len(line) >= first and line[first - 1] != " " for line in lines)
        end = runs[number + 1][0] - 1 if ragged and flush else last
        places.append((start, end))
        start = end + 1
    return places


def _names(header: bool | Sequence[str] | None, runs: list[tuple[int, int]], lines: list[str]) -> tuple[str, ...]:
    if header is True:
        return unique([lines[0][first - 1 : last].strip() for first, last in runs])[0]
    if header is None or header is False:
        return tuple(f"column{number}" for number in range(len(runs)))
    if len(header) != len(runs):
        there = ", ".join(f"{first}–{last}" for first, last in runs)
        message = f"names {len(header)} columns, and blanks part {len(runs)}: {there}"
        remedy = "name as many, or say where they are: {here}positions={id: [1, 6], date: [8, 15]}"
        raise UnreadableError(Problem("header", message, remedy=remedy))
    return unique(list(header))[0]


def columns(
    lines: IbisTable, positions: Mapping[str, tuple[int, int]], nulls: Sequence[str], *, stop: bool
) -> IbisTable:
    """Return the values of a table of lines, without the blanks around them; nothing but blanks is no value.

    Parameters
    ----------
    lines
        One column, ``line``.
    stop
        Whether a value that goes on past its column stops the reading.
    """
    rows = lines.filter(lines.line.strip() != "")
    if stop:
        rows = rows.mutate(line=_whole(rows.line, [last for _, last in positions.values() if last != END]))
    values = {name: rows.line.substr(first - 1, last - first + 1).strip() for name, (first, last) in positions.items()}
    made = rows.select(**values)
    return made.select(**{name: _or_null(made[name], ["", *nulls]) for name in values})


def _or_null(value: Any, nulls: Sequence[str]) -> Any:
    return value.isin(list(nulls)).ifelse(None, value)


def _whole(line: StringValue, ends: Sequence[int]) -> Any:
    """The line, unless something stands on both sides of an end: then the engine stops and says so."""
    import ibis

    stop = ibis.udf.scalar.builtin(lambda words: None, name="error", signature=(("string",), "string"))
    branches = []
    for last in ends:
        across = (line.substr(last - 1, 1).strip() != "") & (line.substr(last, 1).strip() != "")
        branches.append((across, stop(ibis.literal(f"{CUT} {last} of the line `") + line + "`")))
    return ibis.cases(*branches, else_=line) if branches else line
