"""Segments of which no curve is drawn, in words: by name where they are few, by number where they are many."""

from __future__ import annotations

from collections.abc import Sequence

from cxai_runner.evaluation.wording import counted

BY_NAME = 5
"""Segments without a curve for one reason that are named one by one."""


def omitted(left_out: Sequence[tuple[str, int, str]]) -> str:
    """Word segments, each with its occasions and the reason why it has no curve."""
    by_reason: dict[str, list[tuple[str, int]]] = {}
    for label, rows, why in left_out:
        by_reason.setdefault(why.partition(":")[0], []).append((label, rows))
    told = []
    for reason, some in by_reason.items():
        if len(some) <= BY_NAME:
            told += [
                f"{label} ({counted(rows, 'occasion')}: {why})"
                for label, rows, why in left_out
                if why.startswith(reason)
            ]
        else:
            label, rows = some[0]
            told.append(f"{len(some):,} segments ({reason}), such as {label} ({counted(rows, 'occasion')})")
    return ", ".join(told)
