"""How well rows are set apart: silhouettes and distances to centres, in bounded memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import pairwise_distances_chunked

Floats = NDArray[np.float64]
Labels = NDArray[np.intp]


def centre_distances(values: Floats, centres: Floats) -> Floats:
    """Euclidean distance of each row to each centre, shape (n, centres), without cancellation."""
    return np.stack([np.sqrt(((values - centre) ** 2).sum(axis=1)) for centre in centres], axis=1)


def segment_means(values: Floats, labels: Labels) -> Floats:
    """Mean of the rows of each segment 0, 1 …, shape (segments, features)."""
    sizes = np.bincount(labels)
    sums = np.stack([np.bincount(labels, column, len(sizes)) for column in values.T], axis=1)
    return np.asarray(sums / sizes[:, np.newaxis])


def inertia_of(values: Floats, labels: Labels) -> float:
    """Sum of squared distances to the mean of the own segment."""
    return float(((values - segment_means(values, labels)[labels]) ** 2).sum())


def silhouettes(
    values: Floats, labels: Labels, reference: Floats, reference_labels: Labels, own: Labels | None = None
) -> Floats:
    """Silhouette of each row among reference rows, shape (n,), in −1 … 1; 0 for the only member of a segment.

    With the rows themselves as reference it is the textbook's (b − a) / max(a, b), where a is the mean distance to
    the other rows of the own segment and b that to the rows of the nearest other one. Distances are
    taken in bounded blocks.

    Parameters
    ----------
    values, labels
        Rows of shape (n, features) and their segments.
    reference, reference_labels
        The rows that stand for the segments.
    own
        Where each row is among the reference (−1 where it is not), so that its distance to itself is left out.
    """
    present, codes = np.unique(reference_labels, return_inverse=True)
    membership = np.eye(len(present))[codes]
    size = membership.sum(axis=0)
    column = np.searchsorted(present, labels).clip(0, len(present) - 1)
    known = present[column] == labels
    inside = np.zeros(len(values), dtype=bool) if own is None else own >= 0
    result = np.zeros(len(values))
    start = 0
    for block in pairwise_distances_chunked(values, reference, working_memory=64):
        stop = start + len(block)
        if own is not None:
            # A distance to itself is zero but for rounding; make it exact.
            rows = np.flatnonzero(inside[start:stop])
            block[rows, own[start:stop][rows]] = 0.0
        result[start:stop] = _silhouette(block @ membership, size, column[start:stop], inside[start:stop])
        start = stop
    return np.where(known, result, 0.0)


def _silhouette(total: Floats, size: Floats, column: Labels, inside: NDArray[np.bool_]) -> Floats:
    row = np.arange(len(total))
    others = size[column] - inside
    within = total[row, column] / np.maximum(others, 1)
    mean = total / size
    mean[row, column] = np.inf
    between = mean.min(axis=1)
    with np.errstate(invalid="ignore"):
        value = (between - within) / np.maximum(within, between)
    return np.where((others > 0) & np.isfinite(between), np.nan_to_num(value), 0.0)


def mean_silhouette(values: Floats, labels: Labels) -> float:
    """Mean silhouette of the rows among themselves; NaN of fewer than two segments."""
    if len(np.unique(labels)) < 2:
        return float("nan")
    return float(silhouettes(values, labels, values, labels, np.arange(len(values))).mean())
