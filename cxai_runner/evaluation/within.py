"""The rules that divide what one customer did: some of it is known, and the rest is to be told.

A split by time or by customer keeps the rows of a window, or of a customer, together; these do not. So they are no
window of a `Part` but a rule that goes with it, and is applied by the builders that can: those that make one row of a
customer's events, with what is known on one side and what is held out on the other. The others refuse it.

What each of them prevents differs. The last of each customer is later than all that is known of *this* customer, but
others' purchases after that day are learned from. What is drawn at random is *not the future*: what came later may
tell of what came before, and figures are better than they will be in use. Published comparisons are made so; to know
what a model is worth from tomorrow on, cut in time.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

Unit = Literal["order", "event"]

_ODD = 0x9E3779B97F4A7C15
_MIXES = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)


class Within(ABC):
    """A rule that says which of a customer's events are held out."""

    in_time: ClassVar[bool] = False
    """Whether what is held out of a customer is later than all that is left."""

    @abstractmethod
    def held_out(self, events: pd.DataFrame) -> NDArray[np.bool_]:
        """Return whether each event is held out, shape (n,).

        Parameters
        ----------
        events
            ``customer_id``, ``item_id``, ``time`` where events are dated, and ``part`` where they say it; sorted by
            customer, time and item.
        """


@dataclass(frozen=True)
class LastOfEach(Within):
    """The last orders or events of each customer; what was at one instant is one order.

    Parameters
    ----------
    last
        How many.
    of
        Whether orders are counted, or events: of one order the last by name.
    least
        How many are never held out: whoever has too few is not asked about.
    """

    last: int = 1
    of: Unit = "order"
    least: int = 1

    in_time: ClassVar[bool] = True

    def held_out(self, events: pd.DataFrame) -> NDArray[np.bool_]:
        """Count from each customer's end."""
        import numpy as np

        customers = _begins(events["customer_id"])
        begins = customers.copy()
        if self.of == "order":
            begins |= _begins(events["time"])
        else:
            begins[:] = True
        number = np.cumsum(begins) - 1
        first, who = number[customers], np.cumsum(customers) - 1
        many = np.diff(np.append(first, number[-1] + 1)) if len(number) else first
        out = np.minimum(self.last, np.maximum(many - self.least, 0))
        return np.asarray(number - first[who] >= (many - out)[who], dtype=bool)


@dataclass(frozen=True)
class RandomOfEach(Within):
    """A share of what each customer did, drawn by a hash of the seed, the customer's id and the item.

    The order of a file and who else is in it decide nothing. One event of each customer stays, whatever the share.

    Parameters
    ----------
    share
        To the nearest item or event.
    seed
        Of the draw.
    of
        ``item``: all that a customer did with an item is on one side. ``event``: each by itself.
    """

    share: float
    seed: int
    of: Literal["item", "event"] = "item"

    def held_out(self, events: pd.DataFrame) -> NDArray[np.bool_]:
        """Put what each customer did in an order of chance, and hold the first of it out."""
        import numpy as np
        import pandas as pd

        if not len(events):
            return np.zeros(0, dtype=bool)
        who, customers = pd.factorize(events["customer_id"])
        what, items = pd.factorize(events["item_id"])
        seed = _mixed(np.array([self.seed], dtype=np.uint64))
        keys = _mixed(_mixed(_hashed(customers) + seed)[who] + _hashed(items)[what])
        if self.of == "event" and "time" in events:
            keys = _mixed(keys + events["time"].to_numpy().astype("datetime64[us]").view(np.uint64))
        if self.of == "item":
            pairs, place = np.unique(who * len(items) + what, return_inverse=True)
            first = np.zeros(len(pairs), dtype=np.uint64)
            first[place] = keys
            return _first(pairs // len(items), first, self.share)[place]
        return _first(who, keys, self.share)


@dataclass(frozen=True)
class SaidSo(Within):
    """What the events themselves say, in their column ``part``.

    Parameters
    ----------
    parts
        What stands there for the held-out part.
    """

    parts: Collection[str]

    def held_out(self, events: pd.DataFrame) -> NDArray[np.bool_]:
        """Read the column."""
        import numpy as np

        return np.asarray(events["part"].astype("str").isin([str(one) for one in self.parts]), dtype=bool)


def _begins(values: pd.Series) -> NDArray[np.bool_]:
    """Whether each value is another than the one before it."""
    import numpy as np

    found = np.ones(len(values), dtype=bool)
    found[1:] = (values != values.shift()).to_numpy(dtype=bool)[1:]
    return found


def _first(who: NDArray[np.int64], keys: NDArray[np.uint64], share: float) -> NDArray[np.bool_]:
    """Whether each row is among the first of its customer by key, shape (n,)."""
    import numpy as np

    many = np.bincount(who)
    out = np.minimum(np.rint(share * many), many - 1)
    order = np.lexsort((keys, who))
    begins = np.concatenate([[0], np.cumsum(many)[:-1]])
    place = np.empty(len(who), dtype=np.int64)
    place[order] = np.arange(len(who)) - begins[who[order]]
    return np.asarray(place < out[who], dtype=bool)


def _hashed(names: pd.Index | NDArray[np.object_]) -> NDArray[np.uint64]:
    """A number for each name, the same in every process."""
    import numpy as np
    import pandas as pd

    return pd.util.hash_array(np.array([str(one) for one in names], dtype=object), categorize=False)


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread numbers over all 64 bits (splitmix64: Steele, Lea and Flood (2014), OOPSLA)."""
    import numpy as np

    mixed = values + np.uint64(_ODD)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(_MIXES[0])
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(_MIXES[1])
    return np.asarray(mixed ^ (mixed >> np.uint64(31)), dtype=np.uint64)
