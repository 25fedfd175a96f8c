"""`cxai show`: what a run found, from what it logged."""

from __future__ import annotations

import click

from cxai_runner.cli.output import emit_json, table

SECONDS = "seconds/"


@click.command(epilog="Examples:  cxai show last    ·    cxai show b41c2f --json")
@click.argument("run")
@click.option("--uri", help="Tracking store; by default the one of this folder, or MLFLOW_TRACKING_URI.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def command(run: str, uri: str | None, as_json: bool) -> None:
    """Show what RUN found. RUN is a run's id or its beginning, or `last`."""
    from cxai_runner.cli.summary import of_sweep, summary
    from cxai_runner.lifecycle.runs import SWEEP, logged

    found = logged(uri, run)
    facts = found.summary
    if as_json:
        emit_json(facts)
    elif found.document is None:
        rows = [[key, str(facts[key])] for key in ("name", "status", "started", "artifact_uri")]
        if "cxai.error" in facts["tags"]:
            rows.append(["error", facts["tags"]["cxai.error"]])
        click.echo(f"run {facts['run_id'][:8]}\n{table(rows)}")
    elif SWEEP in facts["tags"]:
        click.echo(of_sweep(found.document, facts["run_id"], facts["status"], facts["artifact_uri"]))
    else:
        where = f"{facts['artifact_uri']}/report.html"
        # The document was written before the report was rendered; the run's metrics know how long that took.
        spent = {key.removeprefix(SECONDS): value for key, value in facts["metrics"].items() if key.startswith(SECONDS)}
        click.echo(summary(found.document, facts["run_id"], facts["status"], where, spent))
