"""`cxai predict`: new rows scored with a model in the store."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cxai_runner.cli.output import emit_json, note, table, tell_problems

if TYPE_CHECKING:
    from datetime import datetime

    from cxai_runner.evaluation.population import Moved
    from cxai_runner.lifecycle.predict import Predictions

_EXAMPLE = (
    "Example:  cxai predict models:/segments@champion data=csv data.path=new.csv --to segments.parquet    ·    "
    "cxai predict last --to sqlite:///scores.db#segments"
)
_FEW = 12


@click.command(epilog=_EXAMPLE, context_settings={"ignore_unknown_options": True})
@click.argument("model")
@click.argument("changes", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--to", required=True, help="A .parquet or .csv file, or a table: sqlite:///scores.db#predictions.")
@click.option("--as-of", metavar="DATE", help="Read nothing at or after this date.")
@click.option("--since", metavar="DATE", help="Predict rows from this date on; earlier ones are only their past.")
@click.option("--overwrite", is_flag=True, help="Replace what is there already.")
@click.option("--drift", "drift_to", type=click.Path(path_type=Path), help="Write the table of drift to a CSV file.")
@click.option("--trust", is_flag=True, help="Let a model run code that you did not write on this machine.")
@click.option(
    "--config-dir", "config_dirs", multiple=True, type=click.Path(path_type=Path), help="A folder of your own configs."
)
@click.option("--uri", help="Tracking store; by default the one of this folder, or MLFLOW_TRACKING_URI.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
def command(
    model: str,
    changes: tuple[str, ...],
    to: str,
    as_of: str | None,
    since: str | None,
    overwrite: bool,
    drift_to: Path | None,
    trust: bool,
    config_dirs: tuple[Path, ...],
    uri: str | None,
    as_json: bool,
) -> int:
    """Score new rows with MODEL, check them first, and write them whole or not at all.

    MODEL is models:/NAME@ALIAS, models:/NAME/VERSION, runs:/RUN/model, or a run: its id, the beginning of it, its name,
    or `last`. KEY=VALUE says where the rows are, as for cxai run (data=csv data.path=new.csv); the run's own data where
    nothing is said.
    """
    from cxai_runner.config.problems import UserError
    from cxai_runner.kept.apart import ModelError
    from cxai_runner.lifecycle.predict import predict
    from cxai_runner.tracking.signals import terminated_as_exception
    from cxai_runner.tracking.store import Store

    store = Store.open(uri, Path.cwd(), create=False)
    if drift_to is not None:
        _refuse_target(drift_to, to, overwrite=overwrite)
    try:
        with terminated_as_exception(), _bar(quiet=as_json) as tell:
            done = predict(
                store,
                model,
                changes,
                to=to,
                as_of=as_of,
                since=since,
                overwrite=overwrite,
                trust=trust,
                config_dirs=config_dirs,
                besides=() if drift_to is None else (drift_to,),
                tell=tell,
            )
    except UserError as error:
        return tell_problems(error, as_json=as_json, undone="scored")
    except ModelError as error:
        note(f"the model failed: {error}")
        if as_json:
            emit_json({"status": "failed", "error": str(error)})
        return 1
    if drift_to is not None:
        _frame(done.drift).to_csv(drift_to, index=False)
    if as_json:
        emit_json(_plain(done))
    else:
        click.echo(_in_words(done, drift_to))
    return 0


def _refuse_target(drift_to: Path, to: str, *, overwrite: bool) -> None:
    """Refuse a file of drift that cannot be written, before anything is predicted."""
    from cxai_runner.config.problems import Problem, UserError

    told, remedy = "", "name a file in a folder that is there"
    if drift_to.absolute() == Path(to).absolute():
        told, remedy = "is where the predictions go", "name another file"
    elif drift_to.exists() and not drift_to.is_file():
        told = "is no file"
    elif drift_to.exists() and not overwrite:
        told, remedy = "is there already", "name another file, or add --overwrite"
    elif not drift_to.absolute().parent.is_dir():
        told = "its folder does not exist"
    if told:
        raise UserError([Problem("--drift", told, str(drift_to), remedy)])


@contextmanager
def _bar(*, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Yield what hears how many rows are done; it shows a bar where standard error is a terminal."""
    if quiet or not sys.stderr.isatty():
        yield lambda done, of: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("checking", total=None)
        yield lambda done, of: progress.update(bar, completed=done, total=of, description="predicting")


def _in_words(done: Predictions, drift_to: Path | None) -> str:
    version = f" v{done.version}" if done.version is not None else ""
    lines = [f"{done.model}{version} of run {done.run_id[:8]}"]
    rows = [["predicted", f"{done.rows_out:,} of {done.rows_in:,} rows"]]
    rows += [["dropped", f"{one.rows:,} of {one.of:,} rows of {one.table}: {one.reason}"] for one in done.dropped]
    if done.as_of is not None:
        rows.append(["as of", _day(done.as_of)])
    rows += [["rejected", f"{count:,}: {reason}"] for reason, count in done.rejected.items()]
    rows.append(["to", str(done.to)])
    if done.rejected_to is not None:
        rows.append(["", f"{done.rejected_to} (rejected rows)"])
    rows.append(["took", f"{done.seconds:.1f} s"])
    lines.append(table(rows))
    lines += [f"  note: {text}" for text in done.notes]
    if done.drift:
        lines += ["", *_drift_in_words(done, drift_to)]
    return "\n".join(lines)


def _drift_in_words(done: Predictions, drift_to: Path | None) -> list[str]:
    """The columns that moved most, and what that comes to."""
    ranked = sorted(done.drift, key=lambda one: (one.part != "score", -one.psi))
    cells = [["", "PSI", "by chance", "", "moved most"]]
    cells += [
        [
            one.name if one.part == "input" else f"score {one.name}",
            f"{one.psi:.3f}",
            f"{one.chance:.3f}",
            one.verdict,
            one.most if one in done.drifted else "",
        ]
        for one in ranked[:_FEW]
    ]
    more = f"  and {len(ranked) - _FEW} more" if len(ranked) > _FEW else ""
    where = f": {drift_to}" if drift_to is not None else ""
    moved = ", ".join(f"{one.name} {one.verdict}" for one in done.drifted)
    few = sum(one.verdict == "too few rows" for one in done.drift)
    verdict = "no drift beyond chance was seen"
    if moved:
        verdict = f"warning: not the population of the training: {moved}"
    elif few == len(done.drift):
        verdict = "whether they drifted cannot be told from so few rows"
    elif few:
        verdict = f"{verdict}; of {few} of {len(done.drift)} columns it cannot be told from so few rows"
    lines = ["  against the training rows", table(cells), *([more + where] if more or where else [])]
    return [*lines, *_shares_in_words(done), f"  {verdict}"]


def _shares_in_words(done: Predictions) -> list[str]:
    """How many have each label, then and now."""
    from cxai_runner.evaluation.wording import with_interval

    if not done.shares:
        return []
    cells = [["", "share in training", "share now", ""]]
    cells += [
        [f"{one.name} {one.label}", with_interval(one.before, 3), with_interval(one.now, 3), one.moved]
        for one in done.shares
    ]
    return ["", table(cells)]


def _plain(done: Predictions) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "model": done.model,
        "version": done.version,
        "run_id": done.run_id,
        "rows_in": done.rows_in,
        "rows_out": done.rows_out,
        "rejected": dict(done.rejected),
        "dropped": [asdict(one) for one in done.dropped],
        "to": done.to,
        "rejected_to": done.rejected_to,
        "as_of": None if done.as_of is None else _day(done.as_of),
        "drift": [asdict(one) for one in done.drift],
        "shares": [asdict(one) for one in done.shares],
        "notes": list(done.notes),
        "seconds": done.seconds,
    }


def _day(when: datetime | str) -> str:
    return when if isinstance(when, str) else when.isoformat(" ").removesuffix(" 00:00:00")


def _frame(drift: tuple[Moved, ...]) -> Any:
    import pandas as pd

    from cxai_runner.evaluation.population import Moved

    return pd.DataFrame(drift, columns=list(Moved.__dataclass_fields__))
