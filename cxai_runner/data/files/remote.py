"""Files on other machines (``s3://…``, ``gs://…``, ``https://…``), by fsspec: copied here once, and read from the copy.

The engine could be handed fsspec's file systems, but not by a connection that is locked: it refuses every path of
theirs, allowed or not, and an unlocked connection could reach whatever a config names. A copy keeps the lock, is read
at the speed of a disk by every run after the first, and is made anew when the object's tag, size or time changes.

Credentials come from the environment, where each service's own library looks for them; none is taken from a path, and
what such a library says when it fails is not repeated, because it may hold one.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, BinaryIO, Final
from urllib.parse import urlsplit

from cxai_runner.config.problems import Problem, did_you_mean
from cxai_runner.data.engines import UnreachableError
from cxai_runner.data.files.copies import copied

_CHUNK: Final = 2**22

_STATE: Final = ("ETag", "etag", "size", "mtime", "LastModified", "last_modified", "updated", "created", "md5Hash")
"""What the file systems call that which changes when an object does."""

_PACKAGES: Final = {
    "s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs", "abfs": "adlfs", "abfss": "adlfs",
    "adl": "adlfs", "http": "aiohttp", "https": "aiohttp", "sftp": "paramiko", "ssh": "paramiko",
}  # fmt: skip


def is_remote(path: str) -> bool:
    """Whether a path is an address rather than a path on this machine."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*(://|::)", path) is not None


def shown(url: str) -> str:
    """Return an address without what may be secret in it: user, password, and what follows a question mark."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{place}{parts.path}"


def fetch(url: str) -> list[tuple[Path, str]]:
    """Return copies of an object, or of all that match a pattern, sorted by address; and what to tell of each.

    Raises
    ------
    UnreachableError
        Where there is none, or it may not be read, or what reads such addresses is not installed.
    """
    protocol = url.partition(":")[0].lower()
    name = shown(url)
    if "@" in urlsplit(url).netloc and protocol not in {"abfs", "abfss"}:  # where a container stands before the @
        remedy = "leave them out of the path, and set them in the environment"
        raise UnreachableError(Problem("path", "a path must not hold credentials", value=name, remedy=remedy))
    try:
        import fsspec  # type: ignore[import-not-found, import-untyped, unused-ignore]
    except ImportError as error:
        raise _lacking("fsspec", name) from error
    try:
        system, path = fsspec.core.url_to_fs(url)
        found = system.glob(path) if any(one in path for one in "*[") else [path]
        copies = [_copy(system, one, protocol) for one in sorted(found)]
    except ImportError as error:
        raise _lacking(_PACKAGES.get(protocol, str(getattr(error, "name", None) or protocol)), name) from error
    except FileNotFoundError as error:
        raise UnreachableError(Problem("path", "there is no such object", value=name)) from error
    except ValueError as error:
        if protocol in fsspec.available_protocols():
            raise _failed(error, name) from error
        remedy = did_you_mean(protocol, _PACKAGES)
        raise UnreachableError(Problem("path", f"no such protocol: `{protocol}`", value=name, remedy=remedy)) from error
    except Exception as error:  # every library has errors of its own
        raise _failed(error, name) from error
    if not copies:
        raise UnreachableError(Problem("path", "no object matches this pattern", value=name))
    return copies


def _copy(system: Any, path: str, protocol: str) -> tuple[Path, str]:
    facts = system.info(path)
    if facts.get("type") == "directory":
        there = f"{protocol}://{path.strip('/')}"
        problem = Problem("path", "a folder, not an object", value=there, remedy=f"as in {there}/*.parquet")
        raise UnreachableError(problem)
    state = {key: str(facts[key]) for key in _STATE if facts.get(key) is not None}
    name = shown(path) if "://" in path else f"{protocol}://{path.lstrip('/')}"
    size = 0

    def write(copy: BinaryIO) -> None:
        nonlocal size
        with system.open(path, "rb") as file:
            while chunk := file.read(_CHUNK):
                size += copy.write(chunk)
        if facts.get("size") is not None and facts["size"] != size:
            raise OSError("the object changed while it was read")

    place, made = copied({"object": name, "state": state}, name.rpartition("/")[2] or "object", name, write)
    note = f"{name} was copied here ({size:,} bytes)" if made else f"{name} is read from the copy that is here"
    return place, note


def _lacking(package: str, name: str) -> UnreachableError:
    remedy = f"python -m pip install {package}"
    return UnreachableError(Problem("path", f"needs the package `{package}`", value=name, remedy=remedy))


def _failed(error: Exception, name: str) -> UnreachableError:
    if isinstance(error, UnreachableError):
        return error
    kind = type(error).__name__
    remedy = "check the address, and the credentials that the environment holds"
    return UnreachableError(Problem("path", f"cannot be had ({kind})", value=name, remedy=remedy))
