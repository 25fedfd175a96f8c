"""`cxai history`: who put which version of a model in charge, when and why."""

from __future__ import annotations

import click

from cxai_runner.cli.output import emit_json, note, table


@click.command(epilog="Examples:  cxai history brand_choice    ·    cxai history brand_choice --json")
@click.argument("name")
@click.option("--uri", help="Tracking store; by default the one of this folder, or MLFLOW_TRACKING_URI.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document, with what each gate said.")
def command(name: str, uri: str | None, as_json: bool) -> None:
    """Show every decision about the registered model NAME, the first one first."""
    from cxai_runner.lifecycle.promotion.rollback import history

    found = history(name, uri=uri)
    if as_json:
        emit_json(
            {
                "model": found.model,
                "champion": found.champion,
                "decisions": [one.as_json() for one in found.decisions],
                "notes": list(found.notes),
            }
        )
        return
    rows = [["", "when", "who", "decision", "from", "to", "run", "gates", "why"]]
    for one in found.decisions:
        passed = f"{len(one.gates) - len(one.refused)} of {len(one.gates)}" if one.gates else ""
        said = {"": one.reason, "schema change: ": one.schema_change}
        why = [f"{label}{words}" for label, words in said.items() if words] or [
            f"not {gate.name}" for gate in one.refused
        ]
        before = f"v{one.previous}" if one.previous else ""
        cells = [str(one.number), one.at[:16].replace("T", " "), one.by, one.verdict, before, f"v{one.version}"]
        rows.append([*cells, one.run[:8], passed, "; ".join(why)])
    if len(rows) > 1:
        click.echo(table(rows))
    click.echo(f"champion: v{found.champion}" if found.champion else "champion: nobody yet")
    for line in found.notes:
        note(line)
