"""A hybrid ranks as its parts do together, whatever their units."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.linear_model import Ridge

from cxai_runner.methods.recommend import FeatureFactorisation, Hybrid, PersonalFrequency, Popularity
from cxai_runner.methods.recommend.hybrid import by_deviation, by_rank
from cxai_runner.methods.recommend.lists import text
from cxai_runner.methods.recommend.ranking import best

FEW = settings(max_examples=40, deadline=None)
SCALES = ["standard", "rank"]
# Whole numbers, so that no two scores differ by less than arithmetic can tell.
scores = st.lists(st.lists(st.integers(-50, 50), min_size=6, max_size=6), min_size=1, max_size=5)


class InAnotherUnit(PersonalFrequency):
    """The same, in cents."""

    def _score(self, several):
        return 128 * super()._score(several)


def shop(customers=40, seed=0):
    rng = np.random.default_rng(seed)
    rows = [rng.integers(0, 12, rng.integers(2, 9)) for _ in range(customers)]
    return pd.DataFrame({"items": [text([f"i{one}" for one in row]) for row in rows]})


@FEW
@given(scores)
@pytest.mark.parametrize("scaled", [by_deviation, by_rank])
def test_scores_keep_their_order(scaled, scores):
    given = np.array(scores, dtype=np.float32)
    found = scaled(given)
    level = given.std(axis=1) == 0
    np.testing.assert_array_equal(best(found, 6)[0], best(np.where(level[:, np.newaxis], 0, given), 6)[0])


@FEW
@given(scores, st.sampled_from([0.25, 2.0, 1024.0]))
@pytest.mark.parametrize("scaled", [by_deviation, by_rank])
def test_units_do_not_matter(scaled, scores, unit):
    given = np.array(scores, dtype=np.float32)
    np.testing.assert_allclose(scaled(np.float32(unit) * given), scaled(given), rtol=1e-6)


@pytest.mark.parametrize("scaled", [by_deviation, by_rank])
def test_what_is_kept_off_a_list_stays_off(scaled):
    given = np.array([[1, -np.inf, 3, 2]], dtype=np.float32)
    found = scaled(given)
    assert np.flatnonzero(found[0] == -np.inf).tolist() == [1]
    assert best(found, 4)[0].tolist() == [[2, 3, 0, -1]]


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("weight", [0.1, 1, 30])
def test_with_one_part_it_ranks_as_the_part(scale, weight):
    frame = shop()
    part = PersonalFrequency(half_life=None)
    one = Hybrid({"own": part}, {"own": weight}, scale).fit(frame).ranked(frame, k=12)
    np.testing.assert_array_equal(one.codes, clone(part).fit(frame).ranked(frame, k=12).codes)


@pytest.mark.parametrize("scale", SCALES)
def test_a_part_in_another_unit_counts_as_much(scale):
    frame = shop()
    one = Hybrid({"own": PersonalFrequency(), "all": Popularity()}, scale=scale).fit(frame)
    other = Hybrid({"own": InAnotherUnit(), "all": Popularity()}, scale=scale).fit(frame)
    np.testing.assert_allclose(other.ranked(frame).scores, one.ranked(frame).scores, rtol=1e-6)


@pytest.mark.parametrize("scale", SCALES)
def test_weights_move_lists_from_one_part_to_the_other(scale):
    frame = shop()
    parts = {"own": PersonalFrequency(), "all": Popularity()}

    def lists(own, every):
        model = Hybrid(parts, {"own": own, "all": every}, scale).fit(frame)
        return model.ranked(frame, k=5).codes, model.bought_by_

    np.testing.assert_array_equal(lists(1, 1e-6)[0], PersonalFrequency().fit(frame).ranked(frame, k=5).codes)
    popular, bought_by = lists(1e-6, 1)
    assert (bought_by[popular] == bought_by[:5]).all()
    np.testing.assert_array_equal(lists(1, 1)[0], lists(7, 7)[0])


def test_a_part_of_no_weight_is_not_fitted():
    model = Hybrid({"own": PersonalFrequency(), "all": Popularity(by="nowhere")}, {"all": 0}).fit(shop())
    assert list(model.parts_) == ["own"]


def test_parameters_of_parts_are_reached_by_name():
    model = Hybrid({"own": PersonalFrequency(), "factors": FeatureFactorisation(factors=4)})
    assert {"own", "own__half_life", "factors__random_state", "scale"} <= set(model.get_params())
    assert "own__half_life" not in model.get_params(deep=False)
    copy = clone(model).set_params(own__half_life=7, scale="rank", factors__random_state=3)
    assert (copy.parts["own"].half_life, copy.scale, copy.parts["factors"].random_state) == (7, "rank", 3)
    assert model.parts["own"].half_life == 90
    copy.set_params(own=Popularity())
    assert isinstance(copy.parts["own"], Popularity)
    with pytest.raises(ValueError, match="no parameter or part 'other'; parts: own, factors"):
        copy.set_params(other__k=3)


def test_items_that_nobody_bought_come_where_the_part_that_knows_them_puts_them():
    frame = shop()
    items = pd.DataFrame({"item_id": [f"i{one}" for one in range(14)], "kind": list("ab") * 7})
    factors = FeatureFactorisation(factors=2, rare=1, cold=True, random_state=0)
    model = Hybrid({"own": PersonalFrequency(), "factors": factors}).fit(frame, items=items)
    assert model.items_[12:] == ["i12", "i13"]
    asked = pd.concat([frame.head(3), pd.DataFrame({"items": ['["i12"]', '["i12","i0"]']})], ignore_index=True)
    ranked = model.ranked(asked, k=14)
    assert np.isfinite(ranked.scores).all()
    assert not ranked.fallback.any()
    alone = pd.concat([model.predict(asked.iloc[[row]]) for row in range(5)])
    pd.testing.assert_frame_equal(model.predict(asked), alone, check_exact=True)


def test_parts_with_other_items_are_refused():
    class Backwards(PersonalFrequency):
        def _learn(self, several, items):
            super()._learn(several, items)
            self.items_ = self.items_[::-1]

    with pytest.raises(ValueError, match=r"parts\.\w+: has other items"):
        Hybrid({"own": PersonalFrequency(), "other": Backwards()}).fit(shop())


@pytest.mark.parametrize(
    ("parts", "weights", "scale", "message"),
    [
        ({}, None, "rank", "parts: none"),
        ({"own": Popularity(), "other": Ridge()}, None, "rank", r"parts: recommenders alone, not other \(Ridge\)"),
        ({"own": Popularity()}, None, "z", "scale: standard or rank, not 'z'"),
        ({"own": Popularity()}, {"own": 0}, "rank", "weights: 0 or more each, one of them more than 0"),
        ({"own": Popularity()}, {"own": -1}, "rank", "weights: 0 or more each"),
        ({"own": Popularity()}, {"one": 1}, "rank", "weights: no part one; parts: own"),
        ({"scale": Popularity()}, None, "rank", "nor a parameter's own: scale"),
        ({"a__b": Popularity()}, None, "rank", "no name with two underscores"),
    ],
)
def test_what_cannot_be_is_named(parts, weights, scale, message):
    with pytest.raises(ValueError, match=message):
        Hybrid(parts, weights, scale).fit(shop())
