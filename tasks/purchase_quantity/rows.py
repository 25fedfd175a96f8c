"""Whether rows are purchases that a quantity model can be fitted to: what is wrong with them, with the remedy."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from cxai_runner.config.problems import Problem
from cxai_runner.data.dataset import Dataset
from cxai_runner.methods.levels import MISSING, levels
from cxai_runner.methods.quantity.terms import BRAND, of_chosen


def unusable(data: Dataset) -> Iterator[Problem]:
    """Yield why the rows are no purchases of whole units of a brand with a price."""
    yield from _quantities(data.frame)
    # Where nothing was bought there is no brand to ask for.
    yield from _brands(data.frame[pd.to_numeric(data.frame["quantity"], errors="coerce") > 0])


def unanswerable(data: Dataset) -> Iterator[Problem]:
    """Yield why usable rows cannot tell how price moves quantity."""
    frame = data.frame
    if frame["quantity"].nunique() == 1:
        told = "one value only: nothing tells a large purchase from a small one"
        remedy = "take a longer window, or a category of which different quantities are bought"
        yield Problem("panel.quantity", told, frame["quantity"].iloc[0], remedy)
    price = of_chosen(frame, "price")
    if (price <= 0).any():
        yield Problem("panel.price_*", "a price of zero or less", float(price.min()), "filter these rows out")
    if len(np.unique(price)) < 2:
        remedy = "take a longer window, or a category whose prices changed"
        yield Problem("panel.price_*", "one price only: no elasticity can be estimated", float(price[0]), remedy)


def _quantities(frame: pd.DataFrame) -> Iterator[Problem]:
    units = pd.to_numeric(frame["quantity"], errors="coerce")
    missing = int(units.isna().sum())
    if missing:
        yield Problem("panel.quantity", f"{missing:,} missing values", remedy="drop these rows")
    none = int((units <= 0).sum())
    if none:
        told = f"{none:,} of {len(frame):,} rows have no unit, and so are no purchases"
        yield Problem("panel.quantity", told, remedy="leave them out: features.purchases_only=true")
    broken = units[(units > 0) & (units != units.round())]
    if len(broken):
        told = f"{len(broken):,} of {len(frame):,} rows are not of whole units, such as {broken.iloc[0]:g}"
        remedy = "a probability of counts needs counts: take a category sold by the piece, or filter these rows out"
        yield Problem("panel.quantity", told, remedy=remedy)


def _brands(frame: pd.DataFrame) -> Iterator[Problem]:
    brands = levels(frame[BRAND])
    for brand in brands.unique():
        column = f"price_{brand}"
        rows = int((brands == brand).sum())
        if brand == MISSING and column not in frame:
            yield Problem("panel.brand", f"{rows:,} missing values", remedy="say which brand was bought, or drop them")
        elif column not in frame:
            told = f"{rows:,} rows are of a brand that has no column `{column}`"
            remedy = "name the price's column after the brand, or filter its rows out"
            yield Problem("panel.brand", told, brand, remedy)
    for prefix in ("price", "promotion"):
        for brand in brands.unique():
            name = f"{prefix}_{brand}"
            if name in frame and (holes := int(frame.loc[brands == brand, name].isna().sum())):
                told = f"{holes:,} missing values where that brand was bought"
                yield Problem(f"panel.{name}", told, remedy="fill them, or drop these rows")
