"""Where a proposed config is saved, so that `cxai run --config-dir` finds it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from cxai_runner.config.catalogue import CONF
from cxai_runner.config.problems import Problem, UserError
from cxai_runner.inspection.propose import Proposal

HOME = Path("my") / "data"
"""The folder that is suggested where nobody names one."""


def places(proposals: Sequence[Proposal], to: Path | None) -> list[Path]:
    """Return where each proposal belongs: the file or folder ``to``, or a suggestion where none is given.

    Raises
    ------
    UserError
        Where it could not be saved there, or not be found again.
    """
    if to is None:
        return [HOME / f"{one.name}.yaml" for one in proposals]
    if not proposals:
        raise UserError([Problem("--write", "no config can be proposed", str(to), "look without it to see why")])
    one_file = to.suffix in {".yaml", ".yml"}
    if one_file and len(proposals) > 1:
        remedy = f"name the folder for them: --write {to.parent}"
        raise UserError([Problem("--write", f"{len(proposals)} configs are proposed", str(to), remedy)])
    paths = [to] if one_file else [to / f"{one.name}.yaml" for one in proposals]
    problems = [problem for path in paths for problem in _problems(path, to)]
    if problems:
        raise UserError(list(dict.fromkeys(problems)))
    return paths


def save(proposals: Sequence[Proposal], paths: Sequence[Path]) -> None:
    """Write the proposals that have a place of their own choosing; nothing is written over."""
    for one, path in zip(proposals, paths, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(one.text)


def _problems(path: Path, to: Path) -> list[Problem]:
    folder = path.parent
    if path.suffix != ".yaml":
        return [Problem("--write", "a config ends in .yaml", str(to), f"as in {path.with_suffix('.yaml')}")]
    if folder.name != "data":
        remedy = f"as in {folder / 'data' / path.name}: data configs stand in a folder called data"
        return [Problem("--write", "cxai would not find it there", str(to), remedy)]
    if not re.fullmatch(r"[A-Za-z_][\w-]*", path.stem):
        return [Problem("--write", "letters, digits and _ are what data=… can name", path.stem, "as in shop.yaml")]
    if (CONF / "data" / path.name).exists():
        return [Problem("--write", "cxai has a data config of this name", path.stem, "choose another name")]
    if path.exists():
        return [Problem("--write", "is there already", str(path), "choose another name, or remove it")]
    return []
