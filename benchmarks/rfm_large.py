"""The same as `rfm`, on a hundred million transactions of five million customers, within 8 GB."""

from __future__ import annotations

from benchmarks.measure import Row
from benchmarks.rfm import compared


def rows() -> list[Row]:
    """Compare the two on a hundred million transactions."""
    return [compared(100_000_000, "100 million", "≤ 8,192 MiB")]
