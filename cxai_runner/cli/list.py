"""`cxai list`: what there is to choose from, and what was run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cxai_runner.cli.output import emit_json, table

_GROUPS = {
    "tasks": "task",
    "data": "data",
    "models": "model",
    "features": "features",
    "splits": "split",
    "sweeps": "sweep",
    "promotions": "promotion",
}


@click.command(
    epilog="Examples:  cxai list tasks    ·    cxai list models purchase_incidence    ·    cxai list runs --json"
)
@click.argument("what", type=click.Choice([*_GROUPS, "runs"]))
@click.argument("narrow", required=False, metavar="[TASK|EXPERIMENT]")
@click.option(
    "--config-dir",
    "config_dirs",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A folder of configs of your own.",
)
@click.option("--uri", help="Tracking store of the runs; by default the one of this folder, or MLFLOW_TRACKING_URI.")
@click.option("--limit", default=20, show_default=True, help="How many runs, newest first.")
@click.option("--points", is_flag=True, help="List the runs of sweeps too, not only the sweeps.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def command(
    what: str,
    narrow: str | None,
    config_dirs: tuple[Path, ...],
    uri: str | None,
    limit: int,
    points: bool,
    as_json: bool,
) -> None:
    """List tasks, data, models (of a TASK), features, splits, sweeps, promotions, or runs (of an EXPERIMENT)."""
    if what == "runs":
        rows = _runs(narrow, uri, limit, points=points)
        columns: tuple[str, ...] = ("run", "started", "status", "experiment", "model", "metric")
    else:
        rows = _options(what, narrow, config_dirs)
        columns = ("name", "about")
    if as_json:
        emit_json(rows)
        return
    if not rows:
        click.echo(f"no {what}" + (f" of {narrow}" if narrow else ""))
        return
    click.echo(table([columns, *([str(row[column]) for column in columns] for row in rows)]))


def _options(what: str, narrow: str | None, config_dirs: tuple[Path, ...]) -> list[dict[str, Any]]:
    from cxai_runner.config.catalogue import catalogue

    entries = catalogue(_GROUPS[what], config_dirs)
    if narrow:
        entries = [entry for entry in entries if entry.name.startswith(f"{narrow}/") or entry.name == narrow]
    return [{"name": entry.name, "about": entry.about} for entry in entries]


def _runs(experiment: str | None, uri: str | None, limit: int, *, points: bool) -> list[dict[str, Any]]:
    from cxai_runner.lifecycle.runs import recent

    return recent(uri, experiment, limit, points=points)
