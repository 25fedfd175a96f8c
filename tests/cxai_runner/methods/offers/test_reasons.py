"""An offer is made because of the item that counts most for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxai_runner.methods.offers import reasons
from cxai_runner.methods.offers.reasons import How
from cxai_runner.methods.recommend import Interactions, Popularity, Recommender

ITEMS = ["a", "b", "c", "d", "e"]


class Linear(Recommender):
    """A score is a sum over what was bought."""

    def __init__(self, weights: Any, k: int = 3, repeats: bool = True) -> None:
        self.weights, self.k, self.repeats = weights, k, repeats

    def _learn(self, several: Interactions, items: pd.DataFrame | None) -> None:
        self.weights_ = np.asarray(self.weights)

    def _score(self, several: Interactions) -> Any:
        return several.bought @ self.weights_


class Squared(Linear):
    """A score is no sum: items count together."""

    def _score(self, several: Interactions) -> Any:
        return np.square(several.bought @ self.weights_)


FRAME = pd.DataFrame({"items": ['["a","b","c","d","e"]', '["a","b","c"]', '["d","a"]', '["e"]', "[]"]})


def asked(model: Recommender, offered: list[str], how: How = "alone") -> tuple[list[str], Any]:
    model.fit(FRAME)
    several = Interactions.of(FRAME, model.catalogue)
    told = reasons(model, several, np.arange(len(FRAME)), model.catalogue.codes(offered).astype(np.int64), how)
    return [model.items_[code] if code >= 0 else "" for code in told.codes], told.strength


@pytest.mark.parametrize("how", ["alone", "without"])
def test_the_largest_part_of_a_linear_score_is_the_reason(how: How) -> None:
    order = Linear(np.zeros((5, 5))).fit(FRAME).items_
    rng = np.random.default_rng(2)
    weights = pd.DataFrame(rng.normal(size=(5, 5)), index=order, columns=order)
    offered = ["e", "d", "b", "a", "a"]
    told, strength = asked(Linear(weights.to_numpy()), offered, how)
    bought = [["a", "b", "c", "d", "e"], ["a", "b", "c"], ["d", "a"], ["e"]]
    for row, own in enumerate(bought):
        parts = weights.loc[own, offered[row]]
        if how == "without" and parts.max() <= 0 and len(own) > 1:
            assert told[row] == ""
        else:
            assert told[row] == parts.idxmax()
            if how == "alone":
                assert strength[row] == pytest.approx(parts.max() - parts.mean(), rel=1e-6)
    assert told[4] == ""


def test_without_an_item_is_asked_of_the_model_itself() -> None:
    order = Linear(np.zeros((5, 5))).fit(FRAME).items_
    weights = pd.DataFrame(0.0, index=order, columns=order)
    weights.loc["a", "e"], weights.loc["b", "e"], weights.loc["c", "e"] = -1.0, 2.5, 2.0
    # Alone, b: 6.25; together (-1 + 2.5 + 2)^2 = 12.25, and without b 1, without c 2.25, without a 20.25.
    told, _ = asked(Squared(weights.to_numpy()), ["e", "e", "e", "e", "e"], "without")
    assert told[1] == "b"
    assert told[4] == ""


def test_what_everybody_is_offered_has_no_reason() -> None:
    told, strength = asked(Popularity(k=3), ["a", "a", "b", "b", "a"])
    assert told[:3] == ["", "", ""]
    assert told[4] == ""
    assert (strength == 0).all()
