"""The frame a task works on, with named roles, and the account of what was left out on the way to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Dropped:
    """Rows that were left out, and why.

    Parameters
    ----------
    table
        The standard table they were left out of.
    reason
        In a few words: ``no customer``, ``quantity is zero``.
    rows, of
        How many, of how many.
    """

    table: str
    reason: str
    rows: int
    of: int


@dataclass(frozen=True)
class Roles:
    """What the columns of a dataset are for.

    Parameters
    ----------
    id
        The customer: the unit whose rows must stay together.
    time
        The date or number of the shopping occasion, if rows are dated.
    inputs
        The columns a model may see; every other column is out of its reach.
    describe
        Columns that describe the rows in a report and never enter a model.
    alternatives
        The brands of a panel, in order: ``price_<alternative>`` and ``promotion_<alternative>`` are columns.
    fed
        The inputs that are answers of another model.
    lists
        The inputs that are lists of any length, as JSON texts: no text of them is expected to come twice.
    """

    id: str = "customer_id"
    time: str | None = None
    inputs: tuple[str, ...] = ()
    describe: tuple[str, ...] = ()
    alternatives: tuple[str, ...] = ()
    fed: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Dataset:
    """One part (training or held out) of the rows of an experiment.

    Parameters
    ----------
    kind
        The standard table it is: ``panel``, ``customers`` …
    frame
        One row per row of that table, under standard names, sorted by id and time, index 0 … n−1.
    roles
        What the columns are for.
    dropped
        What was left out while it was built.
    others
        Further frames by name, for tasks that work on more than one.
    learned
        What was learned across the training rows to build it, as plain JSON values; with it, other rows are
        built alike.
    """

    kind: str
    frame: pd.DataFrame
    roles: Roles
    dropped: tuple[Dropped, ...] = ()
    others: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    learned: Mapping[str, Any] = field(default_factory=dict)

    @property
    def customers(self) -> int:
        """Number of distinct customers."""
        return int(self.frame[self.roles.id].nunique())
