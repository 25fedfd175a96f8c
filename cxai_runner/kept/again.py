"""An experiment made again from what its run kept, as it was or with other rows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxai_runner.config.problems import UserError
from cxai_runner.tracking.record import CHOICES, CONFIG, LEARNED, OVERRIDES

if TYPE_CHECKING:
    from cxai_runner.config.compose import Composed
    from cxai_runner.kept.held import Held
    from cxai_runner.kept.run import Kept
    from cxai_runner.task import Task


def composed_again(kept: Held, changes: Sequence[str] = (), config_dirs: Sequence[Path] = ()) -> Composed:
    """Put a run's config together again.

    Parameters
    ----------
    kept
        The run; one that failed or was killed may have kept its config too.
    changes
        Overrides that hold now: values, or another ``data=…``.
    config_dirs
        The user's own config folders, where ``changes`` need them.

    Raises
    ------
    UserError
        The run kept no config, or a change or a reference to the environment is wrong.
    """
    import yaml

    from cxai_runner.config.again import recomposed

    raw: dict[str, Any] = yaml.safe_load(kept.text(CONFIG))
    typed: list[str] = yaml.safe_load(kept.text(OVERRIDES)) or []
    choices: dict[str, str] = json.loads(kept.text(CHOICES))
    if (raw.get("features") or {}).get("models"):  # an alias may stand for another version by now
        raw["features"]["models"] = learned(kept)["models"]
    return recomposed(raw, typed, choices, changes, config_dirs, told=f"config.yaml of run {kept.run_id[:8]}")


def learned(kept: Held) -> dict[str, Any]:
    """What a run's features learned across the rows that its model was trained on; raises `UserError` without any."""
    found: dict[str, Any] = json.loads(kept.text(LEARNED))
    return found


def task_of(kept: Kept) -> Task:
    """Build the task that a run asked, and nothing else of its config: no data, no reference is needed for it.

    Raises
    ------
    UserError
        The run kept no config, or its task cannot be built here.
    """
    import yaml

    from cxai_runner.config.compose import Composed
    from cxai_runner.config.folders import Folders
    from cxai_runner.config.interpolation import resolve
    from cxai_runner.config.targets import build, check

    raw: dict[str, Any] = yaml.safe_load(kept.text(CONFIG))
    plain, _ = resolve(raw)
    told = f"config.yaml of run {kept.run_id[:8]}"
    composed = Composed(raw, (), {}, plain, Folders.of(()), given=dict.fromkeys(raw, told))
    problems = check(composed, ("task",))
    if problems:
        raise UserError(composed.located(problems))
    task: Task = build(plain["task"], "task", composed)
    return task
