"""A run to be held against another, wherever it lies: in a store, or in a folder that it was exported to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from cxai_runner.config.problems import Problem, UserError

if TYPE_CHECKING:
    import pandas as pd

FACTS: Final = "run.json"
"""What tells an exported run from any other folder."""


class Held(Protocol):
    """What there is to know of a run: `Kept` is one, and so is `Exported`."""

    @property
    def run_id(self) -> str:
        """Its full id."""

    @property
    def facts(self) -> dict[str, Any]:
        """Status, metrics, params and tags as plain values."""

    def text(self, path: str) -> str:
        """Return a text artifact; raises `UserError` where the run holds none of that name."""

    def scores(self) -> dict[str, pd.DataFrame]:
        """Return the score of every row, by part."""


class Exported:
    """A run in a folder.

    Parameters
    ----------
    folder
        What `cxai export` wrote.

    Raises
    ------
    UserError
        It is no such folder.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder
        if not (folder / FACTS).is_file():
            remedy = f"an exported run is a folder with a {FACTS}: cxai export RUN DIR"
            raise UserError([Problem("RUN", "no exported run is in this folder", str(folder), remedy)])

    @cached_property
    def facts(self) -> dict[str, Any]:
        """Status, metrics, params and tags as plain values."""
        try:
            found = json.loads((self.path / FACTS).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            found = None
        if not isinstance(found, dict) or not {"run_id", "status", "metrics", "params", "tags"} <= found.keys():
            raise UserError([Problem("RUN", f"{FACTS} is not what was exported", str(self.path), "export it again")])
        return found

    @property
    def run_id(self) -> str:
        """Its full id, where it was made."""
        return str(self.facts["run_id"])

    def text(self, path: str) -> str:
        """Return a text artifact; raises `UserError` where the folder holds none of that name."""
        try:
            return (self.path / path).read_text(encoding="utf-8")
        except OSError:
            raise UserError([Problem("RUN", f"this folder holds no {path}", str(self.path))]) from None

    def scores(self) -> dict[str, pd.DataFrame]:
        """Return the score of every row, by part."""
        import pandas as pd

        return {path.stem: pd.read_parquet(path) for path in sorted((self.path / "scores").glob("*.parquet"))}

    @contextmanager
    def folder(self, path: str) -> Iterator[Path]:
        """Lend an artifact as it lies here; raises `UserError` where the folder holds none of that name."""
        if not (self.path / path).exists():
            raise UserError([Problem("RUN", f"this folder holds no {path}", str(self.path))])
        yield self.path / path


def text_of(run: Held, path: str) -> str | None:
    """Return a text artifact of a run; None where it holds none of that name."""
    try:
        return run.text(path)
    except UserError:
        return None
