"""``python -m cxai_runner``: the plain Hydra application, for whoever wants Hydra's own flags.

``--cfg job``, ``--config-dir``, ``--help``, ``--info`` and ``-m`` are Hydra's; the run itself is the one that
``cxai run`` makes. Overrides are written out before Hydra sees them, so that ``model=xgboost`` means the same here.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from cxai_runner.config.catalogue import CONF
from cxai_runner.config.folders import Folders

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from cxai_runner.config.problems import UserError

_FOLDER_FLAGS = ("--config-dir", "-cd")


def main() -> None:
    """Run Hydra's application on our configs; exits with the run's code."""
    import hydra

    from cxai_runner.config import schema
    from cxai_runner.config.compose import compose
    from cxai_runner.config.problems import UserError

    schema.register()
    arguments = sys.argv[1:]
    try:
        if _is_a_run(arguments):
            # Hydra stops at the first mistake, in words of its own.
            compose([item for item in arguments if _is_override(item)], _folders(arguments))
        sys.argv[1:] = for_hydra(arguments)
    except UserError as error:
        sys.exit(_told(error))
    hydra.main(config_path=str(CONF), config_name="config", version_base="1.3")(_run)()


def for_hydra(arguments: Sequence[str]) -> list[str]:
    """Write out the overrides among ``arguments``, flags left as they are."""
    from cxai_runner.config.overrides import qualify
    from cxai_runner.sweep.settings import ROUND_HYDRA, is_own

    folders = Folders.of([folder for folder in _folders(arguments) if folder.is_dir()])
    for_sweeper = [argument for argument in arguments if is_own(argument)]
    if for_sweeper:  # Hydra knows no such key: what the sweep is asked goes round it
        ROUND_HYDRA[:] = for_sweeper
    written = [argument for argument in arguments if argument not in for_sweeper]
    places = [index for index, argument in enumerate(written) if _is_override(argument)]
    for index, line in zip(places, qualify([written[index] for index in places], folders), strict=True):
        written[index] = line
    return written


def _is_override(argument: str) -> bool:
    return not argument.startswith("-") and ("=" in argument or argument.startswith("~"))


def _is_a_run(arguments: Sequence[str]) -> bool:
    """Whether no flag of Hydra's asks for anything but a run."""
    flags = [item for item in arguments if item.startswith("-")]
    return all(flag.partition("=")[0] in _FOLDER_FLAGS for flag in flags)


def _told(error: UserError) -> int:
    from cxai_runner.config.wording import render

    sys.stderr.write(render(error.problems, error.stage) + "\n")
    return 2


def _folders(arguments: Sequence[str]) -> list[Path]:
    given = [value for flag, value in pairwise(arguments) if flag in _FOLDER_FLAGS]
    given += [item.partition("=")[2] for item in arguments if item.startswith(tuple(f"{f}=" for f in _FOLDER_FLAGS))]
    return [Path(folder) for folder in given]


def _run(config: DictConfig) -> None:
    """Hand over to the code that ``cxai run`` runs; it composes again, to know where each key came from."""
    from hydra.core.hydra_config import HydraConfig

    from cxai_runner.cli.run import execute
    from cxai_runner.config.problems import UserError

    running = HydraConfig.get()
    folders = [Path(source.path) for source in running.runtime.config_sources if source.provider == "command-line"]
    try:
        code = execute(list(running.overrides.task), folders)
    except UserError as error:
        code = _told(error)
    sys.exit(code)


if __name__ == "__main__":
    main()
