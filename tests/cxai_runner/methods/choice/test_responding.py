"""The conditional logit's sums of responses, by products of matrices, are those of every pair at every occasion."""

from __future__ import annotations

import numpy as np
import pytest

from cxai_runner.methods.choice import ChoiceData, ConditionalLogit, conditional
from cxai_runner.methods.choice.model import ChoiceModel


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize(
    ("terms", "column", "only"),
    [
        ("price + feature", "price", None),
        ("price + feature", "price", 2),
        ({"price": "alternative", "price:income": "generic"}, "price", None),
        ("price | income", "income", None),
    ],
)
def test_sums_of_products_are_the_sums_over_pairs(brands, monkeypatch, missing, terms, column, only):
    X, y, _ = brands
    data = ChoiceData.from_wide(X, list("abc"), choice=y)
    if missing:
        there = np.random.default_rng(0).uniform(size=(len(data), 3)) < 0.7
        there[np.arange(len(data)), data.chosen] = True
        data = ChoiceData(data.alternatives, data.attributes, data.characteristics, there, data.chosen)
    model = ConditionalLogit(terms).fit(data)
    layout, rng = model.layout(data), np.random.default_rng(1)
    vectors = [model.parameters_ + rng.normal(scale=0.1, size=len(model.parameters_)) for _ in range(3)]
    weight = rng.uniform(size=len(data))
    moved = weight * (data.attributes[column].T if column in data.attributes else data.characteristics[column])
    rest = (layout.design(data), layout.slopes(data, column), data.there, weight, moved, only)
    monkeypatch.setattr(conditional, "TOGETHER", 999)  # several parts, the last of them smaller
    ours = np.stack(list(model._responding(vectors, *rest)))
    pairs = np.stack(list(ChoiceModel._responding(model, vectors, *rest)))
    np.testing.assert_allclose(ours, pairs, rtol=1e-9, atol=1e-9)
