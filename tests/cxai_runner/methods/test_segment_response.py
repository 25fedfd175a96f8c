"""What segments tell of customers that had no part in it: planted answers are found, and where there are none, none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2

from cxai_runner.methods.segment_response import (
    errors_by_segment,
    folds,
    homogeneity,
    indicators,
    offer_effects,
    told_by,
)

RNG = np.random.default_rng(4)
SEGMENT = RNG.integers(0, 3, 900)
FOLD = folds(SEGMENT, 5, np.random.default_rng(0))


def explained(response: np.ndarray) -> float:
    by_segment, by_one = errors_by_segment(response, SEGMENT, FOLD)
    return float(1 - by_segment.sum() / by_one.sum())


def test_folds_divide_each_segment_evenly() -> None:
    counts = pd.crosstab(SEGMENT, FOLD).to_numpy()
    assert (np.ptp(counts, axis=1) <= 1).all()


def test_means_are_learned_from_the_other_folds() -> None:
    response = RNG.normal(size=900)
    by_segment, by_one = errors_by_segment(response, SEGMENT, FOLD)
    out = (FOLD == 2) & (SEGMENT == 1)
    mean = response[(FOLD != 2) & (SEGMENT == 1)].mean()
    np.testing.assert_allclose(by_segment[out], (response[out] - mean) ** 2)
    np.testing.assert_allclose(by_one[out], (response[out] - response[FOLD != 2].mean()) ** 2)


def test_noise_is_not_explained_and_a_planted_difference_is() -> None:
    noise = np.random.default_rng(1).normal(size=900)
    assert -0.02 < explained(noise) < 0.005
    # Means −1, 0, 1 in thirds: 2/3 of the variance is between them.
    assert explained(SEGMENT + noise - 1) == pytest.approx(0.4, abs=0.06)


def test_columns_tell_segments_that_they_are_made_of_and_no_others() -> None:
    region = np.where(RNG.random(900) < 0.8, np.array(["a", "b", "c"])[SEGMENT], "a")
    told, largest = told_by(pd.DataFrame({"region": region}), SEGMENT, FOLD)
    assert (told == SEGMENT).mean() - (largest == SEGMENT).mean() > 0.4
    idle = pd.DataFrame({"age": RNG.normal(size=900), "region": RNG.choice(list("ab"), 900)})
    told, largest = told_by(idle, SEGMENT, FOLD)
    assert (told == SEGMENT).mean() - (largest == SEGMENT).mean() < 0.05


def test_values_are_indicators() -> None:
    frame = pd.DataFrame({"region": ["a", "b", None, "a"], "many": [1.0, 2.0, 3.0, np.nan]})
    assert indicators(frame).shape == (4, 3 + 4)
    assert indicators(pd.DataFrame({"many": np.arange(100)})).sum(axis=0).tolist() == [25] * 4


def test_cochrans_q_by_hand() -> None:
    statistic, freedom, p = homogeneity([(1.0, 1.0), (3.0, 1.0), (5.0, 2.0)])
    # Weights 1, 1, 0.5: the mean is 2.6.
    expected = 1.6**2 + 0.4**2 + 2.4**2 / 2
    assert (statistic, freedom) == (pytest.approx(expected), 2)
    assert p == pytest.approx(chi2.sf(expected, 2))
    assert np.isnan(homogeneity([(1.0, 1.0)])[2])


@pytest.mark.parametrize(("planted", "level"), [(True, 1e-6), (False, None)])
def test_an_offer_that_works_in_one_segment_only_is_told(planted: bool, level: float | None) -> None:
    rng = np.random.default_rng(8)
    offer = rng.choice(["e-mail", "none"], 900)
    effect = np.where(SEGMENT == 2, 1.5, 0.0) if planted else 0.5
    response = rng.normal(size=900) + effect * (offer == "e-mail")
    found = offer_effects(response, offer, SEGMENT)
    assert found.freedom == 2
    assert found.p < level if level is not None else found.p > 0.05
    assert found.table["offer"].unique().tolist() == ["e-mail"]
    if planted:
        strongest = found.table.loc[found.table["effect"].idxmax()]
        assert strongest["segment"] == 2
        assert strongest["effect"] == pytest.approx(1.5, abs=4 * strongest["error"])


def test_too_few_with_an_offer_are_not_compared() -> None:
    offer = np.where(np.arange(900) < 5, "rare", "none")
    assert np.isnan(offer_effects(np.zeros(900), offer, SEGMENT).p)
