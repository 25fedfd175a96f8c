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
    from cxai_runner.lifecycle.compare.compared import Compared
    from cxai_runner.lifecycle.predict import Predictions
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
    from cxai_runner.kept.run import kept
    from cxai_runner.lifecycle.runs import SWEEP

    check_text("run", run, 'its id, or "last"')
    if uri is not None:
        check_text("uri", uri, 'as in "sqlite:///mlruns/mlflow.db"')
    found = kept(uri, run)
    return (SweepRun if SWEEP in found.facts["tags"] else Run)(found, trust=trust)


def compare(
    *runs: str,
    experiment: str | None = None,
    sweep: str | None = None,
    where: Sequence[str] = (),
    metric: str | None = None,
    against: str | None = None,
    top: int | None = None,
    uri: str | None = None,
) -> Compared:
    """Compare runs: what differs between them, and whether a difference is more than noise.

    Parameters
    ----------
    runs
        Ids, the beginnings of them, names, or ``last``; a sweep stands for its points.
    experiment, sweep
        All runs of an experiment; all points of a sweep.
    where
        Conditions that a run has to meet: ``"params.model.C>1"``, ``"status=FINISHED"``.
    metric
        What they are compared by; by default the task's primary metric.
    against
        The run that the others are compared with; by default the best.
    top
        How many rows are judged; by default every run that is named, else twenty.
    uri
        As `load` takes it.

    Returns
    -------
    compared
        Its ``frame()`` has a row for each run, its ``matrix()`` the best among themselves.

    Raises
    ------
    UserError
        A run, experiment, condition or metric that is not there; runs of different tasks.
    """
    from cxai_runner.arguments import check_text
    from cxai_runner.lifecycle.compare import compare as compared
    from cxai_runner.tracking.store import Store

    for run in runs:
        check_text("run", run, 'its id, or "last"')
    store = Store.open(uri, Path.cwd(), create=False)
    return compared(
        store, runs, experiment=experiment, sweep=sweep, where=where, metric=metric, against=against, top=top
    )


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


def predict(
    model: str,
    *changes: str,
    to: str | Path | None = None,
    tables: Mapping[str, Any] | None = None,
    columns: Mapping[str, Mapping[str, Any]] | None = None,
    as_of: str | None = None,
    since: str | None = None,
    overwrite: bool = False,
    trust: bool = False,
    uri: str | None = None,
    config_dirs: Sequence[str | Path] = (),
) -> Predictions:
    """Score new rows with a model in the tracking store, as ``cxai predict`` does.

    Parameters
    ----------
    model
        ``models:/NAME@ALIAS``, ``models:/NAME/VERSION``, ``runs:/RUN/model``, or a run: its id, the beginning of it,
        its name, or ``last``.
    changes
        Where the rows are, as on the command line: ``"data=csv"``, ``"data.path=new.csv"``; the run's own data where
        nothing is said.
    to
        A ``.parquet`` or ``.csv`` file, or a table as in ``"sqlite:///scores.db#predictions"``. Where none is given the
        rows are the answer's ``frame``.
    tables, columns
        Data frames in place of a source, as in `run`.
    as_of, since
        Dates in ISO 8601, or numbers where occasions are numbered: nothing at or after the first is read; what is
        before the second is only the past of the rows that are predicted.
    overwrite
        Whether what is there already is replaced.
    trust
        Whether a model may run code of its own that you did not write on this machine: a pickle, or the modules that
        it carries.
    uri
        The tracking store; by default ``MLFLOW_TRACKING_URI``, or ``mlruns`` in the working folder.
    config_dirs
        Folders of configs of your own.

    Raises
    ------
    UserError
        With all mistakes of the first stage that has any; nothing is written then.
    ModelError
        The model fails on rows that nothing is wrong with.
    """
    from cxai_runner.arguments import check, check_text
    from cxai_runner.config.problems import UserError
    from cxai_runner.data.sources.lent import Frames
    from cxai_runner.lifecycle.predict import predict as predict_rows
    from cxai_runner.request import over
    from cxai_runner.tracking.store import Store

    check_text("model", model, 'as in "models:/segments@champion", a run\'s id, or "last"')
    check(changes, tables, columns, config_dirs)
    try:
        frames = None if tables is None else Frames.of(tables, columns)
        given, adapt = over(frames, changes)
        with nullcontext() if frames is None else frames.opened():
            return predict_rows(
                Store.open(uri, Path.cwd(), create=False),
                model,
                given,
                to=None if to is None else str(to),
                as_of=as_of,
                since=since,
                overwrite=overwrite,
                trust=trust,
                config_dirs=[Path(folder) for folder in config_dirs],
                adapt=adapt,
            )
    except UserError as error:
        raise UserError(map(_told_here, error.problems), error.stage) from None


def _conducted(
    overrides: Sequence[str], config_dirs: Sequence[Path], frames: Frames | None, config: Path | None, *, progress: bool
) -> Run:
    from cxai_runner.config.problems import UserError
    from cxai_runner.experiment import prepare
    from cxai_runner.experiment import run as run_experiment
    from cxai_runner.kept.run import Kept
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
