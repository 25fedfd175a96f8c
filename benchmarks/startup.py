"""How soon the command line answers, beside `import mlflow`."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.measure import Row, fastest

CXAI = str(Path(sys.executable).with_name("cxai"))


def rows() -> list[Row]:
    """Measure `--help`, `list tasks` and completion, each in processes of their own."""
    peer = fastest([sys.executable, "-c", "import mlflow"], repeat=5)
    empty = fastest([sys.executable, "-c", ""], repeat=5)
    completing = {"_CXAI_COMPLETE": "bash_complete", "COMP_WORDS": "cxai run task", "COMP_CWORD": "2"}
    ours = {
        "cxai --help": fastest([CXAI, "--help"], repeat=5),
        "cxai list tasks": fastest([CXAI, "list", "tasks"], repeat=5),
        "completion": fastest([CXAI], repeat=5, environment=completing),
        "python alone": empty,
    }
    return [Row("startup", what, "import mlflow", spent, peer, target="≤ 0.25") for what, spent in ours.items()]
