"""From a composed config to an experiment that is known to be able to run.

Two stages, both over before a feature is built or a model fitted. The first reads no row: targets, arguments, files,
columns, and whether source, features, split, task and model fit each other. The second asks bounded questions where
the rows live: nulls in keys, impossible values, nothing left. All problems of a stage are told together.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxai_runner.config.problems import Problem, UserError, did_you_mean, under
from cxai_runner.task import Context

if TYPE_CHECKING:
    from ibis.expr.types import Table as IbisTable

    from cxai_runner.config.compose import Composed
    from cxai_runner.data.sources import Source
    from cxai_runner.data.tables.opened import Tables
    from cxai_runner.evaluation.splits import Fold, Split
    from cxai_runner.features.base import Features
    from cxai_runner.task import Task

# They still take `n_jobs`, do nothing with it, and warn where it is set.
_WITHOUT_THREADS = ("LogisticRegression",)


@dataclass(frozen=True, eq=False)
class Experiment:
    """One experiment, its parts built, nothing read yet."""

    composed: Composed
    settings: dict[str, Any]
    source: Source
    features: Features
    split: Split
    task: Task
    model: Any
    """An unfitted scikit-learn pipeline of the features' transformers and the model; None where there is none."""

    @property
    def name(self) -> str:
        """The experiment's name in the tracking store: given, or the task's."""
        return str(self.settings["tracking"]["experiment"] or self.composed.choices.get("task", "experiment"))

    @property
    def run_name(self) -> str:
        """The run's name: given, or the chosen model's."""
        return str(self.settings["name"] or (self.composed.choices.get("model") or self.name).rpartition("/")[2])

    def context(self, step: Callable[[str, float, int], None], should_stop: Callable[[], bool]) -> Context:
        """What the engine lends the task while it works; learning curves go to ``step``."""
        settings = self.settings
        return Context(
            seed=settings["seed"],
            threads=settings["threads"],
            resamples=settings["evaluation"]["resamples"],
            step=step,
            should_stop=should_stop,
        )


@dataclass(frozen=True, eq=False)
class Ready:
    """An experiment that passed preflight: its tables are mapped, and its folds can be planned.

    Parameters
    ----------
    experiment
        The experiment.
    tables
        What its source opened.
    rows
        The rows that its split divides, as an expression.
    known
        What was found out of these tables; experiments that were checked together share it.
    """

    experiment: Experiment
    tables: Tables
    rows: IbisTable
    known: dict[Any, Any] = field(default_factory=dict)

    @property
    def folds(self) -> tuple[Fold, ...]:
        """The folds, planned when they are first asked for."""
        settings = self.experiment.settings
        plan = ("folds", str(settings["split"]), settings["seed"])
        if plan not in self.known:
            self.known[plan] = self.experiment.split.plan(self.rows, settings["seed"])
        folds: tuple[Fold, ...] = self.known[plan]
        return folds

    @property
    def keeps_judged(self) -> bool:
        """Whether the last fold's model, which is kept, left out the rows that it was judged on.

        A split may hold nothing out, or let a last model learn from everyone once others were judged.
        """
        return self.folds[-1].held_out is not None


def assemble(composed: Composed, like: Experiment | None = None) -> Experiment:
    """Build the parts that the config names.

    Parameters
    ----------
    composed
        The config.
    like
        An experiment whose config says the same of every part but the model: those are taken from it.

    Raises
    ------
    UserError
        With every target, argument or value that is wrong.
    """
    from cxai_runner.config.targets import build, check
    from cxai_runner.feeding import with_models

    if like is not None:
        problems = check(composed, ("model",))
        if problems:
            raise UserError(composed.located(problems))
        settings = composed.resolved()
        model = _pipeline(like.features, build(settings["model"], "model", composed), settings)
        return replace(like, composed=composed, settings=settings, model=model)

    problems = check(composed)
    if problems:
        raise UserError(composed.located([*problems, *of_the_source(composed, problems)]))
    settings = composed.resolved()
    features = with_models(build(settings["features"], "features", composed), composed)
    return Experiment(
        composed=composed,
        settings=settings,
        source=build(settings["data"], "data", composed),
        features=features,
        split=build(settings["split"], "split", composed),
        task=build(settings["task"], "task", composed),
        model=_pipeline(features, build(settings["model"], "model", composed), settings),
    )


def of_the_source(composed: Composed, found: Sequence[Problem]) -> Iterator[Problem]:
    """Yield what is wrong with the files themselves, unless what was ``found`` leaves open which they are."""
    from cxai_runner.config.targets import build

    if "data" in composed.unsettled or any(problem.key.partition(".")[0] in {"data", "targets"} for problem in found):
        return
    try:
        yield from under("data", build(composed.plain["data"], "data", composed).problems())
    except UserError as error:
        yield from error.problems


def preflight(experiment: Experiment, tables: Tables | None = None) -> Ready:
    """Check the experiment against its data, first without reading rows, then with bounded queries.

    Parameters
    ----------
    experiment
        Its parts.
    tables
        What its source opened for another experiment with the same data, where it did.

    Raises
    ------
    UserError
        With all problems of the first stage that has any.
    """
    from cxai_runner.data.answers import remember_in
    from cxai_runner.data.connect import set_threads

    composed = experiment.composed
    set_threads(experiment.settings["threads"])
    cache = experiment.settings["cache"]
    remember_in(Path(cache["dir"]) if cache["enabled"] else None)
    if tables is None:
        _refuse(composed, under("data", experiment.source.problems()), "config")
        tables = experiment.source.open()
    _refuse(composed, _misfits(experiment, tables), "config")
    _refuse(composed, _bad_rows(experiment, tables), "data")
    rows = experiment.features.rows(tables)
    _refuse(composed, under("split", _undivided(experiment, tables, rows)), "data")
    return Ready(experiment, tables, rows)


def _undivided(experiment: Experiment, tables: Tables, rows: IbisTable) -> Iterator[Problem]:
    """What keeps rows from being divided, with the keys of their table as its source has them."""
    key = next((tables.mapped[name].key for name in experiment.features.needs().required), "")
    here = f"data.{key}." if key else "data."
    for problem in experiment.split.problems(rows):
        yield replace(problem, remedy=problem.remedy.replace("{here}", here))


def refit(experiment: Experiment, ready: Ready) -> Ready:
    """Return ``experiment`` as checked where another with the same data, features, split and task was.

    Raises
    ------
    UserError
        The model, the one part that was not checked with them, is of a kind that the task cannot use.
    """
    have = experiment.features.provides(ready.tables)
    _refuse(experiment.composed, _unfit_model(experiment, have), "config")
    return replace(ready, experiment=experiment)


def _misfits(experiment: Experiment, tables: Tables) -> Iterator[Problem]:
    """What does not fit together, told from schemas alone."""
    from cxai_runner.data.quality.contracts import unmet

    features, task = experiment.features, experiment.task
    yield from unmet(features.needs(), tables)
    (wanted,) = task.needs.required
    if features.makes != wanted:
        yield Problem(
            "features",
            f"makes a table of {features.makes}, and this task works on a {wanted}",
            remedy="choose other features, or another task: cxai list tasks",
        )
        return
    have = features.provides(tables)
    for column in task.needs.missing(wanted, have):
        yield Problem(
            "features",
            f"gives no column `{column}`, which the task needs",
            remedy=did_you_mean(column.rstrip("*"), have),
        )
    if experiment.split.within and not features.divides:
        told = f"divides what one customer did, and a table of {features.makes} has each customer's rows on one side"
        yield Problem("split", told, remedy="divide by customer or by time: split=customers, split=last_days")
    yield from under("task", task.misdivided(experiment.split))
    yield from under("task", _as_called_here(task.problems(have), tables, have))
    yield from _unfit_model(experiment, have)


def _as_called_here(problems: Iterable[Problem], tables: Tables, have: Collection[str]) -> Iterator[Problem]:
    """Of a name that the source has and the standard table has not: what it is called here."""
    from cxai_runner.data.quality.changes import own_names

    own = {
        own: (standard, f"data.{table.key}.columns" if table.key else "data.columns")
        for table in tables.mapped.values()
        for standard, own in own_names(table).items()
        if standard in have
    }
    for problem in problems:
        known = own.get(problem.value) if isinstance(problem.value, str) and problem.value not in have else None
        if known is None:
            yield problem
        else:
            standard, key = known
            yield replace(problem, remedy=f"it is `{standard}` here, as {key} says")


def _unfit_model(experiment: Experiment, have: Iterable[str]) -> Iterator[Problem]:
    """A model that the task cannot use, or whose own parameters do not fit together."""
    wrong = list(_wrong_kind_of_model(experiment))
    yield from wrong
    if not wrong and experiment.model is not None:
        yield from under("model", experiment.task.misused(experiment.model, have))


def _wrong_kind_of_model(experiment: Experiment) -> Iterator[Problem]:
    kind, model = experiment.task.model_kind, experiment.model
    if kind is None or kind == "estimator":
        return
    from sklearn.utils import get_tags

    found = get_tags(model).estimator_type if model is not None else None
    if found != kind:
        name = type(model.steps[-1][1]).__name__ if model is not None else "null"
        yield Problem("model", f"{name} is not a {kind}, which this task needs", remedy="see: cxai list models")


def _bad_rows(experiment: Experiment, tables: Tables) -> Iterator[Problem]:
    from cxai_runner.data.quality.contracts import broken

    problems = list(broken(experiment.features.needs(), tables))
    # A builder's own questions make sense only of rows that keep their contract.
    yield from problems or under("features", experiment.features.problems(tables))


def _refuse(composed: Composed, problems: Iterator[Problem], stage: Any) -> None:
    found = list(problems)
    if found:
        raise UserError(composed.located(found), stage)


def _pipeline(features: Features, model: Any, settings: dict[str, Any]) -> Any:
    """The transformers and the model as one estimator, seeded and held to the configured threads."""
    if model is None:
        return None
    from sklearn.pipeline import make_pipeline

    pipeline = make_pipeline(*features.transformers, model)
    context = Context(seed=settings["seed"])
    unset = {name: value for name, value in pipeline.get_params(deep=True).items() if value is None}
    seeds = {name: context.integer_seed(name) for name in unset if name.rpartition("__")[2] == "random_state"}
    deaf = {step for step, part in pipeline.steps if type(part).__name__ in _WITHOUT_THREADS}
    threads = {
        name: settings["threads"]
        for name in unset
        if name.rpartition("__")[2] in {"n_jobs", "nthread"} and name.partition("__")[0] not in deaf
    }
    return pipeline.set_params(**seeds, **threads)
