"""How the command line speaks: results on standard output, everything else on standard error."""

from __future__ import annotations

import json
import math
import os
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from cxai_runner.config.problems import UserError


def emit_json(document: Any) -> None:
    """Print one JSON document on standard output; numbers that are not finite become null."""
    click.echo(json.dumps(_plain(document), indent=2, ensure_ascii=False))


def note(text: str) -> None:
    """Print a line on standard error."""
    click.echo(text, err=True)


def tell_problems(error: UserError, *, as_json: bool, undone: str = "fitted") -> int:
    """Tell the user all that is wrong, and that nothing was fitted, or what else was not done; return the exit code."""
    from cxai_runner.config.wording import as_json as problems_as_json
    from cxai_runner.config.wording import render
    from cxai_runner.tracking.masking import Masker

    mask = Masker.of({}).mask
    if as_json:
        problems = json.loads(mask(json.dumps(problems_as_json(error.problems), default=str)))
        emit_json({"status": "refused", "stage": error.stage, "problems": problems})
    note(mask(render(error.problems, error.stage, undone)))
    return 2


def tell_failure(text: str, code: int, *, as_json: bool, told: bool = False) -> int:
    """Tell what ended a command that is no mistake in a config, and return ``code``."""
    from cxai_runner.tracking.masking import Masker

    masked = Masker.of({}).mask(text)
    if as_json:
        emit_json({"status": "failed", "error": masked})
    if not told:
        note(masked)
    return code


def refuse_unwritable(several: Mapping[str, Path | None]) -> None:
    """Refuse files that cannot be written, each under its option, before anything is done for them.

    Raises
    ------
    UserError
        With every one that is wrong.
    """
    from cxai_runner.config.problems import Problem, UserError

    problems = []
    for option, path in several.items():
        folder = None if path is None else path.absolute().parent
        if folder is None:
            continue
        if path == Path():
            problems.append(Problem(option, "names no file", "", "name a file"))
        elif not folder.is_dir():
            remedy = f"make it: mkdir -p {shlex.quote(str(folder))}"
            problems.append(Problem(option, "its folder does not exist", str(path), remedy))
        elif not os.access(folder, os.W_OK | os.X_OK):
            problems.append(Problem(option, "nothing can be written into its folder", str(path), "choose another"))
    if problems:
        raise UserError(problems)


def table(rows: Sequence[Sequence[str]], *, indent: str = "  ") -> str:
    """Align columns of text, two spaces between."""
    if not rows:
        return ""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = (indent + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def place(artifacts: str, name: str) -> str:
    """Return the path of a run's artifact from here where it is a local file; else its address."""
    from cxai_runner.kept.run import local_path

    address = f"{artifacts}/{name}"
    path = local_path(address)
    if path is None:
        return address
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


@contextmanager
def progress(*, quiet: bool) -> Iterator[Any]:
    """Yield ``told(stage, state)``, which shows a spinner per stage when standard error is a terminal."""
    if quiet or not sys.stderr.isatty():
        yield lambda stage: None
        return
    from rich.console import Console
    from rich.status import Status

    with Status("starting", console=Console(stderr=True)) as status:
        yield status.update


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
