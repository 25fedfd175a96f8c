"""What a sweep says at its end: a document as any run's, so that whatever shows a run shows a sweep."""

from __future__ import annotations

import math
import shlex
from typing import TYPE_CHECKING, Final

from cxai_runner import __version__
from cxai_runner.evaluation.results import Figure, Finding, Interval, Table
from cxai_runner.evaluation.wording import number, with_interval
from cxai_runner.report.document import Document
from cxai_runner.report.wording import share
from cxai_runner.sweep import importance, noise, pictures, scales
from cxai_runner.sweep.axes import said
from cxai_runner.sweep.beside import beside
from cxai_runner.tracking.lineage import code_of

if TYPE_CHECKING:
    import pandas as pd

    from cxai_runner.sweep.noise import Scores, Verdict
    from cxai_runner.sweep.standing import Sweep

_ROWS: Final = 50
_DIGITS: Final = 12
_SHORT: Final = 8


def document(sweep: Sweep, scores: Scores) -> Document:
    """Return everything that the report of a sweep shows.

    Parameters
    ----------
    sweep
        What it came to.
    scores
        Reads the scores of a run, for the best two to be compared.
    """
    plan = sweep.plan
    found = noise.verdict(sweep, scores)
    matters = importance.importance(sweep)
    drawn = [pictures.parallel(sweep), pictures.history(sweep), pictures.front(sweep)]
    if not isinstance(matters, str):
        drawn.insert(1, pictures.importances(sweep, matters))
    more = beside(sweep, scores)
    drawn += [one for one in more if isinstance(one, Figure)]
    sentences = [one for one in more if isinstance(one, Finding)]
    return Document(
        task=f"sweep of {plan.base.experiment.composed.choices.get('task', '')}",
        question=_question(sweep),
        headline=headline(sweep, found),
        asked=_asked(sweep),
        data=_data(sweep),
        metrics={found.part: (found.metric,)} if found else {},
        baseline="second",
        subject="best",
        findings=(
            *(Finding(text) for text in _findings(sweep, found, matters)),
            *(one for one in sentences if one.kind == "finding"),
        ),
        caveats=(
            *(Finding(text, "caveat") for text in _caveats(sweep, found)),
            *(one for one in sentences if one.kind == "caveat"),
        ),
        figures=tuple(one for one in drawn if isinstance(one, Figure)),
        tables=(*_tables(sweep), *(one for one in more if isinstance(one, Table))),
        provenance=_provenance(sweep),
        command=command(sweep),
        seconds={"runs": sum(entry.seconds for entry in sweep.entries.values())},
    )


def headline(sweep: Sweep, found: Verdict | None) -> str:
    """Return what was learned, in a sentence."""
    best = sweep.best()
    if not best:
        words = f"{_counted(len(sweep.points), 'point')}, and none with a result that can be ranked"
        return f"{words}: {sweep.stopped}" if sweep.stopped else f"{words}."
    trials = sum(one.rank is not None for one in sweep.standings())
    goals = sweep.plan.goals
    if len(goals) > 1:
        names = " and ".join(", ".join(map(pictures.label, goals)).rsplit(", ", 1))
        if len(best) == trials > 1:
            return f"None of {trials} points beats another in {names}: what is gained in one is lost in the other."
        if len(best) == 1:
            values = ", ".join(with_interval(one) for one in best[0].scores if one is not None)
            return f"{best[0].trial.name} is the best of {trials} in {names} alike: {values}."
        return f"{len(best)} of {_counted(trials, 'point')} are beaten by no other in {names}."
    value = best[0].scores[0]
    assert value is not None
    words = f"{pictures.label(goals[0])} {with_interval(value)}"
    if found is None:
        return f"{best[0].trial.name} comes to {words}; there is nothing to compare it with."
    return f"{best[0].trial.name} is the best of {trials}: {words}, {found.lead}."


def command(sweep: Sweep) -> str:
    """Return what repeats the sweep, or goes on with it."""
    folders = [word for folder in sweep.plan.config_dirs for word in ("--config-dir", str(folder))]
    return shlex.join(["cxai", "sweep", *folders, *sweep.plan.asked.words])


def _question(sweep: Sweep) -> str:
    names = list(pictures.axis_names(sweep).values())
    what = ", ".join(names) or "one point"
    aims = [f"{pictures.label(goal)} ({goal.better} is better)" for goal in sweep.plan.goals]
    return f"Which {what} does best by {' and '.join(aims)}?" if aims else f"What do {what} come to?"


def _asked(sweep: Sweep) -> dict[str, str]:
    settings, plan = sweep.plan.asked.settings, sweep.plan
    varied: dict[str, list[str]] = {}
    for axis in plan.space.axes:
        varied.setdefault(axis.key, []).append(said(axis))
    searched = {"grid": "every combination", "random": "random draws", "tpe": "draws that learn (TPE)"}[settings.search]
    words = {"search": searched + (f", seed {settings.seed}" if settings.search != "grid" else "")}
    if settings.repeats > 1:
        words["each point"] = f"{settings.repeats} seeds, judged by their mean"
    words |= {key: "; ".join(texts) for key, texts in varied.items()}
    return words | ({"the same in all": " ".join(plan.space.fixed)} if plan.space.fixed else {})


def _data(sweep: Sweep) -> dict[str, str]:
    linked = sum(point.is_linked for point in sweep.points)
    finished = sum(bool(point.run_id) for point in sweep.points)
    words = f"{finished} of {len(sweep.points)} finished" + (f", {linked} of them before" if linked else "")
    counts = [(len(sweep.failures), "failed"), (len(sweep.given_up), "given up")]
    missing = len(sweep.points) - finished - sum(count for count, _ in counts)
    counts.append((missing, "not run"))
    points = words + "".join(f", {count} {what}" for count, what in counts if count)
    return {"points": points, "data": str(sweep.plan.base.experiment.composed.choices.get("data", ""))}


def _findings(sweep: Sweep, found: Verdict | None, matters: dict[str, float] | str) -> list[str]:
    told = [found.grounds] if found else []
    ranked = [one for one in sweep.standings() if one.rank is not None]
    if len(ranked) > 2 and len(sweep.plan.goals) == 1:
        values = [score.value for one in ranked if (score := one.scores[0]) is not None]
        middle, worst = ranked[len(ranked) // 2], ranked[-1]
        gap = abs(values[-1] - values[0])
        digits = 3 if gap == 0 else max(3, 2 - int(f"{gap:e}".partition("e")[2]))
        told.append(
            f"In the middle of the ranking is {middle.trial.name} ({number(values[len(ranked) // 2], digits)}), "
            f"at its end {worst.trial.name} ({number(values[-1], digits)})."
        )
    if isinstance(matters, str):
        told.append(f"Which key matters cannot be said: {matters}.")
    elif matters:
        key, most = next(iter(matters.items()))
        told.append(f"{key} alone accounts for {share(most, 1)} of the variance between points.")
    return told


def _caveats(sweep: Sweep, found: Verdict | None) -> list[str]:
    many = sum(one.rank is not None for one in sweep.standings())
    told = []
    if many > 1 and sweep.plan.goals:
        told.append(
            f"The best of {many} was picked by the score that it is shown with, so that score is optimistic, the more "
            f"so the more there were to pick from; its interval does not know of the other {many - 1}. Judge it on "
            "rows that had no part in the choice: a later period, other customers."
        )
    if found and found.part == "train":
        told.append("Nothing was held out: points are ranked by the rows that they were fitted on.")
    if any("features" in axis.key or axis.key.startswith(("data", "split")) for axis in sweep.plan.space.axes):
        told.append("The data, features or split vary: a score may differ because its rows do.")
    note = sweep.plan.base.tables.note
    return [*told, *([note] if note else [])]


def _tables(sweep: Sweep) -> list[Table]:
    tables = []
    if sweep.points:
        tables.append(Table("table", "The points by rank", _readable(sweep), shown=_ROWS))
    if sweep.failures:
        tables.append(Table("failures", "What failed", failures(sweep), "Each run keeps its traceback.", shown=_ROWS))
    return tables


def failures(sweep: Sweep) -> pd.DataFrame:
    """Return one row per point without a result: the point, why in a line, and its run."""
    import pandas as pd

    rows = [{"point": one.point.name, "reason": one.brief, "run": one.run_id[:_SHORT]} for one in sweep.failures]
    return pd.DataFrame(rows, columns=["point", "reason", "run"])


def _readable(sweep: Sweep) -> pd.DataFrame:
    """The points by rank: what they came to, how far behind the best, what they are, and the beginnings of their ids.

    Where keys belong to some points only, a point is one text: a column for each key would be empty for most.
    """
    import pandas as pd

    goals, table, names = sweep.plan.goals, sweep.table(), pictures.axis_names(sweep)
    plain = [name for name in ("rank", "point") if name in table]
    shown = pd.DataFrame({name: table[name] for name in plain})
    if len(goals) > 1:
        best = {point.label for one in sweep.best() for point in one.points}
        shown["best"] = table["point"].isin(best)
    for goal in goals:
        ends = table[[goal.name, f"{goal.name}_low", f"{goal.name}_high"]].astype("float64").to_numpy()
        # Hard spaces: an interval stays on one line.
        words = [None if math.isnan(row[0]) else with_interval(Interval(*row)).replace(" ", "\u00a0") for row in ends]
        shown[pictures.label(goal)] = words
    if len(goals) == 1 and sweep.plan.asked.settings.repeats == 1:
        costs = table[goals[0].name].astype("float64").map(goals[0].cost)
        shown["behind"] = costs - costs.min()
    if any(axis.when for axis in sweep.plan.space.axes):
        shown["what"] = [point.trial.name for one in sweep.standings() for point in one.points]
    else:
        for key, name in names.items():
            texts = table[key].dropna()
            numbers = len(texts) and all(scales.number(text) is not None for text in texts)
            shown[name] = pd.to_numeric(table[key]) if numbers else table[key]
    for name in ("seed", "seconds", "status"):
        if name in table:
            shown[name] = table[name]
    return shown.assign(run=table["run"].str[:_SHORT])


def _provenance(sweep: Sweep) -> dict[str, str]:
    words = {"sweep": sweep.plan.key, "run": sweep.run_id, "cxai": __version__}
    for code in code_of():
        words[f"code of {code.root.name}"] = f"{code.commit[:_DIGITS]}{' and uncommitted changes' * code.dirty}"
    best = [point.run_id for one in sweep.best() for point in one.points]
    if best:
        words |= {"best run": ", ".join(best), "best config": "best.yaml beside this page: cxai run --config best.yaml"}
    return words


def _counted(many: int, what: str) -> str:
    return f"{many} {what}{'s' * (many != 1)}"
