"""`cxai report`: a run's report, rendered again from what the run logged."""

from __future__ import annotations

from pathlib import Path

import click

from cxai_runner.cli.output import emit_json, note, refuse_unwritable


@click.command(epilog="Example:  cxai report b41c2f --open")
@click.argument("run")
@click.option("--uri", help="Tracking store; by default the one of this folder, or MLFLOW_TRACKING_URI.")
@click.option("--to", "target", type=click.Path(dir_okay=False, path_type=Path), help="Where to write it.")
@click.option("--open", "browse", is_flag=True, help="Open it in the browser.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def command(run: str, uri: str | None, target: Path | None, browse: bool, as_json: bool) -> None:
    """Render the report of RUN again, from what it logged, and say where it is.

    RUN is a run's id or its beginning, or `last`. Makes the report of a run that was logged without one.
    """
    from cxai_runner.lifecycle.runs import render_report

    refuse_unwritable({"--to": target})
    run_id, path = render_report(uri, run, target)
    if as_json:
        emit_json({"run_id": run_id, "report": str(path)})
    else:
        click.echo(str(path))
    if browse:
        import webbrowser

        if not webbrowser.open(path.resolve().as_uri()):
            note("no browser here; open the file yourself")
