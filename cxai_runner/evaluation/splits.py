"""Which rows a model learns from and which it is judged on.

A split is planned before any feature is built, on the rows there will be: features need its dates, and whatever is
learned across rows may see the training part alone. A customer held out is held out whole: all rows of one customer
are on one side of a split by customer, whatever the order of the file. A rule that divides what one customer did
(`within`) goes with both parts, to the builders that can apply it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from cxai_runner.config.problems import Problem

if TYPE_CHECKING:
    from ibis.expr.types import Table as IbisTable

    from cxai_runner.evaluation.within import Within


@dataclass(frozen=True, eq=False)
class Part:
    """One side of a fold.

    Parameters
    ----------
    name
        ``train`` or ``held_out``.
    start, end
        The window of ``time``: from ``start`` on, before ``end``. None is unbounded. ``end`` is the as-of
        instant too: nothing at or after it may be read.
    customers
        Ids to keep (``keep=True``) or to leave out, as an Ibis-readable frame with one column ``customer_id``;
        None keeps everyone.
    within
        A rule that divides what each customer did; None where all of it within the window is on this side. `select`
        does not apply it: only a builder that `divides` is given one.
    """

    name: Literal["train", "held_out"]
    start: Any = None
    end: Any = None
    customers: Any = None
    keep: bool = True
    within: Within | None = None

    def select(self, table: IbisTable, time: str | None = "time") -> IbisTable:
        """Return the rows of ``table`` that belong to this part, by ``customer_id`` and the column ``time``."""
        import ibis

        if time is not None and self.start is not None:
            table = table.filter(table[time] >= ibis.literal(self.start, type=table[time].type()))
        if time is not None and self.end is not None:
            table = table.filter(table[time] < ibis.literal(self.end, type=table[time].type()))
        if self.customers is None:
            return table
        ids = ibis.memtable(self.customers)
        return table.semi_join(ids, "customer_id") if self.keep else table.anti_join(ids, "customer_id")


@dataclass(frozen=True, eq=False)
class Fold:
    """One fit: its training part, and the part it is judged on, if any."""

    train: Part
    held_out: Part | None
    label: str
    """Which rows are held out, for a reader: ``476 customers never seen in training``."""


@dataclass(frozen=True, kw_only=True)
class Split(ABC):
    """A rule that divides rows; a frozen dataclass whose fields are its config keys."""

    within: ClassVar[bool] = False
    """Whether it divides what one customer did, which only some builders can."""

    @abstractmethod
    def plan(self, rows: IbisTable, seed: int) -> tuple[Fold, ...]:
        """Return the folds. The last one's model is the one that is kept.

        Parameters
        ----------
        rows
            ``customer_id`` and, where rows are dated, ``time``; ``part`` where they say which they belong to.
        seed
            Decides which customers are held out, and nothing else does.
        """

    def problems(self, rows: IbisTable) -> Iterator[Problem]:
        """Yield why these rows cannot be divided so, keys relative to ``split``.

        In a remedy, ``{here}`` is the path of the keys of the table that the rows come from.
        """
        return iter(())
