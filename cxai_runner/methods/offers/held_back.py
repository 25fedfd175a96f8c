"""The last days of histories held back: what a model would have said before them, and what was bought in them.

Chances are learned so inside the training part: no later purchase is needed, and none is seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from cxai_runner.methods.recommend.fitted_choice import as_of_earlier
from cxai_runner.methods.recommend.interactions import CHOICE, DAYS, ITEMS, WEIGHTS
from cxai_runner.methods.recommend.lists import numbers, parsed, text


@dataclass(frozen=True, eq=False)
class HeldBack:
    """Histories as they stood some days ago, and what came.

    Parameters
    ----------
    frame
        Of each customer who had bought something by then ``items``, ``weights``, ``days`` (counted to that day),
        ``choice`` (what a model of brand choice said then, nothing where that is not known) and their other columns;
        the index says which row of the whole they were.
    bought
        The different items that each of them bought in the days held back, JSON lists.
    """

    frame: pd.DataFrame
    bought: pd.Series


def held_back(frame: pd.DataFrame, horizon: float) -> HeldBack:
    """Hold the last days of histories back.

    Parameters
    ----------
    frame
        A row per customer: ``items``, ``days`` and perhaps ``weights``, as models of recommendation take them.
    horizon
        How many days, positive: of dates without a time of day, this many whole days are held back.

    Raises
    ------
    ValueError
        Histories say no days, or nothing is older than so many.
    """
    if DAYS not in frame:
        raise ValueError("histories say nothing of days: none can be held back")
    begins, items = parsed(frame[ITEMS])
    ago = numbers(frame[DAYS])[1]
    names = np.asarray(items, dtype=object)
    earlier = ago > horizon  # as everywhere, what happened at the instant itself is not known yet
    rows = np.repeat(np.arange(len(frame)), np.diff(begins))
    there = np.bincount(rows[earlier], minlength=len(frame)) > 0
    if not there.any():
        raise ValueError(f"nothing was bought more than {horizon:g} days ago")

    def lists(values: np.ndarray) -> list[str]:
        return [text(values[begin:end][earlier[begin:end]].tolist()) for begin, end in pairwise(begins)]

    columns = {ITEMS: lists(names), DAYS: lists((ago - horizon).round(4))}
    if WEIGHTS in frame:
        columns[WEIGHTS] = lists(numbers(frame[WEIGHTS])[1])
    if CHOICE in frame:
        columns[CHOICE] = as_of_earlier(frame[CHOICE], horizon).tolist()
    bought = [text(sorted(set(names[begin:end][~earlier[begin:end]]))) for begin, end in pairwise(begins)]
    before = frame.assign(**columns)
    return HeldBack(before[there], pd.Series(bought, index=frame.index, dtype=object)[there])
