"""A fitted model that can be asked about prices: over which occasions, how surely, and with what warnings.

Whatever the model, it is asked as a model of choice. A classifier becomes the conditional logit that says the same,
and has the covariance of refits to resampled customers.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from cxai_runner.data.dataset import Dataset
from cxai_runner.methods.choice import (
    ChoiceWarning,
    Elasticities,
    LatentClassLogit,
    MixedLogit,
    as_choice_model,
    price_elasticities,
)
from cxai_runner.methods.choice.model import ChoiceModel
from cxai_runner.methods.levels import divided
from cxai_runner.task import Context
from tasks.brand_choice.fitting import Fitted
from tasks.brand_choice.specification import BRAND, brands, own

if TYPE_CHECKING:
    from tasks.brand_choice.task import BrandChoice

Floats = NDArray[np.float64]

ALL = "all"
AS_OBSERVED = "as observed"
MOST, MOST_OF_CURVES = 2e8, 3e8
"""Utilities that the tables, and all curves together, may take: what goes beyond is asked of fewer occasions."""
FEWEST = 300
MOST_GROUPS = 8
"""Groups of a column of `task.by` that are told apart: numbers of more different values are divided into ranges."""


@dataclass(frozen=True, eq=False)
class Answers:
    """A fitted model that can be asked about prices, and the occasions to ask about.

    Parameters
    ----------
    task, fitted
        The question, and what was fitted.
    model
        What answers: the model, or the same as a conditional logit where it is a classifier.
    frame
        The training rows as the model takes them, shape (n, columns).
    groups
        The columns of ``task.by``, as text.
    weights
        How often each row counts; None for once.
    uncertainty
        Where standard errors come from, in words.
    bought
        The brand of each row.
    said
        What was warned of while it answered, each once.
    """

    task: BrandChoice
    fitted: Fitted
    model: ChoiceModel
    frame: pd.DataFrame
    groups: pd.DataFrame
    weights: Floats | None
    uncertainty: str
    bought: pd.Series
    said: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, task: BrandChoice, fitted: Fitted, train: Dataset, context: Context) -> Answers:
        """Make the model of ``task`` ready to be asked."""
        final, rows = fitted.final, train.frame
        if isinstance(final, ChoiceModel):
            model, kind = final, str(getattr(final, "covariance_type_", "classical"))
            words = {"clustered": "standard errors clustered by customer"}.get(kind, f"{kind} standard errors")
            words = f"delta method, {words}, for these occasions"
        else:
            model = _as_choice_model(task, fitted, train, context)
            words = f"delta method on {task.refits} refits to resampled customers, for these occasions"
        groups = pd.DataFrame({name: divided(rows[name], MOST_GROUPS)[0] for name in task.by})
        weights = None if task.weights is None else rows[task.weights].to_numpy(dtype=np.float64)
        return cls(task, fitted, model, fitted.seen(rows), groups, weights, words, brands(rows[BRAND]))

    @property
    def alternatives(self) -> tuple[str, ...]:
        """Names of the brands."""
        return self.fitted.specification.alternatives

    @cached_property
    def observed(self) -> Elasticities:
        """Elasticities over the occasions that are asked, prices as they were."""
        return self.elasticities(self.some())

    def largest(self, most: int) -> tuple[str, ...]:
        """Return the brands that were bought most often, in the order of the alternatives."""
        times = self.bought.value_counts().reindex(list(self.alternatives), fill_value=0)
        kept = set(times.sort_values(ascending=False, kind="stable").index[:most])
        return tuple(name for name in self.alternatives if name in kept)

    @property
    def still(self) -> list[str]:
        """Brands that had one price only."""
        return [name for name in self.alternatives if np.ptp(observed_range(self, name)) == 0]

    @property
    def known(self) -> bool:
        """Whether there are standard errors."""
        return bool(np.isfinite(self.model.covariance_).all())

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Keep what is warned of about the figures, to be told beside them."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ChoiceWarning)
            yield
        for one in caught:
            if not issubclass(one.category, ChoiceWarning):
                warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
            elif str(one.message) not in self.said:
                self.said.append(str(one.message))

    def some(self, most: float = MOST, times: int = 1) -> NDArray[np.intp]:
        """Positions of the occasions that are asked, evenly spaced where all would be too many."""
        P = len(self.model.parameters_)
        mixed = {MixedLogit: "n_draws", LatentClassLogit: "n_classes"}.get(type(self.model))
        each = len(self.alternatives) * (2 * P + 1) * times * (getattr(self.model, mixed) if mixed else 1)
        n = len(self.frame)
        return np.unique(np.linspace(0, n - 1, min(n, max(int(most / each), FEWEST))).round().astype(np.intp))

    def weight(self, index: NDArray[np.intp]) -> Floats | None:
        """The weights of some rows."""
        return None if self.weights is None else self.weights[index]

    def promoted(self) -> Mapping[str, float | None]:
        """States of promotion by name; one alone for a model that does not see promotions."""
        if not self.promotions:
            return {AS_OBSERVED: None}
        return {AS_OBSERVED: None, "all promoted": 1.0, "none promoted": 0.0}

    @property
    def promotions(self) -> list[str]:
        """Promotions among the terms."""
        spec = self.fitted.specification
        return [name for name in self.task.promotions if set(own(name, spec.alternatives)) <= set(spec.columns)]

    def with_promotion(self, frame: pd.DataFrame, state: float | None) -> pd.DataFrame:
        """Return rows with every promotion of every brand set to a state."""
        if state is None:
            return frame
        names = [column for name in self.promotions for column in own(name, self.alternatives)]
        return frame.assign(**dict.fromkeys(names, state))

    def elasticities(self, index: NDArray[np.intp], frame: pd.DataFrame | None = None, **options: Any) -> Elasticities:
        """Elasticities of all shares to every price over some occasions."""
        rows = self.frame.iloc[index] if frame is None else frame
        with self.listening():
            return price_elasticities(self.model, rows, self.task.price, weights=self.weight(index), **options)

    def parts(self, index: NDArray[np.intp]) -> Iterator[tuple[str, NDArray[np.intp]]]:
        """All of some occasions, and those of each group, the largest first, by name."""
        yield ALL, index
        for column in map(str, self.groups):
            mine = self.groups[column].iloc[index]
            for value in mine.value_counts().sort_index().sort_values(ascending=False, kind="stable").index:
                if mine.nunique() > 1:
                    yield f"{column} {value}", index[(mine == value).to_numpy()]


def observed_range(answers: Answers, name: str) -> tuple[float, float]:
    """Lowest and highest price of a brand where it was available."""
    spec = answers.fitted.specification
    values = answers.frame[own(spec.price, [name])[0]].to_numpy(dtype=np.float64)
    seen = values[spec.present(answers.frame)[:, spec.alternatives.index(name)]]
    return float(seen.min()), float(seen.max())


def known(table: pd.DataFrame) -> pd.DataFrame:
    """Leave out columns that hold nothing: what has no standard error has no interval."""
    return table.dropna(axis="columns", how="all").reset_index(drop=True)


def safe(name: str) -> str:
    """Return a name that can be part of a file's."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "brand"


def _as_choice_model(task: BrandChoice, fitted: Fitted, train: Dataset, context: Context) -> ChoiceModel:
    """A classifier as a conditional logit, its covariance that of refits to customers drawn with replacement."""
    spec, rng = fitted.specification, context.rng("refits")
    columns = list(spec.columns)
    rows, y = train.frame[columns], brands(train.frame[BRAND]).to_numpy(dtype=object)
    model = as_choice_model(fitted.pipeline, rows, columns, spec.alternatives)
    codes, ids = pd.factorize(train.frame[train.roles.id])
    members = np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])
    found: list[Floats] = []
    for _ in range(task.refits):
        drawn = np.concatenate([members[one] for one in rng.integers(len(ids), size=len(ids))])
        if len(np.unique(y[drawn])) == len(spec.alternatives):
            again = clone(fitted.pipeline).fit(rows.iloc[drawn], y[drawn])
            found.append(as_choice_model(again, rows.iloc[drawn], columns, spec.alternatives).parameters_)
    model.covariance_ = np.cov(np.stack(found), rowvar=False) if len(found) > 1 else model.covariance_
    model.covariance_type_ = "bootstrap"
    return model
