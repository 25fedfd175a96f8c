"""How several segmentations of the same customers agree: which of them say the same, and where customers go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Final

import numpy as np
import pandas as pd

from cxai_runner.evaluation.results import Content, Figure, Finding, Table
from cxai_runner.evaluation.wording import number
from cxai_runner.methods.agreement import RandIndex

MOST: Final = 12
"""So many solutions are set side by side, the first of them."""
FLOWS: Final = 3
"""So many of them are drawn against the first."""


def beside(scores: Mapping[str, pd.DataFrame]) -> Iterator[Content]:
    """Yield how solutions agree on the customers that two of them share.

    Parameters
    ----------
    scores
        ``customer_id`` and ``segment`` of each solution, by what it is called, the best first.
    """
    several = {name: rows.set_index("customer_id")["segment"] for name, rows in list(scores.items())[:MOST]}
    several = {name: one[~one.index.duplicated()] for name, one in several.items()}
    if len(several) < 2:
        return
    found = {pair: _agreement(several[pair[0]], several[pair[1]]) for pair in combinations(several, 2)}
    if not any(np.isfinite(one) for one in found.values()):
        yield Finding("The segmentations share no customers, so that whether they agree cannot be said.")
        return
    cells = [
        {"solution": a, "other": b, "agreement": 1.0 if a == b else found.get((a, b), found.get((b, a), np.nan))}
        for a in several
        for b in several
    ]
    long = pd.DataFrame(cells)
    wide = long.pivot_table("agreement", "solution", "other", sort=False, dropna=False)[list(several)]
    caption = (
        "Adjusted Rand index of the customers that both divide: 1 is the same division whatever its segments are "
        "called, 0 what chance gives."
    )
    yield Table("agreement", "How the segmentations agree", wide.rename_axis(columns=None).reset_index(), caption)
    yield Figure(
        "agreement",
        "How the segmentations agree",
        long,
        "heatmap",
        "other",
        "solution",
        caption,
        fill="agreement",
        x_label=" ",
        y_label=" ",
    )
    known = {pair: one for pair, one in found.items() if np.isfinite(one)}
    most, least = max(known, key=lambda pair: known[pair]), min(known, key=lambda pair: known[pair])
    told = f"{most[0]} and {most[1]} agree most (adjusted Rand index {number(known[most], 2)})"
    if most != least:
        told += f", {least[0]} and {least[1]} least ({number(known[least], 2)})"
    yield Finding(f"{told}.")
    first, *others = several
    for place, other in enumerate(others[:FLOWS], 1):
        yield from _flow(several[first], several[other], first, other, place)


def _agreement(ours: pd.Series, others: pd.Series) -> float:
    both = ours.index.intersection(others.index)
    if len(both) < 2:
        return float("nan")
    index = RandIndex(ours.loc[both].to_numpy(), others.loc[both].to_numpy())
    return float(index(np.ones((len(both), 1)))[0, 0])


def _flow(ours: pd.Series, others: pd.Series, first: str, second: str, place: int) -> Iterator[Figure]:
    """Where the customers of each segment of one solution are in another."""
    both = ours.index.intersection(others.index)
    if not len(both):
        return
    moved = pd.DataFrame({"one": ours.loc[both].to_numpy(), "other": others.loc[both].to_numpy()})
    counts = moved.groupby(["one", "other"]).size().rename("customers").reset_index()
    counts = counts.assign(one=[f"A{k}" for k in counts["one"]], other=[f"B{k}" for k in counts["other"]])
    yield Figure(
        f"agreement_flow_{place}",
        f"From the segments of {first} to those of {second}",
        counts,
        "flow",
        "one",
        "other",
        f"A are the segments of {first}, B those of {second}, by their numbers; {len(both):,} customers of both.",
        fill="customers",
        x_label=first,
        y_label=second,
    )
