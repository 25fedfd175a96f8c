"""`cxai inspect`: what a table holds, which config it could have, and which tasks that would feed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cxai_runner.cli.completion import complete_location
from cxai_runner.cli.output import emit_json, progress, table

if TYPE_CHECKING:
    from cxai_runner.inspection.feeds import Feed
    from cxai_runner.inspection.looking import Inspection
    from cxai_runner.inspection.propose import Proposal

_EXAMPLE = "Examples:  cxai inspect orders.csv    ·    cxai inspect sales/ --write my/data/shop.yaml"


@click.command(epilog=_EXAMPLE)
@click.argument("location", metavar="FILE|FOLDER|PATTERN|URL", shell_complete=complete_location)
@click.option("--write", "to", type=click.Path(path_type=Path), help="Save the config here, as in my/data/shop.yaml.")
@click.option("--table", "tables", multiple=True, help="A table of a database; all of them by default.")
@click.option(
    "--rows", type=click.IntRange(min=100), default=200_000, show_default=True, help="How many are looked at."
)
@click.option(
    "--config-dir", "config_dirs", multiple=True, type=click.Path(path_type=Path), help="A folder of your own configs."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def command(
    location: str, to: Path | None, tables: tuple[str, ...], rows: int, config_dirs: tuple[Path, ...], as_json: bool
) -> int:
    """Look at a table, and propose a config for it.

    Says how it is written, what each column holds and may be for, and why; proposes a data config; and tells which
    tasks it can feed and what is missing for the others. Only the first rows are read. What it says are guesses.
    """
    from cxai_runner.inspection import look
    from cxai_runner.inspection.feeds import feeds
    from cxai_runner.inspection.propose import propose
    from cxai_runner.inspection.save import places, save
    from cxai_runner.tracking.masking import Masker

    with progress(quiet=as_json) as tell:
        tell("looking")
        found = look(location, rows=rows, tables=tables)
        proposals = propose(found)
        paths = places(proposals, to)
        tell("trying the tasks")
        tried = [feeds(one, config_dirs) for one in proposals]
    if to is not None:
        save(proposals, paths)
    named = [(path.stem, path.parent.parent.as_posix()) for path in paths]
    masker = Masker.of({}, uris=[location])
    if as_json:
        emit_json(masker.mask_mapping(_document(found, proposals, tried, named, paths if to is not None else [])))
    else:
        click.echo(masker.mask(_in_words(found, proposals, tried, named, paths if to is not None else [])))
    return 0


def _document(
    found: Inspection,
    proposals: list[Proposal],
    tried: list[list[Feed]],
    named: list[tuple[str, str]],
    written: list[Path],
) -> dict[str, Any]:
    from cxai_runner.inspection import wording

    parts = zip(proposals, tried, named, strict=True)
    return {
        "location": found.shown,
        "tables": [wording.as_data(one) for one in found.tables],
        "left_out": list(found.left_out),
        "proposals": [wording.proposal_as_data(one, some, *name) for one, some, name in parts],
        "not_proposed": [wording.no_table(one) for one in found.tables if not one.guess.table],
        "written": [str(path) for path in written],
    }


def _in_words(
    found: Inspection,
    proposals: list[Proposal],
    tried: list[list[Feed]],
    named: list[tuple[str, str]],
    written: list[Path],
) -> str:
    from cxai_runner.inspection import wording

    lines: list[str] = []
    for one in found.tables:
        shown = table([wording.COLUMNS, *wording.rows(one)])
        lines += [click.style(wording.heading(one), bold=True), *(f"  {line}" for line in wording.facts_of_file(one))]
        lines += ["", *shown.splitlines(), ""]
    for what in found.left_out:
        lines.append(f"not looked at: {what}")
    lines += [""] if found.left_out else []
    for number, (proposal, some, (name, config_dir)) in enumerate(zip(proposals, tried, named, strict=True)):
        where = f"saved as {written[number]}" if written else f"to save it: --write {config_dir}/data/{name}.yaml"
        lines += [click.style(f"proposed config data={name}", bold=True) + f" · {where}", ""]
        lines += [f"  {line}" for line in proposal.text.splitlines()]
        can, cannot = wording.about_tasks(some, name, config_dir)
        told = [["note", note] for note in proposal.notes]
        told += [["to decide", what] for what in proposal.decide]
        told += [[f"can feed {task}", f"{line}   ({how})"] for task, line, how in can]
        told += [[f"missing for {task}", what] for task, what in cannot]
        lines += ["", *table(told).splitlines(), ""]
    for one in found.tables:
        if not one.guess.table:
            lines.append(f"no config: {wording.no_table(one)}")
            lines += table([list(row) for row in one.guess.missing]).splitlines()
    return "\n".join(lines).rstrip()
