"""Who is likely to leave, and what goes with them: a list to act on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from cxai_runner.evaluation.results import Content, Figure, Finding, Table
from cxai_runner.evaluation.wording import number, share

TENTH = 0.1


def at_risk(rows: pd.DataFrame, outcome: str) -> Iterator[Content]:
    """Yield customers by what is likely lost with them, the most first.

    Parameters
    ----------
    rows
        ``customer_id``, ``time`` where rows are dated, ``probability``, the outcome, and ``at_stake`` where it is known
        what a customer is worth.
    outcome
        The column that says who left.
    """
    dated = [name for name in ("time",) if name in rows]
    if "time" in rows and rows["time"].nunique() > 1:
        rows = rows[rows["time"] == rows["time"].max()]
    kept = [name for name in ("at_stake",) if name in rows]
    by = "likely_lost" if kept else "probability"
    if kept:
        rows = rows.assign(likely_lost=rows["probability"] * rows["at_stake"])
    listed = rows[["customer_id", *dated, "probability", *kept, *([by] if kept else []), outcome]]
    listed = listed.sort_values([by, "customer_id"], ascending=[False, True], kind="stable", ignore_index=True)
    caption = "Held-out customers; the last column says what really became of them. "
    if dated:
        caption += f"As they stood on {pd.Timestamp(listed['time'].iloc[0]):%Y-%m-%d}. "
    if kept:
        caption += "`likely_lost` is the probability that they leave times what is at stake with them. "
    yield Table("at_risk", "Customers at risk", listed, caption + "Of today's customers: `cxai predict`.")
    if not kept or not listed[by].sum() > 0:
        return
    count = max(round(TENTH * len(listed)), 1)
    lost, stake = listed[by].sum(), listed["at_stake"].sum()
    yield Finding(
        f"Of {number(stake, 0)} at stake with {len(listed):,} held-out customers, {number(lost, 0)} is likely lost; "
        f"{share(listed[by].head(count).sum() / lost)} of that is with {count:,} of them, the first tenth of the list."
    )
    if (listed["at_stake"] < 0).any():
        return
    reached = np.arange(1, len(listed) + 1) / len(listed)
    curve = pd.DataFrame({"customers": reached, "likely_lost": listed[by].cumsum() / lost})
    places = np.unique(np.linspace(0, len(curve) - 1, min(len(curve), 200)).round().astype(int))
    yield Figure(
        "likely_lost",
        "Where most is likely lost",
        curve.iloc[places].reset_index(drop=True),
        "line",
        "customers",
        "likely_lost",
        "How much of what is likely lost lies with the first customers of the list.",
        x_label="share of customers, most at stake first",
        y_label="share of what is likely lost",
        reference="diagonal",
    )
