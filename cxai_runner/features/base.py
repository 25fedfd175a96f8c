"""What a feature builder is.

A builder sees tables in three steps, so that nothing leaks: `rows` says which rows there will be (the split is planned
on them), `learn` sees the training part alone, and `build` makes either part from what was learned. All three are
Ibis expressions; only what `build` aggregates becomes a pandas frame.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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
        ``{"segment": "models:/segmentation@champion"}``.
    """

    makes: ClassVar[str]
    """The standard table that the built dataset is: ``panel``, ``customers`` …"""

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
