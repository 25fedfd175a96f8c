"""What principal components are made of, in numbers and in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxai_runner.evaluation.results import Content, Figure, Table
from cxai_runner.evaluation.wording import share
from tasks.segmentation.fitted import Segments

Floats = NDArray[np.float64]

STRONG: Final = 0.5
"""A column is named in a component's meaning when they correlate at least so much."""


def components(segments: Segments) -> Iterator[Content]:
    """Yield loadings, shares of variance and a meaning for each component, where the customers became such."""
    found = _found(segments)
    if found is None:
        return
    pca, names, before = found
    scores = pca.transform(before)
    loadings = _correlations(np.asarray(before, dtype=np.float64), scores)
    count = scores.shape[1]
    called = [f"component {j + 1}" for j in range(count)]
    shares = np.asarray(pca.explained_variance_ratio_)[:count]
    yield Table(
        "components",
        "What the components mean",
        pd.DataFrame(
            {
                "component": called,
                "variance": shares,
                "so far": shares.cumsum(),
                "high in it": [meaning(names, loadings[:, j]) for j in range(count)],
            }
        ),
        f"Together they explain {share(float(shares.sum()))} of the variance of the {len(names)} columns. Named are "
        f"columns that correlate with a component by at least {STRONG}, the strongest first.",
    )
    long = pd.DataFrame(
        [
            {"column": name, "component": one, "loading": loadings[i, j]}
            for i, name in enumerate(names)
            for j, one in enumerate(called)
        ]
    )
    yield Table(
        "loadings",
        "Loadings",
        pd.DataFrame(loadings, columns=called).assign(column=names)[["column", *called]],
        "Correlation of each column with each component.",
    )
    yield Figure(
        "loadings",
        "Loadings",
        long,
        "heatmap",
        "component",
        "column",
        "Correlation of each column with each component.",
        fill="loading",
        x_label=" ",
        y_label=" ",
    )


def meaning(names: Sequence[str], loadings: Floats) -> str:
    """Who is high in a component: ``income, settlement size; low: age``."""
    order = np.argsort(-np.abs(loadings), kind="stable")
    strong = [i for i in order if abs(loadings[i]) >= STRONG] or [order[0]]
    high = [_words(names[i]) for i in strong if loadings[i] > 0]
    low = [_words(names[i]) for i in strong if loadings[i] <= 0]
    parts = [", ".join(high)] if high else []
    return "; ".join([*parts, f"low: {', '.join(low)}"] if low else parts)


def _found(segments: Segments) -> tuple[Any, list[str], Any] | None:
    """The components, the columns that they are made of, and those as they were."""
    pipeline, rows = segments.pipeline, segments.rows
    for i, (_, step) in enumerate(pipeline.steps):
        pca = step if hasattr(step, "explained_variance_ratio_") else getattr(step, "pca_", None)
        if pca is not None and hasattr(pca, "components_"):
            before = pipeline[:i]
            names = list(rows.columns)
            if len(before) and hasattr(before, "get_feature_names_out"):
                names = list(before.get_feature_names_out(names))
            return pca, [str(name) for name in names], np.asarray(before.transform(rows) if len(before) else rows)
    return None


def _correlations(columns: Floats, scores: Floats) -> Floats:
    one, other = (part - part.mean(axis=0) for part in (columns, scores))
    size = np.sqrt(np.outer((one**2).sum(axis=0), (other**2).sum(axis=0)))
    return np.divide(one.T @ other, size, out=np.zeros_like(size), where=size > 0)


def _words(name: str) -> str:
    return name.replace("_", " ").lower()
