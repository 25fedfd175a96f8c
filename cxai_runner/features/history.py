"""What a customer had bought of the category before: the last brand and quantity, how long ago, and loyalty.

Everything here is of occasions that are over when a row's own begins. What is bought at the occasion itself, or later,
changes none of it. It is the customer's own past alone: a customer who is held out brings a past of their own, and an
occasion that is held out by time may look back beyond the cut.

Loyalty is the share of an alternative among what the customer has bought, by units (``share``), or the exponentially
smoothed measure of Guadagni and Little,

    loyalty_{n+1} = a · loyalty_n + (1 − a) · 1[the n-th purchase was of the alternative]

which forgets (``a`` is the carry-over). Both start from the training part's shares of units: what is known of somebody
of whom nothing is known. Guadagni and Little start from the first brand bought, which is a choice that the row itself
may have to explain.

See Guadagni, P. M. and Little, J. D. C. (1983), A logit model of brand choice calibrated on scanner data, Marketing
Science 2(3), 203–238.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from cxai_runner.features.alternatives import NONE

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

_WEEK = 7
LAST = ("last_brand", "last_quantity", "weeks_since_purchase")
KNOWN = (*LAST, "previous_purchase", "week_of_year")
"""What is known of an occasion before it, apart from the market and loyalty."""


def past(
    occasions: pd.DataFrame,
    bought: pd.DataFrame,
    units: pd.DataFrame,
    start: Mapping[str, float],
    carry_over: float | None = None,
) -> pd.DataFrame:
    """Return what was known of each customer before each of ``occasions``, in their order and with their index.

    Parameters
    ----------
    occasions
        ``customer_id``, ``time`` and ``weeks`` (`week_count`).
    bought
        The occasions with a purchase, each customer's in order: the same columns, ``brand`` and ``quantity``. Those
        before the first of ``occasions`` are among them.
    units
        Units of each alternative (columns), row for row of ``bought``.
    start
        Loyalty of a customer without a purchase, by alternative.
    carry_over
        Of the smoothed loyalty, in [0, 1); None for shares.

    Returns
    -------
    ``last_brand`` (``none`` before the first purchase), ``last_quantity`` (0 before it), ``weeks_since_purchase``
    (missing before it) and ``loyalty_<alternative>``, which sum to 1. An earlier occasion of the same day is the last
    one; loyalty is as of the end of the day before.
    """
    loyalty = _shares(bought, units, start) if carry_over is None else _smoothed(bought, units, start, carry_over)
    # A brand may be called what any column is.
    state = bought[["customer_id", "time", "weeks", "brand", "quantity"]].join(loyalty.add_prefix("loyalty_"))
    state["then"] = state["time"]
    last = _before(occasions["customer_id"], occasions["time"], state)
    day_before = _before(occasions["customer_id"], occasions["time"].dt.floor("D"), state)
    found = occasions[[]].copy()
    found["last_brand"] = last["brand"].fillna(NONE).to_numpy(dtype=object)
    found["last_brand"] = found["last_brand"].astype(bought["brand"].dtype)
    found["last_quantity"] = last["quantity"].fillna(0.0).to_numpy(dtype=float)
    found["weeks_since_purchase"] = _apart(occasions["weeks"], last["weeks"], occasions["time"], last["then"])
    for name, share in start.items():
        found[f"loyalty_{name}"] = day_before[f"loyalty_{name}"].fillna(share).to_numpy(dtype=float)
    return found


def previous(occasions: pd.DataFrame, bought: pd.DataFrame, by: Sequence[str]) -> pd.Series:
    """Return whether anything was bought on each customer's occasion before, 1 or 0; 0 on the first.

    Parameters
    ----------
    occasions
        All of them up to some instant: ``by``, and ``occasion``, their number.
    bought
        Those with a purchase.
    by
        The columns that tell occasions apart.
    """
    with_purchase = occasions[list(by)].merge(bought[list(by)], how="left", on=list(by), indicator="bought")
    happened = occasions[["customer_id", "occasion"]].assign(bought=with_purchase["bought"].eq("both").to_numpy())
    before = happened.sort_values("occasion", kind="stable").groupby("customer_id", sort=False)["bought"].shift(1)
    return before.reindex(occasions.index).eq(True).astype("int64")


def _apart(weeks: pd.Series, earlier: pd.Series, time: pd.Series, then: pd.Series) -> NDArray[np.float64]:
    """Weeks between two occasions, as far as their numbers count weeks, and by the calendar where they do not.

    The first day on which a week has a purchase is up to six days into it, so two first days are less than a week off
    what the numbers say. Years and weeks in one number, 202352 and 202401, are off by forty-eight.
    """
    counted = weeks.to_numpy(dtype=float) - earlier.to_numpy(dtype=float)
    days = (time.to_numpy().astype("datetime64[D]") - then.to_numpy().astype("datetime64[D]")) / np.timedelta64(1, "D")
    return np.where(np.abs(_WEEK * counted - days) > _WEEK, np.maximum(np.round(days / _WEEK), 1.0), counted)


def _before(customers: pd.Series, times: pd.Series, state: pd.DataFrame) -> pd.DataFrame:
    """The last row of ``state`` that is strictly earlier, for each customer and time, in their order."""
    import pandas as pd

    asked = pd.DataFrame({"customer_id": customers, "time": times}).assign(row=np.arange(len(times)))
    found = pd.merge_asof(
        asked.sort_values("time", kind="stable"),
        state.sort_values("time", kind="stable"),
        on="time",
        by="customer_id",
        allow_exact_matches=False,
    )
    return found.sort_values("row", ignore_index=True)


def _shares(bought: pd.DataFrame, units: pd.DataFrame, start: Mapping[str, float]) -> pd.DataFrame:
    """Each alternative's share of the units bought so far, this purchase included."""
    names = list(start)
    totals = units[names].groupby(bought["customer_id"]).cumsum()
    shares = totals.div(totals.sum(axis=1), axis=0)
    # Nothing but brands that are no alternatives was bought so far: still nothing is known.
    return shares.fillna(dict(start))


def _smoothed(bought: pd.DataFrame, units: pd.DataFrame, start: Mapping[str, float], carry_over: float) -> pd.DataFrame:
    """The smoothed loyalty after each purchase, one purchase number after the other."""
    import pandas as pd

    names = list(start)
    chosen = (bought["brand"].to_numpy()[:, None] == np.array(names, dtype=object)[None, :]).astype(float)
    # A brand that is no alternative leaves loyalty as it was.
    counts = chosen.sum(axis=1) > 0
    state = np.tile(np.array([start[name] for name in names]), (len(bought), 1))
    number = bought.groupby("customer_id").cumcount().to_numpy()
    by_number = np.split(np.argsort(number, kind="stable"), np.cumsum(np.bincount(number))[:-1])
    for n, rows in enumerate(by_number):
        earlier = state[rows - 1] if n else state[rows]
        updated = carry_over * earlier + (1 - carry_over) * chosen[rows]
        state[rows] = np.where(counts[rows, None], updated, earlier)
    return pd.DataFrame(state, columns=names, index=units.index)
