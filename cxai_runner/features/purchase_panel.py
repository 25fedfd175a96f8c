"""Shopping occasions: what each household met, what it had bought before, and whether, which and how much it bought."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from annotated_types import Ge, Lt

from cxai_runner.config.problems import Problem, UserError
from cxai_runner.data.answers import value
from cxai_runner.data.dataset import Dataset, Dropped, Roles
from cxai_runner.data.tables.casts import as_text
from cxai_runner.data.tables.instants import day_after, instant
from cxai_runner.data.tables.needs import Needs
from cxai_runner.evaluation.splits import Part
from cxai_runner.features import (
    alternatives,
    history,
    left_out,
    market,
    next_occasion,
    occasions,
    panel_problems,
    promotions,
    stores,
)
from cxai_runner.features.base import Features
from cxai_runner.features.parts import ordered

if TYPE_CHECKING:
    import pandas as pd
    from ibis.expr.types import Table as IbisTable

    from cxai_runner.data.tables.opened import Tables

_INPUTS = ("price_*", "promotion_*")
_COUPONS = "coupon_match_discount"
_NO_ALTERNATIVE = "brand is none of the alternatives"
_SUMS = {"quantity": 6, "revenue": 6}


@dataclass(frozen=True, kw_only=True)
class PurchasePanel(Features):
    """One row per household and shopping occasion: a week with at least one basket of anything, or a basket.

    ======================  ================================================================================
    customer_id             the household
    time                    the first day of the week, or the instant of the basket
    occasion                1, 2, 3 …: which shopping occasion of the household this is
    store_group             where it shopped, if groups of stores are told apart
    incidence               1 if anything of the category was bought, else 0
    brand                   the alternative of which most units were bought (then most revenue, then the larger
                            brand), ``none`` if nothing was
    quantity, revenue       units and money, over the whole category
    last_brand, …_quantity  of the household's last earlier occasion with a purchase of the category
    weeks_since_purchase    how long ago that was; missing before the first
    previous_purchase       1 if the household's occasion before was one with a purchase of the category, else 0
    week_of_year            1 … 53, by the calendar of ISO 8601
    price_<alternative>     what the alternative cost that week, in the source's currency, coupons apart
    promotion_<…>           how much of it was on display or in a mailer that week, 0 … 1
    display_<…>, mailer_…   how much of it was on display, and in a mailer
    loyalty_<…>             its share of what the household had bought of the category up to the day before
    ======================  ================================================================================

    The alternatives are the ``brands`` brands with the highest revenue in the training part. Prices are fixed-basket
    indices (`market`), the past is `history`'s, groups of stores are `stores`'. Where the source has no table
    `promotions`, promotion is the share of units sold at a retail discount, and there is no display or mailer; where
    that is not known either, there is no such column.

    Brands, weights, groups of stores, the start of loyalty and the market of every training week are learned from the
    training part alone. A week that the training part has is priced from the training part's purchases in either part;
    any other from the held-out part's, which are public by then. A household's past is its own in either part.

    With ``ahead`` there is one row per household: the occasion that comes next, as of the end of the part, or of the
    data where it has none. Its market is that of the last week before, each product at the price it was last seen at.
    Nothing of that instant or later is read, and there is no outcome.

    Parameters
    ----------
    category
        As `products` calls it.
    brand_by
        The column of `products` that says which brand a product is of.
    brands
        How many brands are alternatives of their own.
    rest
        What becomes of the other brands: ``pool`` makes them one alternative; ``drop`` takes them out of the
        category, so that buying one of them is not buying.
    occasion
        ``week`` or ``basket``.
    store_groups
        The column of `transactions` or `stores` by which prices and promotions are told apart, such as ``store_id``;
        null makes the whole chain one group.
    store_group_lines
        A group has prices of its own if the training part has so many lines of the category there; the others are
        pooled.
    put_back
        Columns of `transactions` that are added to revenue for the price on the shelf; where none are named, the shop's
        own match of a household's coupon if the source has it.
    loyalty_carry_over
        Of smoothed loyalty; null for plain shares.
    columns
        The inputs of a model, by name or pattern; prices and promotions where none are named.
    purchases_only
        Whether occasions on which nothing of the category was bought are left out, and counted.
    ahead
        Whether each household's next occasion is asked about, and none that was.
    """

    makes: ClassVar[str] = "panel"

    category: str
    brand_by: str = "brand"
    brands: Annotated[int, Ge(2)] = 4
    rest: alternatives.Rest = "pool"
    occasion: occasions.Occasion = "week"
    store_groups: str | None = None
    store_group_lines: Annotated[int, Ge(1)] = 500
    put_back: Sequence[str] | None = None
    loyalty_carry_over: Annotated[float, Ge(0), Lt(1)] | None = None
    columns: Sequence[str] | None = None
    purchases_only: bool = False
    ahead: bool = False

    def needs(self) -> Needs:
        """Transactions and products; promotions, and stores for their groups, where there are such."""
        lines = ["week", "retail_discount", *(self.put_back or [_COUPONS])]
        lines += ["order_id"] if self.occasion == "basket" or self.store_groups is not None else []
        kinds = ["product_id", "week", "store_id", *promotions.KINDS]
        own = ["brand"] if self.brand_by == "brand" else []
        by = stores.columns(self.store_groups)
        stored: dict[str, tuple[str, ...]] = {"stores": by} if by else {}
        return Needs(
            {
                "transactions": ("customer_id", "timestamp", "product_id", "quantity", "revenue"),
                "products": ("product_id", "category", *own),
            },
            {
                "transactions": (*lines, *by),
                "products": (self.brand_by,),
                "promotions": tuple(dict.fromkeys([*kinds, *by])),
                **stored,
            },
        )

    def provides(self, tables: Tables) -> tuple[str, ...]:
        """The panel's columns."""
        return (*self._outcome(), *history.KNOWN, "price_*", *(f"{one}_*" for one in self._kinds(tables)), "loyalty_*")

    def problems(self, tables: Tables) -> Iterator[Problem]:
        """Yield names that nothing has, weeks that cannot be told apart, and too little that is sold."""
        yield from panel_problems.names(self, tables, self.provides(tables))
        yield from panel_problems.weeks(tables)
        yield from panel_problems.category(self, tables)

    def rows(self, tables: Tables) -> IbisTable:
        """Household-weeks with a basket, or baskets; those with a line of the category, if only they are wanted.

        With ``ahead`` every household, undated.
        """
        lines = self._lines(tables)
        if self.ahead:
            return lines.select("customer_id").distinct()
        if self.purchases_only:
            lines = lines.semi_join(self._products(tables), "product_id")
        return lines.select(*occasions.keys(lines, self.occasion)).distinct().select("customer_id", "time")

    def learn(self, tables: Tables, train: Part) -> Mapping[str, Any]:
        """Learn alternatives, weights, groups of stores, the start of loyalty, and the market of the training weeks.

        Raises
        ------
        UserError
            When nothing of the category was bought in the training part.
        """
        lines = train.select(self._lines(tables), "time")
        bought = lines.join(self._products(tables), "product_id")
        groups = None if self.store_groups is None else stores.large(bought, self.store_group_lines)
        sales = market.sold(stores.grouped(bought, groups), self._put_back(tables))
        if sales["brand"].isna().all():
            raise UserError([panel_problems.nothing_bought(self.category)], "data")
        names = alternatives.names(alternatives.largest(sales, self.brands))
        sales = alternatives.named(sales, names, self.rest)
        priced = set(sales.loc[sales["value"] > 0, "alternative"])
        present = [one for one in (*names.values(), alternatives.OTHER) if one in priced]
        fixed = market.basket(sales, present)
        units = sales.groupby("alternative")["units"].sum()
        met = self._market(tables, occasions.weeks(lines), sales, groups, fixed).reset_index()
        return {
            "names": names,
            "present": present,
            "groups": groups,
            "loyalty": {name: float(units[name] / units[present].sum()) for name in present},
            "basket": fixed.rows(),
            "until": (value(lines["timestamp"].max()) + timedelta(microseconds=1)).isoformat(),
            "market": market.written(met).to_dict("records"),
            "paid": market.written(market.seen(sales)).to_dict("list"),
        }

    def learned_until(self, learned: Mapping[str, Any]) -> Any:
        """The instant after the last purchase that was learned from; where it was not kept, the end of its week."""
        if "until" in learned:
            return learned["until"]
        last = max(datetime.fromisoformat(week["period"]) for week in learned["market"])
        return (last + timedelta(days=7)).isoformat()

    def for_new_rows(self, inputs: Sequence[str], as_of: datetime | None) -> Features:
        """Ask for no number of brands or lines: which alternatives there are was learned."""
        return replace(self, brands=2, store_group_lines=1)

    def per_customer(self) -> Features:
        """Ask about each household's next occasion."""
        return replace(self, brands=2, store_group_lines=1, ahead=True)

    def extended(self, tables: Tables, part: Part, learned: Mapping[str, Any]) -> Mapping[str, Any]:
        """Add the market of the weeks that training did not have, from what all customers bought in them."""
        lines = stores.grouped(self._lines(tables), learned["groups"])
        if self.ahead:
            met = self._current(tables, next_occasion.before(lines, part.end), learned)
        else:
            met = self._met(tables, lines, part, learned, occasions.weeks(part.select(lines, "time")))
        return {**learned, "market": market.written(met).to_dict("records")}

    def build(self, tables: Tables, part: Part, learned: Mapping[str, Any]) -> Dataset:
        """Build one part."""
        import pandas as pd

        lines = stores.grouped(self._lines(tables), learned["groups"])
        if self.ahead:
            return self._ahead(tables, lines, part, learned)
        # What a customer did before the part begins is their past; nothing after its end is read.
        until = replace(part, start=None)
        frame = self._occasions(lines, until)
        bought, units, dropped = self._bought(tables, lines, until, learned, frame)
        by = occasions.keys(lines, self.occasion)
        frame["previous_purchase"] = history.previous(frame, bought, by)
        frame["week_of_year"] = frame["time"].dt.isocalendar().week.astype("int64")
        if part.start is not None:
            frame = frame[frame["time"] >= pd.Timestamp(part.start)].reset_index(drop=True)
        before = history.past(frame, bought, units, learned["loyalty"], self.loyalty_carry_over)
        met = self._met(tables, lines, part, learned, frame)
        frame = frame.join(before).merge(bought[[*by, "brand", *_SUMS]], how="left", on=by)
        frame["incidence"] = frame["brand"].notna().astype("int64")
        frame["brand"] = frame["brand"].fillna(alternatives.NONE)
        frame[list(_SUMS)] = frame[list(_SUMS)].fillna(0.0).astype(float)
        if self.purchases_only:
            every, frame = len(frame), frame[frame["incidence"] == 1]
            dropped = (*dropped, Dropped(self.makes, "nothing of the category was bought", every - len(frame), every))
        frame = frame.merge(met, how="left", on=list(market.KEYS))
        return self._dataset(frame, met, learned, dropped)

    def _ahead(self, tables: Tables, lines: IbisTable, part: Part, learned: Mapping[str, Any]) -> Dataset:
        """Each household's next occasion; those that a part names have a row, whether they were there before or not."""
        when = instant(part.end) or day_after(value(lines["timestamp"].max()))
        lines, until = next_occasion.before(lines, when), replace(part, start=None, end=None)
        past = self._occasions(lines, until)
        bought, units, dropped = self._bought(tables, lines, until, learned, past)
        by = occasions.keys(lines, self.occasion)
        met = self._current(tables, lines, learned)
        customers = until.customers["customer_id"] if until.customers is not None and until.keep else None
        frame = next_occasion.of(past, when, self.occasion, customers, occasions.weeks(lines).iloc[-1])
        frame["store_group"] = frame["store_group"].fillna(stores.every(learned["groups"])[-1])
        frame["previous_purchase"] = next_occasion.previous(past, frame, bought, by)
        frame["week_of_year"] = frame["time"].dt.isocalendar().week.astype("int64")
        frame = frame.join(history.past(frame, bought, units, learned["loyalty"], self.loyalty_carry_over))
        frame = frame.merge(met.drop(columns="period"), how="left", on="store_group")
        return self._dataset(frame, met, learned, dropped)

    def _dataset(
        self, frame: pd.DataFrame, met: pd.DataFrame, learned: Mapping[str, Any], dropped: tuple[Dropped, ...]
    ) -> Dataset:
        """Rows as a dataset; the columns of ``met`` are the market's."""
        loyalty = [f"loyalty_{name}" for name in learned["present"]]
        known = [*history.KNOWN, *(name for name in met.columns if name not in market.KEYS), *loyalty]
        wanted = _INPUTS if self.columns is None else self.columns
        # A pattern means numbers; words are an input where they are named.
        named = (one for want in wanted for one in ([want] if want in known else fnmatch.filter(known[1:], want)))
        inputs = tuple(dict.fromkeys(named))
        return Dataset(
            kind=self.makes,
            frame=ordered(frame[[*self._outcome(), *known]], ["customer_id", "time", "occasion"]),
            roles=Roles(
                time="time",
                inputs=inputs,
                describe=tuple(name for name in known if name not in inputs),
                alternatives=tuple(learned["present"]),
            ),
            dropped=dropped,
        )

    def _outcome(self) -> tuple[str, ...]:
        grouped = ("store_group",) if self.store_groups is not None else ()
        if self.ahead:
            return ("customer_id", "time", "occasion", *grouped)
        return ("customer_id", "time", "occasion", *grouped, "incidence", "brand", "quantity", "revenue")

    def _kinds(self, tables: Tables) -> tuple[str, ...]:
        """What is known of promotions: ``promotion``, ``display``, ``mailer``."""
        if "promotions" in tables:
            return promotions.made(tables.columns("promotions"))
        return ("promotion",) if "retail_discount" in tables.columns("transactions") else ()

    def _put_back(self, tables: Tables) -> tuple[str, ...]:
        if self.put_back is not None:
            return tuple(self.put_back)
        return (_COUPONS,) if _COUPONS in tables.columns("transactions") else ()

    def _lines(self, tables: Tables) -> IbisTable:
        """What was bought of anything, when, on which occasion and where."""
        more = ["retail_discount", *self._put_back(tables), *stores.columns(self.store_groups)]
        found = occasions.lines(tables["transactions"], self.occasion, more)
        return stores.located(found, tables, self.store_groups)

    def _products(self, tables: Tables) -> IbisTable:
        products = tables["products"]
        of_it = products.filter(products["category"] == self.category)
        return of_it.select("product_id", brand=as_text(of_it[self.brand_by]))

    def _occasions(self, lines: IbisTable, part: Part) -> pd.DataFrame:
        """The occasions of ``part``, with ``period``, ``store_group`` and ``weeks``."""
        by = occasions.keys(lines, self.occasion)
        found = part.select(occasions.occasions(lines, self.occasion), "time")
        if self.store_groups is None:
            frame = found.execute().assign(store_group=stores.CHAIN)
        else:
            frame = found.join(part.select(stores.visited(lines, by), "time"), by).execute()
        frame = occasions.to_microseconds(frame)
        if "period" not in frame:
            frame["period"] = frame["time"]
        return frame.assign(
            weeks=occasions.week_count(frame, self.occasion), occasion=frame["occasion"].astype("int64")
        )

    def _bought(
        self, tables: Tables, lines: IbisTable, part: Part, learned: Mapping[str, Any], frame: pd.DataFrame
    ) -> tuple[pd.DataFrame, pd.DataFrame, tuple[Dropped, ...]]:
        """Brand, quantity and revenue of each occasion with a purchase; units of each alternative; what was dropped.

        The first two have a row per occasion, each customer's in order.
        """
        by = occasions.keys(lines, self.occasion)
        every_line = part.select(lines, "time")
        rows = every_line.join(self._products(tables), "product_id")
        by_brand = rows.group_by(*by, "brand").aggregate(
            quantity=rows["quantity"].sum().round(6), revenue=rows["revenue"].sum().round(6), lines=rows.count()
        )
        every = occasions.to_microseconds(by_brand.order_by(*by, "brand").execute())
        every = every.astype(dict.fromkeys(_SUMS, float))
        kept = alternatives.named(every, learned["names"], self.rest)
        without, of = int(every["lines"].sum() - kept["lines"].sum()), int(every["lines"].sum())
        dropped = (*left_out.unmet(tables, every_line), Dropped("transactions", _NO_ALTERNATIVE, without, of))

        bought, units = alternatives.chosen(kept, by, learned["present"], _SUMS)
        counted = tuple(one for one in dropped if one.rows)
        return bought.merge(frame[[*by, "weeks"]], on=by, how="left"), units, counted

    def _met(
        self, tables: Tables, lines: IbisTable, part: Part, learned: Mapping[str, Any], frame: pd.DataFrame
    ) -> pd.DataFrame:
        """The market of every week of ``frame``: as learned, and from the part's own purchases where it was not."""
        import pandas as pd

        met = market.dated(pd.DataFrame(learned["market"]))
        columns = [name for name in ("period", "week") if name in frame]
        periods = frame[columns].drop_duplicates("period").sort_values("period", ignore_index=True)
        unseen = periods[~periods["period"].isin(met["period"])]
        if unseen.empty:
            return met
        fixed = market.Basket.of(learned["basket"], learned["present"])
        bought = part.select(lines, "time").join(self._products(tables), "product_id")
        sales = alternatives.named(market.sold(bought, self._put_back(tables)), learned["names"], self.rest)
        paid = market.dated(pd.DataFrame(learned["paid"]))
        other = self._market(tables, unseen, sales, learned["groups"], fixed, paid)
        return pd.concat([met, other.reset_index()], ignore_index=True)

    def _current(self, tables: Tables, lines: IbisTable, learned: Mapping[str, Any]) -> pd.DataFrame:
        """The market of the last week of ``lines``, from what all customers bought."""
        import pandas as pd

        weeks = occasions.weeks(lines)
        last = weeks["period"].iloc[-1]
        met = market.dated(pd.DataFrame(learned["market"]))
        if not (met["period"] == last).any():  # on the way from training to then prices moved
            met = self._met(tables, lines, Part("held_out"), learned, weeks)
        return met[met["period"] == last].reset_index(drop=True)

    def _market(
        self,
        tables: Tables,
        weeks: pd.DataFrame,
        sales: pd.DataFrame,
        groups: Sequence[str] | None,
        fixed: market.Basket,
        paid: pd.DataFrame | None = None,
    ) -> pd.DataFrame:
        """``price_…``, ``promotion_…``, ``display_…`` and ``mailer_…`` in each of ``weeks`` and groups of stores."""
        import pandas as pd

        index = pd.DatetimeIndex(weeks["period"], name="period")
        names = stores.every(groups)
        found = [market.prices(sales, index, names, fixed, paid).add_prefix("price_")]
        if "promotions" in tables:
            period_of = {int(week): period for week, period in zip(weeks["week"], weeks["period"], strict=True)}
            found.append(promotions.shares(tables, period_of, fixed, groups, self.store_groups))
        elif self._kinds(tables):
            found.append(market.discount_shares(sales, index, names, fixed).add_prefix("promotion_"))
        return pd.concat(found, axis=1)
