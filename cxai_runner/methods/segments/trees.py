"""Merge trees: made in linear memory where the linkage allows it, cut into exactly k segments, and shown from the top.

A tree is SciPy's linkage matrix: n − 1 rows of the two nodes that are merged, the height, and how many rows the merged
node holds; nodes 0 … n − 1 are the rows, node n + i is the i-th merge.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Floats = NDArray[np.float64]
Labels = NDArray[np.intp]

LINEAR: Final = ("ward", "single", "centroid", "median")
"""Linkages whose tree needs memory for the rows alone, and not for every pair of them."""


def merge_tree(values: Floats, linkage: str) -> Floats:
    """Merge rows, Euclidean distances, from n segments to one.

    Parameters
    ----------
    values
        Shape (n, features), at least two rows.
    linkage
        ``ward``, ``single``, ``complete``, ``average``, ``weighted``, ``centroid`` or ``median``.

    Returns
    -------
    ndarray of shape (n - 1, 4)
        SciPy's linkage matrix.
    """
    import fastcluster

    values = np.ascontiguousarray(values, dtype=np.float64)
    make = fastcluster.linkage_vector if linkage in LINEAR else fastcluster.linkage
    return np.asarray(make(values, method=linkage, metric="euclidean"), dtype=np.float64)


def cut(tree: Floats, k: int) -> Labels:
    """Undo the last k − 1 merges: exactly ``k`` segments, whatever merges happened at equal heights."""
    n = len(tree) + 1
    kept = n - k
    node = np.arange(n, n + kept)
    children = tree[:kept, :2].astype(np.intp)
    rows, columns = np.concatenate([node, node]), np.concatenate([children[:, 0], children[:, 1]])
    graph = coo_array((np.ones(len(rows)), (rows, columns)), shape=(2 * n - 1, 2 * n - 1))
    # Merges that were undone hold nobody, and would count as parts of their own.
    labels = connected_components(graph, directed=False)[1][:n]
    return np.unique(labels, return_inverse=True)[1].astype(np.intp)


def jumps(tree: Floats, counts: list[int]) -> Floats:
    """How far the merge that would leave k − 1 segments lies above that which left k, for each k.

    Cutting where the jump is largest cuts the tree across its longest free stretch. NaN for one segment.
    """
    heights = np.concatenate([tree[:, 2], [np.nan]])
    n = len(tree) + 1
    found = []
    for k in counts:
        below = heights[n - k - 1] if k < n else 0.0
        found.append(heights[n - k] - below if k > 1 else np.nan)
    return np.array(found)


def top(tree: Floats, leaves: int) -> dict[str, NDArray[np.float64]]:
    """The last merges as a picture: what remains of the tree where only so many branches are left at its foot.

    Returns
    -------
    dict of str to ndarray
        By columns, one row per merge, the first merge first: ``left``, ``right``, where its two branches stand (those
        at the foot stand at 0, 1, 2 …), ``left_height``, ``right_height``, where they begin, ``height``, and ``rows``,
        how many rows it holds; and, one value per branch at the foot from left to right, ``foot``: its rows.
    """
    n = len(tree) + 1
    shown = min(leaves, n) - 1
    first = len(tree) - shown
    place: dict[int, float] = {}
    foot: list[float] = []
    todo = [2 * n - 2]
    while todo:  # from the left to the right, without recursion: a chain is as deep as it is long
        node = todo.pop()
        if node < n + first:
            place[node] = float(len(foot))
            foot.append(1.0 if node < n else float(tree[node - n, 3]))
        else:
            todo += [int(tree[node - n, 1]), int(tree[node - n, 0])]
    columns: dict[str, list[float]] = {
        name: [] for name in ("left", "right", "left_height", "right_height", "height", "rows")
    }
    for i in range(first, len(tree)):
        ends = [int(tree[i, 0]), int(tree[i, 1])]
        place[n + i] = (place[ends[0]] + place[ends[1]]) / 2
        for side, end in zip(("left", "right"), ends, strict=True):
            columns[side].append(place[end])
            columns[f"{side}_height"].append(float(tree[end - n, 2]) if end >= n + first else 0.0)
        columns["height"].append(float(tree[i, 2]))
        columns["rows"].append(float(tree[i, 3]))
    return {**{name: np.array(values) for name, values in columns.items()}, "foot": np.array(foot)}
