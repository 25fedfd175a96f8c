"""What the engine says of a file that it cannot read, told as a user's mistake: which line, and what to do about it.

The engine's text is taken apart here and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cxai_runner.config.problems import Problem
from cxai_runner.data.files.copies import original
from cxai_runner.data.files.fixed import CUT
from cxai_runner.data.files.text import misread, opened

if TYPE_CHECKING:
    from cxai_runner.data.tables.mapped import MappedTable

_LINE: Final = re.compile(r"CSV Error on Line: (\d+)")
_TEXT: Final = re.compile(r"Original Line:[ ]?\s*(.*)")
_COUNT: Final = re.compile(r"Expected Number of Columns: (\d+) Found: (\d+)")
_CUT: Final = re.compile(re.escape(CUT) + r" (\d+) of the line `(.*)`")
_FILE: Final = re.compile(r"^\s*file = (.+)$", re.MULTILINE)
_SHOWN: Final = 80


def malformed(error: Exception, files: tuple[Path, ...] = (), spoken: str = "") -> Problem:
    """Return what is wrong with a file that an engine could not read; its key relative to the table.

    Parameters
    ----------
    error
        As the engine raised it.
    files
        The files that it read, for when it does not say which.
    spoken
        How to name the table's keys in a remedy: ``data.tables.transactions.``, say.
    """
    said = str(error).strip()
    named = _FILE.search(said)
    path = Path(named[1].strip()) if named else files[0] if len(files) == 1 else None
    shown = original(path) if path is not None else "a file"
    return _of_a_line(said, path, shown, spoken) or _of_a_file(said, path, shown, spoken)


def unreadable(error: Exception, table: MappedTable) -> Problem:
    """Return what is wrong with the files of a table whose rows could not be read to their end; a full key path."""
    here = f"data.{table.key}".rstrip(".")
    return malformed(error, table.files, f"{here}.").under(here)


def _of_a_line(said: str, path: Path | None, shown: str, spoken: str) -> Problem | None:
    numbered = _LINE.search(said)
    if numbered is None:
        return None
    line = _physical(path, int(numbered[1]))
    if "Invalid unicode" in said:
        problem = misread("utf-8", line, shown)
        return Problem(problem.key, problem.message, remedy=problem.remedy.replace("{here}", spoken))
    where = f"line {line:,} of {shown}"
    text = _TEXT.search(said)
    held = "" if text is None else f": `{_short(text[1])}`"
    counted = _COUNT.search(said)
    if counted is not None:
        want, have = int(counted[1]), int(counted[2])
        message = f"{where} has {_values(have)} where {want} {'is' if want == 1 else 'are'} expected{held}"
        remedy = "complete that line, or take it out"
        if have > want:
            remedy = f'put "…" around a value with a delimiter in it, or set {spoken}delimiter if it is another'
    elif "unterminated quote" in said:
        message = f"{where} opens a quote that is not closed before its value ends{held}"
        remedy = f"close it, write \"\" for a quote within a value, or {spoken}quote='' if quotes are only text"
    elif "Maximum line size" in said:
        message, remedy = f"{where} is longer than the engine reads", "look for a quote that is never closed there"
    else:
        message, remedy = f"{where} cannot be read: {_first_line(said)}", ""
    return Problem("path", message, value=shown, remedy=remedy)


def _of_a_file(said: str, path: Path | None, shown: str, spoken: str) -> Problem:
    if "reached an invalid state" in said:
        line = _first_where(path, _Ends())
        where = f"line {line:,} of {shown} ends" if line else f"lines of {shown} end"
        message = f"{where} in another way than the first"
        return Problem("path", message, value=shown, remedy="write all line ends alike")
    cut = _CUT.search(said)
    if cut is not None:
        line = _first_where(path, lambda text: text.decode(errors="replace").rstrip("\r\n") == cut[2])
        where = f"line {line:,} of {shown}" if line else shown
        message = (
            f"in {where} a value goes on past position {cut[1]}, where its column seems to end: `{_short(cut[2])}`"
        )
        return Problem("positions", message, remedy=f"say where the columns are: {spoken}positions={{id: [1, 6], …}}")
    return Problem("path", f"cannot be read: {_first_line(said)}", value=shown)


def _short(text: str) -> str:
    return text[:_SHOWN] + "…" if len(text) > _SHOWN else text


def _values(count: int) -> str:
    return "1 value" if count == 1 else f"{count:,} values"


def _physical(path: Path | None, record: int) -> int:
    """The line on which a record begins, where the engine counts a record as one, however many lines it spans."""
    if path is None or not path.is_file():
        return record
    number, quoted = 0, False
    with opened(path, packed=_is_packed(path)) as lines:
        for line, text in enumerate(lines, 1):
            number += not quoted
            if number == record:
                return line
            quoted ^= text.count(b'"') % 2 == 1
    return record


class _Ends:
    """Whether a line ends in another way than the first that was seen."""

    first: bool | None = None

    def __call__(self, text: bytes) -> bool:
        ends = text.endswith(b"\r\n")
        self.first = ends if self.first is None else self.first
        return ends != self.first and text.endswith(b"\n")


def _first_where(path: Path | None, test: Callable[[bytes], bool]) -> int | None:
    """The first line that meets a test."""
    if path is None or not path.is_file():
        return None
    with opened(path, packed=_is_packed(path)) as lines:
        return next((number for number, text in enumerate(lines, 1) if test(text)), None)


def _is_packed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def _first_line(said: str) -> str:
    return said.splitlines()[0].rstrip(".") if said else "no reason is given"
