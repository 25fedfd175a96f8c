"""Features that were built before, found by the key of everything they depend on.

There is nothing to invalidate: a changed config, table, line of code or package is another key. An entry is a folder
that is written beside its place and renamed into it, so that it is there whole or not at all; what it holds is checked
against its digest when it is read, and built again where it does not match. A lock per key keeps two processes from
building the same thing; the second waits, and finds it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import time
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxai_runner.data.dataset import Dataset, Dropped, Roles

if TYPE_CHECKING:
    import pandas as pd

_ABOUT = "dataset.json"
_FRAME = "frame"


@dataclass(frozen=True)
class Entry:
    """What one key holds: a dataset of ``rows`` rows of the standard table ``kind``, in ``bytes``; ``used`` is the
    time of its last use, in seconds since the epoch.
    """  # noqa: D205

    key: str
    kind: str
    rows: int
    bytes: int
    used: float


@dataclass(frozen=True)
class FeatureCache:
    """Datasets by key.

    Parameters
    ----------
    root
        The folder.
    enabled
        Whether anything is looked up or kept.
    """

    root: Path
    enabled: bool = True

    def get_or_build(self, key: str, build: Callable[[], Dataset]) -> tuple[Dataset, bool]:
        """Return the dataset of ``key`` and whether it was there; it is built and kept where it was not.

        A cache that cannot be written (a full disk, say) warns and costs nothing but time.
        """
        if not self.enabled:
            return build(), False
        from filelock import FileLock

        locks = self.root / "locks"
        try:
            locks.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            _warn(error)
            return build(), False
        with FileLock(locks / f"{_checked(key)}.lock"):
            found = self._load(key)
            if found is not None:
                return found, True
            made = build()
            try:
                self._store(key, made)
            except OSError as error:
                _warn(error)
            return made, False

    def holds(self, key: str) -> bool:
        """Whether something is kept under ``key``; whether it is whole shows when it is read."""
        return self.enabled and self._folder(key).exists()

    def entries(self) -> list[Entry]:
        """Return what is there, the last used first."""
        found = []
        for folder in self._folders():
            about = _about(folder)
            if about is None:
                continue
            size = sum(path.stat().st_size for path in folder.iterdir())
            used = (folder / _ABOUT).stat().st_mtime
            found.append(Entry(folder.name, about["kind"], about["rows"], size, used))
        return sorted(found, key=lambda entry: entry.used, reverse=True)

    def clear(self, older_than: float | None = None) -> int:
        """Remove what was not used for ``older_than`` seconds, or everything; return how many were removed."""
        before = None if older_than is None else time.time() - older_than
        removed = 0
        for folder in self._folders():
            about = folder / _ABOUT
            if before is None or not about.exists() or about.stat().st_mtime < before:
                shutil.rmtree(folder)
                removed += 1
        return removed

    def _folder(self, key: str) -> Path:
        return self.root / "features" / _checked(key)

    def _folders(self) -> Iterator[Path]:
        home = self.root / "features"
        yield from sorted(path for path in home.iterdir() if path.is_dir()) if home.is_dir() else ()

    def _load(self, key: str) -> Dataset | None:
        """The dataset of ``key``; None where it is not there, or is not what was written."""
        folder = self._folder(key)
        if not folder.exists():
            return None
        about = _about(folder)
        frames = _recent.frames(folder, about) if about is not None else None
        if about is None or frames is None:
            shutil.rmtree(folder)
            return None
        (folder / _ABOUT).touch()
        roles: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in about["roles"].items()
        }
        return Dataset(
            kind=about["kind"],
            frame=frames.pop(_FRAME),
            roles=Roles(**roles),
            dropped=tuple(Dropped(**one) for one in about["dropped"]),
            others=frames,
            learned=about["learned"],
        )

    def _store(self, key: str, data: Dataset) -> None:
        place = self._folder(key)
        place.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix="draft-", dir=self.root))
        try:
            digests = {}
            for number, (name, frame) in enumerate({_FRAME: data.frame, **data.others}.items()):
                path = draft / f"{number}.parquet"
                frame.to_parquet(path)
                digests[name] = {"file": path.name, "sha256": _sha256(path)}
            about = {
                "kind": data.kind,
                "rows": len(data.frame),
                "roles": asdict(data.roles),
                "dropped": [asdict(one) for one in data.dropped],
                "frames": digests,
                "learned": dict(data.learned),
            }
            (draft / _ABOUT).write_text(json.dumps(about), encoding="utf-8")
            draft.rename(place)
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def _checked(key: str) -> str:
    """Return ``key`` as it is used for a file's name."""
    if not key.isalnum():
        raise ValueError(f"a cache key is letters and digits, not {key!r}")
    return key


def _about(folder: Path) -> dict[str, Any] | None:
    try:
        about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    wanted = {"kind", "rows", "roles", "dropped", "frames", "learned"}
    return about if isinstance(about, dict) and wanted <= about.keys() else None


class _Recent:
    """The frames that this process read last: a worker of a sweep is asked for the same ones by every job.

    A file that is not the one that was read (another size, time or inode) is read again. Frames are handed out as
    copies that share their values until one is written to (pandas' copy on write), so no job sees another's changes.
    """

    def __init__(self, entries: int = 4, bytes_held: int = 256_000_000) -> None:
        self._entries, self._bytes = entries, bytes_held
        self._held: OrderedDict[Path, tuple[list[tuple[int, int, int]], dict[str, pd.DataFrame]]] = OrderedDict()

    def frames(self, folder: Path, about: Mapping[str, Any]) -> dict[str, pd.DataFrame] | None:
        """The frames of an entry by name; None where one is not what was written."""
        seen = _seen(folder, about)
        known = self._held.pop(folder, None)
        found = known[1] if known is not None and known[0] == seen else _frames(folder, about)
        if found is None or seen is None:
            return None
        if self._size(found) <= self._bytes:
            self._held[folder] = (seen, found)
        while len(self._held) > self._entries or sum(self._size(one) for _, one in self._held.values()) > self._bytes:
            self._held.popitem(last=False)
        return {name: frame.copy(deep=False) for name, frame in found.items()}

    @staticmethod
    def _size(frames: Mapping[str, pd.DataFrame]) -> int:
        return sum(int(frame.memory_usage(deep=False).sum()) for frame in frames.values())


_recent = _Recent()


def _seen(folder: Path, about: Mapping[str, Any]) -> list[tuple[int, int, int]] | None:
    """Size, time and inode of each file of an entry; None where one is gone."""
    try:
        stats = [(folder / one["file"]).stat() for one in about["frames"].values()]
    except OSError:
        return None
    return [(one.st_size, one.st_mtime_ns, one.st_ino) for one in stats]


def _frames(folder: Path, about: Mapping[str, Any]) -> dict[str, pd.DataFrame] | None:
    """The frames of an entry by name; None where one is not what was written."""
    import pandas as pd

    found = {}
    for name, one in about["frames"].items():
        path = folder / one["file"]
        if not path.is_file() or _sha256(path) != one["sha256"]:
            return None
        found[name] = pd.read_parquet(path)
    return found if _FRAME in found else None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _warn(error: OSError) -> None:
    warnings.warn(f"the feature cache cannot be written: {error}", RuntimeWarning, stacklevel=3)
