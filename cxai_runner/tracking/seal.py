"""Which models in a store this user wrote on this machine: told by a seal that nobody else could have made.

Loading a model runs the code that travels with it. A folder does not say who filled it: a store that was unpacked from
an archive is owned by whoever unpacked it. So each model that is logged here is sealed with a key that never leaves
this user's home, and a seal that fits says two things: these files were written here, and nobody changed one since.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

SEAL: Final = "cxai_seal"
"""The file beside `MLmodel` that holds a model's seal."""
_NOT_SEALED: Final = frozenset({SEAL, "registered_model_meta"})
"""Files that belong to no model: MLflow writes the second when a registered model is downloaded."""
_KEY_LENGTH: Final = 32
_MARK_LENGTH: Final = 16


def put(folder: Path) -> None:
    """Seal a model's files; where no key can be kept, the model stays without, and is as foreign as any other."""
    key = _key(create=True)
    if key is not None:
        (folder / SEAL).write_text(_seal(folder, key) + "\n", encoding="ascii")


def fits(folder: Path) -> bool:
    """Whether a model's files are those that this user sealed on this machine."""
    key, written = _key(create=False), folder / SEAL
    if key is None or not written.is_file():
        return False
    return hmac.compare_digest(written.read_bytes().strip(), _seal(folder, key).encode("ascii"))


def is_broken(folder: Path) -> bool:
    """Whether this user sealed a model on this machine, and its files are others now."""
    key, written = _key(create=False), folder / SEAL
    if key is None or not written.is_file() or fits(folder):
        return False
    return written.read_bytes().strip().startswith(_mark(key).encode("ascii"))


def copy(source: Path, target: Path) -> None:
    """Copy what a seal covers, and the seal: nothing that was compiled or linked to goes with it."""
    for path in (*files(source), source / SEAL):
        if path.is_file():
            place = target / path.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)


def files(folder: Path) -> Iterator[Path]:
    """Every file that a seal covers, in order: compiled code is made of the rest, and links lead elsewhere."""
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder).parts
        linked = any(folder.joinpath(*inside[:depth]).is_symlink() for depth in range(1, len(inside) + 1))
        if path.is_file() and not linked and "__pycache__" not in inside and inside[0] not in _NOT_SEALED:
            yield path


def _seal(folder: Path, key: bytes) -> str:
    """HMAC-SHA-256 over the names and contents of all files."""
    code = hmac.new(key, digestmod=hashlib.sha256)
    for path in files(folder):
        name = path.relative_to(folder).as_posix().encode()
        with path.open("rb") as opened:
            digest = hashlib.file_digest(opened, hashlib.sha256).digest()
        code.update(len(name).to_bytes(8, "big") + name + digest)
    return _mark(key) + code.hexdigest()


def _mark(key: bytes) -> str:
    """Says whose seal it is, and nothing of the key."""
    return hmac.new(key, b"cxai seal", hashlib.sha256).hexdigest()[:_MARK_LENGTH]


def _key(*, create: bool) -> bytes | None:
    """The user's key: 32 random bytes that nobody else may read."""
    state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    path = Path(state).expanduser() / "cxai" / "seal.key"
    if create and not path.exists():
        # Linked into place when it is whole: of two runs that start at once, one makes the key for both.
        new = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            new.touch(mode=0o600)
            new.write_bytes(secrets.token_bytes(_KEY_LENGTH))
            os.link(new, path)
        with suppress(OSError):
            new.unlink()
    try:
        key = path.read_bytes()
    except OSError:
        return None
    return key if len(key) == _KEY_LENGTH else None
