"""Whether rows are occasions that a chain of purchase models can be fitted to: what is wrong, with the remedy."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from cxai_runner.config.problems import Problem
from cxai_runner.data.dataset import Dataset
from cxai_runner.methods.levels import MISSING, levels
from cxai_runner.methods.quantity.terms import BRAND
from cxai_runner.methods.response.chain import PRICE, PROMOTION
from cxai_runner.methods.terms import columns_of


def alternatives(frame: pd.DataFrame) -> list[str]:
    """Return the brands of a panel, by their price columns."""
    return [name.removeprefix(PRICE) for name in columns_of("price", map(str, frame.columns))]


def flags(frame: pd.DataFrame, availability: str | None) -> list[str]:
    """Return the columns that say whether each brand could be chosen; none where not every brand has one."""
    columns = [f"{availability}_{name}" for name in alternatives(frame)]
    return columns if availability is not None and set(columns) <= set(frame.columns) else []


def outcome(frame: pd.DataFrame) -> pd.DataFrame:
    """Return incidence, brand and quantity as the chain takes them; a quantity of 0 where nothing was bought."""
    units = pd.to_numeric(frame["quantity"], errors="coerce").to_numpy(dtype=np.float64)
    bought = frame["incidence"].to_numpy() == 1
    found = {
        "incidence": bought.astype(np.int64),
        BRAND: levels(frame[BRAND]).to_numpy(),
        "quantity": np.where(bought, units, 0.0),
    }
    return pd.DataFrame(found, index=frame.index)


def unheeded(frame: pd.DataFrame) -> dict[str, int]:
    """Count the occasions without a purchase that all the same name units or a brand, which the models do not see."""
    nothing = frame[frame["incidence"] == 0]
    units = pd.to_numeric(nothing["quantity"], errors="coerce") > 0
    named = levels(nothing[BRAND]).isin(alternatives(frame))
    return {name: int(mine.sum()) for name, mine in (("quantity", units), (BRAND, named)) if mine.any()}


def unusable(data: Dataset, availability: str | None = None) -> Iterator[Problem]:
    """Yield why rows are no occasions with a price of every brand and, where something was bought, whole units."""
    frame = data.frame
    happened = frame["incidence"]
    other = sorted(set(happened.dropna().unique()) - {0, 1})
    if happened.isna().any():
        yield Problem("panel.incidence", f"{int(happened.isna().sum()):,} missing values", remedy="drop these rows")
    if other:
        yield Problem("panel.incidence", "0 (no purchase) or 1 (a purchase)", other[0], "recode the column")
    bought = frame[happened == 1]
    yield from _quantities(bought)
    yield from _brands(bought, alternatives(frame))
    yield from _absent(bought, availability)
    for name in (str(name) for name in frame.columns):
        if name.startswith((PRICE, PROMOTION)):
            values = pd.to_numeric(frame[name], errors="coerce")
            if values.isna().any():
                told = f"{int(values.isna().sum()):,} missing values"
                yield Problem(f"panel.{name}", told, remedy="fill them, or drop these rows")
            elif name.startswith(PRICE) and (values <= 0).any():
                yield Problem(f"panel.{name}", "a price of zero or less", float(values.min()), "filter these rows out")


def unanswerable(data: Dataset) -> Iterator[Problem]:
    """Yield why usable rows cannot tell how a price moves purchases, brands and units."""
    frame = data.frame
    if frame["incidence"].nunique() == 1:
        told = "one value only: nothing tells buying from not buying"
        remedy = "bring all shopping occasions, those without a purchase too: features.purchases_only=false"
        yield Problem("panel.incidence", told, frame["incidence"].iloc[0], remedy)
        return
    names = alternatives(frame)
    if len(names) < 2:
        told = "prices of one brand only: there is no choice between brands"
        yield Problem("panel.price_*", told, names[0], "raise features.brands, or run task=purchase_quantity")
    bought = set(levels(frame.loc[frame["incidence"] == 1, BRAND]))
    for name in names:
        if name not in bought:
            told = "never bought in the training part, so that nothing tells who would"
            remedy = f"leave the columns price_{name} and promotion_{name} out, or take a longer window"
            yield Problem("panel.brand", told, name, remedy)
    still = [name for name in names if frame[f"{PRICE}{name}"].nunique() == 1]
    if len(still) == len(names):
        remedy = "take a longer window, or a category whose prices changed"
        yield Problem("panel.price_*", "one price only for every brand: no elasticity can be estimated", remedy=remedy)


def _quantities(bought: pd.DataFrame) -> Iterator[Problem]:
    units = pd.to_numeric(bought["quantity"], errors="coerce")
    missing = int(units.isna().sum())
    if missing:
        yield Problem("panel.quantity", f"{missing:,} missing values where something was bought", remedy="drop them")
    none = int((units <= 0).sum())
    if none:
        told = f"{none:,} of {len(bought):,} purchases have no unit"
        yield Problem("panel.quantity", told, remedy="set incidence to 0 there, or filter these rows out")
    broken = units[(units > 0) & (units != units.round())]
    if len(broken):
        told = f"{len(broken):,} of {len(bought):,} purchases are not of whole units, such as {broken.iloc[0]:g}"
        remedy = "a probability of counts needs counts: take a category sold by the piece, or filter these rows out"
        yield Problem("panel.quantity", told, remedy=remedy)


def _brands(bought: pd.DataFrame, names: list[str]) -> Iterator[Problem]:
    count = levels(bought[BRAND]).value_counts()
    if MISSING in count and MISSING not in names:
        told = f"{int(count.pop(MISSING)):,} missing values where something was bought"
        yield Problem("panel.brand", told, remedy="say which brand was bought, or drop these rows")
    for brand in sorted(map(str, count.index)):
        if brand not in names:
            told = f"{int(count[brand]):,} purchases are of a brand that has no column `{PRICE}{brand}`"
            remedy = "name the price's column after the brand, or filter its rows out"
            yield Problem("panel.brand", told, brand, remedy)


def _absent(bought: pd.DataFrame, availability: str | None) -> Iterator[Problem]:
    """Purchases of a brand that could not be chosen, and brands that nobody ever could."""
    columns = flags(bought, availability)
    if not columns:
        return
    there = bought[columns].apply(pd.to_numeric, errors="coerce").fillna(0).to_numpy() != 0
    ignore = "ignore it: task.availability=null"
    for name, ever in zip(alternatives(bought), there.any(axis=0), strict=True):
        if not ever:
            told = "could be chosen on no occasion with a purchase"
            yield Problem(f"panel.{availability}_{name}", told, remedy=f"leave its price column out, or {ignore}")
    chosen = pd.Index(alternatives(bought)).get_indexer(pd.Index(levels(bought[BRAND])))
    absurd = int((~there[np.arange(len(bought)), chosen] & (chosen >= 0)).sum())
    if absurd:
        told = f"{absurd:,} purchases are of a brand that was not available"
        yield Problem(f"panel.{availability}_*", told, remedy=f"mend {availability}_…, or {ignore}")
