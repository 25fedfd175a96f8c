"""The flow, in one direction: tables → folds → for each fold { features → fit → evaluate } → report → tracked run.

Everything here is the same for every task; what differs is asked of the parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxai_runner.account import Account
from cxai_runner.config.problems import Problem, UserError, under
from cxai_runner.identity import Keys, keys
from cxai_runner.preflight import Experiment, Ready, assemble, preflight
from cxai_runner.task import Context, Evaluation, Task
from cxai_runner.tracking.stages import Stages

if TYPE_CHECKING:
    import pandas as pd

    from cxai_runner.config.compose import Composed
    from cxai_runner.data.dataset import Dataset
    from cxai_runner.evaluation.splits import Fold
    from cxai_runner.report.document import Document
    from cxai_runner.tracking.recorder import Recorder
    from cxai_runner.tracking.run import Tracker


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
        return preflight(assemble(composed))


def run(ready: Ready, tracker: Tracker | Recorder, stages: Stages) -> Result:
    """Run a preflighted experiment and leave a tracked run.

    Raises
    ------
    UserError
        When the training rows cannot answer the question; the run is then closed as failed.
    """
    experiment, task = ready.experiment, ready.experiment.task
    account = Account(ready, stages.run("digest", keys, ready), stages, tracker.privacy)
    context = experiment.context(account.step)
    with tracker.start(experiment.run_name, account.tags(), account.opening()) as tracked, _held_to(context.threads):
        unseen_scores: list[pd.DataFrame] = []
        for number, fold in enumerate(ready.folds):
            train, unseen = stages.run("features", _build, ready, account.keys, number, fold)
            _refuse_unanswerable(experiment, train)
            with account.warned.gathering():
                fitted = stages.run("fit", task.fit, experiment.model, train, context)
                if unseen is not None:
                    unseen_scores.append(stages.run("evaluate", task.score, fitted, unseen, context))
        with account.warned.gathering():
            evaluation = stages.run("evaluate", _evaluate, task, fitted, train, unseen_scores, context)
        quality = stages.run("quality", account.quality)
        document = stages.run("report", account.document, fitted, train, evaluation, quality, context)
        pictures = stages.run("report", account.pictures, document)
        record = account.record(document, pictures, evaluation, task.models(fitted, train))
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


def _build(ready: Ready, made_of: Keys, number: int, fold: Fold) -> tuple[Dataset, Dataset | None]:
    """Build both parts of a fold, or take them from the cache; what is learned sees the training part alone."""
    from functools import cache

    from cxai_runner.data.cache import FeatureCache
    from cxai_runner.data.keys import stage_key

    features, settings = ready.experiment.features, ready.experiment.settings["cache"]
    kept = FeatureCache(Path(settings["dir"]), enabled=settings["enabled"] and not made_of.unreadable)

    @cache
    def learned() -> Mapping[str, Any]:
        return features.learn(ready.tables, fold.train)

    def part(side: Any) -> Dataset:
        key = stage_key(f"fold {number} {side.name}", {}, {"features": made_of.features}, None)
        dataset, _ = kept.get_or_build(key, lambda: features.build(ready.tables, side, learned()))
        return dataset

    return part(fold.train), None if fold.held_out is None else part(fold.held_out)


def _evaluate(
    task: Task, fitted: Any, train: Dataset, unseen_scores: list[pd.DataFrame], context: Context
) -> Evaluation:
    """Measure the training rows, the held-out rows of all folds together, and what the task challenges itself with."""
    import pandas as pd

    scores = {"train": task.score(fitted, train, context)}
    if unseen_scores:
        scores["held_out"] = pd.concat(unseen_scores, ignore_index=True)
    metrics = {part: task.measure(rows, context) for part, rows in scores.items()}
    challenged = task.challenge(fitted, train, context)
    if challenged:
        metrics["challenge"] = challenged
    return Evaluation(scores, metrics)


def _refuse_unanswerable(experiment: Experiment, train: Dataset) -> None:
    problems = list(experiment.task.inspect(train))
    if train.frame.empty:
        problems = [Problem("", "no rows are left to train on", remedy="widen the filters, the window or the split")]
    if problems:
        raise UserError(experiment.composed.located(under("data", problems)), "data")


def _held_to(threads: int) -> Any:
    """Hold BLAS and OpenMP to ``threads``: another number changes the last bits of a fit."""
    from threadpoolctl import threadpool_limits

    return threadpool_limits(limits=threads)
