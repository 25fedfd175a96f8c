"""What is said of a difference: by its p value, corrected for the comparisons beside it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import ttest_1samp
from statsmodels.stats.multitest import multipletests

from cxai_runner.evaluation.comparison import Comparison, adjusted, of_error, resampled_error, two_digits

NAMED = ("log_loss", "log loss", "lower")


def told(value: float, error: float, customers: int = 401) -> Comparison:
    return of_error(NAMED, value, error, customers - 1, customers, "by hand")


def test_the_verdict_and_the_interval_agree() -> None:
    for value in (-0.3, -0.197, -0.196, 0.0, 0.196, 0.197, 0.3):
        found = told(value, 0.1)
        excludes = found.difference.low > 0 or found.difference.high < 0
        assert (found.verdict != "cannot tell") == excludes
    assert told(-0.3, 0.1).verdict == "better"
    assert told(0.3, 0.1).verdict == "worse"


def test_p_is_students() -> None:
    gaps = np.random.default_rng(0).normal(0.2, 1, 30)
    found = of_error(NAMED, float(gaps.mean()), float(gaps.std(ddof=1) / np.sqrt(30)), 29, 30, "")
    assert found.p == pytest.approx(ttest_1samp(gaps, 0).pvalue)


def test_so_many_more_customers_would_tell() -> None:
    # (1.96591 + 0.84258)² · (0.1 / 0.1)² = 7.888 times the customers: quantiles of t with 400 degrees of freedom.
    assert told(0.1, 0.1).more == two_digits(401 * 6.888)
    assert told(0.1, 0.1).words == "cannot tell (about 2,800 more customers would)"


def test_with_so_many_more_the_chance_to_tell_is_four_in_five() -> None:
    value, customers = 0.1, 400
    more = told(value, 0.07, customers).more
    assert more is not None
    error = 0.07 * math.sqrt(customers / (customers + more))
    seen = np.random.default_rng(1).normal(value, error, 20_000)
    assert np.mean([told(one, error, customers + more).verdict == "worse" for one in seen]) == pytest.approx(
        0.8, abs=0.02
    )


def test_no_number_of_customers_tells_what_is_about_zero() -> None:
    assert told(0.0, 0.1).words == "cannot tell"
    assert told(0.02, 0.1).words == "cannot tell"
    assert told(0.03, 0.1).more is not None


def test_no_more_are_needed_for_a_verdict() -> None:
    assert told(0.3, 0.1).words == "worse"


def test_a_difference_without_noise_is_certain() -> None:
    assert (told(-0.1, 0.0).p, told(-0.1, 0.0).verdict) == (0, "better")
    assert told(0.0, 0.0).words == "cannot tell: the same numbers"


def test_a_difference_that_does_not_exist_is_told() -> None:
    assert told(math.nan, 0.1).words == "not comparable: the difference does not exist on these rows"
    assert told(0.1, 0.1, customers=1).verdict == "not comparable"


def test_holm_is_statsmodels() -> None:
    several = [told(value, 0.1) for value in (-0.3, 0.21, 0.25, 0.05, -0.22)]
    found = adjusted([Comparison.none("log_loss", "other rows"), *several])
    expected = multipletests([one.p for one in several], method="holm")[1]
    assert [one.adjusted for one in found[1:]] == pytest.approx(expected.tolist())
    assert math.isnan(found[0].adjusted)
    assert [one.verdict for one in found] == ["not comparable", "better", *["cannot tell"] * 4]
    assert [one.verdict for one in several] == ["better", "worse", "worse", "cannot tell", "better"]


@pytest.mark.parametrize("freedom", [1, 2, 4, 400])
def test_where_it_cannot_be_told_more_are_always_needed(freedom: int) -> None:
    edge = of_error(NAMED, 1.0, 1.0, freedom, 400, "").difference.high - 1
    just_not = of_error(NAMED, 0.99 * edge, 1.0, freedom, 400, "")
    assert just_not.verdict == "cannot tell"
    assert just_not.more is not None
    assert just_not.more > 20
    # The second p value alone would tell; what keeps it from that is the first.
    first, second = adjusted([told(0.2, 0.1), told(0.199, 0.1)])
    assert first.verdict == second.verdict == "cannot tell"
    assert second.more is not None
    assert second.more > 100


def test_more_comparisons_take_more_customers() -> None:
    alone, among = told(0.15, 0.1), adjusted([told(0.15, 0.1)] * 10)[0]
    assert among.among == 10
    assert alone.more is not None
    assert among.more is not None
    assert among.more > alone.more


def test_repeated_divisions_count_for_less_than_they_are() -> None:
    # Nadeau and Bengio's factor for ten-fold cross-validation: 1/10 + 1/9.
    gaps = [0.1, 0.3, 0.2, 0.0, 0.4, 0.1, 0.2, 0.3, 0.2, 0.2]
    mean, error = resampled_error(gaps, 1 / 9)
    assert mean == pytest.approx(0.2)
    assert error == pytest.approx(np.std(gaps, ddof=1) * math.sqrt(1 / 10 + 1 / 9))


@pytest.mark.parametrize(
    ("count", "rounded"), [(0.2, 1), (7, 7), (48.6, 49), (1249, 1200), (98_765, 99_000), (995, 1000)]
)
def test_a_count_is_rounded_to_two_digits(count: float, rounded: int) -> None:
    assert two_digits(count) == rounded
