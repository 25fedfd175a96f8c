"""Shopping occasions: what each household met in a week, and whether, which and how much it bought of a category."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from annotated_types import Ge

from cxai_runner.config.problems import Problem, UserError, did_you_mean, nearest
from cxai_runner.data.dataset import Dataset, Roles
from cxai_runner.data.needs import Needs
from cxai_runner.features import market
from cxai_runner.features.base import Features
from cxai_runner.features.parts import ordered

if TYPE_CHECKING:
    import pandas as pd
    from ibis.expr.types import Table as IbisTable

    from cxai_runner.data.tables import Tables
    from cxai_runner.evaluation.splits import Part

OTHER, NONE = "other", "none"


@dataclass(frozen=True, kw_only=True)
class PurchasePanel(Features):
    """One row per household and week with at least one basket of anything.

    ===================  ===================================================================================
    customer_id          the household
    time                 the first day of the week
    occasion             1, 2, 3 …: which shopping occasion of the household this is
    incidence            1 if anything of the category was bought, else 0
    brand                the alternative of which most units were bought (then most revenue, then the larger
                         brand), ``none`` if nothing was
    quantity, revenue    units and money, over the whole category
    price_<alternative>  what the alternative cost that week, in the source's currency, household coupons apart
    promotion_<…>        how much of it was on promotion that week, 0 … 1
    ===================  ===================================================================================

    A week is what the transactions' column ``week`` says, where there is one, and a calendar week from Monday where
    there is none. The alternatives are the ``brands`` brands with the highest revenue in the training part; what is
    left is pooled as ``other``. Prices are fixed-basket indices (see `market`). Promotion is the share of stores and
    products on display or in a mailer where the source has a table `promotions`, else the share of units sold at a
    retail discount; where neither is known there is no such column.

    Brands, weights and the market of every training week are learned from the training part alone. A week that the
    training part has is priced from the training part's purchases in either part; a later one from the held-out part's.

    Parameters
    ----------
    category
        As `products` calls it.
    brands
        How many brands are alternatives of their own.
    rest
        What becomes of the other brands: ``pool`` makes them one alternative; ``drop`` takes them out of the
        category, so that buying one of them is not buying.
    """

    makes: ClassVar[str] = "panel"

    category: str
    brands: Annotated[int, Ge(2)] = 4
    rest: Literal["pool", "drop"] = "pool"

    def needs(self) -> Needs:
        """Transactions and products; promotions where there are such."""
        return Needs(
            {
                "transactions": ("customer_id", "timestamp", "product_id", "quantity", "revenue"),
                "products": ("product_id", "category", "brand"),
            },
            {
                "transactions": ("week", "retail_discount", "coupon_match_discount"),
                "promotions": ("product_id", "week", "store_id", "display", "mailer"),
            },
        )

    def provides(self, tables: Tables) -> tuple[str, ...]:
        """The panel's columns."""
        promotion = ("promotion_*",) if self._promoted(tables) else ()
        return ("customer_id", "time", "occasion", "incidence", "brand", "quantity", "revenue", "price_*", *promotion)

    def problems(self, tables: Tables) -> Iterator[Problem]:
        """Yield a category that is not sold, too few brands, and promotions that cannot be dated."""
        if "promotions" in tables:
            for name in ("transactions", "promotions"):
                if "week" not in tables.columns(name):
                    remedy = f"map it: {_config_of(tables, name)}.columns.week=…"
                    yield Problem("", f"promotions go by week, and {name} has no column `week`", remedy=remedy)
        bought = tables["transactions"].select("product_id").distinct()
        on_sale = tables["products"].semi_join(bought, "product_id")
        categories = on_sale.select("category").distinct().drop_null().to_pyarrow()["category"].to_pylist()
        if self.category not in categories:
            near = nearest(self.category, categories)
            told = f"not among the {len(categories)} categories sold"
            remedy = "" if near else did_you_mean(self.category, categories)
            yield Problem("category", f"{told}; nearest: {near}" if near else told, value=self.category, remedy=remedy)
            return
        there = on_sale.filter(on_sale["category"] == self.category)["brand"].nunique().to_pyarrow().as_py()
        if there < self.brands:
            yield Problem(
                "brands",
                f"only {there} brands of {self.category} are sold",
                value=self.brands,
                remedy=f"at most {there}",
            )

    def rows(self, tables: Tables) -> IbisTable:
        """Household-weeks with a basket."""
        return _dated(tables["transactions"]).select("customer_id", "time").distinct()

    def learn(self, tables: Tables, train: Part) -> Mapping[str, Any]:
        """Learn the alternatives, the fixed weights, and the market of the training weeks.

        Raises
        ------
        UserError
            When nothing of the category was bought in the training part.
        """
        weekly = market.sold(self._purchases(tables, train))
        names = _names(self._largest(weekly))
        weekly = self._named(weekly, names)
        present = [*names.values(), OTHER]
        present = [one for one in present if one in set(weekly.loc[weekly["value"] > 0, "alternative"])]
        fixed = market.basket(weekly, present)
        seen = self._market(tables, _weeks(tables, train), weekly, fixed, carried=False)
        return {
            "names": names,
            "present": present,
            "basket": fixed.rows(),
            "market": {f"{time:%Y-%m-%d}": row for time, row in seen.to_dict("index").items()},
        }

    def build(self, tables: Tables, part: Part, learned: Mapping[str, Any]) -> Dataset:
        """Build one part."""
        import pandas as pd

        bought = self._purchases(tables, part)
        frame = part.select(_occasions(tables["transactions"]), "time").execute()
        met = pd.DataFrame.from_dict(learned["market"], orient="index")
        met.index = pd.DatetimeIndex(met.index, name="time").as_unit("us")
        if not frame["time"].isin(met.index).all():
            fixed = market.Basket.of(learned["basket"], learned["present"])
            unseen = {time: week for time, week in _weeks(tables, part).items() if time not in met.index}
            weekly = self._named(market.sold(bought), learned["names"])
            met = pd.concat([met, self._market(tables, unseen, weekly, fixed, carried=True)])
        frame = frame.merge(self._chosen(bought, learned), how="left", on=["customer_id", "time"])
        frame["incidence"] = frame["brand"].notna().astype("int64")
        frame["brand"] = frame["brand"].fillna(NONE)
        frame[["quantity", "revenue"]] = frame[["quantity", "revenue"]].fillna(0.0).astype(float)
        frame = frame.join(met, on="time")
        inputs = tuple(met.columns)
        outcome = ["customer_id", "time", "occasion", "incidence", "brand", "quantity", "revenue"]
        return Dataset(
            kind=self.makes,
            frame=ordered(frame[[*outcome, *inputs]], ["customer_id", "time"]),
            roles=Roles(time="time", inputs=inputs, alternatives=tuple(learned["present"])),
        )

    def _largest(self, weekly: pd.DataFrame) -> list[str]:
        """The brands with the highest revenue, the highest first."""
        totals = weekly.groupby("brand", as_index=False).agg(revenue=("revenue", "sum")).round({"revenue": 6})
        if totals.empty:
            told = Problem(
                "features.category",
                "nobody bought it in the training part",
                value=self.category,
                remedy="choose a larger category, or hold out less",
            )
            raise UserError([told], "data")
        top = totals.sort_values(["revenue", "brand"], ascending=[False, True])
        return [str(brand) for brand in top["brand"].head(self.brands)]

    def _named(self, rows: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
        """Return ``rows`` with the alternative that each row's brand is, without those that are none."""
        alternative = rows["brand"].map(names)
        if self.rest == "drop":
            return rows.assign(alternative=alternative).dropna(subset=["alternative"])
        return rows.assign(alternative=alternative.fillna(OTHER))

    def _products(self, tables: Tables) -> IbisTable:
        products = tables["products"]
        return products.filter(products["category"] == self.category).select("product_id", "brand")

    def _purchases(self, tables: Tables, part: Part) -> IbisTable:
        """What was bought of the category in ``part``, with its brand."""
        return part.select(_dated(tables["transactions"]), "time").join(self._products(tables), "product_id")

    def _chosen(self, bought: IbisTable, learned: Mapping[str, Any]) -> pd.DataFrame:
        """Quantity, revenue and the main alternative of each household-week in which any was bought."""
        keys = ["customer_id", "time"]
        by_brand = bought.group_by(*keys, "brand").aggregate(
            quantity=bought["quantity"].sum().round(6), revenue=bought["revenue"].sum().round(6)
        )
        frame = self._named(by_brand.order_by(*keys, "brand").execute(), learned["names"])
        sums = {"quantity": 6, "revenue": 6}
        frame = frame.groupby([*keys, "alternative"], as_index=False).agg(dict.fromkeys(sums, "sum")).round(sums)
        place = {name: number for number, name in enumerate(learned["present"])}
        frame["place"] = frame["alternative"].map(place).fillna(len(place))
        frame = frame.sort_values([*keys, "quantity", "revenue", "place"], ascending=[True, True, False, False, True])
        totals = frame.groupby(keys, as_index=False).agg(
            brand=("alternative", "first"), quantity=("quantity", "sum"), revenue=("revenue", "sum")
        )
        return totals.round(sums)

    def _market(
        self, tables: Tables, weeks: Mapping[Any, Any], weekly: pd.DataFrame, fixed: market.Basket, *, carried: bool
    ) -> pd.DataFrame:
        """``price_…`` and ``promotion_…`` of every alternative in each of ``weeks``."""
        import pandas as pd

        index = pd.DatetimeIndex(list(weeks), name="time").as_unit("us")
        columns = [market.prices(weekly, index, fixed, carried=carried).add_prefix("price_")]
        if "promotions" in tables:
            number = {int(week): time for time, week in weeks.items()}
            promoted = market.promotion_shares(tables["promotions"], number, self._products(tables), fixed)
            columns.append(promoted.reindex(index).add_prefix("promotion_"))
        elif self._promoted(tables):
            columns.append(market.discount_shares(weekly, index, fixed).add_prefix("promotion_"))
        return pd.concat(columns, axis=1)

    def _promoted(self, tables: Tables) -> bool:
        return "promotions" in tables or "retail_discount" in tables.columns("transactions")


def _dated(transactions: IbisTable) -> IbisTable:
    """Transactions with ``time``, the first day of their week.

    A numbered week starts on the first day on which it has a purchase: shops close their week at an hour of their own,
    and the number is what promotions go by.
    """
    if "week" not in transactions.columns:
        return transactions.mutate(time=transactions["timestamp"].truncate("W").cast("timestamp"))
    first = transactions["timestamp"].min().truncate("D").cast("timestamp")
    return transactions.join(transactions.group_by("week").aggregate(time=first), "week")


def _occasions(transactions: IbisTable) -> IbisTable:
    """One row per household-week with a basket, numbered within the household."""
    import ibis

    rows = _dated(transactions).select("customer_id", "time").distinct()
    order = ibis.window(group_by="customer_id", order_by="time")
    return rows.mutate(occasion=ibis.row_number().over(order) + 1)


def _weeks(tables: Tables, part: Part) -> dict[Any, Any]:
    """First day of each week in which anybody shopped → its number, or None where weeks have no number."""
    rows = part.select(_dated(tables["transactions"]), "time")
    numbered = "week" in rows.columns
    weeks = rows.select("time", *(["week"] if numbered else [])).distinct().order_by("time").execute()
    return dict(zip(weeks["time"], weeks["week"] if numbered else [None] * len(weeks), strict=True))


def _names(brands: Sequence[str]) -> dict[str, str]:
    """Brand → a name that can be part of a column's: lower case, no spaces, each once."""
    names: dict[str, str] = {}
    taken = {OTHER, NONE}
    for brand in brands:
        stem = re.sub(r"\W+", "_", brand.lower()).strip("_") or "brand"
        name, number = stem, 2
        while name in taken:
            name, number = f"{stem}_{number}", number + 1
        taken.add(name)
        names[brand] = name
    return names


def _config_of(tables: Tables, name: str) -> str:
    return f"data.{tables.mapped[name].key or 'tables.' + name}"
