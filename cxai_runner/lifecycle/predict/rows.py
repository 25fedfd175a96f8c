"""The rows to predict: mapped, checked and built as the run's own were, with what it learned.

What is asked of them is what the model takes. Outcomes, which new rows have not, are asked of nobody, and nothing is
learned again.
"""

from __future__ import annotations

import copy
import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cxai_runner.config.problems import Problem, UserError, did_you_mean, under
from cxai_runner.data.tables.instants import instant
from cxai_runner.kept.apart import NUMBERS

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
        The date or number as of which rows are seen, where there is one.
    """

    experiment: Experiment
    tables: Tables
    features: Features
    part: Part
    learned: Mapping[str, Any]
    count: int
    as_of: datetime | str | None

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
    experiment: Experiment,
    learned: Mapping[str, Any],
    inputs: Mapping[str, str],
    as_of: str | None = None,
    since: str | None = None,
) -> NewRows:
    """Map the rows, check them first without reading one and then by bounded queries, and count them.

    Parameters
    ----------
    experiment
        The run's, with the data that are to be predicted.
    learned
        What the run's features learned.
    inputs
        The columns that the model takes, each with the name of its type.
    as_of, since
        Dates, or numbers where occasions are numbered: nothing at or after the first is read; what is before the
        second is only the past of the rows that are predicted.

    Raises
    ------
    UserError
        With all problems of the first stage that has any.
    """
    from cxai_runner.data.answers import remember_in
    from cxai_runner.data.connect import set_threads
    from cxai_runner.data.quality.contracts import broken

    set_threads(experiment.settings["threads"])
    cache = experiment.settings["cache"]
    remember_in(Path(cache["dir"]) if cache["enabled"] else None)
    composed, experiment = _without_outcomes(experiment.composed, experiment, list(inputs))
    _refuse(composed, under("data", experiment.source.problems()), "config")
    tables = experiment.source.open()
    day = instant(as_of)
    features = experiment.features.for_new_rows(list(inputs), day)
    _refuse(composed, _absent(features, tables, list(inputs)), "config")
    _refuse(composed, _of_other_type(features, tables, inputs), "config")
    _refuse(composed, broken(_needed(features, tables, list(inputs)), tables, gaps=True), "data")
    _refuse(composed, under("features", features.problems(tables)), "data")
    rows = features.rows(tables)
    part = _window(rows, features.makes, as_of, since)
    count = _count(rows, part)
    if not count:
        window = " ".join(f"{word} {when}" for word, when in (("since", since), ("before", as_of)) if when is not None)
        raise UserError([Problem("data", f"no rows to predict{' ' * bool(window)}{window}")], "data")
    extended = features.extended(tables, part, learned)
    seen = as_of if as_of is not None else instant(extended.get("as_of"))
    return NewRows(experiment, tables, features, part, extended, count, seen)


def ids_of(dataset: Dataset) -> list[str]:
    """The columns that say which row it is: the customer, when, and of which campaign."""
    time = [dataset.roles.time] if dataset.roles.time else []
    told = dict.fromkeys([dataset.roles.id, *time, *_TIMES[:2], "campaign_id"])
    return [name for name in told if name in dataset.frame.columns]


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
            near = did_you_mean(name, [one for one in have if one not in inputs])  # another input is no stand-in
            remedy = near if near.startswith("did") else f"name the {table.noun}'s own column: {key}=…"
            yield Problem(key, told, remedy=remedy)
        else:
            yield Problem(
                f"features.{name}", "the model takes it, and these data do not give it", remedy="map more columns"
            )


def _of_other_type(features: Features, tables: Tables, inputs: Mapping[str, str]) -> Iterator[Problem]:
    """Yield columns of a table that is ready made which are numbers where the model takes text, or the reverse."""
    if features.makes not in tables:
        return  # what is built has the types of training
    table = tables.mapped[features.makes]
    types = table.staged.schema()
    key = f"data.{table.key}.types".replace("..", ".")
    for name, wanted in inputs.items():
        found = types[name] if name in table.columns else None
        if found is None:
            continue
        if wanted == "string" and found.is_numeric():
            told = f"`{name}` holds numbers, and the model takes text"
            yield Problem(f"{key}.{name}", told, remedy=f"if they are names: {key}.{name}=text")
        elif wanted in NUMBERS and found.is_string():
            told = f"`{name}` holds text, and the model takes a number"
            yield Problem(f"{key}.{name}", told, remedy=f"if they are numbers: {key}.{name}=number")


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


def _window(rows: IbisTable, makes: str, as_of: str | None, since: str | None) -> Part:
    """The rows between two dates, or two numbers where occasions are numbered."""
    from cxai_runner.evaluation.splits import Part

    dated = rows["time"].type().is_temporal() if "time" in rows.columns else None
    numbered = dated is False and rows["time"].type().is_integer()
    found: dict[str, Any] = {}
    problems = []
    for key, text in (("--as-of", as_of), ("--since", since)):
        found[key] = _whole(text) if numbered else instant(text)
        if text is not None and found[key] is None:
            wanted = "a number, as occasions are numbered here" if numbered else "a date, as in 2017-12-31"
            problems.append(Problem(key, wanted, text))
    if since is not None and not (dated or numbered):
        remedy = "leave it out: every row is predicted"
        problems.append(Problem("--since", f"rows of {makes} are not dated here", since, remedy))
    end, start = found["--as-of"], found["--since"]
    if not problems and end is not None and start is not None and start >= end:
        problems.append(Problem("--since", f"nothing is left before --as-of {as_of}", since))
    if problems:
        raise UserError(problems)
    return Part("held_out", start=start, end=end)


def _whole(text: str | None) -> int | None:
    try:
        return None if text is None else int(text)
    except ValueError:
        return None


def _without_outcomes(composed: Composed, experiment: Experiment, inputs: Sequence[str]) -> tuple[Composed, Experiment]:
    """Take what new rows cannot have, and what nothing here reads, out of the map of a table that is ready made."""
    from cxai_runner.preflight import assemble

    makes = experiment.features.makes
    read = {"customer_id", *_TIMES, *inputs}
    absent = []
    for problem in experiment.source.problems():
        *path, column = problem.key.split(".")
        ready_made = path in (["tables", makes, "columns"], ["columns"])
        if ready_made and column not in read and not any(name.startswith(f"{column}_") for name in inputs):
            absent.append([*path, column])
    if not absent or makes not in experiment.features.needs().tables():
        return composed, experiment
    raw, plain = (copy.deepcopy(dict(config)) for config in (composed.raw, composed.plain))
    for config in (raw, plain):
        for *path, column in absent:
            node = config["data"]
            for key in path:
                node = node[key]
            del node[column]
    composed = replace(composed, raw=raw, plain=plain)
    return composed, assemble(composed)


def _refuse(composed: Composed, problems: Iterator[Problem], stage: Any) -> None:
    found = list(problems)
    if found:
        raise UserError(composed.located(found), stage)
