"""The code of a run as it was, in a folder of its own for as long as it is needed.

A git worktree at the run's commit, in a temporary folder, with what the run had not committed put on top. Nothing of
the working tree is touched. The folder goes when the block is left, however that is; one that a killed process left
behind is removed by the next.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from cxai_runner.config.problems import Problem, UserError
from cxai_runner.lifecycle.reproduce.tree import State, matching
from cxai_runner.tracking.lineage import code_of

_FLAG: Final = "--checkout"
_PREFIX: Final = "cxai-checkout-"
_SECONDS: Final = 300
# Neither a hook nor a monitor of the repository's own config is run.
_GIT: Final = ("git", "-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}")
_ENTRY: Final = Path("cxai_runner", "cli", "reproduce.py")


@contextmanager
def checked_out(
    states: Sequence[State], modules: Iterable[str] = (), *, anyway: bool = False
) -> Iterator[dict[str, str]]:
    """Check the code of a run out, and return what makes a process use it: its environment.

    Parameters
    ----------
    states
        The repositories that the run had.
    modules
        Those that its stages are made of.
    anyway
        Whether to do without changes that were not kept whole.

    Raises
    ------
    UserError
        With everything that keeps the code from being restored.
    """
    here = code_of()
    found = [(state, one.root) for state in states if (one := matching(state, here)) is not None]
    problems = [*_absent(states, [state for state, _ in found])]
    for state, root in found:
        problems += _unrestorable(state, root, modules, anyway=anyway)
    if problems:
        raise UserError(problems)
    with ExitStack() as stack:
        places = {root: stack.enter_context(_worktree(root, state, anyway=anyway)) for state, root in found}
        engines = [place for place in places.values() if (place / "cxai_runner").is_dir()]
        for place in engines:
            if not (place / _ENTRY).is_file():
                told = "the code of that commit is older than `cxai reproduce`"
                raise UserError([Problem(_FLAG, told, remedy="leave it out: the run is repeated with the code here")])
        yield {"PYTHONPATH": _path(places), "PYTHONSAFEPATH": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def _absent(states: Sequence[State], found: Sequence[State]) -> Iterator[Problem]:
    if not states:
        remedy = "leave it out: what differs in the code is told by its modules"
        yield Problem(_FLAG, "the run was not made from a git repository", remedy=remedy)
    for state in states:
        if state not in found:
            told = f"the run's code was in the repository {state.name}, and none is here"
            yield Problem(_FLAG, told, remedy="call it in a clone of that repository")


def _unrestorable(state: State, root: Path, modules: Iterable[str], *, anyway: bool) -> Iterator[Problem]:
    if _git(root, "cat-file", "-e", f"{state.commit}^{{commit}}").returncode:
        told = f"the repository {root.name} has no commit {state.commit[:12]}"
        yield Problem(_FLAG, told, remedy="fetch it, or leave --checkout out: the run is repeated with the code here")
    if anyway:
        return
    lost = "the run had uncommitted changes that were not kept whole"
    if state.cut:
        yield Problem(_FLAG, f"{lost}: too long", state.name, "--anyway does without them")
    if code := [name for name in state.untracked if _holds_any(name, modules)]:
        told = f"the run used code that was not under version control: {', '.join(code[:3])}"
        yield Problem(_FLAG, told, state.name, "--anyway does without it")


def _holds_any(untracked: str, modules: Iterable[str]) -> bool:
    """Whether an untracked file, or folder, is where one of the modules was."""
    if untracked.endswith("/"):
        return Path(untracked).name in {module.partition(".")[0] for module in modules}
    return any(f"/{untracked}".endswith(f"/{module.replace('.', '/')}.py") for module in modules)


@contextmanager
def _worktree(root: Path, state: State, *, anyway: bool) -> Iterator[Path]:
    _sweep_up(root)
    home = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
    place = home / root.name
    try:
        made = _git(root, "worktree", "add", "--quiet", "--detach", str(place), state.commit)
        if made.returncode:
            raise UserError([Problem(_FLAG, f"git cannot check it out: {_last(made.stderr)}", state.commit[:12])])
        if state.patch and not state.cut:
            (home / "uncommitted.diff").write_text(state.patch, encoding="utf-8")
            applied = _git(place, "apply", "--whitespace=nowarn", str(home / "uncommitted.diff"))
            if applied.returncode and not anyway:
                told = f"the run's uncommitted changes do not apply: {_last(applied.stderr)}"
                raise UserError([Problem(_FLAG, told, state.name, "--anyway does without them")])
        yield place
    finally:
        _remove(root, place)
        shutil.rmtree(home, ignore_errors=True)


def _sweep_up(root: Path) -> None:
    """Remove the worktrees of processes that are dead."""
    listed = _git(root, "worktree", "list", "--porcelain").stdout
    for line in listed.splitlines():
        place = Path(line.removeprefix("worktree "))
        owner = place.parent.name.removeprefix(_PREFIX).partition("-")[0]
        if not line.startswith("worktree ") or not place.parent.name.startswith(_PREFIX) or not owner.isdigit():
            continue
        if not _is_alive(int(owner)):
            _remove(root, place)
            shutil.rmtree(place.parent, ignore_errors=True)


def _remove(root: Path, place: Path) -> None:
    _git(root, "worktree", "remove", "--force", str(place))
    shutil.rmtree(place, ignore_errors=True)
    _git(root, "worktree", "prune")


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _path(places: Mapping[Path, Path]) -> str:
    """The path on which a process finds what was checked out before anything of the working tree."""
    before = [Path(entry or ".").resolve() for entry in sys.path]
    inside = [
        (place / entry.relative_to(root))
        for entry in before
        for root, place in places.items()
        if entry.is_relative_to(root)
    ]
    ours = [place for place in places.values() if (place / "cxai_runner").is_dir()]
    kept = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    return os.pathsep.join(dict.fromkeys([*map(str, ours), *(str(one) for one in inside if one.is_dir()), *kept]))


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*_GIT, "-C", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)


def _last(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].removeprefix("error: ").removeprefix("fatal: ") if lines else "it does not say why"
