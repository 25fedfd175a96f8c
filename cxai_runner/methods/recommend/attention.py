"""What a trained self-attentive model makes of a sequence, with NumPy and nothing that trains.

In double precision, and each customer's sequence by itself, so that it comes to the same in any company.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

HIDDEN = -1e9
"""Added to the score of what a place must not look at."""


def attended(values: Floats, there: NDArray[np.bool_], weights: Mapping[str, Floats], blocks: int) -> Floats:
    """Return what the blocks make of sequences: of each place, from it and from those before.

    Parameters
    ----------
    values
        The vector of each place, shape (n, length, dimension), the last place the newest.
    there
        Whether there is anything in a place, shape (n, length).
    weights
        Of each block b: ``b_norm`` (gain and offset), ``b_query``, ``b_key``, ``b_value`` of shape (dimension, heads,
        width) and their biases (heads, width), ``b_out`` (heads, width, dimension), ``b_norm2``, ``b_inner``,
        ``b_outer``; and ``norm`` of what comes out.
    blocks
        How many.

    Returns
    -------
    states
        Shape (n, length, dimension).
    """
    length = values.shape[1]
    visible = np.tril(np.ones((length, length), dtype=np.bool_)) & there[:, np.newaxis, :]
    hidden = np.where(visible, 0.0, HIDDEN)[:, np.newaxis]
    for block in range(blocks):
        values = values + _attention(normed(values, weights[f"{block}_norm"]), hidden, weights, block)
        inner = normed(values, weights[f"{block}_norm2"]) @ weights[f"{block}_inner"] + weights[f"{block}_inner_bias"]
        values = values + np.maximum(inner, 0) @ weights[f"{block}_outer"] + weights[f"{block}_outer_bias"]
    return normed(values, weights["norm"])


def normed(values: Floats, weights: Floats, epsilon: float = 1e-6) -> Floats:
    """Return values with mean 0 and variance 1 over the last axis, times a gain plus an offset: ``weights`` (2, d)."""
    centred = values - values.mean(axis=-1, keepdims=True)
    spread = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + epsilon)
    return np.asarray(centred / spread * weights[0] + weights[1])


def _attention(values: Floats, hidden: Floats, weights: Mapping[str, Floats], block: int) -> Floats:
    query, key, value = (_heads(values, weights, f"{block}_{name}") for name in ("query", "key", "value"))
    scores = query @ key.transpose(0, 1, 3, 2) / np.sqrt(query.shape[-1]) + hidden
    scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
    mixed = (scores / scores.sum(axis=-1, keepdims=True)) @ value
    out = weights[f"{block}_out"]
    n, heads, length, width = mixed.shape
    joined = mixed.transpose(0, 2, 1, 3).reshape(n, length, heads * width)
    return np.asarray(joined @ out.reshape(heads * width, -1) + weights[f"{block}_out_bias"])


def _heads(values: Floats, weights: Mapping[str, Floats], name: str) -> Floats:
    """What each head makes of each place, shape (n, heads, length, width)."""
    kernel = weights[name]
    d, heads, width = kernel.shape
    flat = values @ kernel.reshape(d, heads * width) + weights[f"{name}_bias"].reshape(-1)
    return np.asarray(flat.reshape(*values.shape[:2], heads, width).transpose(0, 2, 1, 3))
