"""`cxai rollback`: an earlier champion put in charge again."""

from __future__ import annotations

import click

from cxai_runner.cli.output import emit_json


@click.command(epilog='Example:  cxai rollback brand_choice --reason "prices of May are wrong"')
@click.argument("name")
@click.option("--to", metavar="VERSION", help="An earlier champion; by default the one before this.")
@click.option("--reason", required=True, help="Why; it is kept.")
@click.option("--uri", help="Tracking store; by default the one of this folder, or MLFLOW_TRACKING_URI.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def command(name: str, to: str | None, reason: str, uri: str | None, as_json: bool) -> None:
    """Put the champion before this one in charge of NAME again. It passed its gates once, so none is asked."""
    from cxai_runner.lifecycle.promotion.rollback import rollback
    from cxai_runner.tracking.masking import Masker

    decision = rollback(name, reason=reason, to=to, uri=uri)
    if as_json:
        emit_json(Masker.of({}).mask_mapping(decision.as_json()))
    else:
        click.echo(Masker.of({}).mask(str(decision)))
