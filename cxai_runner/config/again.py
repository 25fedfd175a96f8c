"""A config that was kept with a run, put together again.

It was composed once, from files that may say something else today; so it is taken as it was written down, and only
what somebody changes now is looked up anew. References to the environment were kept as references: they come to what
the environment holds now.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cxai_runner.config import interpolation, overrides
from cxai_runner.config.assign import assign
from cxai_runner.config.compose import Composed, compose
from cxai_runner.config.folders import Folders
from cxai_runner.config.overrides import CommandLine, Given
from cxai_runner.config.problems import Problem, UserError
from cxai_runner.config.settings import checked_settings


def recomposed(
    raw: Mapping[str, Any],
    typed: Sequence[str],
    choices: Mapping[str, str],
    changes: Sequence[str] = (),
    config_dirs: Sequence[Path] = (),
    told: str = "the run's config",
) -> Composed:
    """Put a kept config together again, with what is changed in it now.

    Parameters
    ----------
    raw
        The config as it was kept, references unresolved.
    typed, choices
        The overrides that it was made with, and the option by group.
    changes
        Overrides that hold now: a value (``seed=1``), or another ``data=…`` with its own keys.
    config_dirs
        The user's own config folders, where those are looked for.
    told
        Who set what nobody changes, for the wording of mistakes.

    Raises
    ------
    UserError
        With everything that is wrong with the changes, and with references that come to nothing now.
    """
    config: dict[str, Any] = copy.deepcopy(dict(raw))
    folders = Folders.of(config_dirs)
    line = overrides.tell_apart(changes, folders)
    problems = [*folders.problems(), *line.problems, *_other_choices(line)]
    if problems:
        raise UserError(problems)
    chosen = dict(choices)
    values = list(line.values)
    if line.choices:
        ours = [given for given in values if given.key.partition(".")[0] == "data"]
        values = [given for given in values if given not in ours]
        other = compose([*(given.typed for given in (*line.choices, *ours))], config_dirs)
        config["data"], chosen["data"] = other.raw["data"], other.choices["data"]
    found = [problem for given in values if (problem := assign(config, given))]
    plain, unresolved = interpolation.resolve(config)
    composed = Composed(
        raw=config,
        overrides=tuple(_merged(typed, line)),
        choices=chosen,
        plain=plain,
        folders=folders,
        given=dict.fromkeys(config, told) | {given.key: given.origin for given in (*line.choices, *line.values)},
    )
    problems = [*found, *unresolved, *checked_settings(plain, config)]
    if problems:
        raise UserError(composed.located(problems))
    return composed


def _other_choices(line: CommandLine) -> list[Problem]:
    """What cannot be chosen anew: another task or model makes another run."""
    return [
        Problem(
            given.key,
            "decided by the run, and not to be chosen again",
            remedy="for other rows: data=…; for another experiment: cxai run",
            origin=given.origin,
            shown=given.typed,
        )
        for given in line.choices
        if given.key != "data"
    ]


def _merged(typed: Sequence[str], line: CommandLine) -> list[str]:
    """The overrides as they would have to be typed now: what is changed replaces what was said of the same."""
    changed: list[Given] = [*line.choices, *line.values]
    keys = {given.key for given in changed}
    new_data = any(given.key == "data" for given in line.choices)
    kept = []
    for before in typed:
        key = before.lstrip("+~").partition("=")[0]
        if key in keys or (new_data and key.partition(".")[0] == "data"):
            continue
        kept.append(before)
    return [*kept, *(overrides.canonical(given.line) for given in changed)]
