"""A hole in the engine's reading of text, closed: a file's last part that begins with a broken line.

DuckDB reads a file in parts. Where the first whole line of the last part has too few or too many values, it leaves out
the part, every row of it, without a word; and so it does with a file's last line that has too few, is not ended, and
began before that part. So these lines are looked at here, in the file that the engine is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cxai_runner.config.problems import Problem
from cxai_runner.data.files.copies import original
from cxai_runner.data.files.text import SAMPLE, UnreadableError, opened, records, unpacking

BUFFER: Final = 64_000_000
"""Bytes of a part; unless it is told, DuckDB's parts are smaller, and most files have several."""

_CHUNK: Final = 2**20

_long: dict[tuple[str, int, int], bool] = {}
"""Whether packed files of one state have several parts."""


def has_parts(path: Path) -> bool:
    """Whether a file packed by gzip has several parts once it is unpacked, which it is up to the second.

    Raises
    ------
    UnreadableError
        Where it cannot be unpacked so far.
    """
    state = path.stat()
    key = (str(path), state.st_size, state.st_mtime_ns)
    if key not in _long:
        size = 0
        with unpacking(original(path)), opened(path, packed=True) as file:
            while size < BUFFER and (chunk := file.read(_CHUNK)):
                size += len(chunk)
        _long[key] = size >= BUFFER
    return _long[key]


def check_last_part(path: Path, encoding: str, names: Sequence[str], delimiter: str, quote: str) -> None:
    """Check the line that the engine could pass over at the last part of a file, where it has several.

    Parameters
    ----------
    path
        The file as the engine reads it, not packed.
    encoding
        What it is written in.
    names
        Its columns.
    delimiter, quote
        What stands between values, and around those that hold it.

    Raises
    ------
    UnreadableError
        Where that line has another number of values than there are names.
    """
    size = path.stat().st_size
    start = size - size % BUFFER
    if start == 0:
        return
    with path.open("rb") as file:
        begin = max(start - 1 - SAMPLE, 0)
        file.seek(begin)
        before, window = file.read(start - 1 - begin), file.read(SAMPLE)
    lines = window.splitlines(keepends=True)
    ended = window.endswith((b"\n", b"\r"))
    if len(lines) == 1 and not ended:  # a line that began before this part, and is the file's last
        lines = [b"", before[max(before.rfind(b"\n"), before.rfind(b"\r")) + 1 :] + window]
        first = start - 1 + len(window) - len(lines[1])
    else:
        first = start - 1 + len(lines[0])
    whole = len(window) < SAMPLE or ended or len(lines) > 2
    if len(lines) < 2 or not whole:
        return
    rest = b"".join(lines[1:]).decode(encoding, "replace")  # a value may go on over several lines
    have = len(next(records(rest, delimiter, quote), []))
    if have in {0, len(names)}:
        return
    number = _line(path, first, quote)
    if number is None:
        return
    shown = original(path)
    values = "1 value" if have == 1 else f"{have:,} values"
    text = lines[1].decode(encoding, "replace").rstrip("\r\n")
    told = f"line {number:,} of {shown} has {values} where {len(names)} are expected: `{text[:80]}`"
    remedy = "complete that line, or take it out"
    if have > len(names):
        remedy = 'put "…" around a value with a delimiter in it, or set {here}delimiter if it is another'
    raise UnreadableError(Problem("path", told, value=shown, remedy=remedy))


def _line(path: Path, end: int, quote: str) -> int | None:
    """The number of the line that begins at byte ``end``; None where that is within a value in quotes."""
    lines, quotes, left = 1, 0, end
    with path.open("rb") as file:
        while left > 0 and (chunk := file.read(min(left, _CHUNK))):
            lines += chunk.count(b"\n")
            quotes += chunk.count(quote.encode()) if quote else 0
            left -= len(chunk)
    return None if quotes % 2 else lines
