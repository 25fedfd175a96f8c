"""Whether a customer redeems a coupon of a campaign, told from what was known on the day before it began."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final

from annotated_types import Ge

from cxai_runner.config.problems import Problem, did_you_mean
from cxai_runner.data.answers import row, value
from cxai_runner.data.dataset import Dataset, Dropped, Roles
from cxai_runner.data.tables.instants import instant
from cxai_runner.data.tables.needs import Needs
from cxai_runner.features import campaign_history as past
from cxai_runner.features.base import Features
from cxai_runner.features.parts import ordered

if TYPE_CHECKING:
    from ibis.expr.types import BooleanValue
    from ibis.expr.types import Table as IbisTable

    from cxai_runner.data.tables.opened import Tables
    from cxai_runner.evaluation.splits import Part

OUTCOME: Final = "redeemed"
_ROW: Final = ("customer_id", "time", "campaign_id", OUTCOME)


@dataclass(frozen=True, kw_only=True)
class CouponRedemption(Features):
    """One row per campaign and customer to whom it was sent; ``time`` is its first day.

    With t the first instant of that day, everything but the outcome is of before t, and nothing at or after t is ever
    read for it:

    ====================  ===============================================================================
    redeemed              1 if the customer redeemed a coupon of the campaign from t to the end of its last day
    campaign_type         what kind of campaign it is
    campaign_days         how many days it was to last
    campaign_coupons      how many coupons it has
    campaign_products     for how many products they are good
    recency               whole days from the customer's last order to t; missing before the first
    tenure                whole days from the first order to t; missing before it
    frequency, revenue    orders, and money spent
    monetary              mean money per order; missing before the first
    recent_orders         orders of the ``recent`` days before t
    recent_revenue        money spent in them
    promotion_share       share of the money that was spent at a retail discount
    coupon_orders         orders with a coupon of any kind
    offered_revenue       money spent on products for which the campaign has coupons
    offered_share         that, as a share of all money spent
    campaigns_received    campaigns that were sent to the customer and began before t
    campaigns_redeemed    campaigns of which the customer had redeemed a coupon before t
    redemptions           coupons redeemed before t
    since_redemption      whole days from the last of these to t; missing before the first
    ====================  ===============================================================================

    What the source has no columns for is left out. Columns of a table `customers` are joined, and are inputs too.

    Left out and counted are campaigns that begin before so many days are known as ``history`` asks for, and those that
    were not over when the data end, or when the part ends, since nobody knows of them yet who redeems. All rows of a
    customer are on one side of a split by customer. A split by time has customers on both sides, and no campaign: what
    is learned from was over before what is judged by began.

    Parameters
    ----------
    history
        Days of transactions that have to be known before a campaign begins.
    recent
        Days that count as recent.
    columns
        The inputs, by name; all measures and all columns of `customers` where none are named.
    open
        Whether campaigns are there of which too little is known, with a missing ``redeemed`` where they are not over:
        to predict it.
    """

    makes: ClassVar[str] = "customers"

    history: Annotated[int, Ge(0)] = 28
    recent: Annotated[int, Ge(1)] = 28
    columns: Sequence[str] | None = None
    open: bool = False

    def needs(self) -> Needs:
        """Campaigns, to whom they were sent, who redeemed, and transactions; what else is known of any of them."""
        return Needs(
            {
                "transactions": ("customer_id", "timestamp", "revenue"),
                "campaigns": ("campaign_id", "start", "end"),
                "mailings": ("customer_id", "campaign_id"),
                "redemptions": ("customer_id", "campaign_id", "timestamp"),
            },
            {
                "transactions": ("order_id", "product_id", "retail_discount", "coupon_discount"),
                "campaigns": ("campaign_type",),
                "coupons": ("campaign_id", "coupon_id", "product_id"),
                "customers": ("*",),
            },
        )

    def provides(self, tables: Tables) -> tuple[str, ...]:
        """Customer, date and campaign, the outcome, the measures, and what is known of customers."""
        return (*_ROW, *past.measures(tables), *self._known(tables))

    def problems(self, tables: Tables) -> Iterator[Problem]:
        """Yield inputs that there are not, campaigns that end before they begin, and that none is known enough."""
        possible = (*past.measures(tables), *self._known(tables))
        for name in self.columns or ():
            if name not in possible:
                told = "is what is predicted" if name == OUTCOME else "no such column"
                yield Problem("columns", told, value=name, remedy=did_you_mean(name, possible))
        if self.columns is not None and not self.columns:
            yield Problem("columns", "nothing is left as an input", remedy="one of: " + ", ".join(possible))
        campaigns = tables["campaigns"]
        backwards = value(campaigns.count(where=campaigns["end"] < campaigns["start"]))
        if backwards:
            told = f"{backwards:,} campaigns end before they begin"
            yield Problem("", told, remedy="mend them, or map the columns start and end of campaigns the other way")
            return
        if not value(self._usable(tables, None).count()):
            first, end = self._span(tables)
            when = row(campaigns.aggregate(first=campaigns["start"].min(), last=campaigns["end"].max()))
            told = (
                f"no campaign began {self.history} days after transactions begin ({first:%Y-%m-%d}) and was over "
                f"before they end ({end:%Y-%m-%d}); they are of {when['first']:%Y-%m-%d} to {when['last']:%Y-%m-%d}"
            )
            yield Problem("history", told, value=self.history, remedy="fewer days of history, or longer data")

    def rows(self, tables: Tables) -> IbisTable:
        """Each campaign of which it is known who redeemed, and to whom it was sent; its first day."""
        return self._usable(tables, None).select("customer_id", "time")

    def learn(self, tables: Tables, train: Part) -> Mapping[str, Any]:
        """Learn from when to when there are transactions, which is of no part alone."""
        first, end = self._span(tables)
        return {"begins": first.isoformat(), "ends": end.isoformat(), "history": self.history, "recent": self.recent}

    def build(self, tables: Tables, part: Part, learned: Mapping[str, Any]) -> Dataset:
        """Build one part: the campaigns that begin within its window and of which it knows the outcome."""
        sent = part.select(past.sent(tables))
        usable = part.select(self._usable(tables, instant(part.end)))
        frame = self._outcomes(tables, usable, instant(part.end))
        for name, own in past.found(tables, usable, self.recent):
            frame = frame.left_join(own, past.KEYS, rname="{name}_" + name).select(
                *frame.columns, *(one for one in own.columns if one not in past.KEYS)
            )
        known = self._known(tables)
        if known:
            frame = frame.left_join(tables["customers"].select("customer_id", *known), "customer_id")
        measured = past.measures(tables)
        rows = past.finished(frame, tables).select(*_ROW, *measured, *known).execute()
        inputs = tuple(one for one in (*measured, *known) if self.columns is None or one in self.columns)
        described = tuple(one for one in (*measured, *known) if one not in inputs)
        return Dataset(
            self.makes,
            ordered(rows, ["customer_id", "time", "campaign_id"]),
            Roles(time="time", inputs=inputs, describe=("campaign_id", *described)),
            tuple(self._dropped(tables, sent, instant(part.end))),
        )

    def for_new_rows(self, inputs: Sequence[str], as_of: datetime | None) -> Features:
        """Take campaigns whether they are over or not, and however little is known of before."""
        own = [one for one in inputs if one not in self.models]
        return replace(self, columns=own or None, open=True)

    def _known(self, tables: Tables) -> tuple[str, ...]:
        """The columns of `customers` that are joined."""
        own = (*_ROW, *past.MEASURES)
        return tuple(one for one in tables.columns("customers") if one not in own)

    def _span(self, tables: Tables) -> tuple[datetime, datetime]:
        """The first day with a transaction, and the instant up to which there are such."""
        at = tables["transactions"]["timestamp"]
        found = row(tables["transactions"].aggregate(first=at.min(), last=at.max()))
        first, last = (datetime(one.year, one.month, one.day) for one in (found["first"], found["last"]))
        return first, last + timedelta(days=1)

    def _usable(self, tables: Tables, end: datetime | None) -> IbisTable:
        """What was sent of the campaigns that began late enough and were over early enough."""
        sent = past.sent(tables)
        if self.open:
            return sent
        early, late = self._unfit(tables, sent, end)
        return sent.filter(~early, ~late)

    def _unfit(self, tables: Tables, sent: IbisTable, end: datetime | None) -> tuple[BooleanValue, BooleanValue]:
        """Whether a campaign began too early to know what was before it, or was over too late to know who redeemed."""
        import ibis

        first, ends = self._span(tables)
        since, until = first + timedelta(days=self.history), min(ends, end or ends) - timedelta(days=1)
        early = sent["time"] < ibis.literal(since, type="timestamp")
        return early, (sent["last"] > ibis.literal(until, type="timestamp")) & ~early

    def _outcomes(self, tables: Tables, usable: IbisTable, end: datetime | None) -> IbisTable:
        """The rows, each with whether a coupon of the campaign was redeemed in time; missing where it still runs."""
        import ibis

        redeemed = tables["redemptions"].select("customer_id", "campaign_id", at="timestamp")
        met = usable.inner_join(redeemed, past.KEYS)
        met = met.filter(met["at"] >= met["time"], met["at"].truncate("D").cast("timestamp") <= met["last"])
        marked = usable.left_join(met.select(*past.KEYS).distinct().mutate(was=1), past.KEYS)
        was: Any = ibis.ifelse(marked["was"].notnull(), 1, 0).cast("int64")
        if self.open:
            was = ibis.ifelse(self._unfit(tables, marked, end)[1], ibis.null("int64"), was).cast("float64")
        return marked.select(*usable.columns, **{OUTCOME: was})

    def _dropped(self, tables: Tables, sent: IbisTable, end: datetime | None) -> Iterator[Dropped]:
        """What of the mailings is of campaigns of which too little is known."""
        if self.open:
            return
        early, late = self._unfit(tables, sent, end)
        counts = row(sent.aggregate(every=sent.count(), early=sent.count(where=early), late=sent.count(where=late)))
        ends = self._span(tables)[1]
        limit = min(ends, end or ends)
        before = f"the campaign began less than {self.history} days after transactions do"
        after = f"the campaign was not over before {limit:%Y-%m-%d}: who redeems is not known"
        for reason, rows in ((before, counts["early"]), (after, counts["late"])):
            if rows:
                yield Dropped("mailings", reason, rows, counts["every"])
