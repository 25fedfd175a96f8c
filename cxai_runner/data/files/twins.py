"""Files of one content among those of a table: whoever copies an export into its folder reads every row twice.

Lengths are compared first, then the beginnings, and the whole of those few that are still alike. A file packed by gzip
ends with the length of what is in it.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from cxai_runner.data.files.text import opened

_START: Final = 2**16
_CHUNK: Final = 2**20
_TRAILER: Final = 2**32
"""What gzip counts its lengths by."""


def twins(files: Sequence[Path]) -> Iterator[tuple[Path, ...]]:
    """Yield the files that hold the same, packed or not, in the order given; those that nothing equals are left out."""
    for long_alike in _alike(files, _length):
        for alike in _alike(long_alike, lambda path: _digest(path, _START)):
            yield from _alike(alike, lambda path: _digest(path, None))


def _alike(files: Iterable[Path], fact: Callable[[Path], Hashable]) -> Iterator[tuple[Path, ...]]:
    found: dict[Hashable, list[Path]] = {}
    for path in files:
        try:
            found.setdefault(fact(path), []).append(path)
        except (OSError, EOFError, zlib.error):  # whoever reads the file tells what is wrong with it
            continue
    yield from (tuple(paths) for paths in found.values() if len(paths) > 1)


def _length(path: Path) -> int:
    if _is_packed(path):
        with path.open("rb") as file:
            file.seek(-4, 2)
            return int.from_bytes(file.read(4), "little")
    return path.stat().st_size % _TRAILER


def _digest(path: Path, most: int | None) -> str:
    found = hashlib.blake2b(digest_size=16)
    with opened(path, packed=_is_packed(path)) as file:
        while chunk := file.read(_CHUNK if most is None else most):
            found.update(chunk)
            if most is not None:
                break
    return found.hexdigest()


def _is_packed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"
