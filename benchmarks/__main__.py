"""`make bench`: benchmarks as ratios against a named peer; `python -m benchmarks startup` for one group.

Groups that take long are run only when they are named: `scale` makes a file of 100 million rows, `predict` scores ten
million, `rfm` makes a file of ten million rows and `rfm_large` one of a hundred million, `sweep` makes some two hundred
runs, `compare` a thousand, `choice` fits a million occasions, `segments` divides a million customers, `conversion`
trains networks and scores a million customers, `recommend` learns from 20 million purchases. Two count instead of
measuring: `python -m benchmarks.killed kills 25` sweeps that are cut off, `python -m benchmarks.recovery` intervals
that hold the truth.
"""

from __future__ import annotations

import importlib
import sys

GROUPS = ("startup", "overhead", "panel")


def main(chosen: list[str]) -> None:
    """Run the chosen groups and print one table."""
    print(f"{'':44}{'ours s':>9}{'peer s':>9}{'ratio':>8}{'ours MiB':>10}{'peer MiB':>10}  target")
    for group in chosen or GROUPS:
        for row in importlib.import_module(f"benchmarks.{group}").rows():
            print(
                f"{row.what[:43]:44}{row.ours.seconds:9.2f}{row.theirs.seconds:9.2f}{row.ratio:8.2f}"
                f"{row.ours.memory_mb:10.0f}{row.theirs.memory_mb:10.0f}  {row.target}  (peer: {row.peer})"
            )


if __name__ == "__main__":
    main(sys.argv[1:])
