"""A run as a folder that can be sent: what it was made of, what it came to, and one command that repeats it elsewhere.

It holds the run's artifacts as they lie in the store, so what was masked or hashed there is so here, and secrets are
references still. The data are not in it; their digests are, and tell whether what is elsewhere is the same.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cxai_runner.config.problems import Problem, UserError
from cxai_runner.kept.held import FACTS, Exported
from cxai_runner.lifecycle.runs import REPORT, complete

if TYPE_CHECKING:
    from cxai_runner.kept.run import Kept

DATA: Final = "data.json"
LOCK: Final = "requirements.txt"
README: Final = "README.txt"
SCRIPT: Final = "reproduce.sh"
_OURS: Final = "cxai"
_HERE: Final = ("artifact_uri", "experiment_id", "models", "orphan")
"""Facts that mean something beside this store only."""

_TEXT: Final = """\
{task}: {headline}

Run {run_id}, {started}.

To repeat it elsewhere:

  1. Python {python}, and the packages it ran with:   pip install -r {lock}
  2. cxai as it was: {code}
  3. from the folder that its data are found from:    sh {script}

The last says whether what comes out is identical to the bit, within a tolerance, or different, and then which stage
differs first and why. It takes what `cxai reproduce` takes: another place of the data (data.path=…), --checkout, …
{data}
What is here:

{files}
"""
_HELD: Final[Mapping[str, str]] = {
    FACTS: "metrics, params and tags",
    "config.yaml": "the config in full, secrets as references to the environment",
    "overrides.yaml": "what was typed",
    "keys.json": "what each stage was made of and came to",
    "learned.json": "what the features learned across the training rows",
    DATA: "the tables that were read: digest, rows, columns and types",
    LOCK: "the packages that were installed",
    "uncommitted.diff": "what was not committed",
    REPORT: "the report",
    "tables": "its tables",
    "figures": "its figures",
    "scores": "a score for every row",
}


def export(kept: Kept, folder: Path) -> Exported:
    """Write a run into a folder.

    Parameters
    ----------
    kept
        A finished run.
    folder
        A new folder, or an empty one.

    Returns
    -------
    exported
        The run as it lies there.

    Raises
    ------
    UserError
        The folder holds something, or the run cannot be repeated.
    """
    import tempfile

    from cxai_runner.lifecycle.reproduce import Original

    problems = list(_occupied(folder))
    if problems:
        raise UserError(problems)
    Original(kept, kept.store)  # refuses what nobody can repeat
    complete(kept.store, kept.run_id)
    folder.absolute().parent.mkdir(parents=True, exist_ok=True)
    # Made beside its place and moved there, so that it is there whole or not at all.
    with tempfile.TemporaryDirectory(prefix=".cxai-export-", dir=folder.absolute().parent) as draft:
        made = Path(draft) / "run"
        with kept.folder("") as artifacts:
            shutil.copytree(artifacts, made)
        _add(kept, made)
        if folder.is_dir():
            folder.rmdir()
        made.rename(folder)
    return Exported(folder)


def _occupied(folder: Path) -> Iterator[Problem]:
    above = next(one for one in folder.absolute().parents if one.exists())
    if not above.is_dir():
        yield Problem("DIR", f"{above} is a file, and holds no folder", str(folder), "name a new folder")
    elif folder.is_dir() and any(folder.iterdir()):
        yield Problem("DIR", "holds something already", str(folder), "name a new folder; nothing is overwritten")
    elif folder.exists() and not folder.is_dir():
        yield Problem("DIR", "is a file", str(folder), "name a new folder")


def _add(kept: Kept, folder: Path) -> None:
    """Write what the store keeps elsewhere, and how to repeat the run."""
    facts = {key: value for key, value in kept.facts.items() if key not in _HERE}
    _write(folder / FACTS, json.dumps(facts | {"experiment": kept.experiment}, indent=1, ensure_ascii=False))
    tables = list(_tables(kept))
    _write(folder / DATA, json.dumps(tables, indent=1, ensure_ascii=False))
    _write(folder / LOCK, _lock(kept.text("environment.txt")))
    _write(folder / README, _readme(kept, folder, tables))
    # With a slash at its end it is a folder, whatever runs are called.
    _write(folder / SCRIPT, '#!/bin/sh\nexec cxai reproduce "$(dirname -- "$0")/" "$@"\n')
    (folder / SCRIPT).chmod(0o755)


def _tables(kept: Kept) -> Iterator[dict[str, Any]]:
    """Yield what is known of each table that was read, but not where it lay."""
    digests: Mapping[str, Any] = json.loads(kept.text("keys.json"))["data"]
    for one in kept.run.inputs.dataset_inputs:
        table = one.dataset.name.rpartition(".")[2]
        if {tag.key: tag.value for tag in one.tags}.get("mlflow.data.context") != "source" or table not in digests:
            continue
        rows = json.loads(one.dataset.profile or "{}").get("num_rows")
        columns = json.loads(one.dataset.schema or "{}").get("mlflow_colspec", [])
        types = {column["name"]: column["type"] for column in columns}
        yield {"table": table, "digest": digests[table]["digest"], "rows": rows, "columns": types,
               "read": digests[table]["columns"]}  # fmt: skip


def _lock(environment: str) -> str:
    """The environment without ourselves, whom no index has."""
    lines = environment.splitlines()
    return "".join(f"{line}\n" for line in lines if line.partition("==")[0].casefold() != _OURS)


def _readme(kept: Kept, folder: Path, tables: list[dict[str, Any]]) -> str:
    document, tags = kept.document, kept.facts["tags"]
    keys = json.loads(kept.text("keys.json"))
    code = [
        f"{one['name']} at {one['commit']}" + ", with uncommitted.diff" * (folder / "uncommitted.diff").is_file()
        for one in keys["code"]
        if one["commit"]
    ]
    counted = [f"  {one['table']}, {one['rows']:,} rows" for one in tables]
    held = [(name, what) for name, what in _HELD.items() if (folder / name).exists()]
    width = max(len(name) for name, _ in held)
    return _TEXT.format(
        task=tags.get("cxai.task", ""),
        headline=document.headline,
        run_id=kept.run_id,
        started=kept.facts["started"],
        python=keys["machine"]["python"],
        lock=LOCK,
        script=SCRIPT,
        code=" and ".join(code) or f"version {tags.get('cxai.version', '')}",
        data="\nIts data, which are not here:\n\n" + "\n".join(counted) + "\n" if counted else "",
        files="\n".join(f"  {name:<{width}}  {what}" for name, what in held),
    )


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
