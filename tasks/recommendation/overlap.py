"""Several models beside each other: how far their lists are the same, and what only one of them hits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxai_runner.evaluation.results import Content, Figure, Finding, Table
from cxai_runner.evaluation.wording import counted, share
from tasks.recommendation.rows import MODEL, Judged

MOST: Final = 8
"""Models that are set beside each other."""

Cells = NDArray[np.int64]


def beside(scores: Mapping[str, pd.DataFrame]) -> Iterator[Content]:
    """Yield how far lists are the same, of the customers whom all models were asked about.

    Parameters
    ----------
    scores
        The scored rows of each model, by what it is called, the best first.
    """
    several = {name: rows.drop_duplicates("customer_id") for name, rows in list(scores.items())[:MOST]}
    ks = {name: sum(str(column).startswith(MODEL) for column in rows) for name, rows in several.items()}
    k = min(ks.values(), default=0)
    if len(several) < 2 or not k:
        return
    shared = sorted(set.intersection(*(set(rows["customer_id"]) for rows in several.values())), key=str)
    aligned = {name: rows.set_index("customer_id").loc[shared].reset_index() for name, rows in several.items()}
    wanted = next(iter(aligned.values()))[["wanted", "wanted_again"]]
    if not shared or not (wanted["wanted"] != "[]").any():
        yield Finding("The models share no customers whose lists were judged, so that they cannot be set side by side.")
        return
    judged = {name: Judged.of(rows.assign(**wanted), k, (MODEL,)) for name, rows in aligned.items()}
    listed, hit = _cells(judged)
    pairs = [_pair(a, b, listed, hit) for a, b in combinations(several, 2)]
    caption = (
        f"`overlap` is the share of the items of the one's lists that are on the other's too, for the same customer. "
        f"{counted(len(next(iter(judged.values()))), 'customer')}, lists of {k}."
    )
    yield Table("overlap", "What several lists share", pd.DataFrame(pairs), caption, len(pairs))
    known = {(one["model"], one["other"]): float(one["overlap"]) for one in pairs}
    cells = [
        {"model": a, "other": b, "overlap": 1.0 if a == b else known.get((a, b), known.get((b, a), np.nan))}
        for a in several
        for b in several
    ]
    yield Figure(
        "overlap",
        "What several lists share",
        pd.DataFrame(cells),
        "heatmap",
        "other",
        "model",
        caption,
        fill="overlap",
        x_label=" ",
        y_label=" ",
    )
    first, second = list(several)[:2]
    best = next(one for one in pairs if (one["model"], one["other"]) == (first, second))
    hits = best["hits_both"] + best["hits_model_only"] + best["hits_other_only"]
    told = f"The lists of {first} and {second} share {share(float(best['overlap']))} of their items"
    if hits:
        told += f"; of what either hits, {share(best['hits_other_only'] / hits)} is hit by {second} alone"
    yield Finding(f"{told}.")


def _cells(judged: Mapping[str, Judged]) -> tuple[dict[str, Cells], dict[str, Cells]]:
    """Of every model a number for each customer and item that is on the list, and of those that hit."""
    names = pd.Index(pd.unique(np.concatenate([one.items for one in judged.values()])))
    listed, hit = {}, {}
    for model, one in judged.items():
        own = names.get_indexer(pd.Index(one.items, dtype=object))
        lists = one.lists[MODEL]
        keys = np.arange(len(one))[:, np.newaxis] * len(names) + np.append(own, -1)[lists]
        there = lists >= 0
        listed[model], hit[model] = keys[there], keys[one.hits()[0] & there]
    return listed, hit


def _pair(a: str, b: str, listed: Mapping[str, Cells], hit: Mapping[str, Cells]) -> dict[str, Any]:
    both = len(np.intersect1d(hit[a], hit[b]))
    return {
        "model": a,
        "other": b,
        "overlap": len(np.intersect1d(listed[a], listed[b])) / max(len(listed[a]), 1),
        "hits_both": both,
        "hits_model_only": len(hit[a]) - both,
        "hits_other_only": len(hit[b]) - both,
    }
