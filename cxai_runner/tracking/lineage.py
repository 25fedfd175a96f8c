"""Which code and which packages a run was made with.

A commit alone does not say it: what was not committed counts too. So a run keeps the uncommitted diff and the names of
untracked files, of the working folder's repository and of the one this package was imported from, if that is another.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Final

DIFF_LENGTH: Final = 1_000_000
UNTRACKED_FILES: Final = 200
GIT_SECONDS: Final = 20
# What a repository's own config could make git run stays off: it is read, not trusted.
_GIT: Final = ("--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false")


@dataclass(frozen=True)
class Code:
    """The state of one repository.

    Parameters
    ----------
    root
        Its folder.
    commit
        The full hash; empty before the first commit.
    branch
        Empty where no branch is checked out.
    dirty
        Whether anything differs from the commit, untracked files included.
    diff
        What differs, as ``git diff`` writes it, followed by the names of untracked text files. Not masked yet.
    """

    root: Path
    commit: str
    branch: str
    dirty: bool
    diff: str


def code_of(folders: Iterable[Path] | None = None) -> list[Code]:
    """Describe the repositories of ``folders``, by default the working folder's and this package's.

    Returns
    -------
    code
        One per repository, without repetition; empty where git is absent or nothing is under version control.
    """
    found: dict[Path, Code] = {}
    for folder in folders if folders is not None else (Path.cwd(), Path(__file__).resolve().parent):
        root = _root(folder)
        if root is not None and root not in found:
            found[root] = _describe(root)
    return list(found.values())


@cache
def environment() -> dict[str, str]:
    """Installed distributions, name → version, sorted by name."""
    installed = dict(filter(None, map(_name_and_version, metadata.distributions())))
    return dict(sorted(installed.items(), key=lambda item: item[0].casefold()))


def environment_text() -> str:
    """The environment as a requirements file: Python and platform as comments, then ``name==version`` lines."""
    head = [f"# Python {platform.python_version()} ({sys.implementation.name})", f"# {platform.platform()}"]
    return "\n".join([*head, *(f"{name}=={version}" for name, version in environment().items())]) + "\n"


def _name_and_version(distribution: metadata.Distribution) -> tuple[str, str] | None:
    """Read both from the head of the metadata: parsing every description takes a third of a second."""
    head = (distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or "").partition("\n\n")[0]
    fields = dict(line.split(": ", 1) for line in head.splitlines() if line.startswith(("Name: ", "Version: ")))
    return (fields["Name"], fields["Version"]) if len(fields) == 2 else None


def _describe(root: Path) -> Code:
    status = git(root, "status", "--porcelain=v2", "--branch", "-z", "--untracked-files=normal") or ""
    entries = [entry for entry in status.split("\0") if entry]
    head = dict(entry[2:].split(" ", 1) for entry in entries if entry.startswith("# branch."))
    commit = head.get("branch.oid", "").replace("(initial)", "")
    branch = head.get("branch.head", "").replace("(detached)", "")
    changes = [entry for entry in entries if not entry.startswith("# ")]
    diff = _diff(root, commit, [entry[2:] for entry in changes if entry.startswith("? ")]) if changes else ""
    return Code(root, commit, branch, bool(changes), diff)


def _diff(root: Path, commit: str, untracked: list[str]) -> str:
    against = ("HEAD",) if commit else ("--cached",)
    text = git(root, "diff", "--no-ext-diff", "--no-textconv", "--no-color", *against) or ""
    if len(text) > DIFF_LENGTH:
        text = text[:DIFF_LENGTH] + f"\n# … {len(text) - DIFF_LENGTH:,} more characters were left out\n"
    names = [name for name in sorted(untracked) if name.endswith("/") or _is_text(root / name)]
    lines = [f"# untracked: {name}" for name in names[:UNTRACKED_FILES]]
    if len(names) > UNTRACKED_FILES:
        lines.append(f"# … and {len(names) - UNTRACKED_FILES:,} more untracked files")
    return text + "".join(f"{line}\n" for line in lines)


def _is_text(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return b"\0" not in file.read(8192)
    except OSError:
        return False


def _root(folder: Path) -> Path | None:
    top = git(folder, "rev-parse", "--show-toplevel")
    return Path(top.strip()) if top and top.strip() else None


def git(folder: Path, *arguments: str) -> str | None:
    """What git prints, or None where it is absent, refuses or takes too long."""
    git = shutil.which("git")
    if git is None or not folder.is_dir():
        return None
    command = [git, *_GIT, "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, timeout=GIT_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None
