"""The likelihood of characteristics alone is that of the dense design, number by number."""

from __future__ import annotations

from functools import partialmethod

import numpy as np
import pytest

from cxai_runner.methods.choice import ChoiceData, ChoiceTerms
from cxai_runner.methods.choice.characteristics import of_characteristics
from cxai_runner.methods.choice.likelihood import LogitLikelihood

NAMES = ["price_a", "income", "price"]


@pytest.fixture(scope="module")
def data(brands):
    X, y, _ = brands
    return ChoiceData.from_wide(X, "abc", choice=y, names=NAMES)


@pytest.mark.parametrize("reference", "ab")
@pytest.mark.parametrize("terms", [" | price_a + income", {"constants": True}, " | 0 + income + income:price_a"])
@pytest.mark.parametrize("weighted", [False, True])
def test_it_is_the_dense_one(data, terms, reference, weighted, monkeypatch):
    monkeypatch.setattr(LogitLikelihood, "_blocks", partialmethod(LogitLikelihood._blocks, 1000))
    layout = ChoiceTerms.parse(terms).layout(data, reference)
    found, dense = of_characteristics(data, layout), LogitLikelihood(layout.design(data), data.chosen)
    rng = np.random.default_rng(0)
    beta = rng.normal(size=len(layout.names))
    weights = rng.uniform(0.5, 2, len(data)) if weighted else None
    np.testing.assert_allclose(found.scale, dense.scale, rtol=1e-12)
    np.testing.assert_allclose(found.linear(beta), dense.linear(beta), atol=1e-12)
    np.testing.assert_allclose(found.scores(beta), dense.scores(beta), atol=1e-12)
    for ours, theirs in zip(found.derivatives(beta, weights), dense.derivatives(beta, weights), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("terms", ["price", "price | income", " | income | price"])
def test_what_differs_between_alternatives_is_dense(data, terms):
    assert of_characteristics(data, ChoiceTerms.parse(terms).layout(data, "a")) is None


def test_what_is_not_always_available_is_dense(data):
    there = np.ones((len(data), 3), dtype=bool)
    there[0, (data.chosen[0] + 1) % 3] = False
    some = ChoiceData(data.alternatives, {}, data.characteristics, there, data.chosen)
    assert of_characteristics(some, ChoiceTerms.parse(" | income").layout(some, "a")) is None
