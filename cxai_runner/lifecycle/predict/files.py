"""Predictions written to files: whole or not at all.

They are written beside their place and renamed into it when the last row is there, so that nobody ever reads half of
them, whenever the process ends.
"""

from __future__ import annotations

import os
import secrets
import shlex
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cxai_runner.config.problems import Problem, UserError

if TYPE_CHECKING:
    import pandas as pd

SUFFIXES: Final = (".parquet", ".csv")
_GROUP: Final = 500_000
"""Rows of a row group, at most, of a Parquet file."""


class Place(ABC):
    """Where predictions go: `write` and `reject` take rows, `keep` makes all of them last, `close` forgets the rest."""

    @abstractmethod
    def write(self, rows: pd.DataFrame) -> None:
        """Take predicted rows."""

    @abstractmethod
    def reject(self, rows: pd.DataFrame) -> None:
        """Take rejected rows, each with its reason."""

    @abstractmethod
    def keep(self) -> None:
        """Make all rows last."""

    @abstractmethod
    def close(self) -> None:
        """Forget what was not kept."""


class Memory(Place):
    """Rows held as frames, for whoever wants them in Python."""

    def __init__(self) -> None:
        self.rows: list[pd.DataFrame] = []
        self.rejected: list[pd.DataFrame] = []

    def write(self, rows: pd.DataFrame) -> None:
        """Take predicted rows."""
        self.rows.append(rows)

    def reject(self, rows: pd.DataFrame) -> None:
        """Take rejected rows."""
        self.rejected.append(rows)

    def frames(self) -> tuple[pd.DataFrame | None, pd.DataFrame | None]:
        """All predicted rows, and all rejected ones where there are any."""
        import pandas as pd

        found = [pd.concat(rows, ignore_index=True) if rows else None for rows in (self.rows, self.rejected)]
        return found[0], found[1]

    def keep(self) -> None:
        """Do nothing: they are here."""

    def close(self) -> None:
        """Do nothing."""


class Files(Place):
    """A file of predictions, and one of rejected rows beside it where there are any.

    Parameters
    ----------
    path
        ``scores.parquet`` or ``scores.csv``; rejected rows go to ``scores.rejected.parquet``.
    overwrite
        Whether files that are there already are replaced.

    Raises
    ------
    UserError
        The format is not known, the folder cannot be written to, or something is there already.
    """

    def __init__(self, path: Path, *, overwrite: bool) -> None:
        self.path = path
        self.overwrite = overwrite
        self._writers: dict[Path, Any] = {}
        self._refuse()

    @property
    def rejected(self) -> Path:
        """Where the rejected rows go."""
        return Path(beside(str(self.path)))

    def write(self, rows: pd.DataFrame) -> None:
        """Take predicted rows."""
        self._writer(self.path).write(rows)

    def reject(self, rows: pd.DataFrame) -> None:
        """Take rejected rows."""
        self._writer(self.rejected).write(rows)

    def keep(self) -> None:
        """Give the files their names; the predictions last, so that where they are, all is."""
        for place in (self.rejected, self.path):
            writer = self._writers.pop(place, None)
            if writer is not None:
                try:
                    writer.close()
                    _rename(writer.path, place, overwrite=self.overwrite)
                finally:
                    writer.path.unlink(missing_ok=True)
            elif self.overwrite:
                place.unlink(missing_ok=True)  # what was rejected then is not what is rejected now

    def close(self) -> None:
        """Remove what was not kept."""
        for writer in self._writers.values():
            with suppress(OSError):  # a disk that is full lets nothing be closed in order
                writer.close()
            writer.path.unlink(missing_ok=True)
        self._writers.clear()

    def _writer(self, place: Path) -> Any:
        if place not in self._writers:
            kind = _Csv if place.suffix == ".csv" else _Parquet
            self._writers[place] = kind(place.with_name(f".{place.name}.{secrets.token_hex(4)}.part"))
        return self._writers[place]

    def _refuse(self) -> None:
        problems = []
        shown, folder = "" if self.path == Path() else str(self.path), self.path.absolute().parent
        if self.path.suffix not in SUFFIXES:
            told = "no file or table that can be written"
            remedy = "a .parquet or .csv file, or a table as in sqlite:///scores.db#predictions"
            problems.append(Problem("--to", told, shown, remedy))
        elif not folder.is_dir():
            problems.append(
                Problem("--to", "no such folder", str(folder), f"make it: mkdir -p {shlex.quote(str(folder))}")
            )
        elif not os.access(folder, os.W_OK | os.X_OK):
            problems.append(Problem("--to", "nothing can be written into this folder", str(folder), "choose another"))
        elif self.path.is_dir():
            problems.append(Problem("--to", "is a folder", shown, f"name a file in it: {shown}/predictions.parquet"))
        elif not self.overwrite:
            problems += [
                Problem("--to", "is there already", str(place), "choose another name, or --overwrite")
                for place in (self.path, self.rejected)
                if place.exists()
            ]
        if problems:
            raise UserError(problems)


def path_of(to: str) -> Path:
    """Return the path of a target; raises `UserError` where ``~`` is nobody's home."""
    try:
        return Path(to).expanduser()
    except RuntimeError:
        raise UserError([Problem("--to", "`~` stands for no home that is known here", to, "write it out")]) from None


def beside(to: str) -> str:
    """Return where the rejected rows of a target are: ``scores.rejected.parquet``, or ``…#scores_rejected``."""
    if "://" in to:
        return f"{to}_rejected"
    path = Path(to)
    return str(path.with_name(f"{path.stem}.rejected{path.suffix}"))


def _rename(part: Path, place: Path, *, overwrite: bool) -> None:
    """Give a finished file its name; what somebody else has put there meanwhile stays, unless it is to go."""
    if not overwrite:
        try:
            os.link(part, place)
        except FileExistsError:
            told = "was written by somebody else meanwhile"
            raise UserError([Problem("--to", told, str(place), "choose another name, or --overwrite")]) from None
        except OSError:  # a file system without links: what comes in this very moment is lost
            pass
        else:
            part.unlink()
            return
    part.replace(place)


class _Parquet:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer: Any = None

    def write(self, rows: pd.DataFrame) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        schema = None if self._writer is None else self._writer.schema
        table = pa.Table.from_pandas(rows, schema=schema, preserve_index=False)
        if self._writer is None:
            self._writer = pq.ParquetWriter(self.path, table.schema)
        self._writer.write_table(table, row_group_size=_GROUP)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


class _Csv:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("w", encoding="utf-8", newline="")
        self._header = True

    def write(self, rows: pd.DataFrame) -> None:
        rows.to_csv(self._file, index=False, header=self._header)
        self._header = False

    def close(self) -> None:
        self._file.close()
