"""Whether the model does better than those that would be used instead: on the same rows, over all of its seeds.

Every resample draws customers, the same ones for every model, and one of the model's seeds: so an interval holds what
other customers would have changed, and what another seed would have.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxai_runner.evaluation.intervals import Statistic
from cxai_runner.evaluation.metrics import Named, classification_statistics, codes_of
from cxai_runner.evaluation.paired import FOLD
from cxai_runner.evaluation.results import Content, Finding, Table
from cxai_runner.evaluation.standings import WORDS, Standings, standings
from cxai_runner.evaluation.targeting import BalancedAccuracy
from cxai_runner.evaluation.wording import number, with_interval
from cxai_runner.task import Context

OWN: Final = "probability"
"""The column of the model's probabilities."""
BASELINE: Final = "baseline"
AGAINST: Final = "against_"
"""In front of the name of a model that stands beside: the column of its probabilities."""
WITHOUT: Final = "without_suspected"
"""The column of the same model's probabilities where it does not see what is suspected."""
SEED: Final = "seed_"
"""In front of the number of a further seed: the column of that fit's probabilities."""
SLICE: Final = "slice_"
"""In front of a column that tells customers apart."""

METRICS: Final = (
    Named("log_loss", "log loss", "lower"),
    Named("roc_auc", "ROC AUC", "higher"),
    Named("average_precision", "average precision", "higher"),
    Named("balanced_accuracy", "balanced accuracy", "higher"),
    Named("brier", "Brier score", "lower"),
)


def judged(converted: NDArray[np.int64], scores: pd.DataFrame, names: Mapping[str, str], context: Context) -> Standings:
    """Put the model in question beside each that stands beside it, and the base rate.

    Parameters
    ----------
    converted
        The outcome, shape (n,).
    scores
        As the task returns them.
    names
        What the model, and each of the others, is called, by the column of its probabilities.
    context
        How many resamples, and what draws them.
    """
    codes, customers = codes_of(scores["customer_id"])
    own = _seeds(scores)
    others = [str(one) for one in scores if str(one).startswith(AGAINST) or one == WITHOUT]
    several: dict[str, list[Statistic]] = {}
    for column in [*own, *others, BASELINE]:
        told = classification_statistics(converted, scores[column], scores["customer_id"], scores.get(FOLD))
        chosen = scores[column].to_numpy() >= scores["threshold"].to_numpy()
        told["balanced_accuracy"] = BalancedAccuracy(converted, chosen, codes, customers)
        several[column] = [told[one.name] for one in METRICS]
    return standings(several, METRICS, names, customers, context, seeds=len(own), rows=len(scores))


def headline(found: Standings, whose: str) -> Finding:
    """Say whether the model does better than those beside it, and by how much; and than no model, where it does not."""
    *others, base_rate = found.others
    against = [one for one in others if one.column != WITHOUT]
    if not against or base_rate.verdict("log_loss") != "better":
        against.append(base_rate)
    own = number(found.metrics["log_loss"].value.value, 4)
    if found.seeds > 1:
        own += f", mean of {found.seeds} seeds"
    return Finding(
        f"By log loss on {whose}, {found.name} ({own}) {found.worded('log_loss', against, digits=4)}.", "headline"
    )


def contents(found: Standings, *, folds: bool = False) -> Iterator[Content]:
    """The models beside each other, and the differences; ``folds`` where rows were judged by one model of several."""
    caption = "With 95 % intervals that resample customers and seeds."
    if folds:
        caption += (
            " Each row is judged by the model of its own fold, which the resamples take as it is; ROC AUC and average "
            "precision rank rows within their fold."
        )
    yield Table("models", "Models on the same rows", found.models, caption)
    gaps = found.differences
    caption = (
        f"{found.name[:1].upper()}{found.name[1:]} minus the other, on the same resamples of customers. Log loss and "
        "Brier score are better when lower, all others when higher; a verdict is given only where the interval leaves "
        "out 0."
    )
    yield Table("differences", "Differences from the models beside it", gaps, caption, len(gaps))
    for one in sorted(found.others[:-1], key=lambda one: one.column != WITHOUT):
        if one.column == WITHOUT:
            yield Finding(
                f"What rests on inputs that may be known only afterwards: {one.name} has a log loss of "
                f"{number(one.value('log_loss').value, 4)} (with them {with_interval(one.difference('log_loss'))} "
                f"different) and a ROC AUC of {with_interval(one.value('roc_auc'))} (with them "
                f"{number(found.metrics['roc_auc'].value.value, 3)})."
            )
        elif (verdict := one.verdict("average_precision")) != one.verdict("log_loss"):
            yield Finding(
                f"By average precision, which asks only for the order of customers, {found.name} {WORDS[verdict]} "
                f"{one.name}: a difference of {with_interval(one.difference('average_precision'))}."
            )


def _seeds(scores: pd.DataFrame) -> list[str]:
    """The columns of the model's probabilities, one for each of its seeds."""
    return [OWN, *(str(one) for one in scores if str(one).startswith(SEED))]


def seeds_table(converted: NDArray[np.int64], scores: pd.DataFrame) -> Iterator[Content]:
    """What each seed came to, where there were several."""
    own = _seeds(scores)
    if len(own) < 2:
        return
    once = np.ones((scores["customer_id"].nunique(), 1))
    rows = []
    for place, column in enumerate(own, 1):
        told = classification_statistics(converted, scores[column], scores["customer_id"], scores.get(FOLD))
        known = [one.name for one in METRICS if one.name in told]
        rows.append({"seed": place, **{name: float(told[name](once)[0, 0]) for name in known}})
    table = pd.DataFrame(rows)
    spread = table["log_loss"].std(ddof=1)
    yield Table(
        "seeds", "The same model with other seeds", table, "On the same rows; the first is the one that is kept."
    )
    yield Finding(
        f"Over {len(own)} seeds the log loss has a standard deviation of {number(float(spread), 4)}: what is below "
        "that may be the luck of one seed."
    )
