"""A run made again: restored, checked, run, and held against what it was.

Config, seed and threads are taken as the run kept them. Its features are built anew: what the cache holds under their
key was made by the run itself, or by one like it, so that taking it from there would show nothing.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cxai_runner.config.problems import Problem, UserError
from cxai_runner.lifecycle.again import composed_again
from cxai_runner.lifecycle.held import Exported, Held
from cxai_runner.lifecycle.kept import Kept
from cxai_runner.lifecycle.reproduce.checkout import checked_out
from cxai_runner.lifecycle.reproduce.parts import KEYED, Parts, changed_data
from cxai_runner.lifecycle.reproduce.tree import differences, states
from cxai_runner.lifecycle.reproduce.verdict import REPRODUCES, TOLERANCE, Reproduction, judged, link
from cxai_runner.lifecycle.runs import SWEEP

if TYPE_CHECKING:
    from cxai_runner.config.compose import Composed
    from cxai_runner.data.sources.lent import Frames
    from cxai_runner.identity import Keys
    from cxai_runner.preflight import Ready
    from cxai_runner.tracking.store import Store

_CHANGED: Final = ("cache", "data", "name", "privacy", "threads", "tracking")
"""What may be given anew: where data lie and how runs are kept, and threads, to see whether they are the cause."""
_BEST: Final = "cxai.sweep.best"


@dataclass(frozen=True)
class Asked:
    """How a run is to be made again.

    Parameters
    ----------
    changes
        Overrides that hold now: where its data lie here, another number of threads.
    tolerance
        The largest relative deviation of a metric or score that counts as the same.
    anyway
        Go on where data are others, or with a checkout where uncommitted changes are lost.
    cached
        Take features from the cache where they are there.
    checkout
        Run the code of the run's commit, in a child process, instead of the code that is here.
    """

    changes: tuple[str, ...] = ()
    tolerance: float = TOLERANCE
    anyway: bool = False
    cached: bool = False
    checkout: bool = False


@dataclass(frozen=True, eq=False)
class Original:
    """The run that is to be made again.

    Parameters
    ----------
    run
        In a store, or in a folder that it was exported to.
    store
        Where the new run goes.

    Raises
    ------
    UserError
        There is nothing to be made again: it did not finish, or it is no run of an experiment.
    """

    run: Held
    store: Store = field(repr=False)

    @classmethod
    def named(cls, run: str, uri: str | None = None) -> Original:
        """Find a run: by its id, its beginning, its name or ``last``, or in a folder that it was exported to.

        Raises
        ------
        UserError
            There is no such run, or nothing of it to be made again.
        """
        from cxai_runner.lifecycle.kept import kept
        from cxai_runner.tracking.store import Store

        if Path(run).is_dir():
            return cls(Exported(Path(run)), Store.open(uri, Path.cwd()))
        found = kept(uri, run)
        return cls(found, found.store)

    def __post_init__(self) -> None:
        problems = list(_unrepeatable(self.run))
        if problems:
            raise UserError(problems)

    @cached_property
    def parts(self) -> Parts:
        """What it kept of its stages."""
        return Parts.of(self.run)

    @property
    def given(self) -> str:
        """How to name it on a command line."""
        return str(self.run.path) if isinstance(self.run, Exported) else self.run.run_id

    @property
    def threads(self) -> int:
        """How many threads it was held to."""
        return int(self.run.facts["params"].get("threads", 1))


def reproduce(
    original: Original,
    asked: Asked | None = None,
    *,
    frames: Frames | None = None,
    tell: Callable[[str], None] = lambda said: None,
    stage: Callable[[str], None] = lambda name: None,
) -> Reproduction:
    """Make a run again, as a new run that is linked to it, and say what that came to.

    Parameters
    ----------
    original
        The run.
    asked
        How.
    frames
        Its tables, where those were data frames of a Python session.
    tell
        Called with what is worth knowing before it runs: how the code that is here differs.
    stage
        Called with the name of each stage as it begins.

    Returns
    -------
    reproduction
        The verdict, the first stage that differs, and the cause.

    Raises
    ------
    UserError
        It cannot be made again here: data are missing or others, the config does not hold any more, or its code is not
        to be had.
    """
    asked = asked or Asked()
    _refuse_other_changes(asked.changes)
    run_id = _elsewhere(original, asked) if asked.checkout else _here(original, asked, frames, tell, stage)
    reproduction = judged(original.run, Kept(original.store, run_id), asked.tolerance)
    link(original.store, reproduction, both=isinstance(original.run, Kept))
    return reproduction


def _here(
    original: Original,
    asked: Asked,
    frames: Frames | None,
    tell: Callable[[str], None],
    stage: Callable[[str], None],
) -> str:
    """Run it with the code that is here; returns the id of the new run."""
    from cxai_runner.experiment import prepare, run
    from cxai_runner.identity import keys
    from cxai_runner.tracking.masking import Masker
    from cxai_runner.tracking.pseudonyms import Privacy
    from cxai_runner.tracking.run import Destination, Tracker
    from cxai_runner.tracking.signals import terminated_as_exception
    from cxai_runner.tracking.stages import Stages

    composed = _composed(original, asked, frames)
    masker = Masker.of(composed.plain, composed.raw_env_names(), [original.store.uri])
    for said in differences(original.run, original.parts, masker.mask):
        tell(masker.mask(said))
    stages = Stages(stage)
    try:
        ready = prepare(composed, stages)
    except UserError as error:
        raise UserError(map(_from_here, error.problems), error.stage) from None
    made_of = stages.run("digest", keys, ready)
    for said in _modules(original.parts, made_of):
        tell(said)
    problems = list(_other_data(original.parts, ready, made_of))
    if problems and not asked.anyway:
        raise UserError(composed.located(problems), "data")
    for problem in problems:
        tell(f"{problem.key}: {problem.message}")
    settings = composed.plain
    tracker = Tracker.open(
        Destination(
            original.store.uri,
            Path.cwd(),
            ready.experiment.name,
            masker,
            Privacy(**settings["privacy"]),
            tuple(settings["targets"]["allow"]),
        )
    )[0]
    with terminated_as_exception():
        return run(ready, tracker, stages, tags={REPRODUCES: original.run.run_id}).run_id


def _composed(original: Original, asked: Asked, frames: Frames | None) -> Composed:
    changes = [*asked.changes, *(() if asked.cached else ("cache.enabled=false",))]
    composed = composed_again(original.run, changes)
    if frames is None:
        return composed
    raw, plain = dict(composed.raw), dict(composed.plain)
    for config in (raw, plain):
        config["data"] = config["data"] | {"tables": frames.described(config["data"].get("tables") or {})}
    return replace(composed, raw=raw, plain=plain)


def _elsewhere(original: Original, asked: Asked) -> str:
    """Run it with the code of its commit, in a process of its own; returns the id of the new run."""
    import os

    from cxai_runner.threads import environment
    from cxai_runner.tracking.signals import terminated_as_exception

    modules = {module for stage in original.parts.stages.values() for module in stage["sources"]}
    flags = [flag for flag, wanted in (("--anyway", asked.anyway), ("--cached", asked.cached)) if wanted]
    command = [sys.executable, "-m", "cxai_runner.cli", "reproduce", original.given, *asked.changes, *flags]
    command += ["--uri", original.store.uri, "--json"]
    with (
        terminated_as_exception(),
        checked_out(states(original.run, original.parts), modules, anyway=asked.anyway) as variables,
    ):
        env = dict(os.environ) | environment(original.threads) | variables
        with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as child:
            try:
                said, _ = child.communicate()
            except BaseException:  # told to stop: so is the child, and its run is closed before this one's folder goes
                child.terminate()
                child.wait()
                raise
    return _told_by(said, child.returncode)


def _told_by(said: str, code: int) -> str:
    """The id of the run that a child process made."""
    try:
        found = json.loads(said)
    except ValueError:
        found = {}
    if found.get("status") == "refused":
        told = [
            Problem(**{key: one[key] for key in ("key", "message", "value", "remedy") if key in one})
            for one in found["problems"]
        ]
        raise UserError(told, found.get("stage", "config"))
    if "verdict" not in found:
        raise RuntimeError(f"the run failed with the code of its commit: {found.get('error', f'exit code {code}')}")
    return str(found["run_id"])


def _unrepeatable(run: Held) -> Iterator[Problem]:
    """Yield why there is nothing to be made again."""
    tags, status, short = run.facts["tags"], run.facts["status"], run.run_id[:8]
    if SWEEP in tags:
        best = [one[:8] for one in tags.get(_BEST, "").split(", ") if one]
        remedy = f"its best: cxai reproduce {best[0]}" if best else "its points: cxai list runs --points"
        yield Problem("RUN", "is a sweep, which is made of runs; reproduce one of those", short, remedy)
    elif status == "RUNNING":
        remedy = "its process is gone; run it again: cxai run …" if run.facts.get("orphan") else "wait for its end"
        yield Problem("RUN", "has not ended, so there is nothing to compare with", short, remedy)
    elif status != "FINISHED":
        how = "failed" if status == "FAILED" else "was stopped"
        remedy = "its config is kept: cxai run with its overrides (overrides.yaml)" if status == "FAILED" else ""
        yield Problem("RUN", f"{how}, and left no numbers to compare with", short, remedy or "run it again: cxai run …")
    elif not run.facts["identity"]:
        yield Problem("RUN", "is no run of an experiment", short, "see `cxai list runs`")


def _refuse_other_changes(changes: Sequence[str]) -> None:
    problems = [
        Problem(
            change.lstrip("+~").partition("=")[0],
            "cannot be changed: then it would be another run",
            remedy="for another: cxai run; for data elsewhere: data.path=… and the like",
            shown=change,
            origin="command line",
        )
        for change in changes
        if change.lstrip("+~").partition("=")[0].partition(".")[0] not in _CHANGED
    ]
    if problems:
        raise UserError(problems)


def _from_here(problem: Problem) -> Problem:
    """A problem of the data with where relative paths begin, if one is relative."""
    value = problem.value
    if (
        isinstance(value, str)
        and problem.key.startswith("data")
        and "://" not in value
        and not Path(value).is_absolute()
    ):
        told = (
            f"relative paths begin here, in {Path.cwd().name}/: call it where the run was made, or say {problem.key}=…"
        )
        return replace(problem, remedy=told)
    return problem


def _other_data(then: Parts, ready: Ready, now: Keys) -> Iterator[Problem]:
    """Yield every table that holds something else than it did, over the columns that were read then."""
    tables, digests = ready.tables, dict(now.data)
    for name, columns in then.columns.items():
        if name in tables.mapped and set(columns) != set(now.columns.get(name, ())):
            if set(columns) <= set(tables.columns(name)):
                digests[name] = tables.digest(name, columns)
    for cause in changed_data(then, digests):
        if cause.kind == "data":
            remedy = "bring back what was read then, or run on what is here now: --anyway"
            yield Problem("data", cause.said, remedy=remedy)


def _modules(then: Parts, now: Keys) -> Iterator[str]:
    """Yield which modules are others, of those that the stages are made of."""
    before = {module: one for stage in then.stages.values() for module, one in stage["sources"].items()}
    after = {module: one for name in KEYED[1:] for module, one in now.stages[name].source.sources.items()}
    if not before:
        return
    changed = sorted(module for module in before.keys() | after.keys() if before.get(module) != after.get(module))
    if changed:
        yield f"{len(changed)} of the {len(before)} modules that its stages are made of differ: {', '.join(changed)}"
