"""Factors with features: the loss that is written is the loss that is made small, and features carry what they know."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxai_runner.methods.recommend import FeatureFactorisation, Interactions, Popularity
from cxai_runner.methods.recommend.lists import text

KINDS, EACH = 3, 15


def shop(customers=240, seed=0, count=(2, 9), told=True):
    """Customers of three kinds who buy mostly items of their kind; each knows a word for it."""
    rng = np.random.default_rng(seed)
    rows = []
    for customer in range(customers):
        kind = customer % KINDS
        chance = np.where(np.arange(KINDS * EACH) % KINDS == kind, 15.0, 1.0)
        bought = rng.choice(KINDS * EACH, rng.integers(*count), p=chance / chance.sum())
        rows.append({"items": text([f"i{one}" for one in bought]), "town": "abc"[kind] if told else None})
    return pd.DataFrame(rows)


def things():
    return pd.DataFrame({"item_id": [f"i{one}" for one in range(KINDS * EACH)], "sort": list("xyz") * EACH})


def model(**given):
    return FeatureFactorisation(**{"factors": 4, "rare": 1, "random_state": 0, "regularisation": 0.02, **given})


def by_the_book(fitted, frame, attributes, features):
    """The loss over every pair of customer and item, as it is written, and its slopes by all that was fitted."""
    several = Interactions.of(frame, fitted.catalogue)
    count = several.matrix().toarray().astype(float)
    seen, target = count > 0, np.log2(1 + count) if fitted.weighted else (count > 0).astype(float)
    n, m = count.shape
    p, q, B, G = fitted._factors(several), fitted.item_factors_, fitted.attribute_factors_, fitted.feature_factors_
    own = fitted.regularisation * (seen.sum(axis=1) + fitted.unobserved * m)
    its = fitted.regularisation * (seen.sum(axis=0) + fitted.unobserved * n)
    score = p @ q.T
    apart, away = p - attributes @ B, q - features @ G
    value = (
        ((target - score)[seen] ** 2).sum()
        + fitted.unobserved * (score**2).sum()
        + own @ (apart**2).sum(axis=1)
        + its @ (away**2).sum(axis=1)
        + fitted.shrinkage * (own.mean() * (B**2).sum() + its.mean() * (G**2).sum())
    )
    slope = 2 * (seen * (score - target) + fitted.unobserved * score)
    slopes = {
        "customers": slope @ q + 2 * own[:, None] * apart,
        "items": slope.T @ p + 2 * its[:, None] * away,
        "attributes": -2 * attributes.T @ (own[:, None] * apart) + 2 * fitted.shrinkage * own.mean() * B,
        "features": -2 * features.T @ (its[:, None] * away) + 2 * fitted.shrinkage * its.mean() * G,
    }
    return value, slopes


def levels(values):
    return pd.get_dummies(pd.Series(list(values))).to_numpy(dtype=float)


@pytest.mark.parametrize("weighted", [True, False])
def test_ends_where_the_loss_is_flat_in_everything(weighted):
    frame, items = shop(60), things()
    fitted = model(weighted=weighted, factors=2, iterations=500).fit(frame, items=items)
    sorts = items.set_index("item_id")["sort"].reindex(fitted.items_)
    value, slopes = by_the_book(fitted, frame, levels(frame["town"]), levels(sorts))
    assert value == pytest.approx(fitted.losses_[-1], rel=1e-6)
    for name, slope in slopes.items():
        assert np.abs(slope).max() < 1e-4, name


def test_the_loss_never_rises():
    losses = model(iterations=60).fit(shop(), items=things()).losses_
    assert (np.diff(losses) <= 1e-9 * losses[0]).all()
    assert losses[-1] < 0.99 * losses[0]


def test_without_features_it_is_plain_alternating_least_squares():
    """The same steps from the same start, every pair of customer and item written out."""
    frame = shop()
    fitted = model(weighted=False, attributes=[], features=[], iterations=25).fit(frame, items=things())
    seen = Interactions.of(frame, fitted.catalogue).bought.toarray().astype(float)
    q = np.random.default_rng(0).normal(0, 1 / 2, (seen.shape[1], 4))

    def solved(seen, other):
        rows = []
        for row in seen:
            weight = row + 0.3
            penalty = 0.02 * (row.sum() + 0.3 * len(row))
            rows.append(np.linalg.solve((other * weight[:, None]).T @ other + penalty * np.eye(4), other.T @ row))
        return np.array(rows)

    for _ in range(25):
        p = solved(seen, q)
        q = solved(seen.T, p)
    np.testing.assert_allclose(fitted.item_factors_, q, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(
        fitted._score(Interactions.of(frame, fitted.catalogue)), solved(seen, q) @ q.T, atol=1e-5
    )


def right(names, kinds):
    """Share of listed items that are of the customer's kind."""
    return np.mean([[int(one[1:]) % KINDS == kind for one in row] for row, kind in zip(names, kinds, strict=True)])


def test_attributes_help_who_bought_little():
    """Of customers who are not known but for one purchase, of anything: their town tells what they want."""
    frame, asked = shop(600), shop(300, seed=1, count=(1, 2))
    names = {}
    for attributes in (["town"], []):
        fitted = model(attributes=attributes, regularisation=0.1).fit(frame)
        names[len(attributes)] = fitted.ranked(asked, k=5, repeats=False).named(fitted.catalogue)
    kinds = np.arange(300) % KINDS
    assert right(names[1], kinds) > 0.97
    assert right(names[1], kinds) > right(names[0], kinds) + 0.05


def test_items_that_nobody_bought_are_recommended_by_what_is_known_of_them():
    """A third of the items is new: popularity has no say about them, features do."""
    new = {f"i{one}" for one in range(30, 45)}
    frame = shop(600)
    frame["items"] = [text([one for one in row.strip('[]"').split('","') if one not in new]) for row in frame["items"]]
    frame = frame[frame["items"] != "[]"].reset_index(drop=True)
    items = things()
    kinds = frame["town"].map({"a": 0, "b": 1, "c": 2})
    fitted = model(cold=True, attributes=[]).fit(frame, items=items)
    assert set(fitted.items_[30:]) == new
    assert (fitted.bought_by_[30:] == 0).all()
    scores = fitted._score(Interactions.of(frame, fitted.catalogue))[:, 30:]
    best = np.array(fitted.items_[30:], dtype=object)[np.argsort(-scores, axis=1)[:, :5]]
    assert right(best, kinds) > 0.85
    assert fitted.item_factors_[30:].std(axis=0).max() > 0
    popular = Popularity().fit(frame)
    assert not new & set(popular.items_)
    # Who likes a kind gets its new items before the old ones of other kinds.
    listed = fitted.ranked(frame, k=15, repeats=True).named(fitted.catalogue)
    assert right(listed, kinds) > right(popular.ranked(frame, k=15).named(popular.catalogue), kinds) + 0.3
    assert np.mean([bool(new & set(row)) for row in listed]) > 0.9


def test_without_cold_the_catalogue_is_what_was_bought():
    items = pd.concat([things(), pd.DataFrame({"item_id": ["new"], "sort": ["x"]})])
    assert "new" not in model().fit(shop(), items=items).items_
    assert "new" in model(cold=True).fit(shop(), items=items).items_


def test_how_often_something_was_bought_counts_where_it_shall():
    frame = pd.DataFrame({"items": ['["a","a","a","a","b"]', '["a","b"]', '["a","b","c"]', '["c"]']})
    often = model(factors=2, iterations=50).fit(frame)
    once = model(factors=2, iterations=50, weighted=False).fit(frame)
    one = frame.head(1)
    apart = [abs(np.diff(fitted.ranked(one, k=2).scores[0])[0]) for fitted in (often, once)]
    assert often.predict(one)["item_1"].tolist() == ["a"]
    assert apart[0] > 3 * apart[1]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"factors": 0}, "factors: 1 or more, not 0"),
        ({"iterations": 0}, "iterations: 1 or more"),
        ({"regularisation": 0}, "regularisation: more than 0"),
        ({"unobserved": -1}, "unobserved: more than 0"),
        ({"shrinkage": 0}, "shrinkage: more than 0"),
        ({"attributes": ["country"]}, "attributes: no column country; there are: town"),
        ({"features": ["price"]}, "features: no column price; there are: sort"),
    ],
)
def test_what_cannot_be_is_named(given, message):
    with pytest.raises(ValueError, match=message):
        model(**given).fit(shop(20), items=things())
