"""What not to conclude from a price response."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from cxai_runner.evaluation.results import Content, Finding
from cxai_runner.evaluation.wording import number
from cxai_runner.features.alternatives import OTHER
from cxai_runner.methods.response.chain import PRICE
from cxai_runner.methods.response.optimum import FEW
from cxai_runner.methods.together import moved_together
from tasks.price_response.prices import Answers
from tasks.price_response.rows import alternatives

FEW_PRICES = 10
FEW_ROWS = 30
WIDE = 0.5
"""A gap between two prices, in ranges, from which on it is told."""


def caveats(answers: Answers) -> Iterator[Content]:
    """What not to conclude."""
    brand = answers.label
    yield Finding(
        "The effect of price is causal only if price was set without regard to demand, given what else the models see. "
        "If prices rise when demand does, it is understated; promotions that go with low prices lend it some of their "
        "effect, unless they are among the terms of all three models.",
        "caveat",
    )
    yield Finding(
        "The chain looks at one occasion at a time. Who buys more because it is cheap may buy less in the weeks after "
        "(stockpiling), and a promotion then borrows from later sales: an answer to a lasting price is likely smaller, "
        "and so is the best price's gain.",
        "caveat",
    )
    yield Finding(
        "All units of an occasion count as those of the brand of which most were bought, and at its price; what was "
        "bought of other brands at the same time is counted with it.",
        "caveat",
    )
    found = answers.at_observed(answers.brand)["total"]
    if found.high > 0 > found.low:
        yield Finding(
            "The data do not tell whether units fall when the price rises: the interval holds zero.", "caveat"
        )
    elif found.low >= 0:
        yield Finding(
            "Higher prices go with more units here, which no price effect explains: look for what moves both.", "caveat"
        )
    low, high = (number(end, 2) for end in answers.range)
    several = len(np.unique(answers.prices.round(6)))
    told = f"The price of {brand} took {several:,} different values between {low} and {high}"
    if several < FEW_PRICES:
        yield Finding(f"{told}: few to draw a curve through.", "caveat")
    else:
        yield Finding(f"{told}.")
    yield from _gap(answers)
    rare = [f"{name} ({rows})" for name, rows in answers.rows.items() if rows < FEW_ROWS]
    if rare:
        yield Finding(f"Fewer than {FEW_ROWS} occasions tell of: {', '.join(rare)}.", "caveat")
    if answers.brand == OTHER:
        yield Finding(f"`{OTHER}` is all smaller brands together: its price is an index, which nobody sets.", "caveat")
    if answers.left_out:
        yield Finding(
            f"In {answers.left_out} of {answers.asked} resamples of the customers a model had no estimate; they are "
            "left out of the intervals.",
            "caveat",
        )
    if answers.usable < FEW:
        yield Finding(
            f"Only {answers.usable} resamples of the customers are behind the intervals: they are rough, and a best "
            "price has none. Take more with task.refits=100, or fewer terms where models have no estimate.",
            "caveat",
        )
    for column, rows in answers.unheeded.items():
        yield Finding(
            f"{rows:,} occasions have `{column}` though their incidence is 0: it counts as no purchase, and what "
            f"`{column}` says there is not used. Set incidence to 1 if it was one.",
            "caveat",
        )
    if answers.ranged:
        told = " and ".join(f"`{name}`" for name in answers.ranged)
        yield Finding(
            f"The numbers of {told} are divided at their quartiles: groups are ranges, and their ends no thresholds.",
            "caveat",
        )
    steps = [name for name, is_smooth in zip(("incidence", "quantity"), answers.smooth, strict=True) if not is_smooth]
    if steps:
        yield Finding(
            f"The part of {' and '.join(steps)} is an arc elasticity, between prices 10 % lower and higher, because "
            "the model is not a smooth one of ours; what its shrinkage takes from it is in no interval.",
            "caveat",
        )


def _gap(answers: Answers) -> Iterator[Finding]:
    """A price far from all others, which draws the observed range out to where nothing was observed."""
    prices = np.unique(answers.prices)
    gaps = np.diff(prices)
    at = int(gaps.argmax())
    if len(prices) >= FEW_PRICES and gaps[at] > WIDE * np.ptp(prices):
        low, high = (number(end, 2) for end in prices[at : at + 2])
        few = min(int((answers.prices <= prices[at]).sum()), int((answers.prices > prices[at]).sum()))
        yield Finding(
            f"Between {low} and {high} nothing was observed, and {few:,} of {len(answers.prices):,} occasions lie on "
            "one side of that: curves and best prices there are the models' alone, and coarse elsewhere. Leave such "
            "prices out where they are mistakes.",
            "caveat",
        )


def together(brand: str, frame: pd.DataFrame, competitors: str) -> Iterator[Finding]:
    """Brands whose prices always moved with the one asked about, where those are to stay."""
    if competitors != "fixed":
        return
    prices = frame[[f"{PRICE}{name}" for name in alternatives(frame)]].set_axis(alternatives(frame), axis="columns")
    pairs = [({one, other} - {brand}, r) for one, other, r in moved_together(prices) if brand in (one, other)]
    if pairs:
        told = ", ".join(f"{min(other)} (r = {number(r, 2)})" for other, r in pairs)
        yield Finding(
            f"The price of brand {brand} moved together with that of {told}. What it does while competitors' prices "
            "stay is told by the form of the models more than by the data, and so is the best price; "
            "task.competitors=matched asks about prices that move together.",
            "caveat",
        )
