"""`cxai run`: one experiment, from overrides to a tracked run and a summary."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cxai_runner.cli.completion import complete_override
from cxai_runner.cli.output import emit_json, note, place, progress

if TYPE_CHECKING:
    from cxai_runner.experiment import Result
    from cxai_runner.preflight import Ready
    from cxai_runner.tracking.recorder import Recorder
    from cxai_runner.tracking.run import Destination, Tracker
    from cxai_runner.tracking.stages import Stages

_EXAMPLE = "Example:  cxai run task=purchase_incidence model=xgboost features.category=YOGURT seed=1"


@click.command(epilog=_EXAMPLE, context_settings={"ignore_unknown_options": True})
@click.argument("overrides", nargs=-1, shell_complete=complete_override, metavar="[KEY=VALUE]...")
@click.option(
    "--config-dir", "config_dirs", multiple=True, type=click.Path(path_type=Path), help="A folder of your own configs."
)
@click.option(
    "--config",
    "config",
    type=click.Path(path_type=Path),
    help="A file of overrides, as a sweep's best.yaml; typed ones win.",
)
@click.option("--dry-run", is_flag=True, help="Check everything, print the plan, run nothing.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
def command(
    overrides: tuple[str, ...], config_dirs: tuple[Path, ...], config: Path | None, dry_run: bool, as_json: bool
) -> int:
    """Run one experiment: compose, check, fit, evaluate beside a baseline, and log it.

    KEY=VALUE chooses (task=segmentation, model=xgboost, data=csv) or sets (model.n_clusters=4, seed=1); what can be
    chosen: cxai list.
    """
    return execute(overrides, config_dirs, config, dry_run=dry_run, as_json=as_json)


def execute(
    overrides: Sequence[str],
    config_dirs: Sequence[Path] = (),
    config: Path | None = None,
    *,
    dry_run: bool = False,
    as_json: bool = False,
) -> int:
    """Run one experiment as the command line does, and return the exit code.

    Raises
    ------
    UserError
        With all mistakes of the first stage that has any; nothing was fitted then.
    """
    from cxai_runner.request import request
    from cxai_runner.threads import environment
    from cxai_runner.tracking.recorder import Recorder, wanted
    from cxai_runner.tracking.stages import Stages

    asked = request(overrides, config_dirs, config=config)
    os.environ.update(environment(asked.threads))
    with progress(quiet=as_json) as tell, nullcontext() if dry_run or not wanted() else Recorder() as recorder:
        stages = Stages(tell)
        from cxai_runner.experiment import prepare

        ready = prepare(asked.composed, stages)
        if not dry_run:
            return _run(ready, stages, asked.destination(ready), recorder, as_json=as_json)
    from cxai_runner.cli.summary import plan_as_json, plan_in_words

    if as_json:
        emit_json(plan_as_json(ready))
    else:
        click.echo(asked.masker.mask(plan_in_words(ready)))
    return 0


def _run(ready: Ready, stages: Stages, to: Destination, recorder: Recorder | None, *, as_json: bool) -> int:
    from cxai_runner.cli.summary import next_steps, summary
    from cxai_runner.config.problems import UserError
    from cxai_runner.experiment import run
    from cxai_runner.tracking.run import Tracker
    from cxai_runner.tracking.signals import terminated_as_exception, was_interrupted

    masker = to.masker
    with stages.measure("store"):
        tracker: Tracker | Recorder
        tracker, closed = (recorder, recorder.open(to)) if recorder else Tracker.open(to)
    for run_id in closed:
        note(f"run {run_id[:8]} had been cut off; it is closed as KILLED")
    try:
        with terminated_as_exception():
            result = run(ready, tracker, stages)
    except UserError:
        raise
    except (Exception, SystemExit) as error:  # the traceback is kept in the run; here one line is enough
        failed = tracker.latest
        if failed is None or was_interrupted(error):
            raise
        told = masker.mask(f"{type(error).__name__}: {error}")
        note(f"the run failed: {told}")
        note(f"its traceback is in the run, error/traceback.txt: {failed.artifact_uri}")
        if as_json:
            emit_json({"status": failed.status, "run_id": failed.run_id, "error": told})
        return 1
    report = _report_of(result)
    if as_json:
        emit_json(masker.mask_mapping(_result_as_json(result, report)))
    else:
        click.echo(masker.mask(summary(result.document, result.run_id, result.status, report, result.seconds)))
        click.echo(next_steps(result.document, result.run_id))
    return 0


def _report_of(result: Result) -> str:
    """The report's path from here where it is a local file; else its address."""
    from cxai_runner.kept.run import local_path

    path = local_path(f"{result.artifact_uri}/report.html")
    return "" if path is not None and not path.is_file() else place(result.artifact_uri, "report.html")


def _result_as_json(result: Result, report: str) -> dict[str, Any]:
    from dataclasses import asdict

    metrics = {
        part: {metric.name: asdict(metric.value) for metric in found} for part, found in result.document.metrics.items()
    }
    baseline = {
        part: {metric.name: asdict(metric.baseline) for metric in found if metric.baseline is not None}
        for part, found in result.document.metrics.items()
    }
    return {
        "run_id": result.run_id,
        "experiment": result.experiment,
        "status": result.status,
        "identity": result.identity,
        "headline": result.document.headline,
        "metrics": metrics,
        "baseline": baseline,
        "estimates": {one.name: asdict(one.value) for one in result.document.estimates},
        "caveats": [one.text for one in result.document.caveats],
        "artifact_uri": result.artifact_uri,
        "report": report,
        "seconds": dict(result.seconds),
    }
