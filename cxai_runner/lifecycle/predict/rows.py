"""The rows to predict: mapped, checked and built as the run's own were, with what it learned.

What is asked of them is what the model takes. Outcomes, which new rows have not, are asked of nobody, and nothing is
learned again.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cxai_runner.config.problems import Problem, UserError, did_you_mean, under

if TYPE_CHECKING:
    from ibis.expr.types import Table as IbisTable

    from cxai_runner.config.compose import Composed
    from cxai_runner.data.dataset import Dataset
    from cxai_runner.data.tables.needs import Needs
    from cxai_runner.data.tables.opened import Tables
    from cxai_runner.evaluation.splits import Part
    from cxai_runner.features.base import Features
    from cxai_runner.preflight import Experiment

FREE: Final = ("data", "threads", "cache", "drift")
"""What may be said anew of a run that predicts; everything else is as it was when the model was trained."""
_TIMES: Final = ("time", "occasion", "timestamp")


@dataclass(frozen=True, eq=False)
class NewRows:
    """Rows that passed preflight; make them with `prepare`.

    Parameters
    ----------
    experiment
        The run's, over other data.
    tables
        What its source opened.
    features
        The run's, for new rows.
    part
        Which of the rows.
    learned
        What the run's features learned, and what the new rows say together.
    count
        How many rows there are.
    as_of
        The instant as of which rows are seen, where there is one.
    """

    experiment: Experiment
    tables: Tables
    features: Features
    part: Part
    learned: Mapping[str, Any]
    count: int
    as_of: datetime | None

    def stream(self, size: int) -> Iterator[Dataset]:
        """Build about ``size`` rows at a time."""
        return self.features.stream(self.tables, self.part, self.learned, size)


def refuse_other_changes(changes: Sequence[str]) -> None:
    """Refuse changes of what the model was trained with."""
    keys = {line: line.lstrip("+~").partition("=")[0] for line in changes}
    problems = [
        Problem(key, "decided by the run that made the model", remedy="to be said anew: " + ", ".join(FREE), shown=line)
        for line, key in keys.items()
        if key.partition(".")[0] not in FREE
    ]
    if problems:
        raise UserError(problems)


def prepare(
    composed: Composed,
    learned: Mapping[str, Any],
    inputs: Sequence[str],
    as_of: datetime | None = None,
    since: datetime | None = None,
) -> NewRows:
    """Map the rows, check them first without reading one and then by bounded queries, and count them.

    Parameters
    ----------
    composed
        The run's config, with the data that are to be predicted.
    learned
        What the run's features learned.
    inputs
        The columns that the model takes.
    as_of
        Nothing at or after it is read.
    since
        Rows before it are only the past of those that are predicted.

    Raises
    ------
    UserError
        With all problems of the first stage that has any.
    """
    from cxai_runner.data.answers import remember_in
    from cxai_runner.data.connect import set_threads
    from cxai_runner.data.quality.contracts import broken
    from cxai_runner.evaluation.splits import Part
    from cxai_runner.preflight import assemble

    experiment = assemble(composed)
    set_threads(experiment.settings["threads"])
    cache = experiment.settings["cache"]
    remember_in(Path(cache["dir"]) if cache["enabled"] else None)
    _refuse(composed, under("data", experiment.source.problems()), "config")
    tables = experiment.source.open()
    features = experiment.features.for_new_rows(inputs, as_of)
    _refuse(composed, _absent(features, tables, inputs), "config")
    needs = _needed(features, tables, inputs)
    _refuse(composed, broken(needs, tables), "data")
    _refuse(composed, under("features", features.problems(tables)), "data")
    part = Part("held_out", start=since, end=as_of)
    rows = features.rows(tables)
    if since is not None and "time" not in rows.columns:
        raise UserError([_undated(features.makes)])
    count = _count(rows, part)
    if not count:
        window = " from … to ".join(str(one) for one in (since, as_of) if one is not None)
        raise UserError([Problem("data", f"no rows to predict{' ' * bool(window)}{window}")], "data")
    extended = features.extended(tables, part, learned)
    seen = extended.get("as_of") if as_of is None else as_of
    return NewRows(
        experiment,
        tables,
        features,
        part,
        extended,
        count,
        datetime.fromisoformat(seen) if isinstance(seen, str) else seen,
    )


def ids_of(dataset: Dataset) -> list[str]:
    """The columns that say which row it is: the customer, and when."""
    time = [dataset.roles.time] if dataset.roles.time else []
    return [name for name in dict.fromkeys([dataset.roles.id, *time, *_TIMES[:2]]) if name in dataset.frame.columns]


def _absent(features: Features, tables: Tables, inputs: Sequence[str]) -> Iterator[Problem]:
    """Yield tables and columns that are not there, told from schemas alone."""
    from cxai_runner.data.quality.contracts import unmet

    found = list(unmet(features.needs(), tables))
    yield from found
    if any(problem.key.startswith("data.tables.") and problem.key.count(".") == 2 for problem in found):
        return  # without the table its columns are no news
    have = features.provides(tables)
    for name in inputs:
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in have):
            continue
        if features.makes in tables:
            table = tables.mapped[features.makes]
            key = f"data.{table.key}.columns.{name}" if table.key else f"data.columns.{name}"
            told = f"the model takes `{name}`, and the {table.noun} has no column of that name"
            near = did_you_mean(name, have)
            remedy = near if near.startswith("did") else f"name the {table.noun}'s own column: {key}=…"
            yield Problem(key, told, remedy=remedy)
        else:
            yield Problem(
                f"features.{name}", "the model takes it, and these data do not give it", remedy="map more columns"
            )


def _needed(features: Features, tables: Tables, inputs: Sequence[str]) -> Needs:
    """What is read of the tables: of one that is ready made its ids and the inputs, and no outcome."""
    from cxai_runner.data.tables.needs import Needs

    needs = features.needs()
    wanted = {}
    for name in needs.tables():
        columns = needs.wanted(name, tables.columns(name))
        if name == features.makes:
            read = {*needs.required.get(name, ()), *inputs, *_TIMES}
            columns = [column for column in columns if column in read]
        wanted[name] = tuple(columns)
    return Needs({name: wanted[name] for name in needs.required}, {name: wanted[name] for name in needs.optional})


def _count(rows: IbisTable, part: Part) -> int:
    from cxai_runner.data.answers import value

    return int(value(part.select(rows, "time" if "time" in rows.columns else None).count()))


def _undated(makes: str) -> Problem:
    return Problem("--since", f"rows of {makes} are not dated here", remedy="leave it out: every row is predicted")


def _refuse(composed: Composed, problems: Iterator[Problem], stage: Any) -> None:
    found = list(problems)
    if found:
        raise UserError(composed.located(found), stage)
