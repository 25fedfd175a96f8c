"""What a feature builder is.

A builder sees tables in three steps, so that nothing leaks: `rows` says which rows there will be (the split is planned
on them), `learn` sees the training part alone, and `build` makes either part from what was learned. All three are
Ibis expressions; only what `build` aggregates becomes a pandas frame.

Later, other rows are built with what was learned then: `for_new_rows` is the builder for them, `extended` adds to what
was learned what they say together, and `stream` builds them a few at a time, so that any number of them fits.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

from cxai_runner.config.problems import Problem
from cxai_runner.data.tables.needs import Needs

if TYPE_CHECKING:
    from ibis.expr.types import Table as IbisTable
    from sklearn.base import TransformerMixin

    from cxai_runner.data.dataset import Dataset
    from cxai_runner.data.tables.opened import Tables
    from cxai_runner.evaluation.splits import Part


@dataclass(frozen=True, kw_only=True)
class Features(ABC):
    """A feature builder: a frozen dataclass whose fields are its config keys.

    Parameters
    ----------
    transformers
        scikit-learn transformers put in front of the model; fitted on the training part only, saved with the model.
    models
        Registered models by the name of the column that what they say of each row's customer becomes:
        ``{"segment": "models:/segmentation@champion"}``. Of histories ``choice`` is what a model of brand choice says.
    """

    makes: ClassVar[str]
    """The standard table that the built dataset is: ``panel``, ``customers`` …"""
    divides: ClassVar[bool] = False
    """Whether it applies a rule that divides what one customer did (`Part.within`)."""
    asks_ahead: ClassVar[bool] = False
    """Whether a held-out row asks what its customer does next, which no training row of the same customer tells."""

    transformers: Sequence[TransformerMixin] = field(default=())
    models: Mapping[str, str] = field(default_factory=dict)

    def kinds(self) -> tuple[type, ...]:
        """The classes whose code makes the rows."""
        return (type(self),)

    def inputs(self) -> Mapping[str, str]:
        """What else the rows are made of than tables and config, by name: what tells it from any other."""
        return {}

    def seen_until(self, learned: Mapping[str, Any]) -> Any:
        """The instant before which everything lies that an undated row tells of; None where nothing says so."""
        return None

    @abstractmethod
    def needs(self) -> Needs:
        """Tables and columns of the source that this builder reads."""

    @abstractmethod
    def provides(self, tables: Tables) -> tuple[str, ...]:
        """Columns of the dataset it will build, known without reading a row; ``price_*`` stands for several."""

    def problems(self, tables: Tables) -> Iterator[Problem]:
        """Yield what bounded queries on the tables find wrong, keys relative to ``features``."""
        return iter(())

    @abstractmethod
    def rows(self, tables: Tables) -> IbisTable:
        """The rows there will be: ``customer_id`` and, where rows are dated, ``time``."""

    def learn(self, tables: Tables, train: Part) -> Mapping[str, Any]:
        """Learn what needs more than one row (top brands, index weights) from the training part; plain JSON values."""
        return {}

    @abstractmethod
    def build(self, tables: Tables, part: Part, learned: Mapping[str, Any]) -> Dataset:
        """Build one part. Nothing later than a row's own time, or than ``part.end``, may be read for it."""

    def for_new_rows(self, inputs: Sequence[str], as_of: datetime | None) -> Features:
        """Return the builder for rows to predict.

        It leaves no row out for a value that it lacks: whoever predicts says what becomes of it.

        Parameters
        ----------
        inputs
            The columns that the model takes.
        as_of
            The instant from which nothing is read; None where everything is.
        """
        return self

    def per_customer(self) -> Features:
        """Return the builder of one row per customer, for whoever asks a model of customers what it says of each."""
        return self

    def wants_all(self) -> bool:
        """Whether rows that lack an input were left out of training."""
        return False

    def extended(self, tables: Tables, part: Part, learned: Mapping[str, Any]) -> Mapping[str, Any]:
        """Add to what was learned in training what all new rows say together, so that few of them are built alike."""
        return learned

    def stream(self, tables: Tables, part: Part, learned: Mapping[str, Any], size: int) -> Iterator[Dataset]:
        """Build one part a few customers at a time: about ``size`` rows each, a customer's never apart.

        ``learned`` is what `extended` gave for the same part.
        """
        import numpy as np

        rows = self.rows(tables)
        rows = part.select(rows, "time" if "time" in rows.columns else None)
        counts = rows.group_by("customer_id").aggregate(rows=rows.count()).order_by("customer_id").to_pyarrow()
        chunk = np.cumsum(counts["rows"].to_numpy()) // size
        for begin, end in _runs(chunk):
            customers = counts.select(["customer_id"]).slice(begin, end - begin)
            yield self.build(tables, replace(part, customers=customers), learned)


def _runs(labels: Any) -> Iterator[tuple[int, int]]:
    """Begin and end of each stretch of equal values."""
    import numpy as np

    if not len(labels):
        return
    breaks = [0, *(np.flatnonzero(np.diff(labels)) + 1).tolist(), len(labels)]
    yield from pairwise(breaks)
