"""Who moved from one segment to another between dates, and how likely such a move is.

Works on a history: a row per customer and date, ``customer_id``, ``time`` and ``segment``. A customer is in it from
their first date on and at every later one; before, they were `NOBODY`'s.

See Pfeifer, P. E. and Carraway, R. L. (2000), Modeling customer relationships as Markov chains, Journal of Interactive
Marketing 14(2), 43–55.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

NOBODY = "not a customer yet"
DIRECTIONS = ("up", "down", "stayed", "new")


def moves(history: pd.DataFrame, order: Sequence[str]) -> pd.DataFrame:
    """Return each customer's move from each date to the next.

    Parameters
    ----------
    history
        As above.
    order
        The segments, the best first.

    Returns
    -------
    DataFrame
        ``customer_id``, ``since``, ``time`` (from when to when), ``from``, ``to`` and ``direction``: ``up``, ``down``,
        ``stayed``, or ``new`` of somebody who was no customer yet. In the order of customer and time.
    """
    times = np.sort(history["time"].unique())
    codes, ids = pd.factorize(history["customer_id"])
    when = np.searchsorted(times, history["time"].to_numpy())
    standing = pd.Index(order).get_indexer(pd.Index(history["segment"]))
    sequence = np.lexsort([when, codes])
    who, at, now = codes[sequence], when[sequence], standing[sequence]
    before = np.full(len(now), -1)
    same = who[1:] == who[:-1]
    before[1:][same] = now[:-1][same]
    moved = at > 0
    who, at, now, before = who[moved], at[moved], now[moved], before[moved]
    names = np.array([*order, NOBODY], dtype=object)
    direction = np.select([before < 0, now > before, now < before], ["new", "down", "up"], "stayed")
    return pd.DataFrame(
        {
            "customer_id": ids[who],
            "since": times[at - 1],
            "time": times[at],
            "from": names[before],
            "to": names[now],
            "direction": direction,
        }
    )


def transitions(moved: pd.DataFrame, order: Sequence[str], by: Sequence[str] = ("since", "time")) -> pd.DataFrame:
    """Count the moves from each segment to each, and say how likely they are.

    Parameters
    ----------
    moved
        As `moves` returns them.
    order
        The segments, the best first.
    by
        What is counted apart; nothing for all dates together.

    Returns
    -------
    DataFrame
        ``by``, ``from``, ``to``, ``customers`` and ``probability``: their share of all who were in ``from``. Moves that
        nobody made are among them, with 0, where anybody was in ``from`` at all.
    """
    by = list(by)
    ranks = [*order, NOBODY]
    kinds = pd.CategoricalDtype(ranks, ordered=True)
    counted = moved.assign(**{end: moved[end].astype(kinds) for end in ("from", "to")})
    counts = counted.groupby([*by, "from", "to"], observed=False).size().rename("customers").reset_index()
    counts = counts[counts["to"] != NOBODY]
    total = counts.groupby([*by, "from"], observed=False)["customers"].transform("sum")
    found = counts[total > 0].assign(probability=(counts["customers"] / total)[total > 0])
    return found.astype({"from": str, "to": str}).reset_index(drop=True)
