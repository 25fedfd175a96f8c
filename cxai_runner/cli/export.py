"""`cxai export`: a run as a folder that can be sent, with one command that repeats it elsewhere."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from cxai_runner.cli.output import emit_json


@click.command(epilog="Example:  cxai export b41c2f segments-2024")
@click.argument("run")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--uri", help="Tracking store; by default the one of this folder, or MLFLOW_TRACKING_URI.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def command(run: str, folder: Path, uri: str | None, as_json: bool) -> None:
    """Write RUN into DIR: config, packages, digests of its data, report, scores, tables, and how to repeat it.

    RUN is a run's id or its beginning, its name, or `last`. DIR is a new folder, or an empty one.
    """
    from cxai_runner.kept.run import kept
    from cxai_runner.lifecycle.export import README, SCRIPT, export

    found = kept(uri, run)
    export(found, folder)
    if as_json:
        emit_json(
            {"run_id": found.run_id, "folder": str(folder), "files": sorted(path.name for path in folder.iterdir())}
        )
    else:
        click.echo(str(folder / README))
        click.echo(f"to repeat it: sh {shlex.quote(str(folder / SCRIPT))}")
