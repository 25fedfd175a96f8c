"""A hole in the engine's reading of text, closed: a file's last part that begins with a broken line.

DuckDB reads a file in parts. Where the first whole line of the last part has too few or too many values, it leaves out
the part, every row of it, without a word. So that line is looked at here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cxai_runner.config.problems import Problem
from cxai_runner.data.files.text import SAMPLE, Look, UnreadableError, records

BUFFER: Final = 64_000_000
"""Bytes of a part; unless it is told, DuckDB's parts are smaller, and most files have several."""


def check_last_part(look: Look, names: Sequence[str], delimiter: str, quote: str) -> None:
    """Check the first whole line of a file's last part, where it has several; a packed file is let pass.

    Raises
    ------
    UnreadableError
        Where that line has another number of values than there are names.
    """
    size = look.path.stat().st_size
    start = size - size % BUFFER
    if look.packed or not look.native or start == 0:
        return
    with look.path.open("rb") as file:
        file.seek(start - 1)
        window = file.read(SAMPLE)
    lines = window.splitlines(keepends=True)
    if len(lines) < 2 or (len(lines) == 2 and not lines[1].endswith((b"\n", b"\r")) and len(window) == SAMPLE):
        return
    rest = b"".join(lines[1:]).decode(look.encoding, "replace")  # a value may go on over several lines
    have = len(next(records(rest, delimiter, quote), []))
    if have in {0, len(names)}:
        return
    number = _line(look, start - 1 + len(lines[0]), quote)
    if number is None:
        return
    where, values = f"line {number:,} of {look.path.name}", "1 value" if have == 1 else f"{have:,} values"
    text = lines[1].decode(look.encoding, "replace").rstrip("\r\n")
    told = f"{where} has {values} where {len(names)} are expected: `{text[:80]}`"
    remedy = "complete that line, or take it out"
    if have > len(names):
        remedy = 'put "…" around a value with a delimiter in it, or set {here}delimiter if it is another'
    raise UnreadableError(Problem("path", told, value=look.path.name, remedy=remedy))


def _line(look: Look, end: int, quote: str) -> int | None:
    """The number of the line that begins at byte ``end``; None where that is within a value in quotes."""
    lines, quotes, left = 1, 0, end
    with look.path.open("rb") as file:
        while left > 0 and (chunk := file.read(min(left, 2**20))):
            lines += chunk.count(b"\n")
            quotes += chunk.count(quote.encode()) if quote else 0
            left -= len(chunk)
    return None if quotes % 2 else lines
