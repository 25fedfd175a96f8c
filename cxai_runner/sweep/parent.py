"""The run of a sweep itself, which its points' runs are nested in, and how both are written.

It holds what the sweep set out to do (``sweep.yaml``), its table, its best config as overrides (``best.yaml``), its
pictures and its report, and the document that both are made of (``report.json``). It is FINISHED when each point is; a
sweep that was cut off, or of which a point failed, is gone on with in the same run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cxai_runner import __version__
from cxai_runner.config.problems import Problem, UserError
from cxai_runner.kept.run import Kept
from cxai_runner.lifecycle.runs import LINK, VALUES
from cxai_runner.sweep.axes import said
from cxai_runner.sweep.ledger import BEST, KEY, OF, PARENT, POINT, PRUNED, TRIAL, WATCHED, Entry, Ledger
from cxai_runner.sweep.points import Point, Trial
from cxai_runner.tracking.courier import Parcel
from cxai_runner.tracking.lineage import environment_text
from cxai_runner.tracking.owner import HOST, PID
from cxai_runner.tracking.record import Record
from cxai_runner.tracking.run import Ending, Tracker
from cxai_runner.tracking.ticket import Holds, ticket

if TYPE_CHECKING:
    from cxai_runner.sweep.objectives import Objective
    from cxai_runner.sweep.plan import Plan
    from cxai_runner.sweep.standing import Sweep
    from cxai_runner.sweep.work import Outcome
    from cxai_runner.tracking.store import Store

_COURSE: Final = "course.json"
_PATIENCE: Final = 1800.0
"""Seconds for which somebody who starts the same sweep is waited for: as long as a lease of the dead can take."""


@dataclass(frozen=True, eq=False)
class Past:
    """What an earlier start of a sweep came to.

    Parameters
    ----------
    trials
        Those of which something is known, by number.
    runs
        Label of a finished point → its run.
    failed, given_up
        Labels.
    courses
        By trial number: what a pruner saw of it.
    """

    trials: tuple[Trial, ...]
    runs: Mapping[str, Entry]
    failed: frozenset[str]
    given_up: frozenset[str]
    courses: Mapping[int, str]


@contextmanager
def alone(store: Store, key: str) -> Iterator[Holds]:
    """Keep others from starting a sweep in the block: two of the same would not see each other.

    Beside a SQLite file, which nobody opens from another machine, any sweep waits at a lock on a file; on a store that
    several machines share, the same sweep waits at a ticket in it.

    Raises
    ------
    UserError
        Somebody else has been starting this sweep for longer than anybody waits.
    """
    if not store.is_local:
        with ticket(store, f"sweep/{key}", _PATIENCE, _busy) as holds:
            yield holds
        return
    from urllib.parse import unquote

    from filelock import FileLock

    with FileLock(unquote(store.uri.removeprefix("sqlite:///")) + ".sweep.lock"):
        yield lambda: None


def _busy() -> UserError:
    remedy = "try again; if its machine is gone, its lease is over in a quarter of an hour"
    return UserError([Problem("sweep", "the same sweep is being started by somebody else", remedy=remedy)])


def before(ledger: Ledger, key: str) -> Entry | None:
    """Return the run of the newest start of a sweep.

    Raises
    ------
    UserError
        It is running.
    """
    newest = next(iter(ledger.sweeps(key)), None)
    if newest is not None and newest.status == "RUNNING":
        owner = f"process {newest.tags.get(PID, '?')} on {newest.tags.get(HOST, '?')}"
        remedy = "wait for it: what it finishes is done for this one too"
        raise UserError([Problem("sweep", f"the same sweep is running: {owner}", newest.run_id[:8], remedy)])
    return newest


def never_started() -> UserError:
    """Return what to say to who wants the failed points of a sweep that has none yet."""
    return UserError([Problem("--failed-only", "this sweep was never started", remedy="leave --failed-only out")])


def past(ledger: Ledger, sweep: Entry) -> Past:
    """Read what an earlier start came to from its points' runs, and from the links in its own."""
    values: dict[int, Mapping[str, str]] = {}
    runs: dict[str, Entry] = {}
    failed: set[str] = set()
    given_up: set[str] = set()
    courses: dict[int, str] = {}
    for child in reversed(ledger.children(sweep.run_id)):
        label = child.tags.get(POINT, "")
        if child.status == "FINISHED":
            runs[label] = child
        elif PRUNED in child.tags:
            given_up.add(label)
        elif child.status == "FAILED":
            failed.add(label)
        else:
            continue
        values[int(child.tags[TRIAL])] = json.loads(child.tags[VALUES])
        if child.tags.get(WATCHED):
            courses[int(child.tags[TRIAL])] = Kept(ledger.store, child.run_id).text(_COURSE)
    for tag, text in sweep.tags.items():
        if tag.startswith(LINK):
            link = json.loads(text)
            runs[tag.removeprefix(LINK)] = ledger.entry(link["run"])
            values[link["trial"]] = link["values"]
    trials = tuple(Trial(number, values[number]) for number in sorted(values))
    return Past(trials, runs, frozenset(failed - runs.keys()), frozenset(given_up - runs.keys()), courses)


def link(point: Point) -> dict[str, str]:
    """Return the tag by which a sweep's own run says which finished run a point is."""
    said = {"run": point.run_id, "trial": point.trial.number, "values": dict(point.trial.values)}
    return {LINK + point.label: json.dumps(said)}


def name(plan: Plan) -> str:
    """Return the name of a sweep's own run."""
    keys = dict.fromkeys(axis.key.rpartition(".")[2] for axis in plan.space.axes)
    return plan.asked.name or "sweep over " + (", ".join(keys) or "one point")


def tags(plan: Plan) -> dict[str, str]:
    """Return what a sweep's own run can be found by."""
    experiment = plan.base.experiment
    found = {
        KEY: plan.key,
        "cxai.version": __version__,
        "cxai.task": experiment.composed.choices.get("task", ""),
        "cxai.data": experiment.composed.choices.get("data", ""),
        "cxai.sweep.search": plan.asked.settings.search,
    }
    if plan.goals:
        found |= {"cxai.primary_metric": plan.goals[0].name, "cxai.better": plan.goals[0].better}
    return found


def opening(plan: Plan) -> Record:
    """Return what is known of a sweep before its first run."""
    return Record(texts={"sweep.yaml": _as_yaml(plan), "environment.txt": environment_text()})


def write(tracker: Tracker, sweep: str, point: Point, outcome: Outcome, course: str = "") -> Entry:
    """Write the run of a point, with what a pruner saw of it, and return it as the ledger would read it."""
    parcel = outcome.parcel or Parcel(point.name, opening=Record(texts={"overrides.yaml": _overrides(point.lines)}))
    said = dict(parcel.tags) | {
        PARENT: sweep,
        OF: sweep,
        POINT: point.label,
        TRIAL: str(point.trial.number),
        VALUES: json.dumps(dict(point.trial.values)),
    }
    if course:
        said[WATCHED] = "true"
    with tracker.start(point.name, said, parcel.opening, began=outcome.began) as run:
        if course:
            run.keep(Record(texts={_COURSE: course}))
        if outcome.given_up:
            run.say(tags={PRUNED: "true"})
            run.end(Ending("KILLED"))
        elif parcel.record is None or outcome.error:
            why = "\n\n".join(part for part in (outcome.error, outcome.trace) if part)
            run.end(parcel.ending or Ending("FAILED", outcome.error, why + "\n"))
        else:
            run.finish(parcel.record, parcel.level)
    metrics = {} if parcel.record is None else parcel.record.metrics
    return Entry(run.run_id, run.status, metrics, said, int(1000 * outcome.began))


def in_words(goals: Sequence[Objective], metrics: Mapping[str, float]) -> str:
    """Return what a run came to, in a few words."""
    from cxai_runner.evaluation.wording import with_interval

    read = [(goal, goal.read(metrics)) for goal in goals]
    return "  ".join(f"{goal.name} {with_interval(found)}" for goal, found in read if found is not None) or "done"


def record(sweep: Sweep) -> Record:
    """Return everything that a sweep's own run holds at its end."""
    from cxai_runner.report.figures import draw_png
    from cxai_runner.report.html import render_html
    from cxai_runner.sweep import report

    document = sweep.document
    assert document is not None
    plan = sweep.plan
    best = sweep.best()
    metrics: dict[str, float] = {
        **{f"seconds/{stage}": spent for stage, spent in document.seconds.items()},
        "points": len(sweep.points),
        "points_finished": sum(bool(point.run_id) for point in sweep.points),
        "points_failed": len(sweep.failures),
        "points_given_up": len(sweep.given_up),
    }
    for standing in best[:1]:
        metrics |= {
            f"best/{goal.name}": one.value for goal, one in zip(plan.goals, standing.scores, strict=True) if one
        }
    texts = dict(opening(plan).texts) | {"report.json": document.to_json()}
    if best:
        texts["best.yaml"] = _best(sweep)
    found = {} if not best else {BEST: ", ".join(p.run_id for one in best for p in one.points)}
    return Record(
        params=_params(plan),
        tags=tags(plan) | found,
        metrics=metrics,
        texts=texts,
        tables={
            **{one.name: one.frame for one in document.tables},
            "table": sweep.table(),
            **({"failures": report.failures(sweep)} if sweep.failures else {}),
        },
        figures={figure.name: draw_png(figure) for figure in document.figures},
        html=render_html(document),
        note=f"{document.headline}\n\n`{document.command}`",
    )


def _best(sweep: Sweep) -> str:
    standing = sweep.best()[0]
    words = in_words(sweep.plan.goals, sweep.entries[standing.points[0].run_id].metrics)
    ranked = sum(one.rank is not None for one in sweep.standings())
    head = f"# {standing.trial.name}: {words}; the best of {ranked}.   cxai run --config best.yaml"
    lines = sweep.plan.space.lines(standing.trial.values)
    return f"{head}\noverrides:\n" + _overrides(lines)


def _overrides(lines: Sequence[str]) -> str:
    return "".join(f"- {json.dumps(line, ensure_ascii=False)}\n" for line in lines)


def _params(plan: Plan) -> dict[str, Any]:
    """What the sweep varies, beside how it searches."""
    settings = plan.asked.settings
    searched = {
        f"sweep.{key}": getattr(settings, key)
        for key in ("search", "trials", "seed", "repeats", "prune", "executor")
        if getattr(settings, key) is not None
    }
    return searched | {axis.key: said(axis) for axis in plan.space.axes}


def _as_yaml(plan: Plan) -> str:
    """The sweep as a file of ``conf/sweep/``, which makes the same points."""
    import yaml

    settings = plan.asked.settings
    kept = ("search", "trials", "seed", "metrics", "prune", "repeats", "executor", "memory_mb", "seconds", "retries")
    said = {key: getattr(settings, key) for key in kept if getattr(settings, key) is not None}
    said["metrics"] = dict(settings.metrics)
    space: dict[str, Any] = {}
    when: dict[str, dict[str, Any]] = {}
    for axis in plan.space.axes:
        held = when.setdefault(_condition(axis), {}) if axis.when else space
        held[axis.key] = _values(axis)
    document = said | {"overrides": list(plan.space.fixed), "space": space, "when": when}
    return yaml.safe_dump(
        {key: value for key, value in document.items() if value != {}}, sort_keys=False, allow_unicode=True
    )


def _condition(axis: Any) -> str:
    ((key, wanted),) = axis.when.items()
    return f"{key}={','.join(sorted(wanted))}"


def _values(axis: Any) -> Any:
    if hasattr(axis, "texts"):
        return ",".join(axis.texts)
    inner = f"interval({axis.text(axis.low)},{axis.text(axis.high)})"
    inner = f"int({inner})" if axis.whole else inner
    return f"tag(log,{inner})" if axis.log else inner
