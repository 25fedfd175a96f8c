"""What each customer bought up to a date, and what they went on to buy: a row per customer, with lists."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal

from annotated_types import Ge

from cxai_runner.config.problems import Problem, UserError, did_you_mean, under
from cxai_runner.data.answers import row, value
from cxai_runner.data.dataset import Dataset, Dropped, Roles
from cxai_runner.data.tables.instants import day_after, instant
from cxai_runner.data.tables.needs import Needs
from cxai_runner.evaluation.within import LastOfEach
from cxai_runner.features.base import Features
from cxai_runner.features.exposures import Exposures
from cxai_runner.features.items import about
from cxai_runner.features.listed import EMPTY, Events, significant

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from ibis.expr.types import Table as IbisTable
    from numpy.typing import NDArray

    from cxai_runner.data.tables.opened import Tables
    from cxai_runner.evaluation.splits import Part

MOST: Final = 1e12
"""The largest weight: sums and squares of such stay within the single precision of models."""
LISTS: Final = ("items", "weights", "days")
ROW: Final = ("customer_id", *LISTS, "bought", "bought_value", "bought_days")
WINDOW: Final = "held_out_days"
AT_ONCE: Final = 2_000_000
"""Events of which rows to predict are made at a time."""


_WHOLE: Final = (None, "product_id", "item_id")
"""What an item is called where it is no kind of product."""
_MEASURED: Final = {"value": "revenue", "units": "quantity"}


@dataclass(frozen=True, kw_only=True)
class CustomerHistories(Features):
    """One row per customer: what they bought before a date, and what they bought from it on.

    With t the first instant of the held-out part, or the end of the data where nothing is held out:

    ================  ===================================================================================
    items             what was bought before t, the oldest first, once for each order
    weights           how much each counts
    days              days from each purchase to t; what has the same is one basket
    bought            held out: the different items bought from t on, by name; in training none
    bought_value      the money spent on each of these; how often they were bought where none is known
    bought_days       days from t to the first purchase of each of these; 0 where events have no dates
    held_out_days     held out by time: how many days what was bought is known for; missing everywhere else
    ================  ===================================================================================

    All but the last are JSON lists. Nothing at or after t is read for the first three. Columns of a table `customers`
    are joined, and are inputs too, but for those that ``exclude`` names: these describe the rows. Lines of one item in
    one order are one event, and are counted.

    A split by customer asks what held-out customers bought in their last order, t being the instant of it; what
    they bought before is their history. Splits within customers (`cxai_runner.evaluation.within`) say which events
    are held out themselves; where these are the last of each customer, t is the instant of the first of them, and
    otherwise the end of the data. Where events have no dates, all are of one day.

    `Dataset.others` has ``items``, what is known of each: ``item_id``, a text; the columns of `products`; and
    ``price``, what a unit cost on average in the training part.

    Parameters
    ----------
    table
        Where the events are: ``transactions``, or ``interactions``, whose items are ``item_id``.
    item
        What is recommended of transactions: a column of `products` such as ``category``; by default, the product.
    exclude
        Columns of `customers` that are no inputs, by name or pattern.
    weight
        What an event counts: 1 (``count``), or a number that it has: ``quantity``, ``revenue``, ``weight``; 1e12 at
        most.
    fewest
        Customers that must have bought an item in the training part. Events of others are left out of histories and
        counted; what was bought of them in the held-out part stays, as nobody could have known it.
    history
        Days before t that are kept; all where none are given. With ``split=time`` t is the first event that is held
        out, which may be later than midnight of the cut; with ``split=last_days`` it is a midnight.
    as_of
        A date from which on nothing is read; none where all is.
    exposures
        Who was exposed to what in the last days, by coupons, mailers or displays, to bring beside the training part as
        the frames ``exposures`` and ``exposed_customers``; none by default.
    offered
        What an offer of a brand changes, by attribute and brand, where ``models.choice`` names a model of brand choice:
        it is asked at these too. ``{price: {pepsi: -10%}, promotion: {pepsi: 1}}``; one change for all brands does.
    earlier
        Days before t for which that model is asked too, to learn chances of offers from; as many as
        ``task.offers.horizon``.
    open
        Whether nothing is held out: to predict. Then all customers are there that ever bought or are among
        `customers`, with what they bought up to ``as_of``, or the end of the data.
    """

    makes: ClassVar[str] = "histories"
    divides: ClassVar[bool] = True
    asks_ahead: ClassVar[bool] = True

    table: Literal["transactions", "interactions"] = "transactions"
    item: str | None = None
    exclude: Sequence[str] = ()
    weight: Literal["count", "quantity", "revenue", "weight"] = "count"
    fewest: Annotated[int, Ge(1)] = 1
    history: Annotated[int, Ge(1)] | None = None
    as_of: date | str | None = None
    exposures: Exposures | None = None
    offered: Mapping[str, Any] = field(default_factory=dict)
    earlier: Annotated[int, Ge(1)] = 28
    open: bool = False

    def needs(self) -> Needs:
        """Events with their items, and what is known of items and customers."""
        own = ("customer_id", "product_id" if self.table == "transactions" else "item_id")
        dated = ("timestamp",) if self.table == "transactions" else ()
        counts = () if self.weight == "count" else (self.weight,)
        required: dict[str, tuple[str, ...]] = {self.table: (*own, *dated, *counts)}
        if self._of_products:
            required["products"] = ("product_id", self._item)
        optional = {self.table: ("timestamp", "revenue", "quantity", "part"), "products": ("*",), "customers": ("*",)}
        found = Needs(required, optional)
        return found if self.exposures is None else found | self.exposures.needs()

    def provides(self, tables: Tables) -> tuple[str, ...]:
        """The lists, and what is known of customers."""
        return (*ROW, WINDOW, *self._known(tables))

    def problems(self, tables: Tables) -> Iterator[Problem]:
        """Yield names of no column, dates that are none or too early or to come, and a catalogue without a choice."""
        events = tables[self.table]
        known = self._known(tables)
        for want in self.exclude:
            if not fnmatch.filter(known, want):
                yield Problem("exclude", "no such column in customers", want, did_you_mean(want, known))
        if self.table == "interactions" and self.item not in _WHOLE:
            told = "interactions name their items themselves, in `item_id`"
            yield Problem("item", told, self.item, "leave it out, or map that column: columns.item_id")
        if "timestamp" in events.columns:
            yield from self._wrong_dates(tables)
        elif self.as_of is not None or self.history is not None:
            key = "as_of" if self.as_of is not None else "history"
            told = f"{self.table} have no dates to hold it against"
            yield Problem(key, told, value=getattr(self, key), remedy=f"leave it out, or map {self.table}.timestamp")
        if self.weight != "count":
            yield from self._too_heavy(tables)
        if self.exposures is not None and not self.open:
            yield from under("exposures", self.exposures.problems(tables))
        if not self.open and value(self._items(tables)["item_id"].nunique()) < 2:
            told = "there are fewer than two items to choose from"
            yield Problem("item", told, value=self._item, remedy="recommend something finer, or loosen the filters")

    def rows(self, tables: Tables) -> IbisTable:
        """Every event, with its date where there is one; to predict, every customer, undated."""
        events = self._items(tables)
        if not self.open:
            named = {"time": "timestamp"} if "timestamp" in events.columns else {}
            return events.select("customer_id", "item_id", *(["part"] if "part" in events.columns else []), **named)
        known = self._before(events, instant(self.as_of)).select("customer_id").distinct()
        if "customers" not in tables:
            return known
        return known.union(tables["customers"].select("customer_id"), distinct=True)

    def learn(self, tables: Tables, train: Part) -> Mapping[str, Any]:
        """Learn which items enough customers bought, what each cost, and up to when the training part is known.

        Raises
        ------
        UserError
            No item was bought by enough customers.
        """
        events = self._divided(self._events(tables, train), train, self._end(tables, train))[0]
        buyers = events.buyers
        kept = buyers >= self.fewest
        if not kept.any():
            told = f"no item was bought by so many customers; the most are {int(buyers.max(initial=0)):,}"
            raise UserError([Problem("features.fewest", told, self.fewest, "lower it")], "data")
        paid, units = (events.sums(one)[kept] for one in ("value", "units"))
        price = [round(float(a / b), 6) if b > 0 else None for a, b in zip(paid, units, strict=True)]
        end = self._end(tables, train)
        return {
            "as_of": None if end is None else end.isoformat(),
            "items": events.items[kept].tolist(),
            "price": price if "revenue" in tables.columns(self.table) else None,
        }

    def seen_until(self, learned: Mapping[str, Any]) -> Any:
        """The end of the training part."""
        return learned["as_of"]

    def build(self, tables: Tables, part: Part, learned: Mapping[str, Any]) -> Dataset:
        """Build one part; of the held-out one, the customers who bought something in it.

        Raises
        ------
        UserError
            Held-out customers are asked for their last order, and events have no dates.
        """
        import pandas as pd

        every = self._events(tables, part)
        before, after, asked = self._divided(every, part, self._end(tables, part))
        known = pd.Index(every.items).isin(learned["items"])
        history = before.only(known[before.what])
        dropped = [self._nameless(tables, part), self._merged(tables, part, every), self._rare(before, history)]
        frame = pd.DataFrame({"customer_id": every.customers})
        frame = frame.assign(items=history.names(), weights=history.numbers(history.weight))
        frame["days"] = history.numbers(history.days_before(asked))
        frame = frame.assign(bought=EMPTY, bought_value=EMPTY, bought_days=EMPTY)
        if after is not None:
            came = after.by_item()
            frame = frame.assign(bought=came.names(), bought_value=came.numbers(came.value))
            frame["bought_days"] = came.numbers(-came.days_before(asked))
        frame[WINDOW] = self._window(tables, part)
        if self.open:
            frame = self._with_strangers(frame, tables, part)
        else:
            column, why = ("bought", "nothing bought in the held-out part")
            if after is None:
                column, why = ("items", "nothing bought that enough others bought")
            there = frame[column] != EMPTY
            dropped.append(Dropped(self.makes, why, int((~there).sum()), len(frame)))
            frame = frame[there]
        names = self._known(tables)
        inputs = [one for one in names if not any(fnmatch.fnmatchcase(one, want) for want in self.exclude)]
        if names:
            frame = frame.merge(tables["customers"].select("customer_id", *names).execute(), "left", "customer_id")
        return Dataset(
            self.makes,
            frame[[*ROW, WINDOW, *names]].sort_values("customer_id", ignore_index=True),
            Roles(inputs=(*LISTS, *inputs), describe=tuple(one for one in names if one not in inputs), lists=LISTS),
            tuple(one for one in dropped if one.rows),
            others={
                "items": about(tables, self._item if self._of_products else "product_id", learned),
                **self._exposed(tables, part, learned),
            },
        )

    def for_new_rows(self, inputs: Sequence[str], as_of: datetime | None) -> Features:
        """See every customer as of that date, whatever they buy then."""
        return replace(self, as_of=as_of, open=True)

    def per_customer(self) -> Features:
        """See every customer as of their one date."""
        return replace(self, open=True)

    def extended(self, tables: Tables, part: Part, learned: Mapping[str, Any]) -> Mapping[str, Any]:
        """See customers as of the day after the last of all events, where no date is given."""
        end = self._end(tables, part)
        return {**learned, "as_of": None if end is None else end.isoformat()}

    def stream(self, tables: Tables, part: Part, learned: Mapping[str, Any], size: int) -> Iterator[Dataset]:
        """Build some customers at a time: ``size`` of them at most, and no more events than memory should hold."""
        import numpy as np

        events = self._before(self._items(tables), instant(self.as_of))
        many = events.group_by("customer_id").aggregate(events=events.count())
        every = part.select(self.rows(tables), None).select("customer_id").left_join(many, "customer_id")
        counts = every.select("customer_id", events=every["events"].fill_null(0)).order_by("customer_id").to_pyarrow()
        rows = np.arange(len(counts))
        chunk = np.maximum(np.cumsum(counts["events"].to_numpy()) // AT_ONCE, 0) + rows // size
        for group in np.split(rows, np.flatnonzero(np.diff(chunk)) + 1) if len(rows) else []:
            customers = counts.select(["customer_id"]).slice(int(group[0]), len(group))
            yield self.build(tables, replace(part, customers=customers, keep=True), learned)

    @property
    def _of_products(self) -> bool:
        return self.table == "transactions" and self._item != "product_id"

    @property
    def _item(self) -> str:
        return "item_id" if self.table == "interactions" else self.item or "product_id"

    def _known(self, tables: Tables) -> tuple[str, ...]:
        """The columns of `customers` that are joined."""
        return tuple(one for one in tables.columns("customers") if one not in (*ROW, WINDOW))

    def _items(self, tables: Tables) -> IbisTable:
        """The events, each with what is recommended of it; without an item there is none."""
        events = tables[self.table]
        own = "item_id" if self.table == "interactions" else "product_id"
        read = ("customer_id", own, "timestamp", "revenue", "quantity", "weight", "part")
        events = events.select(*[one for one in read if one in events.columns])
        if self._of_products:
            products = tables["products"].select("product_id", item_id=self._item)
            events = events.inner_join(products, "product_id")
            own = "item_id"
        events = events.mutate(item_id=events[own].cast("string"))
        return events.filter(events["item_id"].notnull())

    def _events(self, tables: Tables, part: Part) -> Events:
        """What the customers of a part did up to its end, or the as-of date, added up by customer, item and instant."""
        events = self._of(tables, part)
        keys = [one for one in ("customer_id", "item_id", "timestamp", "part") if one in events.columns]
        measures = {} if self.weight == "count" else {"weight": events[self.weight]}
        measures |= {name: events[own] for name, own in _MEASURED.items() if own in events.columns}
        sums = {name: one.cast("float64").sum() for name, one in measures.items()}
        grouped = events.group_by(keys).aggregate(**sums) if sums else events.select(*keys).distinct()
        frame = grouped.execute().rename(columns={"timestamp": "time"})
        return Events.of(frame.assign(**{name: significant(frame[name].to_numpy(dtype="float64")) for name in sums}))

    def _of(self, tables: Tables, part: Part, lines: IbisTable | None = None) -> IbisTable:
        """The lines of a part's customers up to its end, or the as-of date; of those with an item by default."""
        lines = self._items(tables) if lines is None else lines
        lines = self._before(self._before(lines, instant(part.end)), instant(self.as_of))
        return replace(part, start=None, end=None).select(lines, None)

    def _divided(
        self, events: Events, part: Part, end: datetime | None
    ) -> tuple[Events, Events | None, NDArray[np.datetime64]]:
        """What a part knows of its customers, what is held out of them, and when each is asked about."""
        import numpy as np

        asked = np.full(len(events.customers), np.datetime64(end or 0, "us"))
        held_out: NDArray[np.bool_] | None = None
        rule = part.within
        if self.open:
            rule = None
        elif rule is None and part.start is None and part.name == "held_out":
            rule = LastOfEach(least=0)
            if events.time is None:
                raise UserError([_undated()], "data")
        if rule is not None:
            held_out = rule.held_out(events.frame)
            if rule.in_time and part.name == "held_out" and events.time is not None:
                first = np.unique(events.who[held_out], return_index=True)
                asked[first[0]] = events.time[held_out][first[1]]
        elif part.start is not None and not self.open and events.time is not None:
            held_out = events.time >= np.datetime64(instant(part.start), "us")
        before = events if held_out is None else events.only(~held_out)
        if self.history is not None:
            before = before.only(before.days_before(asked) <= self.history)
        return before, events.only(held_out) if held_out is not None and part.name == "held_out" else None, asked

    def _end(self, tables: Tables, part: Part) -> datetime | None:
        """The instant t of a part: where none is set, the day after the last of all events; None of undated ones."""
        events = tables[self.table]
        if "timestamp" not in events.columns:
            return None
        given = [one for one in (instant(self.as_of), instant(part.start), instant(part.end)) if one is not None]
        return min(given) if given else day_after(value(events["timestamp"].max()))

    def _window(self, tables: Tables, part: Part) -> float:
        """Days that a part held out by time is known for, NaN of any other.

        It begins with the day after the last event before it: where nobody bought, no day is missing.
        """
        import ibis

        events, start = tables[self.table], instant(part.start)
        by_time = part.name == "held_out" and part.within is None and not self.open and "timestamp" in events.columns
        if start is None or not by_time:
            return float("nan")
        at = events["timestamp"]
        found = row(events.aggregate(last=at.max(), before=at.max(where=at < ibis.literal(start, type=at.type()))))
        given = [one for one in (instant(self.as_of), instant(part.end), day_after(found["last"])) if one is not None]
        begins = start if found["before"] is None else min(start, day_after(found["before"]))
        return (min(given) - begins) / timedelta(days=1)

    @staticmethod
    def _before(events: IbisTable, end: datetime | None) -> IbisTable:
        import ibis

        if end is None:
            return events
        return events.filter(events["timestamp"] < ibis.literal(end, type=events["timestamp"].type()))

    def _nameless(self, tables: Tables, part: Part) -> Dropped:
        """Lines of products that are not in `products`, or have nothing in the column of the item."""
        why = f"of products without a {self._item}"
        if not self._of_products:
            return Dropped(self.table, why, 0, 0)
        every, named = (int(value(self._of(tables, part, one).count())) for one in (tables[self.table], None))
        return Dropped(self.table, why, every - named, every)

    def _merged(self, tables: Tables, part: Part, events: Events) -> Dropped:
        """Lines that say the same of a customer, item and instant as another one."""
        lines = int(value(self._of(tables, part).count()))
        return Dropped(self.table, "the same item at the same time: counted as one event", lines - len(events), lines)

    def _rare(self, before: Events, kept: Events) -> Dropped:
        """Events of items that too few customers bought in the training part."""
        why = f"of items that fewer than {self.fewest} customers bought in the training part"
        return Dropped(self.table, why, len(before) - len(kept), len(before))

    def _exposed(self, tables: Tables, part: Part, learned: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
        """Who was exposed to what, in training."""
        end = self._end(tables, part)
        if self.exposures is None or self.open or part.name != "train" or end is None:
            return {}
        item = self._item if self._of_products else "product_id"
        return self.exposures.found(tables, item, learned["items"], end)

    def _with_strangers(self, frame: pd.DataFrame, tables: Tables, part: Part) -> pd.DataFrame:
        """Add the customers who never bought, with empty lists."""
        if "customers" not in tables:
            return frame
        every = replace(part, start=None, end=None).select(tables["customers"], None).select("customer_id").execute()
        return frame.merge(every, "outer", "customer_id").fillna(dict.fromkeys(ROW[1:], EMPTY))

    def _too_heavy(self, tables: Tables) -> Iterator[Problem]:
        """Yield weights so large that models cannot add them up."""
        weight = tables[self.table][self.weight].cast("float64")
        found = row(tables[self.table].aggregate(rows=(weight > MOST).sum(), largest=weight.max()))
        if found["rows"]:
            many, key = f"{found['rows']:,} of {self.table}", self._where(tables, self.weight)
            told = f"{many} have a {self.weight} above {MOST:g}, such as {found['largest']:g}"
            remedy = f"to leave them out: {key}={{le: {MOST:.1e}}}, or features.weight=count"
            yield Problem("weight", told, self.weight, remedy)

    def _where(self, tables: Tables, column: str) -> str:
        """The key that filters the events by a column, as their source has it."""
        return ".".join(["data", *filter(None, [tables.mapped[self.table].key]), f"where.{column}"])

    def _wrong_dates(self, tables: Tables) -> Iterator[Problem]:
        """Yield an as-of date that is none or too early, and events that have not happened yet."""
        import ibis

        when, at = instant(self.as_of), tables[self.table]["timestamp"]
        if self.as_of is not None and when is None:
            yield Problem("as_of", "a date, as in 2017-12-31", value=self.as_of)
            return
        if when is not None and (first := value(at.min())) >= when:
            remedy = f"the first event is of {first:%Y-%m-%d}"
            yield Problem("as_of", "nobody bought before this date", value=self.as_of, remedy=remedy)
        tomorrow = datetime.combine(date.today() + timedelta(days=2), datetime.min.time())  # it is later elsewhere
        late = at >= ibis.literal(tomorrow, type=at.type())
        found = row(tables[self.table].aggregate(rows=late.sum(), last=at.max()))
        if found["rows"] and (when is None or when > tomorrow):
            are = "is" if found["rows"] == 1 else "are"
            told = f"{found['rows']:,} of {self.table} {are} of days to come, the last of {found['last']:%Y-%m-%d}"
            key = self._where(tables, "timestamp")
            remedy = f"to leave them out: {key}={{lt: {date.today():%Y-%m-%d}}}, or features.as_of"
            yield Problem("table", told, value=self.table, remedy=remedy)


def _undated() -> Problem:
    told = "these events have no dates, so the last order of a held-out customer is not known"
    return Problem("split", told, remedy="hold out a share of each customer's: split=random_holdout")
