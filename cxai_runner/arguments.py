"""What a Python session hands over, looked at before anything is done with it.

On the command line everything is text. Here an argument can be anything, and what it was meant to be is often plain: a
frame without the name of its table, a list where each override stands for itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from os import PathLike
from typing import Any

from cxai_runner.config.problems import Problem, UserError

_NAMED = 'name the table of each frame: tables={"customers": frame}'
_COLUMNS = 'for each table, standard column → its own: columns={"customers": {"customer_id": "ID"}}'


def check(overrides: Iterable[Any], tables: Any, columns: Any, config_dirs: Any) -> None:
    """Check the arguments of `cxai_runner.run`.

    Raises
    ------
    UserError
        With every argument that is not what it has to be.
    """
    problems = [*_overrides(overrides), *_tables(tables), *_columns(columns, tables), *_folders(config_dirs)]
    if problems:
        raise UserError(problems)


def check_text(name: str, given: Any, remedy: str) -> None:
    """Check that an argument is text; raises `UserError` with ``remedy`` where it is not."""
    if not isinstance(given, str):
        raise UserError([Problem(name, f"text, not {_kind(given)}", remedy=remedy)])


def _overrides(given: Iterable[Any]) -> Iterator[Problem]:
    for place, one in enumerate(given):
        if isinstance(one, str):
            continue
        remedy = 'as in "task=segmentation"'
        if one is None:
            remedy = "leave it out: without an override the defaults run"
        elif isinstance(one, list | tuple | set):
            remedy = "give each on its own: run(*overrides)"
        elif isinstance(one, Mapping):
            remedy = 'give each on its own, as in run("seed=1", "threads=2")'
        elif _is_frame(one):
            remedy = _NAMED
        yield Problem(f"overrides[{place}]", f"an override is text, not {_kind(one)}", remedy=remedy)


def _tables(given: Any) -> Iterator[Problem]:
    if given is None:
        return
    if not isinstance(given, Mapping):
        yield Problem("tables", f"frames by the name of their table, not {_kind(given)}", remedy=_NAMED)
        return
    for name in given:
        if not isinstance(name, str):
            yield Problem("tables", f"a table's name is text, not {_kind(name)}", name, _NAMED)


def _columns(given: Any, tables: Any) -> Iterator[Problem]:
    if given is None:
        return
    if not isinstance(given, Mapping):
        yield Problem("columns", f"names of columns by table, not {_kind(given)}", remedy=_COLUMNS)
        return
    if not given:
        return
    if tables is None:
        remedy = "give the frames too (tables=…), or write data.columns.customer_id=ID and the like"
        yield Problem("columns", "names columns of data frames, and none is given", remedy=remedy)
        return
    for table, names in given.items():
        key = f"columns.{table}"
        if not isinstance(names, Mapping):
            yield Problem(key, f"standard column → the frame's own, not {_kind(names)}", remedy=_COLUMNS)
        else:
            for standard, own in names.items():
                if not isinstance(standard, str) or not isinstance(own, str | None):
                    told = "both names of a column are text"
                    yield Problem(f"{key}.{standard}", told, own, "name the frame's columns so: frame.columns.map(str)")


def _folders(given: Any) -> Iterator[Problem]:
    if isinstance(given, str | PathLike):
        yield Problem("config_dirs", "a list of folders, not one", str(given), f'as in config_dirs=["{given}"]')
        return
    if not isinstance(given, Iterable):
        yield Problem("config_dirs", f"a list of folders, not {_kind(given)}", remedy='as in config_dirs=["my"]')
        return
    for place, one in enumerate(given):
        if not isinstance(one, str | PathLike):
            told = f"a folder is text or a path, not {_kind(one)}"
            yield Problem(f"config_dirs[{place}]", told, remedy='as in config_dirs=["my"]')


def _is_frame(given: Any) -> bool:
    return hasattr(given, "columns") or hasattr(given, "__arrow_c_stream__")


def _kind(given: Any) -> str:
    """What something is, in a word: ``a list``, ``a DataFrame``, ``None``."""
    if given is None:
        return "None"
    name = type(given).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
