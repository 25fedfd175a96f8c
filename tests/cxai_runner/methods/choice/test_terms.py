"""Terms from a mapping and from a formula mean the same, and their design is what they say."""

from __future__ import annotations

import numpy as np
import pytest

from cxai_runner.methods.choice import ChoiceData, ChoiceError, ChoiceTerms, NotIdentifiedError


@pytest.fixture
def data():
    price, time = np.array([[1.0, 2.0, 4.0], [3.0, 5.0, 6.0]]), np.array([[1.0, 1.0, 2.0], [3.0, 2.0, 1.0]])
    return ChoiceData(("a", "b", "c"), {"price": price, "time": time}, {"income": np.array([10.0, 20.0])})


@pytest.mark.parametrize(
    ("mapping", "formula"),
    [
        ({"price": "generic"}, "price"),
        ({"price": "generic", "constants": False}, "price | 0"),
        ({"price": "generic", "income": "alternative", "time": "alternative"}, "price | income | time"),
        ({"price": "generic", "income": "alternative", "constants": False}, "price | 0 + income"),
        ({"time": "alternative"}, "| | time"),
        ({"log(price)": "generic", "price:income": "generic"}, " log(price) + price:income | 1"),
    ],
)
def test_a_mapping_and_a_formula_mean_the_same(data, mapping, formula):
    one, other = ChoiceTerms.parse(mapping), ChoiceTerms.parse(formula)
    assert one == other
    np.testing.assert_array_equal(one.layout(data, "a").design(data), other.layout(data, "a").design(data))


def test_a_list_is_generic_terms_with_constants():
    assert ChoiceTerms.parse(["price", "time"]) == ChoiceTerms.parse("price + time")


def test_the_design_is_what_the_terms_say(data):
    layout = ChoiceTerms.parse("price:income | income | time").layout(data, "b")
    assert layout.names == ("constant[a]", "constant[c]", "price:income", "income[a]", "income[c]",
                            "time[a]", "time[b]", "time[c]")  # fmt: skip
    second = layout.design(data)[:, :, 1]
    expected = [[1, 0, 0], [0, 0, 1], [60, 100, 120], [20, 0, 0], [0, 0, 20], [3, 0, 0], [0, 2, 0], [0, 0, 1]]
    np.testing.assert_array_equal(second, expected)


def test_what_is_not_available_is_blank(data):
    there = np.array([[True, False, True], [True, True, True]])
    missing = ChoiceData(data.alternatives, data.attributes, data.characteristics, there)
    layout = ChoiceTerms.parse("log(price)").layout(missing, "a")
    np.testing.assert_array_equal(layout.design(missing)[:, 1, 0], 0)
    np.testing.assert_allclose(layout.design(missing)[-1, :, 1], np.log([3, 5, 6]))


@pytest.mark.parametrize("formula", ["price", "log(price) + price:income", "price:price + price:time | income | price"])
def test_slopes_are_the_derivatives_of_the_design(data, formula):
    layout, h = ChoiceTerms.parse(formula).layout(data, "a"), 1e-6
    up = data.changed("price", data.attributes["price"] + h)
    down = data.changed("price", data.attributes["price"] - h)
    numerical = (layout.design(up) - layout.design(down)) / (2 * h)
    np.testing.assert_allclose(layout.slopes(data, "price"), numerical, atol=1e-7)


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"price": "each"}, "term 'price' has the coefficient 'each'; write generic .* or alternative"),
        ({"price": "generic", "constants": "yes"}, "constants is 'yes'; write true or false"),
        ("a | b | c | d", "is not of the form"),
        ("choice ~ price", "without the choice"),
        ("| 0", "the utility has no term"),
        ("price + price", "named twice among the terms: price"),
        ("price:", "is not a product of columns"),
    ],
)
def test_what_is_no_utility(terms, message):
    with pytest.raises(ChoiceError, match=message):
        ChoiceTerms.parse(terms)


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("income", r"'income' is the same for all alternatives.*write income: alternative, or .* price:income"),
        ("cost", "no attribute or characteristic 'cost'; it has price, time, income"),
        ("log(time) + nothing", "'nothing'"),
    ],
)
def test_what_the_data_do_not_have(data, formula, message):
    with pytest.raises(ChoiceError, match=message):
        ChoiceTerms.parse(formula).layout(data, "a")


def test_a_generic_coefficient_of_the_customer_is_not_identified(data):
    with pytest.raises(NotIdentifiedError) as told:
        ChoiceTerms.parse("income").layout(data, "a")
    assert told.value.columns == ("income",)


def test_logarithms_are_of_positive_numbers(data):
    negative = data.changed("price", data.attributes["price"] - 1)
    with pytest.raises(ChoiceError, match=r"log\(price\) of 1 values that are not positive"):
        ChoiceTerms.parse("log(price)").layout(negative, "a").design(negative)


def test_the_reference_is_one_of_the_alternatives(data):
    with pytest.raises(ChoiceError, match="reference 'd' is none of the alternatives; they are a, b, c"):
        ChoiceTerms.parse("price").layout(data, "d")
