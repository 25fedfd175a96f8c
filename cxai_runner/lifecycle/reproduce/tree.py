"""The code that a run was made with, beside the code that is here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cxai_runner.kept.held import Held, text_of
from cxai_runner.lifecycle.reproduce.parts import Parts
from cxai_runner.traces import holds_engine
from cxai_runner.tracking.lineage import Code, code_of, git

DIFF: Final = "uncommitted.diff"
_HEAD: Final = re.compile(r"^# (?P<name>.+) at (?P<commit>[0-9a-f]{40,64})?$", re.MULTILINE)
_HASH: Final = re.compile(r"[0-9a-f]{40,64}")
_UNTRACKED: Final = re.compile(r"^# untracked: (.+)$", re.MULTILINE)
_CUT: Final = re.compile(r"^# … [\d,]+ more (characters|untracked)", re.MULTILINE)
_FILE: Final = re.compile(r"^diff --git a/(\S+) b/", re.MULTILINE)
_FEW: Final = 3


@dataclass(frozen=True)
class State:
    """One repository as a run had it.

    Parameters
    ----------
    name
        Of its folder.
    commit
        The full hash; empty before the first.
    engine
        Whether this package was imported from it.
    patch
        What had not been committed, as ``git diff`` writes it.
    untracked
        Files that were there and are not in ``patch``.
    cut
        Whether ``patch`` was too long to be kept whole.
    """

    name: str
    commit: str
    engine: bool
    patch: str = ""
    untracked: tuple[str, ...] = ()
    cut: bool = False


def states(run: Held, parts: Parts) -> list[State]:
    """Return the repositories that a run was made with; none where nothing was under version control."""
    kept = text_of(run, DIFF) or ""
    heads = list(_HEAD.finditer(kept))
    ends = [*(head.start() for head in heads), len(kept)][1:]
    texts = {head["name"]: kept[head.end() + 1 : end] for head, end in zip(heads, ends, strict=bool(heads))}
    return [_state(one, texts.get(one["name"], "")) for one in parts.code if _HASH.fullmatch(str(one.get("commit")))]


def differences(run: Held, parts: Parts, mask: Callable[[str], str]) -> list[str]:
    """Say how the working tree differs from that of a run, repository by repository; nothing where it does not.

    Parameters
    ----------
    run, parts
        The run, and what it kept.
    mask
        What every text passed before it was kept.
    """
    here = code_of()
    return [said for then in states(run, parts) for said in _between(then, matching(then, here), mask)]


def matching(then: State, here: list[Code]) -> Code | None:
    """The repository that is here for one that a run had."""
    return next((one for one in here if holds_engine(one.root) == then.engine), None)


def _state(one: Mapping[str, Any], kept: str) -> State:
    patch = "".join(line for line in kept.splitlines(keepends=True) if not line.startswith("# ")).rstrip("\n")
    untracked = tuple(_UNTRACKED.findall(kept))
    cut = bool(_CUT.search(kept))
    return State(one["name"], one["commit"], bool(one["engine"]), patch and patch + "\n", untracked, cut)


def _between(then: State, now: Code | None, mask: Callable[[str], str]) -> Iterator[str]:
    if now is None:
        yield f"the run's code was {then.name} at {then.commit[:12]}; no such repository is here"
        return
    if now.commit != then.commit:
        yield f"{then.name} is at {now.commit[:12] or 'no commit'}, and was at {then.commit[:12]}{_apart(then, now)}"
    here = _state({"name": then.name, "commit": now.commit, "engine": then.engine}, mask(now.diff))
    if here.patch != then.patch:
        yield f"{then.name} had {_changes(then.patch)} then, and has {_changes(here.patch)} now"
    if here.untracked != then.untracked:
        gone, new = set(then.untracked) - set(here.untracked), set(here.untracked) - set(then.untracked)
        told = [f"{_listed(gone)} then" if gone else "", f"{_listed(new)} now" if new else ""]
        yield f"{then.name} had files that were not under version control: {', '.join(filter(None, told))}"


def _apart(then: State, now: Code) -> str:
    counted = git(now.root, "rev-list", "--left-right", "--count", f"{then.commit}...{now.commit or 'HEAD'}")
    if counted is None:
        return ", which this repository does not have"
    behind, ahead = counted.split()
    files = (git(now.root, "diff", "--name-only", then.commit, now.commit) or "").splitlines()
    steps = [_counted(ahead, "commit") + " later", _counted(behind, "commit") + " that is not in it"]
    told = " and ".join(step for step, number in zip(steps, (ahead, behind), strict=True) if number != "0")
    return f": {told}, {_counted(len(files), 'file')} of other content" if files else ", of the same content"


def _changes(patch: str) -> str:
    files = list(dict.fromkeys(_FILE.findall(patch)))
    return f"uncommitted changes to {_listed(files)}" if files else "no uncommitted changes"


def _counted(number: str | int, what: str) -> str:
    return f"{number} {what}{'s' * (str(number) != '1')}"


def _listed(names: Any) -> str:
    found = sorted(names)
    more = f" and {len(found) - _FEW} more" if len(found) > _FEW else ""
    return ", ".join(Path(name).as_posix() for name in found[:_FEW]) + more
