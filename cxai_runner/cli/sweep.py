"""`cxai sweep`: many experiments from one command line or one file, planned, resumed and ranked."""

from __future__ import annotations

import os
import shlex
from dataclasses import replace
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

import click

from cxai_runner.cli.completion import complete_override
from cxai_runner.cli.output import emit_json, place, progress, table

if TYPE_CHECKING:
    from cxai_runner.sweep.coordinator import Order
    from cxai_runner.sweep.forecast import Forecast
    from cxai_runner.sweep.ledger import Ledger
    from cxai_runner.sweep.plan import Plan
    from cxai_runner.sweep.standing import Sweep

_EXAMPLE = "Example:  cxai sweep task=purchase_incidence model=logit_penalised,xgboost model.C=0.1,1,10 --plan"
_SHOWN = 20
_WIDTH = 100


@click.command(epilog=_EXAMPLE, context_settings={"ignore_unknown_options": True})
@click.argument("overrides", nargs=-1, shell_complete=complete_override, metavar="[KEY=VALUE,VALUE]...")
@click.option(
    "--config-dir", "config_dirs", multiple=True, type=click.Path(path_type=Path), help="A folder of your own configs."
)
@click.option("--plan", "only_plan", is_flag=True, help="Check every point, say what is left to run, run nothing.")
@click.option(
    "--jobs",
    type=click.IntRange(1),
    help="How many runs at once; by default one per processor, of this machine or of the cluster.",
)
@click.option("--rerun", is_flag=True, help="Run every point again, whatever is done.")
@click.option("--failed-only", is_flag=True, help="Run only the points that failed.")
@click.option("--fail-fast", is_flag=True, help="Begin no more runs once one has failed.")
@click.option("--max-failures", type=click.IntRange(1), help="Begin no more runs once so many have failed.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
def command(
    overrides: tuple[str, ...],
    config_dirs: tuple[Path, ...],
    only_plan: bool,
    jobs: int | None,
    rerun: bool,
    failed_only: bool,
    fail_fast: bool,
    max_failures: int | None,
    as_json: bool,
) -> int:
    """Run an experiment at many points, or what is not done of them.

    KEY=A,B or KEY=range(2,8) varies a key; sweep=NAME takes a file of conf/sweep/; sweep.search=random|tpe
    sweep.trials=N draws points. The same command again goes on where it was cut off.
    """
    from cxai_runner.sweep.coordinator import Order, sweep
    from cxai_runner.sweep.plan import plan
    from cxai_runner.sweep.progress import teller

    if rerun and failed_only:
        raise click.UsageError("--rerun makes every point again, --failed-only some: leave one of them out.")
    with progress(quiet=as_json) as tell:
        tell("checking every point")
        planned = plan(overrides, config_dirs, jobs or _processors())
    jobs = _places(planned, jobs)
    order = Order(jobs, rerun, failed_only, 1 if fail_fast else max_failures)
    if only_plan:
        return _tell_plan(planned, order, as_json=as_json)
    with teller(quiet=as_json) as telling:
        done = sweep(planned, order, telling)
    if as_json:
        emit_json(planned.to.masker.mask_mapping(_as_json(done)))
    else:
        click.echo(planned.to.masker.mask(_in_words(done)))
    return 0 if done.is_whole else 1


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _places(planned: Plan, jobs: int | None) -> int | None:
    """As many jobs as were asked for, or as the processors can hold; no more than there are points.

    None where that is for a cluster to say.
    """
    if planned.asked.settings.executor == "ray" and jobs is None:
        return None
    points = len(planned.points) or (planned.asked.settings.trials or 1) * planned.asked.settings.repeats
    if planned.asked.settings.executor == "in_process":
        return 1
    return max(1, min(jobs or _processors() // planned.threads, points))


def _tell_plan(planned: Plan, order: Order, *, as_json: bool) -> int:
    from cxai_runner.sweep.forecast import forecast

    ledger, jobs = _ledger(planned), order.jobs
    if order.failed_only and planned.points:
        planned = _of_failed(planned, ledger)
    ahead = forecast(planned, ledger, jobs or 1, rerun=order.rerun)
    finished = {} if ledger is None or order.rerun else ledger.finished
    rows = [
        {
            "point": point.label,
            **point.trial.values,
            **({} if point.seed is None else {"seed": point.seed}),
            "state": "done" if point.keys and point.keys.identity in finished else "to run",
            "run": finished[point.keys.identity].run_id if point.keys and point.keys.identity in finished else "",
        }
        for point in planned.points
    ]
    if as_json:
        emit_json(
            {
                "points": ahead.points,
                "done": ahead.done,
                "to_run": ahead.left,
                "features": ahead.features,
                "features_built": ahead.built,
                "seconds": ahead.seconds if jobs else None,
                "jobs": jobs,
                "plan": rows,
            }
        )
        return 0
    click.echo(_ahead(ahead, jobs))
    click.echo()
    click.echo(_axes(planned) if not rows else _grid(rows, [axis.key for axis in planned.space.axes]))
    return 0


def _of_failed(planned: Plan, ledger: Ledger | None) -> Plan:
    """The plan with the points alone that failed when the sweep was started last."""
    from cxai_runner.sweep import parent

    started = None if ledger is None else next(iter(ledger.sweeps(planned.key)), None)
    if ledger is None or started is None:
        raise parent.never_started()
    failed = parent.past(ledger, started).failed
    return replace(planned, points=[point for point in planned.points if point.label in failed])


def _ledger(planned: Plan) -> Ledger | None:
    """The runs there are; None where there is no store yet, or none of this experiment. A plan makes neither."""
    from cxai_runner.config.problems import UserError
    from cxai_runner.sweep.ledger import Ledger
    from cxai_runner.tracking.store import Store

    to = planned.to
    try:
        store = Store.open(to.uri, to.root, create=False)
    except UserError:
        return None
    experiment = store.retry(store.client.get_experiment_by_name, to.experiment)
    if experiment is None:
        return None
    ledger = Ledger(store, experiment.experiment_id)
    ledger.read()
    return ledger


def _ahead(ahead: Forecast, jobs: int | None) -> str:
    panels = f"{ahead.features} set{'s' * (ahead.features != 1)} of features ({ahead.built} built)"
    long = "" if ahead.seconds is None or jobs is None else f"; about {_duration(ahead.seconds)}"
    workers = f"on {jobs} worker{'s' * (jobs != 1)}" if jobs else "on as many workers as the cluster has room for"
    return f"{_points(ahead.points)}: {ahead.done} done, {ahead.left} to run, {panels}{long} {workers}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _points(many: int) -> str:
    return f"{many} point{'s' * (many != 1)}"


def _axes(planned: Plan) -> str:
    from cxai_runner.sweep.axes import said

    return table([["varies", "over"], *([axis.key, said(axis)] for axis in planned.space.axes)])


def _grid(rows: list[dict[str, Any]], keys: list[str]) -> str:
    some = {column for row in rows for column in row}
    columns = [column for column in dict.fromkeys(["point", *keys, "seed", "state", "run"]) if column in some]
    shown = [[_cell(column, row.get(column, "")) for column in columns] for row in rows[:_SHOWN]]
    more = f"\n  … and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
    return table([columns, *shown]) + more


def _cell(column: str, value: Any) -> str:
    return str(value)[:8] if column == "run" else str(value)


def _in_words(done: Sweep) -> str:
    from cxai_runner.evaluation.wording import with_interval
    from cxai_runner.sweep.points import short

    goals = done.plan.goals
    axes = done.plan.space.axes
    # Where keys belong to some points only, a column of each would be empty for most.
    keys = [] if any(axis.when for axis in axes) else list(dict.fromkeys(axis.key for axis in axes))
    rows = [["", *(keys or ["point"]), *(goal.name for goal in goals), "s", "run"]]
    for standing in done.standings()[:_SHOWN]:
        mark = "best" if standing.best else "" if standing.rank is None else str(standing.rank)
        scores = [with_interval(one) if one is not None else "–" for one in standing.scores]
        spent = [done.entries[one.run_id].seconds for one in standing.points if one.run_id]
        runs = " ".join(one.run_id[:8] for one in standing.points if one.run_id)
        values = [short(standing.trial.values.get(key, "")) for key in keys] or [standing.trial.name]
        rows.append([mark, *values, *scores, f"{sum(spent):.1f}" if spent else "", runs])
    linked = sum(point.is_linked for point in done.points)
    count = f"{_points(len(done.points))}: {done.made} run now, {linked} done before"
    count += f", {len(done.failures)} failed" + f", {len(done.given_up)} given up" * bool(done.given_up)
    left = len(done.points) - sum(bool(one.run_id) for one in done.points) - len(done.failures) - len(done.given_up)
    lines = [count + f", {left} not run" * bool(left)]
    said = done.document.headline if done.document is not None else ""
    lines += [*fill(said, _WIDTH, initial_indent="  ", subsequent_indent="  ").splitlines(), "", table(rows)]
    if len(done.standings()) > _SHOWN:
        lines.append(f"  … and {len(done.standings()) - _SHOWN} more: tables/table.csv of run {done.run_id[:8]}")
    for failure in done.failures:
        lines.append(
            f"  failed: {failure.point.name}: {failure.line}" + f" (run {failure.run_id[:8]})" * bool(failure.run_id)
        )
    steps = [f"cxai show {done.run_id[:8]}", "cxai ui"]
    if done.best():
        steps.insert(1, f"cxai run --config {shlex.quote(place(done.artifacts, 'best.yaml'))}")
    lines += ["", f"  report   {place(done.artifacts, 'report.html')}", "", "next: " + "    ·    ".join(steps)]
    return "\n".join(lines)


def _as_json(done: Sweep) -> dict[str, Any]:
    return {
        "run_id": done.run_id,
        "experiment": done.plan.to.experiment,
        "key": done.plan.key,
        "status": "FINISHED" if done.is_whole else "FAILED",
        "made": done.made,
        "points": [
            {key: None if value != value else value for key, value in row.items()}  # noqa: PLR0124 - NaN is not itself
            for row in done.table().astype(object).to_dict("records")
        ],
        "headline": done.document.headline if done.document is not None else "",
        "best": [one.trial.name for one in done.best()],
        "best_config": place(done.artifacts, "best.yaml") if done.best() else "",
        "report": place(done.artifacts, "report.html"),
        "stopped": done.stopped,
        "failed": [{"point": one.point.label, "run": one.run_id, "error": one.reason} for one in done.failures],
    }
