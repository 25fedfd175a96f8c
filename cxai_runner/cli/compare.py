"""`cxai compare`: what differs between runs, and whether the difference is real."""

from __future__ import annotations

from pathlib import Path

import click

from cxai_runner.cli.output import emit_json, note, refuse_unwritable


@click.command(
    epilog="Examples:  cxai compare last b41c2f    ·    "
    "cxai compare --experiment purchase_incidence --where 'params.model.C>1' --html compared.html"
)
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@click.option("--experiment", help="All runs of an experiment.")
@click.option("--sweep", metavar="RUN", help="All points of a sweep.")
@click.option(
    "--where",
    multiple=True,
    metavar="CONDITION",
    help="Only runs that meet it: status=FINISHED, 'params.model.C>1', 'metrics.held_out/roc_auc>=0.6', name~tree.",
)
@click.option("--metric", help="What to compare by; by default the task's primary metric.")
@click.option("--against", metavar="RUN", help="The run that the others are compared with; by default the best.")
@click.option("--top", type=click.IntRange(1), help="How many to judge; by default all that are named, else 20.")
@click.option("--csv", "csv", type=click.Path(dir_okay=False, path_type=Path), help="Write the whole table as CSV.")
@click.option("--html", "html", type=click.Path(dir_okay=False, path_type=Path), help="Write one page with pictures.")
@click.option("--uri", help="Tracking store; by default the one of this folder, or MLFLOW_TRACKING_URI.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def command(
    runs: tuple[str, ...],
    experiment: str | None,
    sweep: str | None,
    where: tuple[str, ...],
    metric: str | None,
    against: str | None,
    top: int | None,
    csv: Path | None,
    html: Path | None,
    uri: str | None,
    as_json: bool,
) -> None:
    """Compare runs: what differs, their metrics beside the baseline, and whether a difference is more than noise.

    RUN is a run's id or its beginning, its name, or `last`; a sweep stands for its points. Runs that differ in their
    seed alone are one row. The verdict is of the paired difference on the same held-out rows.
    """
    from cxai_runner.cli.comparison import in_words
    from cxai_runner.lifecycle.compare import compare
    from cxai_runner.tracking.store import Store

    refuse_unwritable({"--csv": csv, "--html": html})
    store = Store.open(uri, Path.cwd(), create=False)
    found = compare(
        store, runs, experiment=experiment, sweep=sweep, where=where, metric=metric, against=against, top=top
    )
    if as_json:
        emit_json(found.plain())
    else:
        click.echo(in_words(found))
    if csv is not None:
        found.frame().to_csv(csv, index=False)
        note(f"table: {csv}")
    if html is not None:
        from cxai_runner.lifecycle.compare.page import page

        html.write_text(page(found), encoding="utf-8")
        note(f"page: {html}")
