"""Copies of files that the engine cannot read where or as they are: in another encoding, or on another machine.

A copy lies in a private folder for temporary files, never beside what it was made of. Its name tells the state of its
original, so that a copy is made once and an original that changed gets another. It is written beside its place and
renamed, so that nobody ever reads half of one.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, Final

_KEPT_DAYS: Final = 14
"""Copies that nobody used for so long are removed when the next is made."""

_originals: dict[Path, str] = {}


def original(path: Path) -> str:
    """What a copy was made of, as a message names it; the file's own name where it is no copy."""
    return _originals.get(path, path.name)


def copied(facts: Mapping[str, Any], name: str, shown: str, write: Callable[[BinaryIO], None]) -> tuple[Path, bool]:
    """Return a copy of the state that ``facts`` describe, made now unless it is there.

    Parameters
    ----------
    facts
        What the copy's content depends on.
    name
        The copy's own name, whose ending tells the format.
    shown
        What to call the original in a message.
    write
        Writes the content; what it raises leaves nothing behind.

    Returns
    -------
    path, made
        Where the copy is, and whether it was made now.
    """
    digest = hashlib.blake2b(json.dumps(facts, sort_keys=True, default=str).encode(), digest_size=16).hexdigest()
    place = folder() / digest / name
    _originals[place] = shown
    if place.is_file():
        os.utime(place, (time.time(), 0))
        return place, False
    _forget()
    place.parent.mkdir(exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=place.parent, suffix=".draft", delete=False) as draft:
        try:
            write(draft)  # type: ignore[arg-type] # a temporary file is a binary one
        except BaseException:
            draft.close()
            Path(draft.name).unlink()
            raise
    # Its folder's name tells the state; a time of its own would make another file of each copy of the same.
    os.utime(draft.name, (time.time(), 0))
    Path(draft.name).replace(place)
    return place, True


@cache
def folder() -> Path:
    """Return this user's private folder for copies; one of this process where that is not ours alone."""
    owner = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
    place = Path(tempfile.gettempdir()) / f"cxai-copies-{owner}"
    with suppress(OSError):
        place.mkdir(mode=0o700, exist_ok=True)
        state = place.lstat()
        # On a machine with several users, somebody else may have made a folder of that name first.
        private = not hasattr(os, "getuid") or (state.st_uid == owner and not state.st_mode & 0o77)
        if private and not place.is_symlink():
            return place.resolve()
    return Path(tempfile.mkdtemp(prefix="cxai-copies-")).resolve()


def _forget() -> None:
    """Remove copies that nobody used lately."""
    oldest = time.time() - _KEPT_DAYS * 86_400
    for place in folder().iterdir():
        with suppress(OSError):
            if all(one.stat().st_atime < oldest for one in [*place.iterdir()] or [place]):
                shutil.rmtree(place)
