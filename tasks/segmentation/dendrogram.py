"""The merge tree from its top: where it was cut, where its heights would cut it, and who made it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from cxai_runner.evaluation.results import Content, Figure, Finding, Table
from cxai_runner.evaluation.wording import number
from cxai_runner.methods.segments import HierarchicalSegments


def dendrogram(clusterer: HierarchicalSegments) -> Iterator[Content]:
    """Yield tree, last merges and suggested cut."""
    tree, k = clusterer.dendrogram_, clusterer.n_clusters_
    if not tree:
        return
    heights = clusterer.heights_[::-1]
    table = pd.DataFrame(
        {
            "segments left": np.arange(1, len(heights) + 1),
            "height": heights,
            "jump": np.append(heights[:-1] - heights[1:], np.nan),
        }
    ).head(15)
    table["jump"] = [np.nan, *table["jump"][:-1]]
    suggestion = (
        f"The heights suggest {clusterer.suggested_} segments: the next merge lies further above the last than at any "
        "other number."
    )
    yield Table(
        "merges",
        "The last merges",
        table,
        f"`jump`: how far the merge that leaves one segment fewer lies above the one that left so many. {suggestion}",
        shown=15,
    )
    line = float(heights[k - 2] + heights[k - 1]) / 2 if 2 <= k < len(heights) else None
    yield Figure(
        "dendrogram",
        "The merge tree",
        pd.DataFrame({name: tree[name] for name in tree if name != "foot"}),
        "dendrogram",
        "left",
        "height",
        f"The last {len(tree['height'])} merges of {clusterer.linkage} linkage, cut at the line into {k} segments. "
        f"{suggestion}",
        y_label="merge height",
        x_label=f"{len(tree['foot'])} branches, the smallest of {number(tree['foot'].min())} customers",
        reference=None if line is None else {"y": line},
    )
    yield Finding(
        f"Cutting the tree where its branches are longest gives {clusterer.suggested_} segments"
        + (", as the model has." if clusterer.suggested_ == k else f"; the model has {k}.")
    )
    if (np.diff(heights) > 1e-9).any():
        yield Finding(
            f"Heights of {clusterer.linkage} linkage do not always rise: merges below earlier ones are no error, but a "
            "height is no measure of distance then.",
            "caveat",
        )
    if clusterer.in_tree_ < len(clusterer.labels_):
        where = "most similar customer of the tree" if clusterer.assign_to == "customer" else "nearest centre"
        yield Finding(
            f"{clusterer.in_tree_:,} of {len(clusterer.labels_):,} customers, drawn at random, made the tree "
            f"(model.max_customers); the others went with the {where}.",
            "caveat",
        )
