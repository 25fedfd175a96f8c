"""What the lists show: how much of the catalogue, how well known, how alike; and which items most."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxai_runner.evaluation import exposure
from cxai_runner.evaluation.intervals import Floats, Statistic, bootstrap, percentile_of
from cxai_runner.evaluation.metrics import units_of
from cxai_runner.evaluation.ranking import Ints, mean_where
from cxai_runner.evaluation.results import Content, Estimate, Figure, Interval, Table
from cxai_runner.evaluation.wording import LAST_BITS, with_interval
from cxai_runner.task import Context
from tasks.recommendation.fitting import Fitted
from tasks.recommendation.names import About
from tasks.recommendation.rows import MODEL, Judged

TENTHS: Final = 10
SHOWN: Final = 20
_ESTIMATES: Final = {
    "novelty": "mean self-information of what is recommended, in bits",
    "popularity": "mean share of customers who bought what is recommended",
    "diversity": "mean share of pairs on a list that are of different kinds",
    "repeats": "share of what is recommended that the customer had bought before",
}


def beyond(
    fitted: Fitted, judged: Judged, names: Mapping[str, str], about: About, context: Context
) -> Iterator[Content]:
    """Coverage, inequality, novelty, popularity and diversity of every model's lists."""
    places = _in_catalogue(fitted, judged)
    rows = []
    for column in judged.lists:
        counts = exposure.shown(places[column], len(fitted.model.items_))
        told = _means(fitted, judged, column, places[column], about, context)
        if column == MODEL:
            for name, one in told.items():
                if np.isfinite(one.low):
                    yield Estimate(name, _ESTIMATES[name], one)
        shown = {name: with_interval(one) for name, one in told.items()}
        row = {"model": names[column], "items": int((counts > 0).sum()), "coverage": exposure.coverage(counts)}
        rows.append(row | {"gini": exposure.gini(counts)} | shown)
    kinds = f"; `diversity` the share of pairs on a list that differ in {about.kind}" if about.kind else ""
    caption = (
        "`coverage` is the share of the catalogue that is on any of these lists, `gini` how unequally its items are "
        "shown (0 all alike); both are of all lists together and grow or fall with the number of customers, so that a "
        "resample of these has no interval of them to give. `novelty` is the mean self-information in bits, "
        f"`popularity` the mean share of customers who bought an item{kinds}; `repeats` the share that the customer "
        "had bought before. None is better when higher or lower in itself."
    )
    yield Table("beyond_accuracy", "What the lists show", pd.DataFrame(rows), caption)


def popularity_bias(fitted: Fitted, judged: Judged, names: Mapping[str, str]) -> Iterator[Content]:
    """How far recommendations go to what sells anyway, beside what was bought."""
    buyers = np.asarray(fitted.model.bought_by_, dtype=np.float64)
    tenth = np.minimum((np.cumsum(buyers) - buyers) * TENTHS // buyers.sum(), TENTHS - 1).astype(np.int64)
    many = np.bincount(tenth, minlength=TENTHS)
    places = _in_catalogue(fitted, judged)
    known = fitted.model.catalogue.codes([str(one) for one in judged.items])
    wanted = known[judged.wanted]
    several: dict[str, NDArray[Any]] = {"bought in the held-out part": wanted[wanted >= 0]}
    several |= {names[column]: one[one >= 0] for column, one in places.items()}
    rows = []
    for name, codes in several.items():
        counts = np.bincount(tenth[codes], minlength=TENTHS) / max(len(codes), 1)
        rows += [
            {"tenth": f"{place + 1} ({many[place]:,})", "share": counts[place], "of": name}
            for place in range(TENTHS)
            if many[place]
        ]
    caption = (
        "Items in the order of how many customers bought them in training, cut into parts that each have a tenth of "
        "all purchases (in brackets: how many items that takes). Lists that do not lean to what is popular have about "
        "as much in each part as was bought."
    )
    yield Figure(
        "popularity_bias",
        "Recommended and bought, by how popular items are",
        pd.DataFrame(rows),
        "bar",
        "tenth",
        "share",
        caption,
        by="of",
        x_label="tenth of purchases, the most popular items first",
    )


def most_recommended(fitted: Fitted, judged: Judged, about: About) -> Iterator[Content]:
    """The items that are on the most lists."""
    lists = _in_catalogue(fitted, judged)[MODEL]
    counts = exposure.shown(lists, len(fitted.model.items_))
    top = np.argsort(-counts, kind="stable")[:SHOWN]
    top = top[counts[top] > 0]
    if not len(top):
        return
    items = [fitted.model.items_[place] for place in top]
    hit = exposure.shown(np.where(judged.hits()[0], lists, -1), len(counts))
    columns: dict[str, Any] = {"item": items, **about.columns(items)}
    columns |= {
        "on lists": counts[top] / len(judged),
        "bought then": hit[top] / counts[top],
        "bought before by": np.asarray(fitted.model.bought_by_)[top] / fitted.customers,
    }
    caption = (
        "`on lists`: share of the customers who get it; `bought then`: share of those who went on to buy it; `bought "
        "before by`: share of all customers in training."
    )
    yield Table("most_recommended", "The items recommended most", pd.DataFrame(columns), caption)


def _means(
    fitted: Fitted, judged: Judged, column: str, lists: Ints, about: About, context: Context
) -> dict[str, Interval]:
    """What is a mean over customers, with its interval."""
    buyers = np.asarray(fitted.model.bought_by_)
    values: dict[str, Floats] = {
        "novelty": exposure.mean_listed(exposure.self_information(buyers, fitted.customers), lists),
        "popularity": exposure.mean_listed(buyers / fitted.customers, lists),
    }
    kinds = about.kinds(fitted.model.items_)
    if kinds is not None:
        values["diversity"] = exposure.diversity(pd.factorize(kinds)[0], lists)
    if (again := judged.listed_again(column)) is not None:
        listed = (lists >= 0).sum(axis=1)
        values["repeats"] = np.divide(again, listed, out=np.full(len(lists), np.nan), where=listed > 0)
    values = {name: one for name, one in values.items() if np.isfinite(one).any()}
    codes, units = units_of(judged.scores["customer_id"], context.rng("units"))
    several: list[Statistic] = [
        mean_where(np.nan_to_num(one), np.isfinite(one), codes, units) for one in values.values()
    ]
    interval = percentile_of(judged.customers)
    found = bootstrap(several, units, context.resamples, context.rng("shown"))
    return {
        name: _without_last_bits(interval(value[0], draws[0]))
        for name, (value, draws) in zip(values, found, strict=True)
    }


def _without_last_bits(one: Interval) -> Interval:
    """An interval of no width, where all customers have the same number and sums differ by rounding."""
    return Interval(one.value, one.value, one.value) if one.high - one.low <= LAST_BITS else one


def _in_catalogue(fitted: Fitted, judged: Judged) -> dict[str, Ints]:
    """Every model's lists by place in the catalogue; −1 where there is no item."""
    known = fitted.model.catalogue.codes([str(one) for one in judged.items]).astype(np.int64)
    return {column: np.append(known, -1)[lists] for column, lists in judged.lists.items()}
