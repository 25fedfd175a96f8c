"""The question of recommendation: what is fitted, ranked, measured and kept."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import signature
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import pandas as pd
from annotated_types import Ge

from cxai_runner.config.problems import Problem, UserError, did_you_mean, under
from cxai_runner.data.dataset import Dataset
from cxai_runner.data.tables.needs import Needs
from cxai_runner.evaluation.intervals import Statistic
from cxai_runner.evaluation.metrics import paired_metrics
from cxai_runner.evaluation.results import Content, Metric
from cxai_runner.evaluation.slices import Slices
from cxai_runner.evaluation.split_within import RandomHoldout
from cxai_runner.evaluation.splits import Split
from cxai_runner.methods.deep import is_installed, remedy
from cxai_runner.methods.recommend import (
    MalformedHistoryError,
    Popularity,
    Recommender,
    SelfAttentive,
    TwoTower,
    UnrankableError,
)
from cxai_runner.methods.recommend.interactions import CHOICE, Catalogue
from cxai_runner.task import Context, Evidence, Maximise, Primary, SavedModel, Task
from tasks.recommendation import offers, overlap, report
from tasks.recommendation.fitting import Fitted, malformed, recommender_of, same, trained
from tasks.recommendation.offers_config import Offers
from tasks.recommendation.rows import (
    AGAINST,
    BASELINE,
    CAME,
    LISTED_AGAIN,
    MODEL,
    NOT_KNOWN,
    OBSERVED,
    SLICE,
    Happened,
    Judged,
    again_of,
    as_texts,
    places,
)

HISTORY = ("items", "weights", "days", CHOICE)
"""The inputs that are lists; all others are columns of the customer."""


@dataclass(frozen=True, kw_only=True)
class Recommendation(Task):
    """Which items each customer is likeliest to want next, out of all that are on sale.

    Every list is a ranking of the whole catalogue. What a customer went on to buy is held against it, whatever else
    there was to choose from: nothing is drawn, and no metric is of a sample of items.

    Parameters
    ----------
    k
        Items on a list.
    repeats
        Whether what a customer bought before may be on their list; if not, it is not judged either.
    cold_items
        Whether what a customer bought and nobody had bought in training counts as ``missed`` by every model, or is
        ``left_out`` of what is judged. It is counted either way.
    against
        Models to stand beside, by name: fitted to the same customers, and compared customer by customer; null for none.
    slices
        Columns of customers by whose values the model is judged apart; ``auto`` is all.
    offers
        How the next best offers are chosen: value, costs and rules; null for no offers.
    """

    k: Annotated[int, Ge(1)] = 10
    repeats: bool = True
    cold_items: Literal["missed", "left_out"] = "missed"
    against: Mapping[str, Any] | None = field(default_factory=dict, compare=False)
    slices: Sequence[str] | Literal["auto"] = "auto"
    offers: Offers | None = None

    title: ClassVar[str] = "What should each customer be offered next?"
    needs: ClassVar[Needs] = Needs(
        required={"histories": ("customer_id", "items", "bought")}, optional={"histories": ("*",)}
    )
    evidence: ClassVar[Evidence] = Evidence.HELD_OUT
    primary_metric: ClassVar[Primary | None] = Maximise("ndcg")
    baseline_label: ClassVar[str] = "popularity"
    model_kind: ClassVar[str | None] = "recommender"
    target: ClassVar[str | None] = "bought"
    observed: ClassVar[tuple[str, ...]] = OBSERVED

    def problems(self, tables_columns: Iterable[str]) -> Iterator[Problem]:
        """Yield columns that there are not, and models that make no lists."""
        have = list(tables_columns)
        for name, one in (self.against or {}).items():
            if one is not None and not isinstance(recommender_of(one), Recommender):
                told = (
                    f"{type(one).__name__} is not a recommender, and only recommenders can be held against each other"
                )
                yield Problem(f"against.{name}", told, remedy="see: cxai list models recommendation")
            elif one is not None:
                yield from under(f"against.{name}", self._overruled(recommender_of(one)))
        for name in () if isinstance(self.slices, str) else self.slices:
            if name not in have:
                yield Problem("slices", "no such column", name, did_you_mean(str(name), have))

    def misused(self, model: Any, columns: Iterable[str]) -> Iterator[Problem]:
        """Yield lists unlike the task's, a network that cannot be trained here, and a choice that no model says."""
        yield from self._overruled(recommender_of(model))
        if getattr(recommender_of(model), "takes_choice", False) and CHOICE not in list(columns):
            told = "ranks by what a fitted model of brand choice says, and none is named"
            other = "model=brand_loyalty fits one of loyalty alone"
            yield Problem("", told, remedy=f"write features.models.{CHOICE}=models:/NAME@champion; {other}")
        if isinstance(recommender_of(model), TwoTower | SelfAttentive) and not is_installed():
            told = "a network needs TensorFlow, which is not installed"
            yield Problem("", told, remedy=remedy("recommendation/ease"))

    def misdivided(self, split: Split) -> Iterator[Problem]:
        """Yield that lists would be filled with what cannot be held out."""
        if self.repeats and isinstance(split, RandomHoldout) and split.of == "item":
            told = "split.of=item holds out nothing that was bought before, and lists would be filled with it"
            remedy = "write task.repeats=false, or split.of=event where events are dated"
            yield Problem("repeats", told, self.repeats, remedy)

    def inspect(self, data: Dataset) -> Iterator[Problem]:
        """Yield why these histories cannot be learned from."""
        try:
            many = len(Catalogue.of(data.frame["items"]))
        except MalformedHistoryError as error:
            yield malformed(error)
            return
        if not many:
            yield Problem(
                "histories.items",
                "nobody bought anything before the held-out part: there is nothing to recommend",
                remedy="hold out less, or take more of the past",
            )
        elif many == 1:
            yield Problem(
                "histories.items",
                "one item is all that was bought: there is nothing to choose between",
                remedy="recommend something finer (features.item), or fewer purchases of it (features.fewest)",
            )
        elif many < self.k:
            yield Problem(
                "task.k",
                f"a list is longer than the catalogue, which has {many:,} items",
                self.k,
                f"write task.k={min(10, many // 2)}, or recommend something finer (features.item)",
            )
        if self.offers is not None:
            yield from under("task.offers", self.offers.inspect(data.others.get("items"), data.frame))

    def fit(self, model: Any, train: Dataset, context: Context) -> Fitted:
        """Fit the model, those that stand beside it, and the popularity that it has to beat, to the same customers."""
        self.demand(train)
        columns = [*train.roles.inputs]
        frame = train.frame.sort_values(columns, kind="stable", key=_sortable)[columns].reset_index(drop=True)
        items = train.others.get("items")
        final, given = recommender_of(model), {"k": self.k, "repeats": self.repeats}
        first = trained(final, frame, items, context, given, watched=True)
        beside = {name: one for name, one in (self.against or {}).items() if one is not None}
        itself = tuple(name for name, one in beside.items() if same(one, final))
        against: dict[str, Recommender] = {
            name: trained(one, frame, items, context, given, key=f"task.against.{name}", purpose=f"against {name}")
            for name, one in beside.items()
            if name not in itself and not context.should_stop()
        }
        baseline = Popularity(self.k, self.repeats).fit(frame, items=items)
        known = [name for name in columns if name not in HISTORY]
        slices = Slices.of(train, known if isinstance(self.slices, str) else list(self.slices))
        return Fitted(first, baseline, against, columns, slices, len(frame), items, itself)

    def score(self, fitted: Fitted, data: Dataset, context: Context) -> pd.DataFrame:
        """Return what each customer bought, and the lists of the model, of those beside it and of the baseline.

        See `tasks.recommendation.rows`.
        """
        self.demand(data)
        came = [name for name in CAME if self.offers is not None and name in data.frame]
        kept = [data.roles.id, *([data.roles.time] if data.roles.time else []), "bought", *came]
        scores = data.frame[kept].rename(columns={data.roles.id: "customer_id", data.roles.time: "time"})
        scores = scores.reset_index(drop=True)
        catalogue, missed = fitted.model.catalogue, self.cold_items == "missed"
        try:
            happened = Happened.of(data.frame, catalogue, repeats=self.repeats, missed=missed)
        except MalformedHistoryError as error:
            raise UserError([malformed(error)], "data") from error
        asked = (scores["bought"] != "[]").to_numpy()
        inputs = data.frame[fitted.columns].reset_index(drop=True)[asked]
        own = self._lists(fitted.model, inputs).reindex(range(len(scores)))
        names = [*places(self.k)]
        own = own.fillna(dict.fromkeys(names, "")).fillna(0.0).astype({"fallback": np.int64})
        scores = pd.concat([scores, happened.frame, own], axis=1)
        scores[LISTED_AGAIN] = happened.listed_again(own[names].astype(object).to_numpy())
        others = {f"{AGAINST}{name}": one for name, one in fitted.against.items()} | {BASELINE: fitted.baseline}
        for column, one in others.items():
            lists = np.full((len(scores), self.k), "", dtype=object)
            made = self._lists(one, inputs, f"task.against.{column.removeprefix(AGAINST)}")
            lists[asked] = made[names].astype(object).to_numpy()
            scores[column] = as_texts(lists)
            scores[again_of(column)] = happened.listed_again(lists)
        for name, named in fitted.slices.named(data.frame).items():
            scores[f"{SLICE}{name}"] = named
        return scores

    def predicted(self, scores: pd.DataFrame, predictions: pd.Series | pd.DataFrame) -> pd.DataFrame | None:
        """Put another model's lists in place; None for one that makes none, or shorter ones."""
        names = places(self.k)
        if not isinstance(predictions, pd.DataFrame) or not set(names) <= set(map(str, predictions.columns)):
            return None
        asked = (scores["bought"] != "[]").to_numpy()
        theirs = predictions.reset_index(drop=True)
        placed = scores.copy()
        for name in (one for one in theirs if one in scores):
            placed[name] = theirs[name].where(asked, scores[name]).astype(scores[name].dtype)
        # What the customer had bought before is not kept with the scores: of another list it is not known.
        alike = (placed[names] == scores[names]).all(axis=1)
        return placed.assign(**{LISTED_AGAIN: scores[LISTED_AGAIN].where(alike, NOT_KNOWN)})

    def measure(self, scores: pd.DataFrame, context: Context) -> tuple[Metric, ...]:
        """Measure NDCG, recall, precision, MAP, MRR and hit rate; nothing of customers who bought nothing."""
        judged = Judged.of(scores, self.k, (MODEL, BASELINE))
        if not len(judged):
            return ()
        ours, theirs = judged.statistics(MODEL), judged.statistics(BASELINE)
        named = judged.named
        model, baseline = ([one[metric.name] for metric in named] for one in (ours, theirs))
        return paired_metrics(named, model, baseline, judged.customers, context.resamples, context.rng("intervals"))

    def statistics(self, scores: pd.DataFrame) -> Mapping[str, Statistic]:
        """Return the same metrics, for customers drawn anew."""
        return Judged.of(scores, self.k, (MODEL,), every=True).statistics()

    def beside(self, scores: Mapping[str, pd.DataFrame]) -> Iterator[Content]:
        """Yield how far the lists of several models are the same, and what only one of them hits."""
        yield from overlap.beside(scores)

    def report(
        self,
        fitted: Fitted,
        train: Dataset,
        scores: Mapping[str, pd.DataFrame],
        metrics: Mapping[str, Metric],
        context: Context,
    ) -> Iterator[Content]:
        """Yield the verdict, recall by length, again and new, the cold, kinds of customers, what is shown, examples."""
        yield from report.contents(self, fitted, train, scores, context)
        if self.offers is not None:
            yield from offers.contents(self.offers, fitted, train, scores, context)

    def models(self, fitted: Fitted, train: Dataset) -> Mapping[str, SavedModel]:
        """Keep the model: from histories to lists."""
        return {"model": SavedModel(fitted.model, train.frame[fitted.columns].head(5).reset_index(drop=True))}

    def _overruled(self, model: Recommender) -> Iterator[Problem]:
        """Yield what a model says of lists and the task says otherwise: all are as the task has them."""
        own = signature(type(model)).parameters
        for name in ("k", "repeats"):
            given, asked = getattr(model, name, getattr(self, name)), getattr(self, name)
            if given != asked and name in own and given != own[name].default:  # a default was asked for by nobody
                told = f"lists are all as task.{name}={json.dumps(asked)} says, whatever the model"
                yield Problem(name, told, given, f"write task.{name}={json.dumps(given)}, and leave this out")

    def _lists(self, model: Recommender, inputs: pd.DataFrame, key: str = "model") -> pd.DataFrame:
        """The lists of a model, which the config has at ``key``; without rows none, but the columns of one."""
        if len(inputs):
            try:
                return model.predict(inputs)
            except UnrankableError as error:
                raise UserError([Problem(key, str(error), type(model).__name__)]) from error
        columns = {name: pd.Series(dtype="str") for name in places(self.k)}
        columns |= {name: pd.Series(dtype=np.float64) for name in [*places(self.k, "score_"), "fallback"]}
        return pd.DataFrame(columns)


def _sortable(column: pd.Series) -> pd.Series:
    return column.map(str) if column.dtype == object or str(column.dtype) == "category" else column
