"""Which files a table's path stands for: one, a pattern's, or objects on another machine."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cxai_runner.config.problems import Problem, did_you_mean
from cxai_runner.data.engines import UnreachableError
from cxai_runner.data.files.remote import fetch, is_remote
from cxai_runner.data.files.twins import twins

if TYPE_CHECKING:
    from cxai_runner.data.files.schema import TableFile

_TOLD: Final = 3
"""Notes of a kind, and files of a note, that are worth their lines."""


@dataclass(frozen=True)
class Found:
    """The files that a table's path stands for.

    Parameters
    ----------
    files
        Where they are on this machine; those of one part sorted.
    notes
        What a reader should know of how they came here.
    problems
        Why there is nothing to open; keys relative to the table.
    parts
        What the config calls the part that each file is; empty where it tells none apart.
    """

    files: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    parts: Mapping[Path, str] = field(default_factory=dict)


def find(table: TableFile, root: Path) -> Found:
    """Find a table's files; those on other machines are copied here first."""
    each = {part: _found(path, root) for part, path in table.paths.items()}
    files = tuple(path for one in each.values() for path in one.files)
    return Found(
        files,
        (*(note for one in each.values() for note in one.notes), *_copied(files, root)),
        (
            *(
                one if part is None else replace(one, key=f"{one.key}.{part}")
                for part, found in each.items()
                for one in found.problems
            ),
            *_undivided(table, each),
        ),
        {path: part for part, one in each.items() if part is not None for path in one.files},
    )


def _undivided(table: TableFile, each: Mapping[str | None, Found]) -> Iterator[Problem]:
    """Parts that are none: nothing at all, a file of two of them, or files that are read in several ways."""
    if not each:
        yield Problem("path", "names no file", remedy="as in {train: first.csv, test: second.csv}")
    seen: dict[Path, str | None] = {}
    for part, found in each.items():
        for path in found.files:
            if seen.setdefault(path, part) != part:
                told = f"{path.name} is among the files of `{seen[path]}` too"
                yield Problem(f"path.{part}", told, table.paths[part], "leave it out of one of them")
    kinds = {replace(table, path=path).is_parquet for path in table.paths.values()}
    if len(kinds) > 1:
        told = "some are Parquet by their ending, and others are not"
        yield Problem("path", told, remedy="write the files of one table alike, or say what they are: {here}format=…")


def _found(path: str, root: Path) -> Found:
    """The files of one path."""
    local = path.removeprefix("file://")
    if is_remote(local):
        try:
            copies = fetch(local)
        except UnreachableError as error:
            return Found(problems=(error.problem,))
        return Found(tuple(path for path, _ in copies), tuple(note for _, note in copies))
    matches = glob.glob(_pattern(local, root), recursive=True)  # noqa: PTH207
    files, linked = _each_once([Path(one) for one in matches if Path(one).is_file()])
    problems = [] if files else [_nothing_there(path, root)]
    problems += [
        Problem("path", f"{one.name} is empty: not even a header", value=path)
        for one in files
        if one.stat().st_size == 0
    ]
    return Found(files, tuple(linked), tuple(problems))


def _pattern(local: str, root: Path) -> str:
    """A path as a pattern; what is there under a name with brackets in it is meant before what the brackets match."""
    place, (*parts,) = root, Path(local).expanduser().parts
    while parts and os.path.lexists(place / parts[0]):
        place /= parts.pop(0)
    return str(Path(glob.escape(str(place)), *parts))


def _each_once(matches: Sequence[Path]) -> tuple[tuple[Path, ...], list[str]]:
    """The files behind some names, and what to tell of those that have several."""
    names: dict[tuple[int, int], list[Path]] = {}
    for path in sorted(matches):
        state = path.stat()
        names.setdefault((state.st_dev, state.st_ino), []).append(path)
    # The name that is no link comes first.
    files = [sorted(same, key=lambda path: (path.is_symlink(), path)) for same in names.values()]
    notes = [f"{_listed(same)} are names of one file, which is read once" for same in files if len({*same}) > 1]
    return tuple(sorted(same[0].resolve() for same in files)), _cut(notes)


def _copied(files: Sequence[Path], root: Path) -> list[str]:
    """What to tell of files whose rows are there several times."""
    if len(files) < 2:
        return []
    here = root.resolve()
    notes = []
    for same in twins(files):
        shown = [path.relative_to(here) if path.is_relative_to(here) else path for path in same]
        often = "twice" if len(same) == 2 else f"{len(same)} times"
        notes.append(f"{_listed(shown)} have the same content: read {often}, unless `path` leaves one out")
    return _cut(notes)


def _listed(paths: Sequence[Path]) -> str:
    *first, last = (f"`{path.name if path.is_absolute() else path}`" for path in paths[:_TOLD])
    more = len(paths) - _TOLD
    return ", ".join([*first, last]) + f" and {more:,} more" if more > 0 else f"{', '.join(first)} and {last}"


def _cut(notes: list[str]) -> list[str]:
    more = len(notes) - _TOLD
    return [*notes[:_TOLD], f"and {more:,} more such files"] if more > 0 else notes


def _nothing_there(said: str, root: Path) -> Problem:
    path = root / Path(said).expanduser()
    if glob.has_magic(said):
        return Problem("path", "no file matches this pattern", value=said, remedy=f"looked from {root}")
    if path.is_dir():
        return Problem("path", "a folder, not a file", value=said, remedy=f"as in {said}/*.parquet")
    beside = [one.name for one in path.parent.iterdir()] if path.parent.is_dir() else []
    remedy = did_you_mean(path.name, beside) or f"looked in {path.parent}"
    return Problem("path", "no such file", value=said, remedy=remedy)
