"""Shares and elasticities over the prices of each brand: what was observed, and what the model makes of the rest."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from cxai_runner.evaluation.results import Content, Figure, Finding, Table
from cxai_runner.methods.choice import share_curves
from tasks.brand_choice.answers import MOST_OF_CURVES, Answers, known, observed_range, safe

MOST_BRANDS = 6
"""Of more brands, those bought most often have curves."""
BEYOND = 0.25
"""How far a curve goes on beyond the observed range, in ranges."""


def of_prices(answers: Answers) -> Iterator[Content]:
    """Shares, and own elasticities, over the prices of each brand."""
    names = answers.largest(MOST_BRANDS)
    if len(names) < len(answers.alternatives):
        yield Finding(
            f"Of {len(answers.alternatives)} brands the {len(names)} bought most often have curves over their "
            f"{answers.task.price}s: {', '.join(names)}."
        )
    index = answers.some(MOST_OF_CURVES, answers.task.points * len(names) * len(answers.alternatives))
    frame = answers.frame.iloc[index]
    over = "" if len(index) == len(answers.frame) else f" Over {len(index):,} occasions, evenly spaced among all."
    tables = []
    for name in names:
        low, high = observed_range(answers, name)
        if not low < high:
            continue  # one price only, which is told among the caveats
        grid = np.linspace(max(low - BEYOND * (high - low), low / 2), high + BEYOND * (high - low), answers.task.points)
        with answers.listening():
            table = share_curves(
                answers.model,
                frame,
                answers.task.price,
                alternative=name,
                values=np.unique(np.concatenate([grid, [low, high]])),
                weights=answers.weight(index),
            )
        table = table.assign(price_of=name, observed=table["value"].between(low, high))
        tables.append(table)
        yield Figure(
            f"shares_by_price_of_{safe(name)}"[:60],
            f"Shares by the {answers.task.price} of {name}",
            table,
            "line",
            "value",
            "share",
            f"Mean predicted shares where {name} has that {answers.task.price} everywhere, all else as observed. "
            f"Shaded is what was observed; outside it the model extrapolates. {_band(answers)}{over}",
            by="share_of",
            low="share_low" if answers.known else None,
            high="share_high" if answers.known else None,
            x_label=f"{answers.task.price} of {name}",
            y_label="share",
            shade=(low, high),
        )
    if not tables:
        return
    every = pd.concat(tables, ignore_index=True)
    mine = every[(every["share_of"] == every["price_of"]) & every["observed"]].reset_index(drop=True)
    yield Figure(
        "own_elasticity",
        "Own-price elasticity by price",
        mine,
        "line",
        "value",
        "elasticity",
        f"Each brand over the range of prices that was observed for it. {_band(answers)}{over}",
        by="share_of",
        low="elasticity_low" if answers.known else None,
        high="elasticity_high" if answers.known else None,
        x_label=answers.task.price,
        y_label="own-price elasticity",
        reference={"y": -1.0},
    )
    columns = [
        "price_of",
        "value",
        "observed",
        *(name for name in every if name not in ("price_of", "value", "observed") and not str(name).endswith("_error")),
    ]
    told = "Outside `observed` it extrapolates. An elasticity is that of share_of to the price of price_of."
    yield Table("price_curves", "Shares and elasticities by price", known(every[columns]), told, 10)


def _band(answers: Answers) -> str:
    return f"Band: 95 %, {answers.uncertainty}." if answers.known else "No standard errors."
