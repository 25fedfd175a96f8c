"""A customer base as it is: who buys how much, when, at what prices and of which brand, one row per customer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal

from annotated_types import Ge

from cxai_runner.config.problems import Problem, did_you_mean
from cxai_runner.data.answers import row, value
from cxai_runner.data.dataset import Dataset, Roles
from cxai_runner.data.tables.needs import Needs
from cxai_runner.features import amounts, brands, orders
from cxai_runner.features.base import Features
from cxai_runner.features.occasions import to_microseconds
from cxai_runner.features.parts import ordered

if TYPE_CHECKING:
    import pandas as pd
    from ibis.expr.types import Table as IbisTable

    from cxai_runner.data.tables.opened import Tables
    from cxai_runner.evaluation.splits import Part

Looked = Literal["transactions", "panel", "customers"]
LOOKED: Final[tuple[Looked, ...]] = ("transactions", "panel", "customers")
MEASURED: Final = (
    *("orders", "lines", "revenue", "units", "free", "largest", "first", "last", "occasions", "purchases"),
)
"""What is made of orders and occasions; a column of `customers` with such a name stays out."""
FACTS: Final = ("looked", "category", "since", "until", "repeat_within", "lost_after")
"""What was learned that a reader has to know: the one row of `Dataset.others` called ``facts``."""
_LINES: Final = ("customer_id", "order_id", "timestamp", "product_id", "quantity", "revenue", "retail_discount")
_SOON: Final = 0.9
_A_MONTH: Final = 31
"""A shorter time to be lost after would let a customer be lost twice in one month."""


@dataclass(frozen=True, kw_only=True)
class CustomerBase(Features):
    """One row per customer, with sums over orders, occasions and brands; and what is counted by day and by amount.

    Of transactions: ``orders``, ``lines``, ``revenue``, ``units``, ``free`` (lines that brought nothing), ``largest``
    (order), ``first``, ``last``. Of a panel: ``occasions``, ``purchases``, ``revenue``, ``units``, and the dates where
    there are such. With brands, sums of each (`brands`). Columns of a table `customers` are joined and describe; where
    there is nothing else, that table is the base as it is.

    Everything is aggregated where the rows live: each part is a grouped query whose answer is as large as there are
    customers, days or classes. `Dataset.others` holds ``days``, ``baskets``, ``prices``, ``gaps``, and ``facts``: the
    table, the period, and after how many days customers are lost.

    Parameters
    ----------
    of
        The table: ``transactions``, ``panel`` or ``customers``; ``auto`` takes the first of these that there is.
    lost_after
        Days without a purchase after which a customer counts as lost; at least 31. Learned where none are given: the
        time within which nine of ten repeat purchases follow the one before.
    brand_by
        The column of `products` that says which brand a product is of.
    brands
        How many brands of transactions are told apart, the largest by revenue; the rest are one.
    brands_of
        The category (of `products`) whose brands these are, and whose purchases are counted on each order; null takes
        all products.
    """

    makes: ClassVar[str] = "customer_base"

    of: Literal["auto", "transactions", "panel", "customers"] = "auto"
    lost_after: Annotated[int, Ge(_A_MONTH)] | None = None
    brand_by: str = "brand"
    brands: Annotated[int, Ge(1)] = 8
    brands_of: str | None = None

    def needs(self) -> Needs:
        """The table that is looked at; products for brands, and customers for what describes them."""
        columns: dict[str, tuple[str, ...]] = {
            "transactions": ("customer_id", "timestamp"),
            "panel": ("customer_id", "occasion"),
            "customers": ("customer_id",),
        }
        of_products = {"products": tuple(dict.fromkeys(("product_id", "category", self.brand_by)))}
        more: dict[str, tuple[str, ...]] = {
            "transactions": (*_LINES[3:], "order_id"),
            "panel": ("*",),
            "customers": ("*",),
        }
        if self.of == "auto":
            every = {name: tuple(dict.fromkeys((*columns[name], *more[name]))) for name in LOOKED}
            return Needs({}, every | of_products)
        needed: dict[str, tuple[str, ...]] = {self.of: columns[self.of]}
        if self.brands_of is not None and self.of == "transactions":
            needed["products"] = ("product_id", "category", self.brand_by)
        optional: dict[str, tuple[str, ...]] = {self.of: more[self.of], "customers": ("*",)}
        return Needs(needed, optional | (of_products if self.of == "transactions" else {}))

    def provides(self, tables: Tables) -> tuple[str, ...]:
        """The id, the measures that the source allows, and what describes customers."""
        looked = self._looked(tables)
        if looked is None:  # that there is no table is a problem of its own
            return ("customer_id",)
        return ("customer_id", *self._measures(tables, looked), *self._described(tables))

    def problems(self, tables: Tables) -> Iterator[Problem]:
        """Yield a table that there is not, categories and columns that nothing has, and a base without customers."""
        looked = self._looked(tables)
        if looked is None:
            have = ", ".join(tables) or "none"
            told = f"nothing to look at: the source has {have}, and neither transactions, a panel nor customers"
            yield Problem("of", told, value=self.of, remedy="map one of them under data.tables")
            return
        lacking = [one for one in self._required(looked) if one not in tables.columns(looked)]
        for column in lacking:
            remedy = did_you_mean(column, tables.columns(looked)) or f"map it under data.tables.{looked}.columns"
            yield Problem("of", f"{looked} has no column `{column}`", value=self.of, remedy=remedy)
        if lacking:
            return
        if looked == "transactions":
            yield from self._brand_problems(tables)
        elif self.brands_of is not None:
            told = f"only transactions have products of a category, and this looks at {looked}"
            yield Problem(
                "brands_of", told, value=self.brands_of, remedy="leave it out, or set features.of=transactions"
            )
        customers = value(tables[looked]["customer_id"].nunique())
        if customers < 2:
            told = f"{customers} customer{'s' if customers != 1 else ''} in {looked}: a base needs at least two"
            yield Problem("of", told, value=self.of, remedy="widen the filters (data.tables…where), or bring more rows")

    def rows(self, tables: Tables) -> IbisTable:
        """The customers, undated, since each has one row."""
        return tables[self._looked(tables) or "customers"].select("customer_id").distinct()

    def learn(self, tables: Tables, train: Part) -> Mapping[str, Any]:
        """Learn the period, after how long customers are lost, the classes of amounts, and the brands."""
        looked = self._looked(tables)
        placed = self._orders(tables, train)
        learned: dict[str, Any] = {"looked": looked, "category": self.brands_of}
        range_ = {} if placed is None else orders.range_of(placed)
        if range_.get("first") is not None:
            soon = _soon(orders.gaps(placed))
            learned |= {
                "since": _day(range_["first"]).isoformat(),
                "until": (_day(range_["last"]) + timedelta(days=1)).isoformat(),
                "repeat_within": soon,
                "lost_after": self.lost_after or max(_A_MONTH, soon or _A_MONTH),
            }
        if "low" in range_:
            learned["values"] = amounts.edges(range_["low"], range_["high"])
        if looked == "transactions":
            lines = self._lines(tables, train)
            if self._priced(lines):
                price = self._positive(lines).select(price=lines["revenue"] / lines["quantity"])
                ends = row(price.aggregate(low=price["price"].min(), high=price["price"].max()))
                learned["prices"] = amounts.edges(ends["low"], ends["high"])
            if self._branded(tables):
                learned["brands"] = brands.largest(self._bought(tables, train), self.brands)
        if looked == "panel":
            learned["brands"] = list(brands.alternatives(tables.columns("panel")))
        return learned

    def seen_until(self, learned: Mapping[str, Any]) -> Any:
        """The day after the last purchase."""
        return learned.get("until")

    def build(self, tables: Tables, part: Part, learned: Mapping[str, Any]) -> Dataset:
        """Build one part."""
        looked = self._looked(tables)
        if looked == "transactions":
            frame = self._of_transactions(tables, part, learned)
        elif looked == "panel":
            frame = self._of_panel(tables, part, learned)
        else:
            frame = part.select(tables["customers"], None).execute()
        described = self._described(tables)
        if described and looked != "customers":
            known = part.select(tables["customers"], None).select("customer_id", *described).execute()
            frame = frame.merge(known, on="customer_id", how="left")
        frame = ordered(to_microseconds(frame), ["customer_id"])
        roles = Roles(describe=described, alternatives=brands.present(frame) if looked != "customers" else ())
        return Dataset(self.makes, frame, roles, others=self._others(tables, part, learned))

    def _of_transactions(self, tables: Tables, part: Part, learned: Mapping[str, Any]) -> pd.DataFrame:
        placed = orders.of_transactions(self._lines(tables, part))
        frame = _numbers(orders.by_customer(placed).execute())
        if learned.get("brands"):
            bought = self._bought(tables, part)
            if self.brands_of is not None:
                order = bought["order_id"] if "order_id" in bought.columns else bought["timestamp"]
                visits = bought.group_by("customer_id").aggregate(purchases=order.nunique()).execute()
                frame = frame.merge(visits, on="customer_id", how="left").fillna({"purchases": 0})
                frame = frame.astype({"purchases": "int64"}).assign(occasions=frame["orders"])
            wide = brands.beside(_numbers(brands.of_lines(bought, learned["brands"]).execute()), learned["brands"])
            added = [name for name in wide if name != "customer_id"]
            frame = frame.merge(wide, on="customer_id", how="left").fillna(dict.fromkeys(added, 0.0))
        return frame

    def _of_panel(self, tables: Tables, part: Part, learned: Mapping[str, Any]) -> pd.DataFrame:
        panel = self._panel(tables, part)
        is_bought, paid = brands.bought(panel), brands.paid(panel, learned["brands"])
        measures: dict[str, Any] = {"occasions": panel.count(), "purchases": panel.count(where=is_bought)}
        if paid is not None:
            measures["revenue"] = paid.sum().round(6)
        if "quantity" in panel.columns:
            measures["units"] = panel["quantity"].sum(where=is_bought).fill_null(0).round(6)
        if (time := self._time(tables)) is not None:
            measures |= {"first": panel[time].min(where=is_bought), "last": panel[time].max(where=is_bought)}
        measures |= brands.of_panel(panel, learned["brands"])
        return _numbers(panel.group_by("customer_id").aggregate(**measures).execute())

    def _others(self, tables: Tables, part: Part, learned: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
        """What is counted by day, by amount and by the time between two orders; what there is none of is left out."""
        import pandas as pd

        facts = {name: learned[name] for name in FACTS if learned.get(name) is not None}
        found = {"facts": pd.DataFrame([facts])}
        placed = self._orders(tables, part)
        if placed is None:
            return found
        if "since" in learned:
            found["days"] = _dated(orders.by_day(placed, learned["lost_after"]).execute())
            found["gaps"] = orders.gaps(placed)
        ends = learned.get("values", [])
        if self._looked(tables) == "transactions" or ends:  # an occasion of a panel has one line
            found["baskets"] = orders.in_classes(_numbers(orders.by_size(placed, ends).execute()), ends)
        if learned.get("prices"):
            priced = self._positive(self._lines(tables, part))
            counted = _numbers(orders.by_price(priced, learned["prices"]).execute())
            found["prices"] = orders.in_classes(counted, learned["prices"])
        return {name: frame for name, frame in found.items() if len(frame)}

    def _orders(self, tables: Tables, part: Part) -> IbisTable | None:
        """What was bought at once, dated where the source says when; None of a table of customers."""
        import ibis

        looked = self._looked(tables)
        if looked == "transactions":
            return orders.of_transactions(self._lines(tables, part))
        if looked != "panel":
            return None
        panel, time = self._panel(tables, part), self._time(tables)
        paid = brands.paid(panel, brands.alternatives(tables.columns("panel")))
        made: dict[str, Any] = {"lines": ibis.literal(1, type="int64")}
        made |= {} if time is None else {"time": panel[time].cast("timestamp")}
        made |= {} if paid is None else {"value": paid.round(6)}
        return panel.filter(brands.bought(panel)).select("customer_id", **made)

    def _lines(self, tables: Tables, part: Part) -> IbisTable:
        transactions = tables["transactions"]
        return part.select(transactions.select(*[one for one in _LINES if one in transactions.columns]), "timestamp")

    def _panel(self, tables: Tables, part: Part) -> IbisTable:
        return part.select(tables["panel"], self._time(tables))

    def _time(self, tables: Tables) -> str | None:
        """The column of a panel that dates it; where occasions are numbered there is none."""
        types = tables["panel"].schema()
        return next((one for one in ("time", "occasion") if one in types and types[one].is_temporal()), None)

    def _bought(self, tables: Tables, part: Part) -> IbisTable:
        return brands.branded(self._lines(tables, part), tables["products"], self.brand_by, self.brands_of)

    def _branded(self, tables: Tables) -> bool:
        return "product_id" in tables.columns("transactions") and self.brand_by in tables.columns("products")

    @staticmethod
    def _priced(lines: IbisTable) -> bool:
        return {"revenue", "quantity"} <= set(lines.columns)

    @staticmethod
    def _positive(lines: IbisTable) -> IbisTable:
        """Lines of which it can be said what a unit cost."""
        return lines.filter(lines["quantity"] > 0, lines["revenue"] > 0)

    def _looked(self, tables: Tables) -> Looked | None:
        wanted = LOOKED if self.of == "auto" else (self.of,)
        return next((name for name in wanted if name in tables), None)

    @staticmethod
    def _required(looked: Looked) -> tuple[str, ...]:
        return ("customer_id", *{"transactions": ("timestamp",), "panel": ("occasion",), "customers": ()}[looked])

    def _measures(self, tables: Tables, looked: Looked) -> tuple[str, ...]:
        """The columns that will be there, as far as schemas tell."""
        have = set(tables.columns(looked))
        if looked == "customers":
            return ()
        if looked == "panel":
            names = brands.alternatives(tables.columns("panel"))
            made = ["occasions", "purchases"]
            made += ["revenue"] if "revenue" in have or ({"quantity", "brand"} <= have and names) else []
            made += ["units"] if "quantity" in have else []
            return (*made, *(["first", "last"] if self._time(tables) else []), *(f"price_{one}" for one in names))
        made = ["orders", "lines", "first", "last"]
        made += ["revenue", "largest", "free"] if "revenue" in have else []
        made += ["units"] if "quantity" in have else []
        made += ["occasions", "purchases"] if self.brands_of is not None and self._branded(tables) else []
        return (*made, *(("purchases_*",) if self._branded(tables) else ()))

    def _described(self, tables: Tables) -> tuple[str, ...]:
        columns = tables.columns("customers")
        base = self._looked(tables) == "customers"
        return tuple(one for one in columns if one != "customer_id" and (base or one not in MEASURED))

    def _brand_problems(self, tables: Tables) -> Iterator[Problem]:
        products = tables.columns("products")
        if products and self.brand_by not in products and (self.brand_by != "brand" or self.brands_of is not None):
            remedy = did_you_mean(self.brand_by, products)
            yield Problem("brand_by", "no such column in products", value=self.brand_by, remedy=remedy)
        if self.brands_of is None:
            return
        if "category" not in products or "product_id" not in tables.columns("transactions"):
            told = "the source does not say which category a product is of"
            yield Problem(
                "brands_of", told, value=self.brands_of, remedy="map transactions.product_id and products.category"
            )
            return
        names = [
            str(one) for one in tables["products"]["category"].to_pyarrow().unique().to_pylist() if one is not None
        ]
        if self.brands_of not in names:
            yield Problem(
                "brands_of", "no such category", value=self.brands_of, remedy=did_you_mean(self.brands_of, names)
            )


def _soon(counted: pd.DataFrame) -> int | None:
    """Days within which nine of ten repeat purchases follow the one before; None where nobody came back."""
    if counted.empty:
        return None
    share = counted["orders"].cumsum() / counted["orders"].sum()
    return int(counted["days"][share >= _SOON - 1e-12].iloc[0])


def _numbers(frame: pd.DataFrame) -> pd.DataFrame:
    """Counts as whole numbers and sums as floats, whichever type the engine gives them in."""
    kinds: dict[str, str] = {}
    for name in map(str, frame.columns):
        if name in ("orders", "lines", "free", "purchases", "occasions", "number"):
            kinds[name] = "int64"
        elif name in ("revenue", "units", "largest") or ("_" in name and name != "customer_id"):
            kinds[name] = "float64"
    return frame.astype(kinds)


def _dated(frame: pd.DataFrame) -> pd.DataFrame:
    """Days as frames have them, in order."""
    import pandas as pd

    kinds = {name: "float64" if name == "revenue" else "int64" for name in frame if name != "day"}
    frame = frame.astype(kinds).assign(day=pd.to_datetime(frame["day"]).astype("datetime64[us]"))
    return frame.sort_values("day", ignore_index=True)


def _day(moment: Any) -> datetime:
    return datetime(moment.year, moment.month, moment.day)
