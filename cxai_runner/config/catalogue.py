"""What there is to choose from: the options of each config group, with the sentence each file begins with.

Read as text, so that listing and shell completion import nothing heavy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CONF = Path(__file__).resolve().parents[2] / "conf"
"""Our own declarations: beside the package in a checkout and in an installed wheel alike."""


@dataclass(frozen=True)
class Entry:
    """One option of a config group.

    Parameters
    ----------
    name
        As typed after ``group=``; below a folder, ``folder/name``.
    about
        The first comment of its file that is not a Hydra directive.
    path
        The file.
    """

    name: str
    about: str
    path: Path


def catalogue(group: str, config_dirs: Sequence[Path] = ()) -> list[Entry]:
    """Return the options of ``group``, ours and those of ``config_dirs``, by name."""
    entries = []
    for root in (CONF, *config_dirs):
        folder = root / group
        for path in folder.rglob("*.yaml"):
            entries.append(Entry(path.relative_to(folder).with_suffix("").as_posix(), _about(path), path))
    return sorted(entries, key=lambda entry: entry.name)


def groups(config_dirs: Sequence[Path] = ()) -> list[str]:
    """Return the names of the config groups."""
    roots = [root for root in (CONF, *config_dirs) if root.is_dir()]
    return sorted({folder.name for root in roots for folder in root.iterdir() if folder.is_dir()})


def _about(path: Path) -> str:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if not line.startswith("#"):
                return ""
            text = line.lstrip("# ").strip()
            if text and not text.startswith("@"):
                return text
    return ""
