"""`cxai reproduce`: a run made again, and whether that came to the same."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from cxai_runner.cli.output import emit_json, note, progress, table

if TYPE_CHECKING:
    from cxai_runner.lifecycle.reproduce import Reproduction, Stage

_EXAMPLES = "Examples:  cxai reproduce last    ·    cxai reproduce b41c2f --checkout    ·    cxai reproduce exported/"
_WORDS = {
    "identical": "identical to the bit",
    "within tolerance": "within tolerance",
    "different": "different",
}


@click.command(epilog=_EXAMPLES, context_settings={"ignore_unknown_options": True})
@click.argument("run")
@click.argument("changes", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--checkout", is_flag=True, help="Run the code of the run's commit, in a git worktree of its own.")
@click.option("--anyway", is_flag=True, help="Run on data that are others, or without changes that were lost.")
@click.option("--cached", is_flag=True, help="Take features from the cache; then only what follows is repeated.")
@click.option("--tolerance", type=click.FloatRange(min=0), help="Largest relative deviation; 1e-9 by default.")
@click.option("--uri", help="Tracking store; by default the one of this folder, or MLFLOW_TRACKING_URI.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def command(
    run: str,
    changes: tuple[str, ...],
    checkout: bool,
    anyway: bool,
    cached: bool,
    tolerance: float | None,
    uri: str | None,
    as_json: bool,
) -> int:
    """Make RUN again, and say whether it is identical to the bit, within tolerance, or different, and then why.

    RUN is a run's id or its beginning, its name, `last`, or a folder that a run was exported to. KEY=VALUE says where
    its data lie here (data.path=…). Exits with 0 where it is the same, 1 where it is different.
    """
    from cxai_runner.lifecycle.reproduce import Asked, Original, reproduce
    from cxai_runner.threads import environment

    original = Original.named(run, uri)
    os.environ.update(environment(original.threads))
    asked = Asked(changes, anyway=anyway, cached=cached, checkout=checkout)
    if tolerance is not None:
        asked = Asked(changes, tolerance, anyway, cached, checkout)
    with progress(quiet=as_json) as stage:
        found = reproduce(original, asked, tell=note, stage=stage)
    if as_json:
        emit_json(found.as_dict())
    else:
        click.echo(in_words(found))
    return 1 if found.verdict == "different" else 0


def in_words(found: Reproduction) -> str:
    """Say what it came to."""
    lines = [f"run {found.run_id[:8]} reproduces {found.original[:8]}: {_WORDS[found.verdict]}", ""]
    lines.append(table([["stage", "key", "result"], *(_row(stage) for stage in found.stages)]))
    if found.verdict != "identical":
        lines += ["", f"  largest deviation   {found.deviation}; allowed {found.tolerance:g}"]
    if found.first is not None and found.verdict != "identical":
        lines.append(f"  differs first       {found.first.name}")
    label = "although" if found.verdict == "identical" else "because"
    lines += [f"  {label if number == 0 else '':<19} {cause}" for number, cause in enumerate(found.causes)]
    return "\n".join(lines)


def _row(stage: Stage) -> list[str]:
    key = {True: "same", False: "other", None: "–"}[stage.same_key]
    result = {True: "same", False: "other", None: "not kept"}[stage.same_result]
    if stage.differs and stage.name != "data":
        more = f", and {len(stage.differs) - 1} more" if len(stage.differs) > 1 else ""
        result += f" ({stage.differs[0]}{more})"
    return [stage.name, key, result]
