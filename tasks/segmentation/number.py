"""How many segments: every criterion side by side, and one recommendation that says why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxai_runner.evaluation.results import Content, Figure, Finding, Table
from cxai_runner.methods.segments import NumberedSegments, Recommendation, recommend
from cxai_runner.methods.segments.criteria import STRONG
from tasks.segmentation.fitted import Segments

Evidence = Mapping[str, NDArray[Any]]

CHOSEN_FOR: Final = {
    "silhouette": "the highest silhouette",
    "elbow": "the elbow",
    "gap": "the gap statistic",
    "bic": "the least BIC",
    "prediction_strength": "their prediction strength",
    "heights": "the largest jump of the merge heights",
    "majority": "the majority of the criteria",
}
RULES: Final = {
    "silhouette": "the highest mean silhouette; cannot say one",
    "elbow": "where the misfit bends most; cannot say one",
    "gap": "the fewest whose gap lies within one error of the next one's",
    "bic": "the least BIC",
    "prediction_strength": f"the most that one half of the customers predicts in the other, at least {STRONG}",
    "heights": "where the next merge lies highest above the last; cannot say one",
}
LABELS: Final = {
    "inertia": "sum of squared distances to the own centre",
    "deviance": "−2 log-likelihood",
    "silhouette": "mean silhouette",
    "heights": "jump of the merge height",
    "bic": "BIC",
    "gap": "gap",
    "prediction_strength": "prediction strength",
}
BANDS: Final = {"gap": "gap_error", "prediction_strength": "prediction_strength_error"}


def evidence(segments: Segments) -> Evidence | None:
    """Every criterion for every number that was tried; None where the number was given, or is found by other means."""
    clusterer = segments.pipeline[-1]
    if not isinstance(clusterer, NumberedSegments) or len(clusterer.selection_["k"]) < 2:
        return None
    return clusterer.evidence(segments.prepare(segments.rows))


def recommended(table: Evidence | None) -> Recommendation | None:
    """What the criteria come to together."""
    return None if table is None else recommend(table)


def selection(clusterer: NumberedSegments, table: Evidence) -> Iterator[Content]:
    """Why so many segments."""
    chosen, advice = clusterer.n_clusters_, recommend(table)
    caption = f"{_segments(chosen)} chosen for {CHOSEN_FOR[clusterer.choose_by]}."
    shown = pd.DataFrame(dict(table)).rename(columns=lambda name: name.replace("prediction_strength", "strength"))
    yield Table("selection", "The number of segments", shown, f"{caption} {_sampled(clusterer)}")
    said = [
        {"criterion": name.replace("_", " "), "names": RULES[name], "segments": "–" if number is None else str(number)}
        for name, number in advice.votes.items()
    ]
    rule = (
        "There are none if more than half of the criteria that can say one do. Else each has a vote; of numbers with "
        "equally many votes, that of the criterion higher up. A dash is a criterion that names no number."
    )
    yield Table("recommendation", "What each criterion says", pd.DataFrame(said), rule)
    yield from _advice(clusterer, advice)
    yield from _pictures(clusterer, table)
    if chosen == max(table["k"]):
        yield Finding(
            f"The number of segments is the largest that was tried ({chosen}): more might be clearer still, or no "
            "number stands out. Look at the figure, and give one: model.n_clusters=4.",
            "caveat",
        )


def _advice(clusterer: NumberedSegments, advice: Recommendation) -> Iterator[Finding]:
    chosen = clusterer.n_clusters_
    number = (
        "no segments" if advice.number == 1 else _segments(advice.number).removesuffix(" were").removesuffix(" was")
    )
    text = f"Recommended: {number}: {advice.why}"
    if advice.number != chosen:
        how = CHOSEN_FOR[clusterer.choose_by]
        text += f" The model has {chosen}, by {how}."
        if advice.number > 1:
            text += f" model.n_clusters={advice.number} follows the recommendation."
    yield Finding(text)


def _pictures(clusterer: NumberedSegments, table: Evidence) -> Iterator[Figure]:
    for column in (name for name in LABELS if name in table and np.isfinite(table[name]).sum() > 1):
        known = np.isfinite(table[column])
        data = pd.DataFrame({"k": np.asarray(table["k"])[known], column: table[column][known]})
        band = BANDS.get(column)
        if band is not None:
            data["low"], data["high"] = (data[column] + sign * table[band][known] for sign in (-1, 1))
        reference = {"x": float(clusterer.n_clusters_)}
        if column == "prediction_strength":
            reference["y"] = STRONG
        yield Figure(
            f"selection_{column}",
            f"{LABELS[column][0].upper()}{LABELS[column][1:]} by number of segments",
            data,
            "line",
            "k",
            column,
            f"{_segments(clusterer.n_clusters_)} chosen." + (" The band is one standard error." if band else ""),
            low="low" if band else None,
            high="high" if band else None,
            x_label="segments",
            y_label=LABELS[column],
            reference=reference,
        )


def _segments(number: int) -> str:
    return "1 segment was" if number == 1 else f"{number} segments were"


def _sampled(clusterer: NumberedSegments) -> str:
    customers = len(clusterer.labels_)
    clear, costly = clusterer.silhouette_sample, min(clusterer.silhouette_sample, clusterer.costly_rows)
    told = "Elbow is the distance below the straight line from first to last, strength the prediction strength."
    if customers > clear:
        told += f" The silhouette is that of {clear:,} random customers."
    if customers > costly:
        told += f" Gap and prediction strength are those of {costly:,} random customers."
    return told
