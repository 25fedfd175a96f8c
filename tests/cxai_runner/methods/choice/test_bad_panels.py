"""Panels that no model of choice can be fitted to: each of the four says what is wrong, about what, and what to do."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone

from cxai_runner.methods.choice import (
    ConditionalLogit,
    LatentClassLogit,
    MixedLogit,
    NestedLogit,
    NotIdentifiedError,
)

MODELS = [
    ConditionalLogit(),
    NestedLogit(nests={"bc": ["b", "c"]}),
    LatentClassLogit(n_init=2, random_state=0),
    MixedLogit(random={"price": "normal"}, n_draws=20),
]
BRANDS = "abc"


def told(X, y):
    """A column that is one for the brand that was bought."""
    return X.assign(**{f"told_{b}": (y == b).astype(float) for b in BRANDS}), y


def never_chosen(X, y):
    return X, np.where(y == "c", "a", y)


def never_available(X, y):
    keep = y != "c"
    return X.assign(**{f"there_{b}": float(b != "c") for b in BRANDS})[keep], y[keep]


def one_price(X, y):
    return X.assign(**{f"price_{b}": 1.99 for b in BRANDS}), y


def one_price_each(X, y):
    return X.assign(price_a=0.99, price_b=1.99, price_c=2.49), y


def twice_the_price(X, y):
    return X.assign(**{f"dollars_{b}": 1.1 * X[f"price_{b}"] for b in BRANDS}), y


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
@pytest.mark.parametrize(
    ("panel", "options", "columns", "message"),
    [
        (told, {"terms": "price + told"}, {"told"}, r"perfectly separated by told.*; leave the term out, merge"),
        (never_chosen, {}, {"c"}, r"'c' is never chosen, so its constant .*; leave the alternative out, merge it"),
        (never_available, {"availability": "there"}, {"c"}, "'c' is never available; leave it out"),
        (one_price, {}, {"price"}, "the same for all alternatives at every occasion: price; .*leave it out"),
        (
            one_price_each,
            {},
            {"price", "constant[b]", "constant[c]"},
            "price has one value for each alternative.*; leave price out, or set constants to false",
        ),
        (
            twice_the_price,
            {"terms": "price + dollars"},
            {"price", "dollars"},
            "collinear columns, .*: price, dollars; leave one of them out",
        ),
    ],
)
def test_what_is_wrong_is_said_by_every_model(brands, model, panel, options, columns, message):
    X, y, who = brands
    X, y = panel(X, y)
    with pytest.raises(NotIdentifiedError, match=message) as caught:
        clone(model).set_params(**options).fit(X, y, groups=who[X.index])
    assert set(caught.value.columns) == columns
