"""Small questions whose answers are remembered for as long as the files that gave them have not changed.

Preflight asks a source the same few things before every run: how many rows break a rule, who the customers are, what
the rows add up to. On unchanged files the second run reads the answers, and no row. An answer is found by the question
as the engine would be asked it, and by what every table in it is: a file by path, size, time of modification and inode,
a frame in memory by its content. A question to anything else (a database's table) is asked anew.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import pyarrow as pa
    from ibis.expr.types import Expr
    from ibis.expr.types import Table as IbisTable

_LARGEST: Final = 256 * 2**20
"""Bytes of an answer above which it is not kept."""

State = tuple[tuple[str, int, int, int], ...]

_folder: Path | None = None
_files: dict[tuple[int, Any], tuple[tuple[Path, ...], State]] = {}
"""A table of a connection → the files that it is, and the state in which it was opened."""


def remember_in(folder: Path | None) -> None:
    """Keep answers in ``folder`` from now on; None keeps none."""
    global _folder  # noqa: PLW0603 - a setting of the process, like the number of threads
    _folder = None if folder is None else folder.absolute()


def made_of(table: IbisTable, files: Sequence[Path]) -> None:
    """Say that a table or view of an engine holds what ``files`` do, and nothing else: no clock, no chance."""
    _files[_place(table.op())] = (tuple(files), state_of(files))


def ask(question: Expr) -> pa.Table:
    """Return the answer to ``question`` (a table, column or scalar expression), asked or remembered.

    Remembered: one Arrow file per question below the folder of `remember_in`, written beside its place and renamed.
    """
    if _folder is None:
        return _asked(question)
    key = _key(question)
    place = None if key is None else _folder / "answers" / f"{key}.arrow"
    known = _read(place)
    if known is not None:
        return known
    answer = _asked(question)
    # A file that changed while it was read was not all of one state; what it said is not kept.
    if place is not None and answer.nbytes <= _LARGEST and _key(question) == key:
        with suppress(OSError):  # a folder that cannot be written costs time, and no run
            _write(answer, place)
    return answer


def row(question: Expr) -> dict[str, Any]:
    """Return the one row of an aggregate as a mapping of column to value."""
    found: dict[str, Any] = ask(question).to_pylist()[0]
    return found


def value(question: Expr) -> Any:
    """Return the one value of a scalar expression."""
    return ask(question)[0][0].as_py()


def forget(folder: Path, older_than: float | None = None) -> int:
    """Remove from ``folder`` the answers not used for ``older_than`` seconds, or all; return how many there were."""
    before = None if older_than is None else time.time() - older_than
    found = list((folder / "answers").glob("*"))
    old = [path for path in found if before is None or path.stat().st_mtime < before]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def _asked(question: Expr) -> pa.Table:
    import ibis

    table = question if isinstance(question, ibis.Table) else question.as_table()
    return table.to_pyarrow()


def _key(question: Expr) -> str | None:
    """What the answer depends on, hashed; None where that cannot be told, or where no file is in it."""
    import ibis.expr.operations as ops

    tables = question.op().find(ops.PhysicalTable)
    in_memory = [table for table in tables if isinstance(table, ops.InMemoryTable)]
    # What was opened before its file was replaced may still hold the old one; its answers say nothing of the new.
    known = {table: _files[_place(table)] for table in tables if _place(table) in _files}
    in_files = [table for table, (files, state) in known.items() if state_of(files) == state]
    if not in_files or len(in_memory) + len(in_files) < len(tables):
        return None
    engine = in_files[0].source
    text = str(engine.compile(question))
    for number, table in enumerate(in_memory):
        text = text.replace(table.name, f"memory {number}")  # its name is drawn anew in every process
    facts = [
        [engine.name, engine.version, version("ibis-framework"), _reading(), text],
        [[table.name, known[table][1]] for table in in_files],
        [_content(table) for table in in_memory],
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


@cache
def _reading() -> str:
    """The code that reads files, hashed: read in another way, the same file may give another answer."""
    sources = sorted(Path(__file__).parent.rglob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()


def state_of(files: Sequence[Path]) -> State:
    """Return what tells files from what they were: path, size, time of modification and inode of those that exist."""
    states = []
    for path in files:
        with suppress(OSError):
            found = path.stat()
            states.append((str(path), found.st_size, found.st_mtime_ns, found.st_ino))
    return tuple(states)


def _place(table: Any) -> tuple[int, Any]:
    """A table as one of its connection: Ibis takes the same name in two connections to one file for the same table."""
    return id(getattr(table, "source", None)), table


def _content(table: Any) -> str:
    import pyarrow as pa

    data = table.data.to_pyarrow(table.schema)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, data.schema) as writer:
        writer.write_table(data.combine_chunks())
    return hashlib.sha256(sink.getvalue()).hexdigest()


def _read(place: Path | None) -> pa.Table | None:
    if place is None or not place.is_file():
        return None
    import pyarrow as pa

    try:
        with pa.OSFile(str(place)) as file:
            found = pa.ipc.open_file(file).read_all()
        place.touch()  # when it was used last
        return found
    except (OSError, pa.ArrowInvalid):
        return None


def _write(answer: pa.Table, place: Path) -> None:
    import pyarrow as pa

    place.parent.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.NamedTemporaryFile(dir=place.parent, suffix=".draft", delete=False) as draft,
        pa.ipc.new_file(draft, answer.schema) as writer,
    ):
        writer.write_table(answer)
    Path(draft.name).replace(place)
