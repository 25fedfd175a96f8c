"""The choice of a brand as a recommender: its logit is the conditional logit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxai_runner.methods.choice import ChoiceData, ConditionalLogit
from cxai_runner.methods.recommend import ChoiceRecommender, Interactions
from cxai_runner.methods.recommend.choice import _logit
from cxai_runner.methods.recommend.lists import text

TRUTH = np.array([0.6, 0.0, -0.6])
LOYALTY, LAST, CARRY = 2.0, 0.7, 0.8


def simulated(start, customers, baskets, seed):
    """Customers who choose a brand a week by a logit, with loyalties that begin as the market's shares."""
    rng = np.random.default_rng(seed)
    loyalty, last = np.tile(start, (customers, 1)), np.zeros((customers, 3))
    found = np.empty((customers, baskets), dtype=int)
    for week in range(baskets):
        utility = TRUTH + LOYALTY * loyalty + LAST * last
        found[:, week] = (utility + rng.gumbel(size=utility.shape)).argmax(axis=1)
        last = np.eye(3)[found[:, week]]
        loyalty = CARRY * loyalty + (1 - CARRY) * last
    return found


def panel(customers=1500, baskets=16, seed=0):
    """Histories of such customers, in a market whose shares are those that they make."""
    start = np.full(3, 1 / 3)
    for _ in range(8):
        start = np.bincount(simulated(start, 1500, baskets, 99).ravel(), minlength=3) / (1500 * baskets)
    found = simulated(start, customers, baskets, seed)
    days = text(list(range(7 * baskets, 0, -7)))
    return pd.DataFrame({"items": [text(["abc"[one] for one in row]) for row in found], "days": days}), found


def test_the_truth_is_found_again():
    frame, _ = panel()
    model = ChoiceRecommender(carry_over=CARRY).fit(frame)
    order = [model.items_.index(name) for name in "abc"]
    constants = model.constants_[order]
    np.testing.assert_allclose(constants - constants.mean(), TRUTH - TRUTH.mean(), atol=0.12)
    np.testing.assert_allclose(model.coefficients_, [LOYALTY, LAST], atol=0.2)


def test_it_is_the_conditional_logit():
    rng = np.random.default_rng(1)
    terms = rng.normal(size=(2, 500, 4))
    utility = np.array([0.5, 0, -0.5, 0.2]) + np.tensordot([1.0, -0.7], terms, axes=1)
    chosen = (utility + rng.gumbel(size=utility.shape)).argmax(axis=1)
    constants, coefficients, log_likelihood = _logit(np.eye(4)[chosen], terms, 1e-8)
    data = ChoiceData(tuple("abcd"), {"loyalty": terms[0], "last": terms[1]}, chosen=chosen)
    other = ConditionalLogit(["loyalty", "last"]).fit(data)
    np.testing.assert_allclose(coefficients, other.coef_[3:], rtol=1e-5)
    np.testing.assert_allclose(constants[1:] - constants[0], other.coef_[:3], rtol=1e-5)
    assert log_likelihood * 500 == pytest.approx(other.log_likelihood_, rel=1e-9)


def test_probabilities_are_those_of_the_history():
    """The loyalty of a history of baskets, some of two brands, moved basket by basket."""
    frame, _ = panel(100)
    model = ChoiceRecommender(carry_over=CARRY).fit(frame)
    place = {name: code for code, name in enumerate(model.items_)}
    baskets = [["a"], ["b", "c"], ["b"], ["a", "b"]]
    loyalty, last = model.shares_.copy(), None
    for basket in baskets:
        last = np.zeros(3)
        for item in basket:
            last[place[item]] += 1 / len(basket)
        loyalty = CARRY * loyalty + (1 - CARRY) * last
    powers = np.exp(model.constants_ + model.coefficients_ @ np.stack([loyalty, last]))
    days = [day for day, basket in zip([40, 30, 20, 10], baskets, strict=True) for _ in basket]
    asked = pd.DataFrame({"items": [text([one for basket in baskets for one in basket])], "days": [text(days)]})
    scores = model._score(Interactions.of(asked, model.catalogue))
    np.testing.assert_allclose(scores[0], powers / powers.sum(), rtol=1e-5)


def test_it_foretells_better_than_shares():
    frame, _ = panel(400)
    model = ChoiceRecommender().fit(frame)
    _, found = panel(400, seed=5)
    asked = pd.DataFrame({"items": [text(["abc"[one] for one in row[:-1]]) for row in found]})
    asked["days"] = text(list(range(15, 0, -1)))
    scores = model._score(Interactions.of(asked, model.catalogue))
    place = np.array([model.items_.index("abc"[row[-1]]) for row in found])
    ours = np.log(scores[np.arange(400), place]).mean()
    assert ours > np.log(model.shares_[place]).mean() + 0.05


def test_customers_of_one_basket_leave_shares_to_constants():
    """No choice has a history: nothing can be fitted, and all brands are as likely as their loyalties are equal."""
    frame = pd.DataFrame({"items": ['["a"]', '["b"]']})
    model = ChoiceRecommender(k=2).fit(frame)
    assert (model.constants_ == 0).all()
    assert (model.coefficients_ == 0).all()
    assert model.predict(frame)["score_1"].tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"carry_over": 1}, "carry_over: 0 to less than 1"),
        ({"regularisation": 0}, "regularisation: more than 0"),
    ],
)
def test_what_cannot_be_is_named(given, message):
    with pytest.raises(ValueError, match=message):
        ChoiceRecommender(**given).fit(panel(5)[0])


def test_a_choice_among_thousands_is_none():
    frame = pd.DataFrame({"items": [text([f"i{one}" for one in range(600)])]})
    with pytest.raises(ValueError, match="a choice among 600 items, of 500 at most: recommend brands of one category"):
        ChoiceRecommender().fit(frame)


def test_of_very_many_occasions_every_so_many_customers_are_taken(monkeypatch):
    frame, _ = panel(400, baskets=16)
    seen = []
    monkeypatch.setattr("cxai_runner.methods.recommend.choice._NUMBERS", 3 * 16 * 100 + 1)
    monkeypatch.setattr("cxai_runner.methods.recommend.choice._logit", lambda *a: seen.append(len(a[0])) or _logit(*a))
    ChoiceRecommender().fit(frame)
    assert seen == [100 * 15]  # all baskets of every fourth customer but the first
