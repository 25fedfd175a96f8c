"""What an analyst reads about recommendations: in this order, and of these customers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from cxai_runner.data.dataset import Dataset
from cxai_runner.evaluation.results import Content, Finding
from cxai_runner.evaluation.wording import counted
from cxai_runner.methods.recommend import PersonalFrequency
from cxai_runner.task import Context
from tasks.recommendation import examples, kinds, shown, verdict
from tasks.recommendation.fitting import Fitted, plain_name
from tasks.recommendation.names import About
from tasks.recommendation.rows import AGAINST, BASELINE, MODEL, Judged

if TYPE_CHECKING:
    from tasks.recommendation.task import Recommendation


def contents(
    task: Recommendation, fitted: Fitted, train: Dataset, scores: Mapping[str, pd.DataFrame], context: Context
) -> Iterator[Content]:
    """Everything, the verdict first."""
    about = About(fitted.items)
    rows = scores["held_out" if "held_out" in scores else "train"]
    every = Judged.of(rows, task.k)
    if not len(every):
        yield _nothing_judged(task, "held_out" in scores)
        yield from examples.similar(fitted, about)
        return
    names = verdict.called(
        every, fitted.name, {name: plain_name(one) for name, one in fitted.against.items()}, task.baseline_label
    )
    judged, alike = verdict.each_once(every)
    found = verdict.compared(judged, names, context)
    same_as = task.baseline_label if MODEL in alike else ""
    yield verdict.headline(found, task.k, is_baseline=fitted.is_baseline, same_as=same_as)
    yield from _alike(task, fitted, names, alike)
    yield from _whose(judged, rows, fitted)
    yield from verdict.contents(found)
    yield from verdict.by_length(judged, names, context)
    yield from kinds.again_and_new(judged, names, context)
    yield from kinds.by_segment(every, context)
    yield from shown.beyond(fitted, judged, names, about, context)
    yield from shown.popularity_bias(fitted, judged, names)
    yield from shown.most_recommended(fitted, judged, about)
    yield from examples.lists(judged, about)
    yield from examples.similar(fitted, about)
    yield from kinds.cold(every, rows, task.cold_items == "missed", context)
    yield from _caveats(task, fitted)


def _nothing_judged(task: Recommendation, held_out: bool) -> Finding:
    why = "Nothing was held out"
    if held_out:
        why = "Nothing that was bought in the held-out part can be judged"
        if not task.repeats:
            why += ": all of it had been bought before, and `task.repeats=false` leaves that out"
    return Finding(f"{why}, so that how well the model recommends is not known.", "headline")


def _alike(task: Recommendation, fitted: Fitted, names: Mapping[str, str], alike: Sequence[str]) -> Iterator[Content]:
    """Say which models make all the lists of another, and why."""
    beside = [one for one in alike if one != MODEL]
    if beside:
        kept = names[MODEL if MODEL in alike else BASELINE]
        yield Finding(
            f"The lists of {' and '.join(names[one] for one in beside)} are all those of {kept}, and are told of once."
        )
    models = [fitted.model if one == MODEL else fitted.against[one.removeprefix(AGAINST)] for one in alike]
    if not task.repeats and any(isinstance(one, PersonalFrequency) for one in models):
        yield Finding(
            "Where what a customer bought before is on no list (`task.repeats=false`), personal frequency is left with "
            "what most customers bought."
        )


def _whose(judged: Judged, rows: pd.DataFrame, fitted: Fitted) -> Iterator[Content]:
    told = (
        f"{counted(judged.customers, 'customer')} were judged, who bought {counted(len(judged.wanted), 'item')}, out "
        f"of a catalogue of {counted(len(fitted.model.items_), 'item')} that {counted(fitted.customers, 'customer')} "
        "bought in training."
    )
    yield Finding(told)
    if len(judged) < len(rows):
        left = len(rows) - len(judged)
        yield Finding(f"Of {counted(left, 'customer')} nothing that they bought is judged: they count in no mean.")


def _caveats(task: Recommendation, fitted: Fitted) -> Iterator[Content]:
    for name in fitted.is_against:
        yield Finding(
            f"The model is {name.replace('_', ' ')} itself, which others have to beat: `cxai sweep sweep=recommenders` "
            "sets them beside each other.",
        )
    yield Finding(
        "What customers would have bought anyhow counts as a hit. Whether a recommendation makes them buy takes a test "
        "with customers who get none.",
        "caveat",
    )
    if task.repeats:
        yield Finding(
            "What customers bought before is judged with all else. Where an offer should bring something new, judge "
            "new items alone: `task.repeats=false`.",
            "caveat",
        )
