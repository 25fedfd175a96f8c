"""`cxai promote`: a run's model registered, judged at gates, and put in charge."""

from __future__ import annotations

from pathlib import Path

import click

from cxai_runner.cli.output import emit_json, progress

REFUSED = 3
"""Exit code of a promotion that a gate refused."""


_EXAMPLES = "Examples:  cxai promote last --model choice    ·    cxai promote 91ab3c --model choice --champion"


@click.command(epilog=_EXAMPLES)
@click.argument("run")
@click.argument("overrides", nargs=-1, metavar="[promotion.KEY=VALUE]...")
@click.option("--model", required=True, metavar="NAME", help="The registered model; made if there is none.")
@click.option("--champion", is_flag=True, help="Put it in charge, if it passes the gates.")
@click.option("--gates", default="default", show_default=True, metavar="NAME", help="See: cxai list promotions")
@click.option("--override", metavar="REASON", help="Put it in charge whatever the gates say; the reason is kept.")
@click.option("--schema-change", metavar="REASON", help="Why it takes or gives something else than the champion.")
@click.option("--trust", is_flag=True, help="Let the champion's model run code that nobody sealed on this machine.")
@click.option(
    "--config-dir", "config_dirs", multiple=True, type=click.Path(path_type=Path), help="A folder of your own configs."
)
@click.option("--uri", help="Tracking store; by default the one of this folder, or MLFLOW_TRACKING_URI.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def command(
    run: str,
    overrides: tuple[str, ...],
    model: str,
    champion: bool,
    gates: str,
    override: str | None,
    schema_change: str | None,
    trust: bool,
    config_dirs: tuple[Path, ...],
    uri: str | None,
    as_json: bool,
) -> int:
    """Register the model of RUN as a version with the alias `challenger`; with --champion put it in charge.

    RUN is a run's id or its beginning, its name, or `last`; a sweep stands for its best run. Exits with 3 where a gate
    refuses.
    """
    from cxai_runner.lifecycle.promotion.promote import promote
    from cxai_runner.tracking.masking import Masker

    with progress(quiet=as_json) as tell:
        tell("asking the gates" if champion else "registering")
        decision = promote(
            run,
            model,
            champion=champion,
            gates=gates,
            overrides=overrides,
            override=override,
            schema_change=schema_change,
            trust=trust,
            uri=uri,
            config_dirs=config_dirs,
        )
    if as_json:
        emit_json(Masker.of({}).mask_mapping(decision.as_json()))
    else:
        click.echo(Masker.of({}).mask(str(decision)))
    return REFUSED if decision.verdict == "refused" else 0
