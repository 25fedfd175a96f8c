"""The flow, in one direction: tables → folds → for each fold { features → fit → evaluate } → report → tracked run.

Everything here is the same for every task; what differs is asked of the parts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxai_runner.account import Account
from cxai_runner.config.problems import Problem, UserError
from cxai_runner.evaluation.paired import FOLD
from cxai_runner.evaluation.splits import Fold, Part
from cxai_runner.identity import Keys, keys
from cxai_runner.preflight import Experiment, Ready, assemble, preflight
from cxai_runner.task import Context, Evaluation, Task
from cxai_runner.threads import held_to
from cxai_runner.tracking.stages import Stages
from cxai_runner.watch import GivenUpError, Watch

if TYPE_CHECKING:
    import pandas as pd

    from cxai_runner.config.compose import Composed
    from cxai_runner.data.cache import FeatureCache
    from cxai_runner.data.dataset import Dataset
    from cxai_runner.report.document import Document
    from cxai_runner.tracking.courier import Courier
    from cxai_runner.tracking.recorder import Recorder
    from cxai_runner.tracking.run import Tracker

_FEW_RESAMPLES = 100


@dataclass(frozen=True, eq=False)
class Result:
    """What a finished run came to.

    Parameters
    ----------
    run_id, experiment, status, identity, artifact_uri
        As in the tracking store.
    document
        What the run says: metrics beside the baseline, estimates, findings, tables and figures.
    seconds
        Wall time per stage.
    fitted
        What the task's ``fit`` returned for the model that is kept.
    """

    run_id: str
    experiment: str
    status: str
    identity: str
    artifact_uri: str
    document: Document
    seconds: Mapping[str, float]
    fitted: Any


def prepare(composed: Composed, stages: Stages | None = None) -> Ready:
    """Build the parts and check them against the data; raises `UserError` with all that is wrong."""
    with (stages or Stages()).measure("load"):
        ready = preflight(assemble(composed))
        ready.folds  # noqa: B018 - planned here, so that what it costs counts as loading
        return ready


def run(
    ready: Ready,
    tracker: Tracker | Recorder | Courier,
    stages: Stages,
    watch: Watch | None = None,
    tags: Mapping[str, str] | None = None,
) -> Result:
    """Run a preflighted experiment and leave a tracked run.

    Parameters
    ----------
    ready, tracker, stages
        The experiment, where its run is kept, and what measures its stages.
    watch
        Who looks on, where anybody does.
    tags
        What else the run can be found by: the run that it reproduces.

    Raises
    ------
    UserError
        When the training rows cannot answer the question, or a file changed while it was read; the run is then closed
        as failed.
    GivenUpError
        The watch gave it up.
    """
    watch = watch or Watch()
    experiment, task = ready.experiment, ready.experiment.task
    account = Account(ready, stages.run("digest", keys, ready), stages, tracker.privacy)

    def step(metric: str, value: float, number: int) -> None:
        account.step(metric, value, number)
        watch.step(metric, value, number)

    context = experiment.context(step, watch.should_stop)
    said = account.tags() | dict(tags or {})
    with tracker.start(experiment.run_name, said, account.opening()) as tracked, held_to(context.threads):
        unseen_scores: list[pd.DataFrame] = []
        for number, fold in enumerate(ready.folds):
            train, unseen = stages.run("features", _build, ready, account.keys, number, fold)
            stages.run("digest", account.traces.built, number, {"train": train, "held_out": unseen})
            _refuse_unanswerable(experiment, train)
            with account.warned.gathering():
                fitted = stages.run("fit", task.fit, experiment.model, train, context)
                if unseen is not None:
                    unseen_scores.append(stages.run("evaluate", task.score, fitted, unseen, context))
                    if watch.judges:
                        stages.run("evaluate", _so_far, task, unseen_scores, context, number)
            if watch.should_stop():
                raise GivenUpError
        with account.warned.gathering():
            evaluation = stages.run("evaluate", _evaluate, task, fitted, train, unseen_scores, context)
        quality = stages.run("quality", account.quality)
        document = stages.run("report", account.document, fitted, train, evaluation, quality, context)
        pictures = stages.run("report", account.pictures, document)
        if experiment.settings["refit"] == "all" and ready.keeps_judged:
            fitted, train = _refitted(ready, account, stages, context)
        record = account.record(document, pictures, evaluation, task.models(fitted, train), train)
        _refuse_changed(ready, account.keys)
        stages.run("log", tracked.finish, record, experiment.settings["tracking"]["level"])
    return Result(
        run_id=tracked.run_id,
        experiment=experiment.name,
        status=tracked.status,
        identity=account.keys.identity,
        artifact_uri=tracked.artifact_uri,
        document=document,
        seconds=dict(stages.seconds),
        fitted=fitted,
    )


def _refitted(ready: Ready, account: Account, stages: Stages, context: Context) -> tuple[Any, Dataset]:
    """Fit once more, on every row: the model that is kept, of which nothing was measured."""
    number, everything = len(ready.folds), Fold(Part("train"), None, "")
    train, _ = stages.run("features", _build, ready, account.keys, number, everything)
    stages.run("digest", account.traces.built, number, {"train": train})
    return stages.run("fit", ready.experiment.task.fit, ready.experiment.model, train, context), train


def is_built(ready: Ready, made_of: Keys) -> bool:
    """Whether the features of an experiment are kept from an earlier run."""
    return _kept(ready, made_of).holds(_key_of(made_of, 0, "train"))


def held_out(ready: Ready, made_of: Keys) -> list[Dataset]:
    """Return the held-out part of every fold that has one, built or taken from the cache, as `run` judges it."""
    parts = [_build(ready, made_of, number, fold)[1] for number, fold in enumerate(ready.folds)]
    return [part for part in parts if part is not None]


def _build(ready: Ready, made_of: Keys, number: int, fold: Fold) -> tuple[Dataset, Dataset | None]:
    """Build both parts of a fold, or take them from the cache; what is learned sees the training part alone."""
    from functools import cache

    features, kept = ready.experiment.features, _kept(ready, made_of)

    @cache
    def learned() -> Mapping[str, Any]:
        return features.learn(ready.tables, fold.train)

    def part(side: Any) -> Dataset:
        key = _key_of(made_of, number, side.name)
        dataset, _ = kept.get_or_build(key, lambda: build(side))
        return dataset

    def build(side: Any) -> Dataset:
        made = replace(features.build(ready.tables, side, learned()), learned=learned())
        _refuse_changed(ready, made_of)  # before it is kept under the key of what the files held
        return made

    return part(fold.train), None if fold.held_out is None else part(fold.held_out)


def _kept(ready: Ready, made_of: Keys) -> FeatureCache:
    from cxai_runner.data.cache import FeatureCache

    settings = ready.experiment.settings["cache"]
    return FeatureCache(Path(settings["dir"]), enabled=settings["enabled"] and not made_of.unreadable)


def _key_of(made_of: Keys, number: int, side: str) -> str:
    """The key under which one part of a fold is kept."""
    from cxai_runner.data.keys import stage_key

    return stage_key(f"fold {number} {side}", {}, {"features": made_of.features}, None)


def _evaluate(
    task: Task, fitted: Any, train: Dataset, unseen_scores: list[pd.DataFrame], context: Context
) -> Evaluation:
    """Measure the training rows, the held-out rows of all folds together, and what the task challenges itself with."""
    scores = {"train": task.score(fitted, train, context)}
    if unseen_scores:
        scores["held_out"] = _together(unseen_scores)
    metrics = {part: task.measure(rows, context) for part, rows in scores.items()}
    challenged = task.challenge(fitted, train, context)
    if challenged:
        metrics["challenge"] = challenged
    return Evaluation(scores, metrics)


def _together(unseen_scores: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The held-out rows of all folds; where there are several, each row says which fold's model scored it."""
    import pandas as pd

    if len(unseen_scores) > 1:
        unseen_scores = [rows.assign(**{FOLD: number}) for number, rows in enumerate(unseen_scores)]
    return pd.concat(unseen_scores, ignore_index=True)


def _so_far(task: Task, unseen_scores: list[pd.DataFrame], context: Context, number: int) -> None:
    """Tell whoever judges how the model does on all rows held out so far; its interval is not looked at."""
    if task.primary_metric is None:
        return
    name = task.primary_metric.name
    measured = task.measure(_together(unseen_scores), replace(context, resamples=_FEW_RESAMPLES))
    for metric in measured:
        if metric.name == name:
            context.step(f"held_out/{name}", metric.value.value, number)


def _refuse_changed(ready: Ready, made_of: Keys) -> None:
    """Refuse rows of files that are no longer those that were digested: the run would name one and be of the other."""
    changed = {name: ready.tables.changed(name) for name in made_of.data}
    problems = [
        Problem(
            f"data.{ready.tables.mapped[name].key}".rstrip("."),
            f"{path} changed while the run read it",
            remedy="run again once nobody writes to it; nothing of this run was kept for later runs",
        )
        for name, path in changed.items()
        if path is not None
    ]
    if problems:
        raise UserError(ready.experiment.composed.located(problems), "data")


def _refuse_unanswerable(experiment: Experiment, train: Dataset) -> None:
    problems = list(experiment.task.inspect(train))
    if train.frame.empty:
        problems = [Problem("", "no rows are left to train on", remedy="widen the filters, the window or the split")]
    if problems:
        # What is wrong is of the rows, or of a key of the task's that the rows do not bear out.
        whole = [one if one.key.startswith("task.") else one.under("data") for one in problems]
        raise UserError(experiment.composed.located(whole), "data")
