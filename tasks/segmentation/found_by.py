"""How the segments were found: what was done to the columns, how many segments there are, and what the method shows."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from cxai_runner.evaluation.results import Content, Table
from cxai_runner.methods.preparation import Preparation
from cxai_runner.methods.segments import HierarchicalSegments
from tasks.segmentation import components, dendrogram, membership, number
from tasks.segmentation.fitted import Segments


def told(segments: Segments, evidence: number.Evidence | None) -> Iterator[Content]:
    """Yield all of it."""
    yield from prepared(segments)
    yield from components.components(segments)
    clusterer = segments.pipeline[-1]
    if evidence is not None:
        yield from number.selection(clusterer, evidence)
    if isinstance(clusterer, HierarchicalSegments):
        yield from dendrogram.dendrogram(clusterer)
    yield from membership.classes(segments)
    yield from membership.membership(segments)
    yield from membership.unassigned(segments)


def prepared(segments: Segments) -> Iterator[Content]:
    """What became of each column before distances were taken."""
    step = segments.pipeline[0]
    if not isinstance(step, Preparation):
        return
    rows = [
        {
            "column": name,
            "became": _became(step, name),
            "values drawn in": step.drawn_in_.get(name, 0),
            "share": step.drawn_in_.get(name, 0) / len(segments.rows),
        }
        for name in segments.rows.columns
    ]
    caption = "One scale for all." if step.scale else "Not brought to one scale."
    if step.winsorise > 0:
        caption += (
            f" Values beyond the outermost {step.winsorise:.1%} at either end were drawn in to where that begins."
        )
    yield Table("preparation", "What was done to the columns", pd.DataFrame(rows), caption)


def _became(step: Preparation, name: str) -> str:
    if name in step.categories_:
        return f"{len(step.categories_[name])} indicators"
    done = [word for word, names in (("log", step.logged_), ("rank", step.ranked_)) if name in names]
    return " and ".join(done) or "itself"
