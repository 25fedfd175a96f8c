"""A plain Hydra application as one writes it without a runner: every job fits, measures, and logs to MLflow by hand.

With ``payload=null`` a job does nothing: what is left is what Hydra's multirun costs.
"""

from __future__ import annotations

import sys
from pathlib import Path

import hydra
from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig

ConfigStore.instance().store(name="plain", node={"payload": None, "uri": None, "n": 0})


@hydra.main(version_base="1.3", config_path=None, config_name="plain")
def main(config: DictConfig) -> None:
    """Make one job."""
    if config.payload is None:
        return
    from benchmarks.bare_logging import log, read

    log(read(Path(config.payload)), config.uri)


if __name__ == "__main__":
    sys.argv += ["hydra.job.chdir=false"]
    main()
