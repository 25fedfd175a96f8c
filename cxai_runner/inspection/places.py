"""Where the tables are that somebody points at: a file, the files of a folder or a pattern, an address.

Files that differ in the numbers of their names alone (``orders_2023.csv``, ``orders_2024.csv``) are one table.
"""

from __future__ import annotations

import glob
import importlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

from cxai_runner.config.problems import Problem, UserError, did_you_mean

MOST = 50
"""How many tables of a folder are looked at."""

_NO_TABLES = {
    ".md", ".rst", ".pdf", ".html", ".htm", ".doc", ".docx", ".xls", ".xlsx", ".png", ".jpg", ".jpeg", ".svg", ".zip",
    ".tar", ".7z", ".json", ".jsonl", ".yaml", ".yml", ".toml", ".py", ".ipynb", ".r", ".rds", ".rdata", ".rda", ".sql",
    ".db", ".sqlite", ".duckdb", ".pkl", ".feather", ".orc", ".avro", ".xml", ".log", ".lock", ".cfg", ".ini", ".crc",
}  # fmt: skip
_NO_NAMES = {"readme", "license", "licence", "changelog", "notice", "makefile", "_success"}


@dataclass(frozen=True)
class Place:
    """One table to look at.

    Parameters
    ----------
    root
        The folder that ``path`` starts from, as it was given; empty for an address.
    path
        A file, or a pattern that several files of one table match, as a config writes it.
    files
        What is read, the first of them looked at; nothing for an address.
    """

    root: str
    path: str
    files: tuple[Path, ...] = field(default=())

    @property
    def shown(self) -> str:
        """The path as it may be printed."""
        return shown(self.path)

    @property
    def size(self) -> int | None:
        """Bytes of all files."""
        return sum(one.stat().st_size for one in self.files) if self.files else None

    @property
    def is_parquet(self) -> bool:
        """Whether its name says that it is Parquet."""
        return urlsplit(self.path).path.lower().endswith((".parquet", ".pq"))

    def open(self) -> BinaryIO:
        """Open the first file, or the object that is at the address.

        Raises
        ------
        UserError
            Where it cannot be had.
        """
        if not self.files:
            return _remote(self.path)
        path = self.files[0]
        try:
            if path.stat().st_size == 0:
                raise UserError([Problem("", f"{path.name} is empty: not even a header")])
            return path.open("rb")
        except OSError as error:
            raise UserError([Problem("", f"{path.name} cannot be read: {error.strerror}")]) from None


def find(location: str) -> tuple[list[Place], list[str]]:
    """Return the tables at ``location``, and what was left out of it and why.

    Raises
    ------
    UserError
        Where there is nothing.
    """
    if "://" in location:
        if "@" in urlsplit(location).netloc:
            remedy = "leave user and password out: credentials come from the environment"
            raise UserError([Problem("LOCATION", "an address must not hold credentials", shown(location), remedy)])
        return [Place("", location)], []
    if not location.strip():
        remedy = "as in orders.csv, sales/ or sqlite:///shop.db"
        raise UserError([Problem("LOCATION", "a file, a folder or an address is needed", location, remedy)])
    path = Path(location).expanduser()
    if path.is_file():
        return [Place(_folder(path.parent), path.name, (path,))], []
    if path.is_dir():
        found = sorted(one for one in path.iterdir() if one.is_file() and not one.name.startswith("."))
        if not found and any(path.rglob("*.parquet")):
            found = sorted(path.rglob("*.parquet"))
        return _tables(path, found, location)
    if glob.has_magic(location):
        found = sorted(Path(one) for one in glob.glob(str(path), recursive=True) if Path(one).is_file())  # noqa: PTH207
        if found:
            base = Path(*_without_pattern(path))
            return _tables(base, found, location)
        raise UserError([Problem("LOCATION", "no file matches this pattern", location, f"looked from {Path.cwd()}")])
    beside = [one.name for one in path.parent.iterdir()] if path.parent.is_dir() else []
    remedy = did_you_mean(path.name, beside) if path.parent.is_dir() else f"there is no folder {path.parent} either"
    raise UserError([Problem("LOCATION", "no such file or folder", location, remedy)])


def shown(location: str) -> str:
    """Return a path or address without what may be secret in it: user, password, and what follows a question mark."""
    if "://" not in location:
        return location
    parts = urlsplit(location)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _tables(folder: Path, files: Iterable[Path], location: str) -> tuple[list[Place], list[str]]:
    """Files as tables, those of one table together."""
    groups: dict[str, list[Path]] = {}
    left_out = []
    for one in files:
        why = _no_table(one)
        if why:
            left_out.append(f"{one.name}: {why}")
            continue
        groups.setdefault(re.sub(r"\d+", "*", one.relative_to(folder).as_posix()), []).append(one)
    places: list[Place] = []
    for pattern, some in groups.items():
        together = len(some) > 1 and _alike(some)
        names = [pattern] if together else [one.relative_to(folder).as_posix() for one in some]
        parts = [tuple(some)] if together else [(one,) for one in some]
        places += [Place(_folder(folder), name, part) for name, part in zip(names, parts, strict=True)]
    if len(places) > MOST:
        left_out.append(f"{len(places) - MOST:,} more files: {MOST} are looked at")
        places = places[:MOST]
    if not places:
        told = "; ".join(left_out[:3])
        raise UserError([Problem("LOCATION", "no table here", location, told or "the folder is empty")])
    return places, left_out


def _alike(files: list[Path]) -> bool:
    """Whether the first and the last file begin alike: the same header, or Parquet with the same columns."""
    first, last = files[0], files[-1]
    if first.suffix.lower() in {".parquet", ".pq"}:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            return bool(pq.read_schema(first).names == pq.read_schema(last).names)
        except (pa.ArrowException, OSError):
            return False
    heads = []
    for one in (first, last):
        with one.open("rb") as stream:
            heads.append(stream.readline(1 << 16))
    return heads[0] == heads[1] or (heads[0][:2] == b"\x1f\x8b" == heads[1][:2])


def _no_table(path: Path) -> str:
    if path.suffix.lower() in _NO_TABLES:
        return f"{path.suffix} is no table that can be read"
    if path.stem.lower() in _NO_NAMES:
        return "no table, by its name"
    return "empty" if path.stat().st_size == 0 else ""


def _folder(path: Path) -> str:
    return path.as_posix()


def _without_pattern(path: Path) -> list[str]:
    parts = []
    for part in path.parts:
        if glob.has_magic(part):
            break
        parts.append(part)
    return parts


def _remote(location: str) -> BinaryIO:
    """Open an object by fsspec; what its library says when it fails is not repeated, because it may hold a secret."""
    name = shown(location)
    try:
        core = importlib.import_module("fsspec.core")
    except ImportError:
        remedy = "python -m pip install fsspec"
        raise UserError([Problem("LOCATION", "needs the package `fsspec`", name, remedy)]) from None
    try:
        files, path = core.url_to_fs(location, **_patience(location))
        return cast(BinaryIO, files.open(path, "rb"))
    except FileNotFoundError as error:
        if type(error.__cause__).__name__.startswith(_UNANSWERED):
            remedy = "check the host's name, the port and the network"
            raise UserError([Problem("LOCATION", "no server answers there", name, remedy)]) from None
        raise UserError([Problem("LOCATION", "there is no such object", name, "check the address")]) from None
    except TimeoutError:
        raise UserError([Problem("LOCATION", "the server does not answer", name, "try again later")]) from None
    except Exception as error:  # every library has errors of its own
        remedy = "check the address, the package that reads such, and the credentials that the environment holds"
        raise UserError([Problem("LOCATION", f"cannot be had ({type(error).__name__})", name, remedy)]) from None


_UNANSWERED = ("ClientConnect", "ServerDisconnected", "ServerTimeout", "SocketTimeout", "ConnectionTimeout")
"""What the library behind fsspec's addresses raises where nobody answers; an object that is not there is another."""


def _patience(location: str) -> dict[str, Any]:
    """How long a web server may take to answer; by itself the library waits five minutes."""
    if urlsplit(location).scheme not in {"http", "https"}:
        return {}
    try:
        aiohttp = importlib.import_module("aiohttp")
    except ImportError:
        return {}
    return {"client_kwargs": {"timeout": aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=20)}}
