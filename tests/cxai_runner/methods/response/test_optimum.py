"""The best price: inside what was observed, at an end of it, or not told by the resamples."""

from __future__ import annotations

import numpy as np
import pytest

from cxai_runner.methods.response import optimum

PRICE = np.linspace(1, 3, 11)


def parabola(top):
    return 5 - (PRICE - top) ** 2


def test_inside_it_is_the_vertex():
    tops = np.linspace(1.9, 2.3, 41)
    found = optimum(PRICE, np.stack([parabola(2.07), *map(parabola, tops)]))
    assert found.identified
    assert found.price == pytest.approx(2.07, abs=1e-9)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(tops, [0.025, 0.975])), abs=1e-9)
    assert found.at_edge == 0


def test_prices_need_not_be_even():
    price = np.array([1.0, 1.4, 2.0, 2.1, 3.0])
    assert optimum(price, np.stack([5 - (price - 1.9) ** 2] * 3)).price == pytest.approx(1.9)


@pytest.mark.parametrize(("top", "where", "price"), [(0.5, "lowest", 1.0), (4.0, "highest", 3.0)])
def test_at_an_end_it_is_not_identified(top, where, price):
    found = optimum(PRICE, np.stack([parabola(top), parabola(2), parabola(2)]))
    assert (found.where, found.price) == (where, price)
    assert not found.identified


def test_resamples_at_an_end_leave_it_open():
    inside, beyond = parabola(2.0), parabola(3.5)
    few = optimum(PRICE, np.stack([inside, *[inside] * 96, *[beyond] * 4]))
    many = optimum(PRICE, np.stack([inside, *[inside] * 90, *[beyond] * 10]))
    assert few.identified
    assert (many.where, many.at_edge) == ("either", 10)
    assert not many.identified


def test_percentiles_of_few_resamples_are_no_interval():
    tops = np.linspace(1.9, 2.3, 19)
    few = optimum(PRICE, np.stack([parabola(2.07), *map(parabola, tops)]))
    assert few.identified
    assert np.isnan([few.low, few.high]).all()
    enough = optimum(PRICE, np.stack([parabola(2.07), *map(parabola, [*tops, 2.1])]))
    assert enough.low < 2.07 < enough.high


def test_a_flat_curve_tells_nothing():
    assert not optimum(PRICE, np.ones((5, 11))).identified
