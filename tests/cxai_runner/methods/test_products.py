"""Which products need a column for every level: those whose number no other term holds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxai_runner.methods.logit import BinomialLogit
from cxai_runner.methods.products import of_every_level
from cxai_runner.methods.terms import PanelTerms

CATEGORIES = ("segment", "brand")
MADE = {"price": ["price_a", "price_b"], "mean_price": ["price_a", "price_b"], "price_a": ["price_a"]}


@pytest.mark.parametrize(
    ("terms", "full"),
    [
        (["price", "price:segment"], set()),
        (["price:segment", "mean_price"], set()),
        (["price:segment", "segment"], {"price:segment"}),
        (["price_a", "price:segment"], {"price:segment"}),
        (["price:segment", "price:brand"], {"price:segment"}),
        (["price:segment:brand", "price:segment"], {"price:segment"}),
        (["price", "price:price:segment"], {"price:price:segment"}),
        (["segment:brand", "segment"], set()),
    ],
)
def test_one_term_has_every_level_where_none_holds_the_number(terms, full):
    assert of_every_level(terms, CATEGORIES.__contains__, lambda part: MADE.get(part, [part])) == full


def test_a_model_is_the_same_however_its_slopes_are_written():
    rng = np.random.default_rng(2)
    panel = pd.DataFrame({"price_a": rng.uniform(1, 3, 800), "segment": rng.choice(["x", "y", "z"], 800)})
    slope = panel["segment"].map({"x": -2.0, "y": -1.0, "z": 0.5}).to_numpy()
    bought = (rng.uniform(size=800) < 1 / (1 + np.exp(-1 - slope * panel["price_a"].to_numpy()))).astype(int)

    def fitted(*terms: str) -> BinomialLogit:
        return BinomialLogit().fit(PanelTerms(terms).fit_transform(panel), bought)

    apart, added = fitted("segment", "price:segment"), fitted("price", "segment", "price:segment")
    assert apart.log_likelihood_ == pytest.approx(added.log_likelihood_, abs=1e-8)
    assert len(apart.coef_[0]) == len(added.coef_[0]) == 5
