"""A run made again: restored, checked, run, and held against what it was.

Config, seed and threads are taken as the run kept them. Its features are built anew: what the cache holds under their
key was made by the run itself, or by one like it, so that taking it from there would show nothing.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cxai_runner.config.problems import Problem, UserError
from cxai_runner.kept.again import composed_again
from cxai_runner.kept.run import Kept
from cxai_runner.lifecycle.reproduce.checkout import checked_out
from cxai_runner.lifecycle.reproduce.original import Asked, Original
from cxai_runner.lifecycle.reproduce.parts import KEYED, Parts, changed_data
from cxai_runner.lifecycle.reproduce.tree import differences, states
from cxai_runner.lifecycle.reproduce.verdict import REPRODUCES, Reproduction, judged, link

if TYPE_CHECKING:
    from cxai_runner.config.compose import Composed
    from cxai_runner.data.sources.lent import Frames
    from cxai_runner.identity import Keys
    from cxai_runner.preflight import Ready

_CHANGED: Final = ("cache", "data", "name", "privacy", "threads", "tracking")
"""What may be given anew: where data lie and how runs are kept, and threads, to see whether they are the cause."""


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
    RuntimeError
        The new run failed; it is linked, and holds the traceback.
    """
    asked = asked or Asked()
    _refuse_other_changes(asked.changes)
    run_id = _elsewhere(original, asked) if asked.checkout else _here(original, asked, frames, tell, stage)
    reproduction = judged(original.run, Kept(original.store, run_id), asked.tolerance)
    # On other data, or other threads, it is no evidence of the run's own.
    altered = any(cause.kind in ("data", "threads") for cause in reproduction.causes)
    link(original.store, reproduction, both=isinstance(original.run, Kept) and not altered)
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
    try:
        with terminated_as_exception():
            return run(ready, tracker, stages, tags={REPRODUCES: original.run.run_id}).run_id
    except UserError:
        raise
    except Exception as error:  # of a model or a library: the run keeps the traceback
        made = f"run {tracker.latest.run_id[:8]}" if tracker.latest is not None else "the run"
        told = masker.mask(f"{type(error).__name__}: {error}")
        raise RuntimeError(f"{made} failed, where {original.run.run_id[:8]} had finished: {told}") from error


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
        others = set(columns) != set(now.columns.get(name, ()))
        if others and set(columns) <= set(tables.columns(name)):
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
