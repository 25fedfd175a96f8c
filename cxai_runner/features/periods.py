"""What customers bought, summed up once for any number of dates.

Between two neighbouring dates nothing changes sides, so a customer's transactions are summed up per stretch between
them, in one pass over all rows. What was true at each date is then made of those few sums: the transactions themselves,
which may be a hundred million, are read once whether there is one date or sixty.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from ibis.expr.types import BooleanValue
    from ibis.expr.types import Table as IbisTable

Purchase = Literal["order", "line"]


@dataclass(frozen=True, eq=False)
class Periods:
    """One row per customer and stretch of time in which they bought.

    Parameters
    ----------
    sums
        ``customer_id``, ``period``, ``purchases``, ``revenue``, and the instants ``first`` and ``last``.
    bounds
        The instants between the stretches, in order: stretch k ends before bound k.
    """

    sums: IbisTable
    bounds: tuple[datetime, ...]

    @classmethod
    def of(cls, lines: IbisTable, bounds: Iterable[datetime], purchase: Purchase = "order") -> Periods:
        """Sum up transactions.

        Parameters
        ----------
        lines
            ``customer_id``, ``timestamp``, ``revenue`` and, where orders are told apart, ``order_id``.
        bounds
            The instants that will be asked about.
        purchase
            Whether a purchase is an order, or each line of it. Without ``order_id`` an order is what a customer bought
            at one instant. One whose lines lie on both sides of a bound counts from its first.
        """
        import ibis

        ends = tuple(sorted(set(bounds)))
        at = lines["timestamp"]
        cases = [(at < ibis.literal(end, type="timestamp"), number) for number, end in enumerate(ends)]
        lines = lines.mutate(period=ibis.cases(*cases, else_=len(ends)).cast("int64"))
        found = {
            "revenue": lines["revenue"].sum(),
            "first": lines["timestamp"].min(),
            "last": lines["timestamp"].max(),
        }
        own = ["customer_id", "period"]
        if purchase == "line":
            return cls(lines.group_by(own).aggregate(purchases=lines.count(), **found), ends)
        if "order_id" not in lines.columns:
            return cls(lines.group_by(own).aggregate(purchases=lines["timestamp"].nunique(), **found), ends)
        orders = lines.group_by([*own, "order_id"]).aggregate(**found)
        sums = orders.group_by(own).aggregate(
            purchases=orders.count(),
            revenue=orders["revenue"].sum(),
            first=orders["first"].min(),
            last=orders["last"].max(),
        )
        # Few orders lie on both sides of a bound: what is too much is taken off, for a fraction of counting each once.
        torn = orders.group_by(["customer_id", "order_id"]).aggregate(
            begun=orders["period"].min(), parts=orders.count()
        )
        torn = torn.filter(torn["parts"] > 1).select(who="customer_id", which="order_id", begun="begun")
        same = [orders["customer_id"] == torn["who"], orders["order_id"].identical_to(torn["which"])]
        again = orders.inner_join(torn, [*same, orders["period"] > torn["begun"]])
        again = again.group_by(own).aggregate(again=again.count())
        both = sums.left_join(again, own)
        begun = both["purchases"] - both["again"].fill_null(0)
        return cls(both.select(*[one for one in sums.columns if one != "purchases"], purchases=begun), ends)

    def between(self, start: datetime | None, end: datetime) -> BooleanValue:
        """Whether a sum is of transactions from one instant on, before another; both are bounds."""
        period = self.sums["period"]
        inside = period <= self._place(end)
        return inside if start is None else inside & (period > self._place(start))

    def _place(self, when: datetime) -> int:
        place = bisect_left(self.bounds, when)
        if place == len(self.bounds) or self.bounds[place] != when:
            raise ValueError(f"{when} is no bound")
        return place


def whole(value: Any) -> Any:
    """Return a count as a whole number, whatever an engine adds counts up to."""
    return value.cast("int64")
