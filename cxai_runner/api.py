"""The runner from Python: the same run as `cxai run`, asked for and answered with objects.

It is as quiet as a function should be: it prints nothing, changes no setting of the session, and a mistake is one
exception that reads as the command line tells it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxai_runner.lifecycle.promotion.promote import promote
from cxai_runner.lifecycle.promotion.rollback import history, rollback
from cxai_runner.runs import Run, SweepRun

if TYPE_CHECKING:
    from cxai_runner.config.problems import Problem
    from cxai_runner.data.sources.lent import Frames
    from cxai_runner.lifecycle.reproduce import Reproduction

__all__ = ["history", "load", "promote", "reproduce", "rollback", "run"]

_ARGUMENT = "argument"


def run(
    *overrides: str,
    tables: Mapping[str, Any] | None = None,
    columns: Mapping[str, Mapping[str, Any]] | None = None,
    config_dirs: Sequence[str | Path] = (),
    config: str | Path | None = None,
    progress: bool = False,
) -> Run:
    """Run one experiment, and keep it in the tracking store as the command line does.

    Parameters
    ----------
    overrides
        As on the command line, without the shell's quotes: ``"task=segmentation"``, ``"model.n_clusters=4"``.
    tables
        Data frames in place of a source, by standard name (``customers``, ``transactions`` …): pandas, polars, Arrow
        or Ibis tables. They are read where they are; a table on an engine of Ibis's is read into memory first.
    columns
        For each of these tables, standard column → the frame's own: ``{"customers": {"customer_id": "ID"}}``. A column
        that is not named keeps its name; a rule makes one of others: ``{"revenue": {"product_of": ["units",
        "price"]}}``. ``"data.tables.customers.where={…}"`` and the like are overrides.
    config_dirs
        Folders of configs of your own.
    config
        A file of overrides, such as the ``best.yaml`` of a sweep; those given here win over it.
    progress
        Whether to name each stage on standard error as it begins.

    Returns
    -------
    run
        What it found; shows itself in a notebook.

    Raises
    ------
    UserError
        With all mistakes of the first stage that has any; nothing was fitted then.
    """
    from cxai_runner.arguments import check
    from cxai_runner.config.problems import UserError
    from cxai_runner.data.sources.lent import Frames

    check(overrides, tables, columns, config_dirs)
    try:
        frames = None if tables is None else Frames.of(tables, columns)
        with nullcontext() if frames is None else frames.opened():
            file = None if config is None else Path(config)
            return _conducted(overrides, [Path(folder) for folder in config_dirs], frames, file, progress=progress)
    except UserError as error:
        raise UserError(map(_told_here, error.problems), error.stage) from None


def load(run: str, *, uri: str | None = None, trust: bool = False) -> Run:
    """Return a run from the tracking store; of a sweep, a `SweepRun`.

    Parameters
    ----------
    run
        Its id, the beginning of it, its name, or ``last``.
    uri
        The tracking store; by default ``MLFLOW_TRACKING_URI``, or ``mlruns`` in the working folder.
    trust
        Whether its model may run code that lies in the run: a pickle, or the modules saved beside the model. Without,
        only skops and XGBoost's own format are loaded, with classes of trusted packages as they are installed here.

    Raises
    ------
    UserError
        No such run, or several that are meant.
    """
    from cxai_runner.arguments import check_text
    from cxai_runner.lifecycle.kept import kept
    from cxai_runner.lifecycle.runs import SWEEP

    check_text("run", run, 'its id, or "last"')
    if uri is not None:
        check_text("uri", uri, 'as in "sqlite:///mlruns/mlflow.db"')
    found = kept(uri, run)
    return (SweepRun if SWEEP in found.facts["tags"] else Run)(found, trust=trust)


def reproduce(
    run: str | Path,
    *changes: str,
    tables: Mapping[str, Any] | None = None,
    columns: Mapping[str, Mapping[str, Any]] | None = None,
    uri: str | None = None,
    tolerance: float = 1e-9,
    anyway: bool = False,
    cached: bool = False,
    checkout: bool = False,
) -> Reproduction:
    """Make a run again, as a new run that is linked to it, and say what that came to.

    Parameters
    ----------
    run
        Its id, the beginning of it, its name or ``last``, or the folder that it was exported to.
    changes
        Where its data lie here: ``"data.path=…"``.
    tables, columns
        Its data frames, where it was run on such: as `run` takes them.
    uri
        The tracking store; by default ``MLFLOW_TRACKING_URI``, or ``mlruns`` in the working folder.
    tolerance
        The largest relative deviation of a metric or score that counts as the same.
    anyway
        Go on where data are others, or with a checkout where uncommitted changes are lost.
    cached
        Take features from the cache; then only what follows is repeated.
    checkout
        Run the code of the run's commit, in a process of its own.

    Returns
    -------
    reproduction
        The verdict, the first stage that differs, and the cause.

    Raises
    ------
    UserError
        It cannot be made again here.
    """
    from cxai_runner.arguments import check
    from cxai_runner.config.problems import UserError
    from cxai_runner.data.sources.lent import Frames
    from cxai_runner.lifecycle.reproduce import Asked, Original
    from cxai_runner.lifecycle.reproduce import reproduce as made_again

    check(changes, tables, columns, ())
    try:
        original = Original.named(str(run), uri)
        frames = None if tables is None else Frames.of(tables, columns)
        with nullcontext() if frames is None else frames.opened():
            return made_again(original, Asked(changes, tolerance, anyway, cached, checkout), frames=frames)
    except UserError as error:
        raise UserError(map(_told_here, error.problems), error.stage) from None


def _conducted(
    overrides: Sequence[str], config_dirs: Sequence[Path], frames: Frames | None, config: Path | None, *, progress: bool
) -> Run:
    from cxai_runner.config.problems import UserError
    from cxai_runner.experiment import prepare
    from cxai_runner.experiment import run as run_experiment
    from cxai_runner.lifecycle.kept import Kept
    from cxai_runner.request import request
    from cxai_runner.tracking.run import Tracker
    from cxai_runner.tracking.signals import terminated_as_exception
    from cxai_runner.tracking.stages import Stages

    asked = request(overrides, config_dirs, frames, config)
    stages = Stages(_telling()) if progress else Stages()
    ready = prepare(asked.composed, stages)
    with stages.measure("store"):
        tracker, _ = Tracker.open(asked.destination(ready))
    try:
        with terminated_as_exception():
            result = run_experiment(ready, tracker, stages)
    except UserError:
        raise
    except Exception as error:
        if tracker.latest is not None:
            kept = tracker.latest
            error.add_note(f"run {kept.run_id} is {kept.status}; cxai_runner.load(…) has its config and the traceback")
        raise
    return Run(Kept(tracker.store, result.run_id), result=result, masker=asked.masker)


def _told_here(problem: Problem) -> Problem:
    """A problem as a session reads it: an override is an argument, and what looks secret stays out of a notebook."""
    from cxai_runner.config.overrides import COMMAND_LINE
    from cxai_runner.tracking.masking import Masker

    mask, value = Masker.of({}).mask, problem.value
    if isinstance(value, str):
        # Masked as it will be read: after its key, which may say that it is secret.
        value = mask(f"{problem.key}: {value}").removeprefix(f"{problem.key}: ")
    return replace(
        problem,
        message=mask(problem.message),
        value=value,
        remedy=mask(problem.remedy),
        origin=_ARGUMENT if problem.origin == COMMAND_LINE else problem.origin,
        shown=mask(problem.shown),
    )


def _telling() -> Callable[[str], None]:
    """Return what names each stage once, on standard error, as it begins."""
    told: list[str] = []

    def tell(stage: str) -> None:
        if stage not in told:
            told.append(stage)
            print(f"{stage} …", file=sys.stderr, flush=True)

    return tell
