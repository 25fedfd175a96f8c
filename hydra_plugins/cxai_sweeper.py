"""What ``python -m cxai_runner -m model=a,b`` finds: Hydra looks for sweepers in this namespace alone.

Hydra's own sweeper composes every job twice, and stops at the first that fails. Here all points are composed and
checked before the first one runs, each runs through the same code as a single run, and the end says which failed.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.config_store import ConfigStore
from hydra.plugins.sweeper import Sweeper

if TYPE_CHECKING:
    from hydra.types import HydraContext, TaskFunction
    from omegaconf import DictConfig


ConfigStore.instance().store(
    group="hydra/sweeper", name="cxai", node={"_target_": "hydra_plugins.cxai_sweeper.CxaiSweeper"}, provider="cxai"
)


class CxaiSweeper(Sweeper):
    """Runs every point of the grid that the overrides span, one after the other."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take what Hydra lends a sweeper."""
        self.hydra_context = hydra_context
        self.config = config

    def sweep(self, arguments: list[str]) -> Any:
        """Check every point, run every point, and exit 1 when any failed."""
        from cxai_runner.config.problems import Problem, UserError
        from cxai_runner.config.wording import render

        folders = self._folders()
        points = list(self._points(arguments))
        wrong: dict[tuple[str, str, str], Problem] = {}
        for point in points:
            wrong |= {(p.key, str(p.value), p.message): p for p in _problems(point, folders)}
        if wrong:
            sys.stderr.write(render(list(wrong.values())) + "\n")
            sys.exit(2)
        failed = []
        for number, point in enumerate(points, 1):
            sys.stderr.write(f"[{number}/{len(points)}] {' '.join(point)}\n")
            try:
                code = _execute(point, folders)
            except UserError as error:
                sys.stderr.write(render(error.problems, error.stage) + "\n")
                code = 2
            except Exception as error:  # one point that fails must not take the others with it
                sys.stderr.write(f"{type(error).__name__}: {error}\n")
                code = 1
            failed += [point] if code else []
        if failed:
            lines = [f"{len(failed)} of {len(points)} points failed", *("  " + " ".join(point) for point in failed)]
            sys.stderr.write("\n".join(lines) + "\n")
            sys.exit(1)

    def _folders(self) -> list[Path]:
        sources = self.hydra_context.config_loader.get_sources() if self.hydra_context else []
        return [Path(source.path) for source in sources if source.provider == "command-line"]

    def _points(self, arguments: Sequence[str]) -> Iterator[list[str]]:
        """Yield the overrides of every point: choices, ranges and patterns multiplied out, the last the fastest."""
        from hydra.core.override_parser.overrides_parser import OverridesParser

        loader = self.hydra_context.config_loader if self.hydra_context else None
        axes = []
        for override in OverridesParser.create(config_loader=loader).parse_overrides(list(arguments)):
            if override.is_sweep_override() and override.is_discrete_sweep():
                axes.append([f"{override.get_key_element()}={value}" for value in override.sweep_string_iterator()])
            else:
                axes.append([str(override.input_line)])
        yield from (list(point) for point in itertools.product(*axes))


def _problems(point: Sequence[str], folders: Sequence[Path]) -> Sequence[Any]:
    from cxai_runner.config.compose import compose
    from cxai_runner.config.problems import UserError
    from cxai_runner.config.targets import check

    try:
        composed = compose(point, folders)
    except UserError as error:
        return error.problems
    return composed.located(check(composed))


def _execute(point: Sequence[str], folders: Sequence[Path]) -> int:
    from cxai_runner.cli.run import execute

    return execute(point, folders)
