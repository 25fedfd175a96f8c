"""The question of recommendation: what is fitted, ranked, measured and kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
import pandas as pd
from annotated_types import Ge
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from cxai_runner.data.dataset import Dataset
from cxai_runner.data.tables.needs import Needs
from cxai_runner.evaluation.intervals import Statistic
from cxai_runner.evaluation.metrics import MeanOf, Named, codes_of, paired_metrics
from cxai_runner.evaluation.results import Content, Finding, Metric
from cxai_runner.methods.recommend import Popularity, Recommender
from cxai_runner.methods.recommend.interactions import parsed
from cxai_runner.task import Context, Evidence, Maximise, Primary, SavedModel, Task


@dataclass(frozen=True, eq=False)
class Fitted:
    """The model and the baseline, fitted to the same customers."""

    model: Recommender
    baseline: Popularity
    columns: list[str]


@dataclass(frozen=True, kw_only=True)
class Recommendation(Task):
    """Which items each customer is likeliest to want next.

    Parameters
    ----------
    k
        Items on a list.
    repeats
        Whether what a customer bought before may be on their list.
    """

    k: Annotated[int, Ge(1)] = 10
    repeats: bool = True

    title: ClassVar[str] = "What should each customer be offered next?"
    needs: ClassVar[Needs] = Needs(
        required={"histories": ("customer_id", "items", "bought")}, optional={"histories": ("*",)}
    )
    evidence: ClassVar[Evidence] = Evidence.HELD_OUT
    primary_metric: ClassVar[Primary | None] = Maximise("ndcg")
    baseline_label: ClassVar[str] = "popularity"
    model_kind: ClassVar[str | None] = "recommender"
    target: ClassVar[str | None] = "bought"

    def fit(self, model: Any, train: Dataset, context: Context) -> Fitted:
        """Fit the model, and the popularity that it has to beat."""
        self.demand(train)
        final = model[-1] if isinstance(model, Pipeline) else model
        columns = [*train.roles.inputs]
        frame = train.frame.sort_values(columns, kind="stable")[columns]
        own = clone(final).set_params(k=self.k, repeats=self.repeats)
        items = train.others.get("items")
        return Fitted(own.fit(frame, items=items), Popularity(self.k, self.repeats).fit(frame, items=items), columns)

    def score(self, fitted: Fitted, data: Dataset, context: Context) -> pd.DataFrame:
        """Return each customer's list by the model and by the baseline, beside what they bought."""
        self.demand(data)
        scores = data.frame[[data.roles.id, "bought"]].rename(columns={data.roles.id: "customer_id"})
        frame = data.frame[fitted.columns]
        ours = fitted.model.predict(frame)
        theirs = fitted.baseline.predict(frame)
        places = [f"item_{place}" for place in range(1, self.k + 1)]
        return pd.concat([scores, ours, theirs[places].add_prefix("baseline_")], axis=1).reset_index(drop=True)

    def measure(self, scores: pd.DataFrame, context: Context) -> tuple[Metric, ...]:
        """Measure recall and NDCG of the lists."""
        named = [Named("recall", f"recall@{self.k}", "higher"), Named("ndcg", f"NDCG@{self.k}", "higher")]
        ours, theirs = self._statistics(scores, "item_"), self._statistics(scores, "baseline_item_")
        customers = codes_of(scores["customer_id"])[1]
        return paired_metrics(
            named,
            [ours[one.name] for one in named],
            [theirs[one.name] for one in named],
            customers,
            context.resamples,
            context.rng("intervals"),
        )

    def statistics(self, scores: pd.DataFrame) -> Mapping[str, Statistic]:
        """Return the same metrics, for customers drawn anew."""
        return self._statistics(scores, "item_")

    def _statistics(self, scores: pd.DataFrame, prefix: str) -> dict[str, Statistic]:
        codes, customers = codes_of(scores["customer_id"])
        begins, bought = parsed(scores["bought"])
        wanted = [set(bought[begins[row] : begins[row + 1]]) for row in range(len(scores))]
        lists = scores[[f"{prefix}{place}" for place in range(1, self.k + 1)]].to_numpy()
        hits = np.array([[item in own for item in row] for own, row in zip(wanted, lists, strict=True)], dtype=float)
        many = np.array([len(own) for own in wanted], dtype=float)
        some = many > 0
        discount = 1 / np.log2(np.arange(2, self.k + 2))
        ideal = np.array([discount[: int(min(one, self.k))].sum() for one in many])
        recall = np.divide(hits.sum(axis=1), many, out=np.zeros(len(many)), where=some)
        ndcg = np.divide(hits @ discount, ideal, out=np.zeros(len(many)), where=some)
        return {
            "recall": MeanOf(recall, codes, customers, some),
            "ndcg": MeanOf(ndcg, codes, customers, some),
        }

    def report(
        self,
        fitted: Fitted,
        train: Dataset,
        scores: Mapping[str, pd.DataFrame],
        metrics: Mapping[str, Metric],
        context: Context,
    ) -> Iterator[Content]:
        """Yield the headline."""
        found = metrics.get("ndcg")
        told = "" if found is None else f"NDCG@{self.k} is {found.value.value:.3f}: {found.verdict} than popularity."
        yield Finding(told or "Nothing was held out.", "headline")

    def models(self, fitted: Fitted, train: Dataset) -> Mapping[str, SavedModel]:
        """Keep the model: from histories to lists."""
        return {"model": SavedModel(fitted.model, train.frame[fitted.columns].head(5).reset_index(drop=True))}
