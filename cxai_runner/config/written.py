"""Overrides that stand in a file, so that a config can be kept, sent and run again.

The file is YAML with one key, ``overrides``: lines as they are typed. A sweep writes its best so. What is typed beside
the file wins over it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cxai_runner.config import folders
from cxai_runner.config.problems import Problem, UserError, did_you_mean

_KEY: Final = "overrides"
_FLAG: Final = "--config"


@dataclass(frozen=True)
class Written:
    """Overrides of a file.

    Parameters
    ----------
    lines
        As they are typed.
    origins
        The file and line of each.
    """

    lines: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()

    def without(self, others: Sequence[str]) -> Written:
        """Return those that set what neither ``others`` nor a later line sets."""
        last: dict[str, tuple[str, str]] = {}
        for line, origin in zip(self.lines, self.origins, strict=True):
            last.pop(_sets(line), None)
            last[_sets(line)] = (line, origin)
        kept = [pair for key, pair in last.items() if key not in {_sets(other) for other in others}]
        return Written(tuple(line for line, _ in kept), tuple(origin for _, origin in kept))


def read(path: Path) -> Written:
    """Read the overrides of a file.

    Raises
    ------
    UserError
        With everything that is wrong with the file itself; what its overrides say is checked with all others.
    """
    import yaml
    from omegaconf.errors import OmegaConfBaseException

    if not path.is_file():
        what = "is a folder, not a file" if path.is_dir() else "no such file"
        there = [one.name for one in path.parent.glob("*.yaml")] if path.parent.is_dir() else []
        remedy = did_you_mean(path.name, there) or "a sweep's own run holds a best.yaml"
        raise UserError([Problem(_FLAG, what, str(path), remedy)])
    try:
        document = folders.read(path.absolute())
    except (yaml.YAMLError, UnicodeDecodeError, OmegaConfBaseException) as error:
        raise UserError([folders.unreadable(path.absolute(), error)]) from None
    problems = list(_problems(document))
    if problems:
        raise UserError(problems)
    lines = tuple(document.content[_KEY])
    return Written(lines, tuple(document.origin(f"{_KEY}.{place}") for place in range(len(lines))))


def _problems(document: folders.Document) -> Iterator[Problem]:
    keys = list(dict.fromkeys(key.partition(".")[0] for key in document.lines if key))
    for key in keys:
        if key != _KEY:
            near = did_you_mean(key, [_KEY]) if _KEY not in keys else ""
            remedy = near or f'as one of its overrides: - "{key}=VALUE"'
            yield Problem(
                key, f"not a key of such a file, which holds {_KEY}", remedy=remedy, origin=document.origin(key)
            )
    found: Any = document.content.get(_KEY)
    if _KEY not in document.content:
        if not keys:
            yield Problem(
                _KEY, "not there", remedy='begin with overrides: and lines such as - "seed=1"', origin=document.origin()
            )
        return
    if not isinstance(found, list):
        yield Problem(_KEY, "a list", found, 'lines such as - "seed=1"', document.origin(_KEY))
        return
    for place, line in enumerate(found):
        if not isinstance(line, str):
            remedy = "in quotes, with an equals sign: " + (
                f'- "{next(iter(line))}={next(iter(line.values()))}"'
                if isinstance(line, dict) and line
                else '- "seed=1"'
            )
            yield Problem(f"{_KEY}.{place}", "an override as text", line, remedy, document.origin(f"{_KEY}.{place}"))


def _sets(line: str) -> str:
    """The key or group that an override sets."""
    return line.lstrip("+~").partition("=")[0].strip()
