"""Where another process finds this package: the part of it that a model carries must not stand before the whole.

MLflow puts the code of a model first on the path of whoever loads it in their own process. What is imported already
stays as it is; a process that is begun afterwards would find a few modules of another version, and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

_HOME = Path(__file__).resolve().parents[1]


def ours_first(path: Sequence[str]) -> list[str]:
    """Return folders to import from, those with another copy of this package behind the one that runs.

    Parameters
    ----------
    path
        As `sys.path` has them. Where no other copy stands before ours, nothing changes.
    """
    for place, one in enumerate(path):
        folder = Path(one or ".").resolve()
        if folder == _HOME:
            break
        if (folder / "cxai_runner").is_dir():
            return [*path[:place], str(_HOME), *path[place:]]
    return list(path)
