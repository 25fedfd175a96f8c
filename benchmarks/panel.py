"""The purchase panel and the customer profile from Complete Journey, beside the same in plain pandas.

Both sides are whole processes that read the files of the installed package and end with a frame; the frames are then
compared, column by column, and a difference ends the benchmark. Ours is what a run does: the source, the contracts'
filters, what is learned, and the build.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pandas as pd

from benchmarks.measure import Row, fastest

REPEAT = 3


def rows() -> list[Row]:
    """Measure both frames on both sides, each `REPEAT` times after a warm-up, and keep the fastest."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for what in ("panel", "profile"):
            spent = []
            for side in ("ours", "plain"):
                path = Path(folder) / f"{what}_{side}.parquet"
                command = [sys.executable, "-m", f"benchmarks.panel_{side}", what, str(path)]
                spent.append(fastest(command, repeat=REPEAT))
            frame, plain = (pd.read_parquet(Path(folder) / f"{what}_{side}.parquet") for side in ("ours", "plain"))
            # Sums are added in another order on the other side; nothing else may differ.
            pd.testing.assert_frame_equal(frame, plain[list(frame.columns)], check_dtype=False, rtol=1e-9, atol=1e-9)
            name = f"{what} of Complete Journey: {len(frame):,} rows, equal"
            found.append(Row("panel", name, "plain pandas", ours=spent[0], theirs=spent[1]))
    return found
