"""Which files a table's path stands for: one, a pattern's, or objects on another machine."""

from __future__ import annotations

import glob
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cxai_runner.config.problems import Problem, did_you_mean
from cxai_runner.data.engines import UnreachableError
from cxai_runner.data.files.remote import fetch, is_remote

if TYPE_CHECKING:
    from cxai_runner.data.files.schema import TableFile


@dataclass(frozen=True)
class Found:
    """The files that a table's path stands for.

    Parameters
    ----------
    files
        Where they are on this machine, sorted.
    notes
        What a reader should know of how they came here.
    problems
        Why there is nothing to open; keys relative to the table.
    """

    files: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


def find(table: TableFile, root: Path) -> Found:
    """Find a table's files; those on other machines are copied here first."""
    local = table.path.removeprefix("file://")
    if is_remote(local):
        try:
            copies = fetch(local)
        except UnreachableError as error:
            return Found(problems=(error.problem,))
        return Found(tuple(path for path, _ in copies), tuple(note for _, note in copies))
    pattern = str(root / Path(local).expanduser())
    # A file whose own name has a bracket in it is meant before the pattern it looks like.
    matches = [pattern] if Path(pattern).is_file() else glob.glob(pattern, recursive=True)  # noqa: PTH207
    files = tuple(sorted(Path(one).resolve() for one in matches if Path(one).is_file()))
    problems = [] if files else [_nothing_there(table, root)]
    problems += [
        Problem("path", f"{path.name} is empty: not even a header", value=table.path)
        for path in files
        if path.stat().st_size == 0
    ]
    return Found(files, problems=tuple(problems))


def _nothing_there(table: TableFile, root: Path) -> Problem:
    path = root / Path(table.path).expanduser()
    if glob.has_magic(table.path):
        return Problem("path", "no file matches this pattern", value=table.path, remedy=f"looked from {root}")
    if path.is_dir():
        return Problem("path", "a folder, not a file", value=table.path, remedy=f"as in {table.path}/*.parquet")
    beside = [one.name for one in path.parent.iterdir()] if path.parent.is_dir() else []
    remedy = did_you_mean(path.name, beside) or f"looked in {path.parent}"
    return Problem("path", "no such file", value=table.path, remedy=remedy)
