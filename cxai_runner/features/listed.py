"""Events by customer, in columns of numbers, and the lists that a row per customer holds of them.

There may be tens of millions of events: names are held once, as the code of each event's customer and item, and lists
are joined from texts by Arrow, without a step of Python for each event.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

EMPTY = "[]"
_DIGITS = 12


def significant(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round numbers of one sign each to twelve digits, whatever their unit.

    Sums that engines add up in another order are the same then, and small ones are none the less there.
    """
    size = np.abs(values)
    there = (size > 0) & (size < np.inf)
    power = np.floor(np.log10(size, out=np.zeros_like(size), where=there))
    scale = 10.0 ** np.minimum(_DIGITS - 1 - power, 307.0)  # the largest there is: the smallest numbers keep less
    return np.where(there, np.round(values * scale) / scale, values)


@dataclass(frozen=True, eq=False)
class Events:
    """What customers did with items, by customer and, of one customer, the oldest first; of one instant by item.

    Parameters
    ----------
    customers, items
        Who and what, each once, sorted; items as texts.
    who, what
        Of each event the place in these, shape (n,).
    time
        When, shape (n,), in microseconds; None where events are not dated.
    weight, value, units
        How much each counts, the money spent, and for how many units of the item, shape (n,).
    part
        What each says of the part that it belongs to; None where it says nothing.
    """

    customers: pd.Index
    items: NDArray[np.object_]
    who: NDArray[np.int64]
    what: NDArray[np.int64]
    time: NDArray[np.datetime64] | None
    weight: NDArray[np.float64]
    value: NDArray[np.float64]
    units: NDArray[np.float64]
    part: NDArray[np.object_] | None = None

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Events:
        """Return a frame's events: ``customer_id``, ``item_id`` and, of the other columns here, those that it has."""
        import pandas as pd

        who, customers = pd.factorize(frame["customer_id"], sort=True)
        what, items = pd.factorize(frame["item_id"], sort=True)
        time = frame["time"].to_numpy().astype("datetime64[us]") if "time" in frame else None
        order = np.lexsort((what, who) if time is None else (what, time, who))
        ones = np.ones(len(frame))
        measured = {
            name: frame[name].to_numpy(dtype=np.float64)[order] if name in frame else ones
            for name in ("weight", "value", "units")
        }
        return cls(
            customers=pd.Index(customers),
            items=np.asarray(items, dtype=object),
            who=who[order].astype(np.int64),
            what=what[order].astype(np.int64),
            time=None if time is None else time[order],
            part=frame["part"].to_numpy(dtype=object)[order] if "part" in frame else None,
            **measured,
        )

    def __len__(self) -> int:
        return len(self.who)

    def only(self, kept: NDArray[np.bool_]) -> Events:
        """Return some of the events; customers and items keep their places."""
        return replace(
            self,
            who=self.who[kept],
            what=self.what[kept],
            time=None if self.time is None else self.time[kept],
            weight=self.weight[kept],
            value=self.value[kept],
            units=self.units[kept],
            part=None if self.part is None else self.part[kept],
        )

    @property
    def frame(self) -> pd.DataFrame:
        """The events as the rules of `cxai_runner.evaluation.within` take them."""
        import pandas as pd

        names = pd.Index(self.items, dtype=object)
        columns: dict[str, Any] = {
            "customer_id": self.customers.take(self.who),
            "item_id": pd.Categorical.from_codes(self.what, names),
        }
        columns |= {} if self.time is None else {"time": self.time}
        columns |= {} if self.part is None else {"part": self.part}
        return pd.DataFrame(columns)

    @property
    def begins(self) -> NDArray[np.int64]:
        """Where the events of each customer begin, shape (customers + 1,)."""
        return np.searchsorted(self.who, np.arange(len(self.customers) + 1))

    @property
    def buyers(self) -> NDArray[np.int64]:
        """How many customers bought each item, shape (items,)."""
        pairs = np.sort(self.who * max(len(self.items), 1) + self.what)  # sorting is quicker than a hash of them
        once = pairs[np.diff(pairs, prepend=-1) > 0]
        return np.bincount(once % max(len(self.items), 1), minlength=len(self.items))

    def sums(self, name: str) -> NDArray[np.float64]:
        """Return the sum of ``weight``, ``value`` or ``units`` over the events of each item, shape (items,)."""
        sums: NDArray[np.float64] = np.bincount(self.what, getattr(self, name), len(self.items)).astype(np.float64)
        return significant(sums)

    def by_item(self) -> Events:
        """Return one event for each customer and item, when the first of theirs was, with their sums, by item."""
        if not len(self):
            return replace(self, part=None)
        keys = self.who * len(self.items) + self.what
        pairs, first, place = np.unique(keys, return_index=True, return_inverse=True)
        weight, value, units = (
            significant(np.bincount(place, getattr(self, name), len(pairs)).astype(np.float64))
            for name in ("weight", "value", "units")
        )
        who, what = np.divmod(pairs, len(self.items))
        time = None if self.time is None else self.time[first]
        return replace(self, who=who, what=what, time=time, part=None, weight=weight, value=value, units=units)

    def days_before(self, when: NDArray[np.datetime64]) -> NDArray[np.float64]:
        """Return the days from each event to an instant of its customer's, shape (n,); 0 where events are undated.

        To the second, in a few digits.
        """
        if self.time is None:
            return np.zeros(len(self))
        past = (when[self.who] - self.time) / np.timedelta64(1, "s")
        return (past / 86_400).round(5)

    def names(self) -> pd.Series:
        """Return the items of each customer as a list, shape (customers,)."""
        import pyarrow as pa

        tokens = pa.array([encode_basestring(one) for one in self.items], pa.large_string())
        return self._lists(tokens.take(pa.array(self.what)))

    def numbers(self, values: NDArray[np.float64]) -> pd.Series:
        """Return one finite number of each event as a list, shape (customers,)."""
        import pyarrow as pa

        # Arrow writes the fewest digits that give the number back, as JSON does.
        return self._lists(pa.array(values + 0.0).cast(pa.large_string()))

    def _lists(self, tokens: Any) -> pd.Series:
        import pandas as pd
        import pyarrow as pa
        import pyarrow.compute as pc

        lists = pa.LargeListArray.from_arrays(pa.array(self.begins), tokens)
        begin, comma, end, nothing = (pa.scalar(one, pa.large_string()) for one in ("[", ",", "]", ""))
        joined = pc.binary_join_element_wise(begin, pc.binary_join(lists, comma), end, nothing)
        return pd.Series(joined.to_pandas(types_mapper=lambda _: pd.StringDtype(na_value=np.nan)))
