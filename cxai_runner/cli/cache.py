"""`cxai cache`: what the feature cache holds, and clearing it."""

from __future__ import annotations

from pathlib import Path

import click

from cxai_runner.cli.output import emit_json, table


@click.command(epilog="Examples:  cxai cache    ·    cxai cache --clear --older-than 30")
@click.option(
    "--dir", "folder", default="mlruns/cache", show_default=True, type=click.Path(path_type=Path), help="The cache."
)
@click.option("--clear", is_flag=True, help="Remove entries.")
@click.option(
    "--older-than", type=click.FloatRange(min=0), metavar="DAYS", help="With --clear: only those not used for so long."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def command(folder: Path, clear: bool, older_than: float | None, as_json: bool) -> None:
    """Show or clear the feature cache. Entries are found by content, so none is ever stale.

    Clearing removes the remembered answers about files too.
    """
    from cxai_runner.data.answers import forget
    from cxai_runner.data.cache import FeatureCache

    if older_than is not None and not clear:
        raise click.UsageError("--older-than goes with --clear")
    cache = FeatureCache(folder)
    if clear:
        seconds = None if older_than is None else older_than * 86_400
        removed = cache.clear(older_than=seconds)
        forget(folder, older_than=seconds)
        if as_json:
            emit_json({"removed": removed})
        else:
            click.echo(f"{removed} removed from {folder}")
        return
    entries = cache.entries()
    total = sum(entry.bytes for entry in entries)
    if as_json:
        emit_json(
            {
                "dir": str(folder),
                "bytes": total,
                "entries": [
                    {"key": entry.key, "kind": entry.kind, "rows": entry.rows, "bytes": entry.bytes, "used": entry.used}
                    for entry in entries
                ],
            }
        )
        return
    if not entries:
        click.echo(f"nothing in {folder}")
        return
    rows = [[entry.key[:12], entry.kind, f"{entry.rows:,}", f"{entry.bytes / 2**20:.1f} MB"] for entry in entries]
    click.echo(table([["key", "table", "rows", "size"], *rows]))
    click.echo(f"{len(entries)} in {folder}, {total / 2**20:.1f} MB")
