"""What an analyst reads about segments: whether they are there, how large they are, and what sets them apart."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from cxai_runner.evaluation.intervals import bootstrap, percentile
from cxai_runner.evaluation.metrics import MeanOf, codes_of
from cxai_runner.evaluation.results import Content, Figure, Finding, Table
from cxai_runner.evaluation.wording import number
from cxai_runner.methods.profiles import compose, profile, segment_names
from cxai_runner.methods.segments import Recommendation
from cxai_runner.task import Context
from tasks.segmentation.challenge import Challenge

# Hennig's threshold for a stable segment's mean overlap, used for the whole division too; below 0.5 it dissolves.
STABLE = 0.75
DISSOLVED = 0.5
FEW = 30


def verdict(scores: pd.DataFrame, challenge: Challenge, advice: Recommendation | None = None) -> Iterator[Content]:
    """Whether there are segments: clearer than chance, more than one group, and found again."""
    many, customers = scores.loc[scores["segment"] >= 0, "segment"].nunique(), f"{len(scores):,} customers"
    rand = float(challenge.found.rand.mean())
    shuffles = f"on average in {len(challenge.placebos)} shuffles of the columns"
    own = f"silhouette {number(challenge.silhouette)}"
    silhouette = f"{own} against {number(float(np.mean(challenge.placebos)))} {shuffles}"
    again = f"adjusted Rand index {number(rand, 2)} when customers are drawn again"
    none = "No segments are to be seen:"
    if many < 2:
        text = f"{none} {customers} are one group" + (f": {advice.why}" if advice is not None else ".")
    elif not challenge.beats_shuffles:
        text = f"{none} {customers} divide no more clearly than chance would have it ({silhouette})."
        if advice is not None and advice.number > 1:
            why = advice.why.rstrip(".")
            text += f" Yet {why}: then they are ranges of single columns, which need no columns together."
    elif not (challenge.beats_clouds and challenge.beats_skewed):
        placebos = challenge.skewed if challenge.beats_clouds else challenge.clouds
        same = "values and rank correlations" if challenge.beats_clouds else "means and correlations"
        clouds = f"{number(float(np.mean(placebos)))} on average in {len(placebos)} such groups"
        text = (
            f"{none} {customers} divide no more clearly than one group does whose columns have the same {same} ({own} "
            f"against {clouds})."
        )
    elif not challenge.beats_one:
        text = (
            f"{none} one normal distribution whose columns correlate describes {customers} better (BIC) than {many} do."
        )
    elif advice is not None and advice.number == 1:
        text = f"{none} {customers} can be divided into {many} ({silhouette}), but {advice.why}"
    elif rand < DISSOLVED:
        text = (
            f"No lasting segments are to be seen: {customers} divide otherwise whenever they are drawn again ({again})."
        )
    elif rand < STABLE:
        text = f"{customers} fall into groups, but this division into {many} is not stable ({again}; {silhouette})."
    else:
        text = f"{customers} fall into {many} segments, stable ({again}) and clearer than chance ({silhouette})."
    yield Finding(text, "headline")


def sizes(scores: pd.DataFrame, names: dict[int, str], challenge: Challenge, context: Context) -> Iterator[Content]:
    """How many customers each segment has, and how well it holds together."""
    codes, customers = codes_of(scores["customer_id"])
    segment, overlap = scores["segment"].to_numpy(), challenge.overlap
    shares = bootstrap(
        [MeanOf(segment == k, codes, customers) for k in names], customers, context.resamples, context.rng("sizes")
    )
    intervals = [percentile(float(value[0]), draws[0]) for value, draws in shares]
    table = pd.DataFrame(
        {
            "segment": list(names),
            "name": list(names.values()),
            "customers": [int((segment == k).sum()) for k in names],
            "share": [interval.value for interval in intervals],
            "low": [interval.low for interval in intervals],
            "high": [interval.high for interval in intervals],
            "silhouette": [float(scores.loc[segment == k, "silhouette"].mean()) for k in names],
            "found_again": [overlap.get(k, np.nan) for k in names],
        }
    )
    caption = (
        "Numbers are those that the saved model predicts. `found_again` is the mean overlap (Jaccard) with the most "
        "similar segment of resampled customers: above 0.75 stable, below 0.5 dissolved."
    )
    yield Table("segments", "Segments", table, caption)
    shown = table.assign(segment=[f"{k}: {name}" for k, name in names.items()])
    yield Figure(
        "segment_sizes",
        "Share of customers per segment",
        shown,
        "bar",
        "segment",
        "share",
        "95 % intervals by resampling customers, the centres held fixed.",
        low="low",
        high="high",
        y_label="share of customers",
    )
    for k, again, count in zip(names, table["found_again"], table["customers"], strict=True):
        if again < DISSOLVED and k >= 0:
            yield Finding(
                f"Segment {k} ({names[k]}) dissolves when customers are drawn again: overlap {number(again, 2)}."
            )
        if count < FEW:
            yield Finding(f"Segment {k} ({names[k]}) has {count} customers only.", "caveat")


def names(frame: pd.DataFrame, inputs: list[str], segment: pd.Series) -> dict[int, str]:
    """A plain name per segment from what sets it apart."""
    named = segment_names(profile(frame[inputs], segment))
    return {k: "unassigned" if k < 0 else name for k, name in named.items()}


def profiles(frame: pd.DataFrame, inputs: list[str], segment: pd.Series, named: dict[int, str]) -> Iterator[Content]:
    """The means of every column per segment, raw and standardised."""
    table = profile(frame[inputs], segment)
    table["segment"] = [f"{k}: {named[k]}" for k in table["segment"]]
    caption = "Mean of the segment less the mean of all, in standard deviations of all customers."
    yield Table("profiles", "Profiles", table, f"`standardised`: {caption[0].lower()}{caption[1:]}")
    yield Figure(
        "profiles",
        "What sets the segments apart",
        table,
        "line",
        "column",
        "standardised",
        caption,
        by="segment",
        y_label="standard deviations from the mean",
        reference={"y": 0.0},
    )
    yield Figure(
        "profiles_heatmap", "Profiles at a glance", table, "heatmap", "column", "segment", caption, fill="standardised"
    )


def composition(
    frame: pd.DataFrame, describe: list[str], segment: pd.Series, named: dict[int, str]
) -> Iterator[Content]:
    """Who is in the segments, by columns that no model has seen."""
    if not describe:
        return
    table = compose(frame[describe], segment)
    table["segment"] = [f"{k}: {named[k]}" for k in table["segment"]]
    caption = "Share of the segment's customers; missing values are counted. None of these columns was used to divide."
    yield Table("composition", "Who is in the segments", table, caption)


def caveats(inputs: list[str], challenge: Challenge, scores: pd.DataFrame) -> Iterator[Content]:
    """What segments are not."""
    yield Finding(
        "Segments describe; they do not say that a segment would answer differently to a campaign. That needs a test.",
        "caveat",
    )
    yield Finding(
        f"The division weighs the {len(inputs)} columns as they were transformed; other columns, or another scaling, "
        "give other segments, and silhouettes of different columns cannot be compared.",
        "caveat",
    )
    if scores["silhouette"].mean() < 0.25:
        yield Finding(
            "A silhouette below 0.25 means that segments touch: customers near a border are assigned by a hair.",
            "caveat",
        )
    if len(inputs) == 1:
        yield Finding("With one column there is nothing to shuffle apart: segments are ranges of it.", "caveat")
    if challenge.customers:
        yield Finding(
            f"Stability and placebos are those of {challenge.customers:,} customers drawn at random: to divide all "
            "a hundred times would take too long.",
            "caveat",
        )
    if challenge.found_by_chance.rand.mean() > STABLE:
        yield Finding(
            "Stability alone proves little here: shuffled columns divide just as stably, by their own distributions.",
            "caveat",
        )
