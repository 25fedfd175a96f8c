"""Rows with what another model says of their customers: a segment, a probability.

A registered model is a column of another experiment: the segment that a promoted segmentation puts each household in,
beside the prices that it met. What the model says must be known before the row happened. A model of customers sees
them as of a date; rows before that date are left out and counted, so that no later behaviour enters an earlier row.
The model's own customers may be among the rows: it is taken as it was published, and learns nothing here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any

from cxai_runner.config.problems import Problem, UserError, under
from cxai_runner.data.answers import value
from cxai_runner.data.dataset import Dataset, Dropped
from cxai_runner.data.tables.instants import instant
from cxai_runner.data.tables.needs import Needs
from cxai_runner.features.base import Features

if TYPE_CHECKING:
    import pandas as pd
    from ibis.expr.types import Table as IbisTable

    from cxai_runner.data.tables.opened import Tables
    from cxai_runner.evaluation.splits import Part
    from cxai_runner.features.choices import ChoiceFeed

NONE = "none"
"""The label of a customer of whom the model says nothing: there was nothing to see before its date."""


@dataclass(frozen=True, eq=False)
class Feed:
    """A published model of customers, and how the rows that it takes are made.

    Parameters
    ----------
    column
        What its answer is called here.
    name, uri, identity
        The model and its version as a reader knows it, what says it for good, and what tells it from any other.
    features, learned
        What makes its rows, and what that learned when the model was trained.
    answer
        From its rows, a frame of its inputs, to labels or numbers, shape (n,), or probabilities, shape (n, classes).
    """

    column: str
    name: str
    uri: str
    identity: str
    features: Features
    learned: Mapping[str, Any] = field(repr=False)
    answer: Callable[[pd.DataFrame], Any] = field(repr=False)

    @property
    def since(self) -> Any:
        """The instant before which everything lies that it sees; None where its rows are undated."""
        return instant(self.features.seen_until(self.learned))

    def of(self, tables: Tables, part: Part) -> pd.Series:
        """Return its answer for each customer of a part, by customer id: a label, or a number.

        Of probabilities it is that of the last class, as of two the one that is asked about comes last.
        """
        import numpy as np
        import pandas as pd

        rows = self.features.build(tables, replace(part, start=None, end=None), self.learned)
        found = np.asarray(self.answer(rows.frame))
        values: Any = found if found.ndim == 1 else found[:, -1]
        if found.ndim == 1 and not np.issubdtype(found.dtype, np.floating):
            values = found.astype(str)
        return pd.Series(values, index=rows.frame[rows.roles.id], name=self.column)


@dataclass(frozen=True, kw_only=True)
class FedFeatures(Features):
    """A builder's rows, each with what published models say of its customer.

    A model that answers with labels gives the text column ``<name>`` and, as inputs, one column of 0 and 1 for each
    label of the training part's customers but the most frequent, ``<name>_<label>``; one that answers with numbers
    gives one input. A customer of whom there was nothing to see before the model's date has the label ``none``; where
    it is a number that is missing, the customer's rows are left out and counted.

    Parameters
    ----------
    of
        The builder.
    feeds
        The models of customers.
    choice
        A model of brand choice, which says in the text column ``choice`` of histories what each customer takes next.
    whole
        Whether rows stay of whose customer a model says nothing: whoever predicts says what becomes of them.
    """

    of: Features
    feeds: Sequence[Feed]
    choice: ChoiceFeed | None = None
    whole: bool = False

    def __post_init__(self) -> None:
        for name in ("makes", "divides", "asks_ahead", "transformers"):
            object.__setattr__(self, name, getattr(self.of, name))

    @property
    def every(self) -> tuple[Feed, ...]:
        """All models."""
        return (*self.feeds, *([] if self.choice is None else [self.choice]))

    def kinds(self) -> tuple[type, ...]:
        """The builder, and those of the models' rows."""
        every = [self.of, *(feed.features for feed in self.every)]
        return (type(self), *(kind for one in every for kind in one.kinds()))

    def inputs(self) -> Mapping[str, str]:
        """The version of each model."""
        return {**self.of.inputs(), **{feed.column: feed.identity for feed in self.every}}

    def needs(self) -> Needs:
        """What the builder needs, and what the models' rows are made of."""
        return reduce(or_, (feed.features.needs() for feed in self.every), self.of.needs())

    def provides(self, tables: Tables) -> tuple[str, ...]:
        """The builder's columns and the models'."""
        told = [name for feed in self.feeds for name in (feed.column, f"{feed.column}_*")]
        return (*self.of.provides(tables), *told, *([] if self.choice is None else [self.choice.column]))

    def problems(self, tables: Tables) -> Iterator[Problem]:
        """Yield what is wrong with the rows, names that are taken, and models that see past the rows."""
        yield from self.of.problems(tables)
        have = self.of.provides(tables)
        for feed in self.every:
            key = f"models.{feed.column}"
            if feed.column in have:
                yield Problem(key, "a column of this name is there already", remedy="call it something else")
            if feed.since is not None and self._is_before(tables, feed.since):
                told = f"{feed.name} saw customers up to {feed.since:%Y-%m-%d}, and every row is before that"
                yield Problem(key, told, remedy="name a model of an earlier date: run it with features.as_of=…")
            found = list(feed.features.problems(tables))
            for one in under(key, found):
                yield replace(one, message=f"{feed.name} needs it: {one.message}")
        if self.choice is not None:
            yield from self.choice.problems(self.of, tables)

    def rows(self, tables: Tables) -> IbisTable:
        """The builder's rows from the models' date on."""
        import ibis

        rows, since = self.of.rows(tables), self._since()
        if since is None or "time" not in rows.columns:
            return rows
        return rows.filter(rows["time"] >= ibis.literal(since, type=rows["time"].type()))

    def seen_until(self, learned: Mapping[str, Any]) -> Any:
        """As the builder."""
        return self.of.seen_until(learned["rows"])

    def learn(self, tables: Tables, train: Part) -> Mapping[str, Any]:
        """Learn what the builder learns, and which labels the customers of the training part have."""
        models = {feed.column: feed.uri for feed in self.every}
        learned: dict[str, Any] = {"rows": dict(self.of.learn(tables, train)), "labels": {}, "models": models}
        if self.choice is not None:
            self.choice.refuse_undated(train, self.seen_until(learned))
            learned["choice"] = self.choice.learn(tables, self._asked(learned))
        for feed in self.feeds:
            answers = feed.of(tables, train)
            if not _is_number(answers):
                counts = _labelled(self._customers(tables, train).map(answers)).value_counts()
                most = sorted(counts.index, key=lambda label: (-counts[label], label))
                learned["labels"][feed.column] = most
        return learned

    def build(self, tables: Tables, part: Part, learned: Mapping[str, Any]) -> Dataset:
        """Build one part."""
        self._refuse_foresight(learned)
        return self._fed(self.of.build(tables, part, learned["rows"]), tables, part, learned)

    def for_new_rows(self, inputs: Sequence[str], as_of: datetime | None) -> Features:
        """Feed the builder's new rows with what the same versions say, as of the same date."""
        own = [one for one in inputs if not any(one == f.column or one.startswith(f"{f.column}_") for f in self.every)]
        return replace(self, of=self.of.for_new_rows(own, as_of), whole=True)

    def per_customer(self) -> Features:
        """Feed the builder's one row per customer."""
        return replace(self, of=self.of.per_customer())

    def wants_all(self) -> bool:
        """As the builder."""
        return self.of.wants_all()

    def extended(self, tables: Tables, part: Part, learned: Mapping[str, Any]) -> Mapping[str, Any]:
        """Add what the builder adds."""
        extended = {**learned, "rows": self.of.extended(tables, part, learned["rows"])}
        return (
            extended
            if self.choice is None
            else {**extended, "choice": self.choice.learn(tables, self._asked(extended))}
        )

    def stream(self, tables: Tables, part: Part, learned: Mapping[str, Any], size: int) -> Iterator[Dataset]:
        """Feed the builder's rows as they come."""
        self._refuse_foresight(learned)
        for made in self.of.stream(tables, part, learned["rows"], size):
            customers = made.frame[[made.roles.id]].drop_duplicates()
            yield self._fed(made, tables, replace(part, customers=customers, keep=True), learned)

    def _fed(self, made: Dataset, tables: Tables, part: Part, learned: Mapping[str, Any]) -> Dataset:
        """Add the models' columns to rows of a part."""
        made = self._from(made)
        answered = {feed.column: feed.of(tables, part) for feed in self.feeds}
        for feed in self.feeds:
            if feed.column not in learned["labels"] and not self.whole:
                known = made.frame[made.roles.id].map(answered[feed.column]).notna()
                made = _only(made, known, f"{feed.name} says nothing of the customer")
        frame, roles = made.frame.copy(), made.roles
        for feed in self.feeds:
            answers = frame[roles.id].map(answered[feed.column])
            labels = learned["labels"].get(feed.column)
            columns: tuple[str, ...] = (feed.column,)
            described: tuple[str, ...] = ()
            if labels is None:
                frame[feed.column] = answers.astype(float)
            else:
                text = _labelled(answers)
                shown = {f"{feed.column}_{label}": (text == label).astype("int64") for label in labels[1:]}
                frame = frame.assign(**{feed.column: text}, **shown)
                columns, described = tuple(shown), (feed.column,)
            roles = replace(
                roles,
                inputs=(*roles.inputs, *columns),
                describe=(*roles.describe, *described),
                fed=(*roles.fed, *columns),
            )
        if self.choice is not None:
            column, known = self.choice.column, learned["choice"]
            said = self.choice.said(tables, frame[roles.id], self._asked(learned), known, back=not self.whole)
            frame[column] = frame[roles.id].map(said)
            roles = replace(
                roles,
                inputs=(*roles.inputs, column),
                fed=(*roles.fed, column),
                lists=(*roles.lists, column),
            )
        return replace(made, frame=frame, roles=roles)

    def _asked(self, learned: Mapping[str, Any]) -> datetime:
        """The date as of which a model of choice is asked."""
        when: datetime | None = instant(self.seen_until(learned))
        assert when is not None  # undated rows are refused
        return when

    def _is_before(self, tables: Tables, since: datetime) -> bool:
        """Whether all rows are dated, and before an instant."""
        rows = self.of.rows(tables)
        if "time" not in rows.columns or not rows["time"].type().is_temporal():
            return False
        last = instant(value(rows["time"].max()))
        return last is not None and last < since

    def _customers(self, tables: Tables, part: Part) -> pd.Series:
        """The customers of a part's rows, each once."""
        rows = self.rows(tables)
        chosen = part.select(rows, "time" if "time" in rows.columns else None)
        return chosen.select("customer_id").distinct().execute()["customer_id"]

    def _since(self) -> Any:
        return max((feed.since for feed in self.feeds if feed.since is not None), default=None)

    def _from(self, made: Dataset) -> Dataset:
        """Leave out the rows before the models' date, and count them."""
        import pandas as pd

        since, time = self._since(), made.roles.time
        if since is None or time is None:
            return made
        late = made.frame[time] >= pd.Timestamp(since)
        seen = " and ".join(feed.column for feed in self.feeds)
        return _only(made, late, f"before {since:%Y-%m-%d}, up to when {seen} saw")

    def _refuse_foresight(self, learned: Mapping[str, Any]) -> None:
        """Refuse undated rows that end before a model's date: it would tell them of what came later."""
        own = instant(self.of.seen_until(learned["rows"]))
        ahead = [feed for feed in self.feeds if own is not None and feed.since is not None and feed.since > own]
        if ahead:
            raise UserError(
                [
                    Problem(
                        f"features.models.{feed.column}",
                        f"{feed.name} saw customers up to {feed.since:%Y-%m-%d}, these rows only up to {own:%Y-%m-%d}",
                        remedy="take a model of an earlier date, or a later features.as_of",
                    )
                    for feed in ahead
                ],
                "data",
            )


def _only(made: Dataset, kept: pd.Series, reason: str) -> Dataset:
    """Leave out the other rows, and count them."""
    dropped = Dropped(made.kind, reason, int((~kept).sum()), len(kept))
    if not dropped.rows:
        return made
    return replace(made, frame=made.frame[kept].reset_index(drop=True), dropped=(*made.dropped, dropped))


def _labelled(answers: pd.Series) -> pd.Series:
    return answers.astype(object).fillna(NONE).astype(str)


def _is_number(answers: pd.Series) -> bool:
    import pandas as pd

    return bool(pd.api.types.is_float_dtype(answers))
