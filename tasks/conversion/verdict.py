"""Whether the model does better than those that would be used instead: on the same rows, over all of its seeds.

Every resample draws customers, the same ones for every model, and one of the model's seeds: so an interval holds what
other customers would have changed, and what another seed would have.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxai_runner.evaluation.intervals import FEW_CUSTOMERS, Floats, Statistic, bootstrap, percentile
from cxai_runner.evaluation.metrics import classification_statistics, codes_of
from cxai_runner.evaluation.paired import FOLD
from cxai_runner.evaluation.results import Content, Finding, Interval, Table
from cxai_runner.evaluation.targeting import BalancedAccuracy
from cxai_runner.evaluation.wording import number, with_interval
from cxai_runner.task import Context

AGAINST: Final = "against_"
"""In front of the name of a model that stands beside: the column of its probabilities."""
WITHOUT: Final = "without_suspected"
"""The column of the same model's probabilities where it does not see what is suspected."""
SEED: Final = "seed_"
"""In front of the number of a further seed: the column of that fit's probabilities."""
SLICE: Final = "slice_"
"""In front of a column that tells customers apart."""

METRICS: Final[Mapping[str, str]] = {
    "log_loss": "log loss",
    "roc_auc": "ROC AUC",
    "average_precision": "average precision",
    "balanced_accuracy": "balanced accuracy",
    "brier": "Brier score",
}
_LOWER: Final = ("log_loss", "brier")
_WORDS: Final = {"better": "does better than", "worse": "does worse than", "cannot tell": "cannot be told from"}


@dataclass(frozen=True, eq=False)
class Standing:
    """A model among others on the same rows.

    Parameters
    ----------
    name
        As a sentence has it.
    values
        Mean over its seeds of each metric, with an interval.
    differences
        The model in question minus this one; empty for itself.
    seeds
        How many there were.
    is_itself
        Whether it is the same model, without some inputs.
    """

    name: str
    values: Mapping[str, Interval]
    differences: Mapping[str, Interval]
    seeds: int = 1
    is_itself: bool = False

    def verdict(self, metric: str) -> str:
        """``better``, ``worse`` or ``cannot tell``, of the model in question."""
        gap = self.differences[metric]
        if not (gap.low > 0 or gap.high < 0):
            return "cannot tell"
        return "better" if (gap.value < 0) == (metric in _LOWER) else "worse"


def standings(
    converted: NDArray[np.int64], scores: pd.DataFrame, name: str, names: Mapping[str, str], context: Context
) -> list[Standing]:
    """Return the model in question, then each that stands beside it, then the base rate.

    Parameters
    ----------
    converted
        The outcome, shape (n,).
    scores
        As the task returns them.
    name, names
        What the model, and each of the others, is called.
    context
        How many resamples, and what draws them.
    """
    codes, customers = codes_of(scores["customer_id"])
    own = ["probability", *(str(one) for one in scores if str(one).startswith(SEED))]
    others = [str(one) for one in scores if str(one).startswith(AGAINST) or one == WITHOUT]
    columns = [*own, *others, "baseline"]
    several: list[Statistic] = []
    for column in columns:
        told = classification_statistics(converted, scores[column], scores["customer_id"], scores.get(FOLD))
        chosen = scores[column].to_numpy() >= scores["threshold"].to_numpy()
        told["balanced_accuracy"] = BalancedAccuracy(converted, chosen, codes, customers)
        several += [told[metric] for metric in METRICS]
    found = bootstrap(several, customers, context.resamples, context.rng("intervals"), rows=len(scores))
    values = np.asarray([value[0] for value, _ in found]).reshape(len(columns), len(METRICS))
    draws = np.asarray([drawn[0] for _, drawn in found]).reshape(len(columns), len(METRICS), -1)
    seed = context.rng("seed of a resample").integers(len(own), size=draws.shape[2])
    mine = values[: len(own)].mean(axis=0), draws[seed, :, np.arange(draws.shape[2])].T
    known = customers >= FEW_CUSTOMERS

    def interval(value: float, drawn: Floats) -> Interval:
        return percentile(value, drawn) if known else Interval(value, np.nan, np.nan)

    def of(place: int, called: str, *, is_itself: bool = False) -> Standing:
        return Standing(
            called,
            {one: interval(values[place, i], draws[place, i]) for i, one in enumerate(METRICS)},
            {
                one: interval(mine[0][i] - values[place, i], mine[1][i] - draws[place, i])
                for i, one in enumerate(METRICS)
            },
            is_itself=is_itself,
        )

    first = Standing(name, {one: interval(mine[0][i], mine[1][i]) for i, one in enumerate(METRICS)}, {}, len(own))
    beside = [
        of(len(own) + j, names[column.removeprefix(AGAINST)], is_itself=column == WITHOUT)
        for j, column in enumerate(others)
    ]
    return [first, *beside, of(len(columns) - 1, "the base rate")]


def headline(found: Sequence[Standing], whose: str) -> Finding:
    """Say whether the model does better than those beside it, and by how much; and than no model, where it does not."""
    first, *others = found
    against = [one for one in others[:-1] if not one.is_itself]
    if not against or others[-1].verdict("log_loss") != "better":
        against.append(others[-1])
    loss = number(first.values["log_loss"].value, 4)
    own = f"{loss}, mean of {first.seeds} seeds" if first.seeds > 1 else loss
    parts = []
    for verdict, word in _WORDS.items():
        mine = [one for one in against if one.verdict("log_loss") == verdict]
        if mine:
            parts.append(f"{word} {' and '.join(_gap(one) for one in mine)}")
    return Finding(f"By log loss on {whose}, {first.name} ({own}) {', and '.join(parts)}.", "headline")


def contents(found: Sequence[Standing], *, folds: bool = False) -> Iterator[Content]:
    """The models beside each other, and the differences; ``folds`` where rows were judged by one model of several."""
    first, *others = found
    shown = pd.DataFrame(
        [{"model": one.name, **{METRICS[name]: _told(one.values[name]) for name in METRICS}} for one in found]
    )
    caption = "With 95 % intervals that resample customers and seeds."
    if folds:
        caption += (
            " Each row is judged by the model of its own fold, which the resamples take as it is; ROC AUC and average "
            "precision rank rows within their fold."
        )
    yield Table("models", "Models on the same rows", shown, caption)
    gaps = [
        {
            "against": one.name,
            "metric": METRICS[metric],
            "its": one.values[metric].value,
            "its_low": one.values[metric].low,
            "its_high": one.values[metric].high,
            "difference": one.differences[metric].value,
            "low": one.differences[metric].low,
            "high": one.differences[metric].high,
            "verdict": one.verdict(metric),
        }
        for one in others
        for metric in METRICS
    ]
    caption = (
        f"{first.name.capitalize()} minus the other, on the same resamples of customers. Log loss and Brier score are "
        "better when lower, all others when higher; a verdict is given only where the interval leaves out 0."
    )
    yield Table("differences", "Differences from the models beside it", pd.DataFrame(gaps), caption, len(gaps))
    for one in (one for one in others[:-1] if one.is_itself):
        loss, auc = one.differences["log_loss"], one.values["roc_auc"]
        yield Finding(
            f"What rests on inputs that may be known only afterwards: {one.name} has a log loss of "
            f"{number(one.values['log_loss'].value, 4)} (with them {with_interval(loss)} different) and a ROC AUC of "
            f"{with_interval(auc)} (with them {number(first.values['roc_auc'].value, 3)})."
        )
    for one in (one for one in others[:-1] if not one.is_itself):
        precision = one.differences["average_precision"]
        if one.verdict("average_precision") != one.verdict("log_loss"):
            yield Finding(
                f"By average precision, which asks only for the order of customers, {first.name} "
                f"{_WORDS[one.verdict('average_precision')]} {one.name}: a difference of {with_interval(precision)}."
            )


def seeds_table(converted: NDArray[np.int64], scores: pd.DataFrame) -> Iterator[Content]:
    """What each seed came to, where there were several."""
    own = ["probability", *(str(one) for one in scores if str(one).startswith(SEED))]
    if len(own) < 2:
        return
    once = np.ones((scores["customer_id"].nunique(), 1))
    rows = []
    for place, column in enumerate(own, 1):
        told = classification_statistics(converted, scores[column], scores["customer_id"], scores.get(FOLD))
        rows.append({"seed": place, **{name: float(told[name](once)[0, 0]) for name in METRICS if name in told}})
    table = pd.DataFrame(rows)
    spread = table["log_loss"].std(ddof=1)
    yield Table(
        "seeds", "The same model with other seeds", table, "On the same rows; the first is the one that is kept."
    )
    yield Finding(
        f"Over {len(own)} seeds the log loss has a standard deviation of {number(float(spread), 4)}: what is below "
        "that may be the luck of one seed."
    )


def _gap(one: Standing) -> str:
    its, gap = one.values["log_loss"], one.differences["log_loss"]
    return f"{one.name} ({number(its.value, 4)}, a difference of {with_interval(gap)})"


def _told(interval: Interval) -> str:
    return with_interval(interval, 4)
