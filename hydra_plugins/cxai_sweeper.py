"""What ``python -m cxai_runner -m model=a,b`` finds: Hydra looks for sweepers in this namespace alone.

Hydra's own sweeper composes every job twice, and stops at the first that fails. This one hands the command line over to
the sweep that ``cxai sweep`` makes.
"""

from __future__ import annotations

import sys
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
    """Runs the sweep that the overrides span, as ``cxai sweep`` does."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take what Hydra lends a sweeper."""
        self.hydra_context = hydra_context
        self.config = config

    def sweep(self, arguments: list[str]) -> Any:
        """Check every point, run what is not done, and exit with the code of the sweep."""
        from cxai_runner.cli import exit_code
        from cxai_runner.sweep.settings import ROUND_HYDRA

        folders = [word for folder in self._folders() for word in ("--config-dir", str(folder))]
        sys.exit(exit_code(["sweep", *folders, "--", *arguments, *ROUND_HYDRA]))

    def _folders(self) -> list[Path]:
        sources = self.hydra_context.config_loader.get_sources() if self.hydra_context else []
        return [Path(source.path) for source in sources if source.provider == "command-line"]
