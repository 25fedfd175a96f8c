"""Several models of recommendation as one: what each says of a customer's items, made comparable and added up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal, Self, get_args

import numpy as np
import pandas as pd
from annotated_types import Ge
from sklearn.base import clone

from cxai_runner.methods.recommend.interactions import Floats, Interactions
from cxai_runner.methods.recommend.recommender import Recommender

Scale = Literal["standard", "rank"]
"""How scores of different units are made comparable."""

RANK_CONSTANT = 60
"""Added to ranks before they are turned over, as Cormack et al. found best."""


class Hybrid(Recommender):
    """Recommend by a weighted sum of what other models say.

    Of each customer the scores of a part over all items are made comparable first: ``standard`` divides them by their
    standard deviation, which keeps how sure a part is; ``rank`` makes 1 / (60 + rank) of them [1]_, which knows the
    order alone.

    Parameters
    ----------
    parts
        Models by name.
    weights
        How much each counts, by name; those that are not named count 1. 0 leaves a part out.
    scale
        ``standard`` or ``rank``.
    k
        Items on a list; that of the parts is not used.
    repeats
        Whether what a customer bought before may be on their list; that of the parts is not used.

    Attributes
    ----------
    parts_ : dict
        The fitted parts that count.

    References
    ----------
    .. [1] Cormack, Clarke and Büttcher (2009), Reciprocal rank fusion outperforms Condorcet and individual rank
       learning methods, SIGIR.
    """

    def __init__(
        self,
        parts: Mapping[str, Recommender],
        weights: Mapping[str, Annotated[float, Ge(0)]] | None = None,
        scale: Scale = "standard",
        k: int = 10,
        repeats: bool = True,
    ) -> None:
        self.parts = parts
        self.weights = weights
        self.scale = scale
        self.k = k
        self.repeats = repeats

    @property
    def takes_choice(self) -> bool:
        """Whether one of its parts does."""
        return any(getattr(part, "takes_choice", False) for part in self.parts.values())

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters; ``deep`` with those of each part as ``<part>__<parameter>``."""
        found = super().get_params(deep=False)
        if deep:
            for name, part in self.parts.items():
                found[name] = part
                found |= {f"{name}__{key}": value for key, value in part.get_params(deep=True).items()}
        return found

    def set_params(self, **params: Any) -> Self:
        """Set parameters; those of a part as ``<part>__<parameter>``."""
        names = set(self.get_params(deep=False))
        own = {key: value for key, value in params.items() if key in names}
        for key, value in own.items():
            setattr(self, key, value)
        of_parts: dict[str, dict[str, Any]] = {}
        for key, value in params.items():
            name, inner, parameter = key.partition("__")
            if key in own:
                continue
            if name not in self.parts:
                raise ValueError(f"no parameter or part {name!r}; parts: {', '.join(self.parts)}")
            if inner:
                of_parts.setdefault(name, {})[parameter] = value
            else:
                self.parts = {**self.parts, name: value}
        for name, values in of_parts.items():
            self.parts[name].set_params(**values)
        return self

    def fit(self, X: pd.DataFrame, y: object = None, *, items: pd.DataFrame | None = None) -> Self:
        """Fit every part that counts to the same customers; see `Recommender.fit`."""
        weights = self._weights()
        self.parts_ = {name: clone(part).fit(X, items=items) for name, part in self.parts.items() if weights[name] != 0}
        return super().fit(X, items=items)

    def _learn(self, several: Interactions, items: pd.DataFrame | None) -> None:
        """Take the widest catalogue: all parts have the items that were bought, some have further ones after them."""
        widest = max(self.parts_.values(), key=lambda part: len(part.items_))
        for name, part in self.parts_.items():
            if part.items_ != widest.items_[: len(part.items_)]:
                raise ValueError(f"parts.{name}: has other items than the rest, and cannot be mixed with them")
        self.items_, self.bought_by_ = widest.items_, widest.bought_by_

    def _score(self, several: Interactions) -> Floats:
        mixed = np.zeros((len(several), several.items), dtype=np.float32)
        weights = self._weights()
        scaled = by_deviation if self.scale == "standard" else by_rank
        for name, part in self.parts_.items():
            m, weight = len(part.items_), np.float32(weights[name])
            found = scaled(np.concatenate([scores for _, scores in part.scored(_known(several, m))]))
            mixed[:, :m] += weight * found
            if m < several.items:  # what a part does not know is no better than the worst that it does
                mixed[:, m:] += weight * found.min(axis=1, keepdims=True)
        return mixed

    def _weights(self) -> dict[str, float]:
        """How much each part counts."""
        if not self.parts:
            raise ValueError("parts: none; name at least one model")
        others = [
            f"{name} ({type(one).__name__})" for name, one in self.parts.items() if not isinstance(one, Recommender)
        ]
        if others:
            raise ValueError(f"parts: recommenders alone, not {', '.join(others)}")
        if self.scale not in get_args(Scale):
            raise ValueError(f"scale: {' or '.join(get_args(Scale))}, not {self.scale!r}")
        reserved = {"__" if "__" in name else name for name in self.parts} & {"__", *self.get_params(deep=False)}
        if reserved:
            raise ValueError(f"parts: no name with two underscores, nor a parameter's own: {', '.join(reserved)}")
        given = dict(self.weights or {})
        unknown = [name for name in given if name not in self.parts]
        if unknown:
            raise ValueError(f"weights: no part {', '.join(unknown)}; parts: {', '.join(self.parts)}")
        weights = {name: float(given.get(name, 1.0)) for name in self.parts}
        if not all(0 <= weight < np.inf for weight in weights.values()) or not any(weights.values()):
            raise ValueError(f"weights: 0 or more each, one of them more than 0; not {given!r}")
        return weights


def by_deviation(scores: Floats) -> Floats:
    """Return the scores of each row in its standard deviations, shape (b, m); −inf stays.

    The mean is left in: it moves all items of a customer alike, and what is small would drown in it.
    """
    there = np.isfinite(scores)
    deviation = np.std(scores, axis=1, dtype=np.float64, where=there, keepdims=True)
    scale = np.divide(1.0, deviation, out=np.zeros_like(deviation), where=deviation > 0).astype(np.float32)
    return np.multiply(scores, scale, out=np.full_like(scores, -np.inf), where=there)


def by_rank(scores: Floats) -> Floats:
    """Return 1 / (60 + rank) for each score of a row, shape (b, m); of equal ones the first is better; −inf stays."""
    order = np.argsort(-scores, axis=1, kind="stable")
    found = np.empty_like(scores)
    places = 1 / np.arange(RANK_CONSTANT + 1, RANK_CONSTANT + 1 + scores.shape[1], dtype=np.float32)
    np.put_along_axis(found, order, np.broadcast_to(places, scores.shape), axis=1)
    found[scores == -np.inf] = -np.inf
    return found


def _known(several: Interactions, items: int) -> Interactions:
    """The same customers, with what they bought of the first ``items`` of the catalogue."""
    if items == several.items:
        return several
    kept = several.codes < items
    counts = np.bincount(several.rows[kept], minlength=len(several))
    return replace(
        several,
        begins=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        codes=several.codes[kept],
        weights=several.weights[kept],
        days=several.days[kept],
        unknown=several.unknown + np.diff(several.begins) - counts,
        items=items,
    )
