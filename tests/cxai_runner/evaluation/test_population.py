"""The population stability index against numbers worked out by hand, and against chance."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxai_runner.evaluation.population import Comparison, Moved, Spread, read, stability_index, written
from cxai_runner.tracking.pseudonyms import Privacy

OPEN = Privacy().values


def compared(before: pd.DataFrame, now: pd.DataFrame, privacy: Privacy | None = None) -> dict[str, Moved]:
    hide = (privacy or Privacy()).values
    kept = json.loads(json.dumps(written(before, before.iloc[:, :0], hide)))
    comparison = Comparison(read(kept), hide)
    for chunk in np.array_split(now.index.to_numpy(), 3):
        comparison.take("input", now.loc[chunk])
    return {one.name: one for one in comparison.moved(0.1, 0.25)}


def test_the_index_by_hand() -> None:
    psi, _, most = stability_index(np.array([50, 50]), np.array([80, 20]))
    p, q = np.array([80.5, 20.5]) / 101, np.array([50.5, 50.5]) / 101
    assert psi == pytest.approx(float(((p - q) * np.log(p / q)).sum()), rel=1e-12)
    many = stability_index(np.array([50, 50]) * 10**7, np.array([80, 20]) * 10**7)[0]
    assert many == pytest.approx(0.3 * np.log(1.6) - 0.3 * np.log(0.4), rel=1e-6), "the half row is lost among many"
    assert most == 1, "a share that falls to two fifths moves more than one that grows by three"


def test_an_empty_bin_gives_a_finite_index() -> None:
    psi, _, most = stability_index(np.array([50, 50, 0]), np.array([50, 0, 50]))
    assert np.isfinite(psi)
    assert psi > 1
    assert most in {1, 2}


@pytest.mark.parametrize("rows", [200, 5000])
def test_where_nothing_moved_one_in_twenty_is_beyond_chance(rows: int) -> None:
    rng = np.random.default_rng(11)
    shares = np.full(10, 0.1)
    found = [stability_index(rng.multinomial(2000, shares), rng.multinomial(rows, shares))[:2] for _ in range(2000)]
    beyond = np.mean([psi > chance for psi, chance in found])
    assert beyond == pytest.approx(0.05, abs=0.02)


def test_numbers_lie_between_the_tenths_of_the_training_rows() -> None:
    spread = Spread.of(pd.Series(np.arange(100.0)))
    assert spread.counts == (10,) * 10 + (0,)
    now = spread.count(pd.Series([-5.0, 0.0, 99.0, 1e9, np.nan, np.inf]))
    assert now.tolist() == [2, 0, 0, 0, 0, 0, 0, 0, 0, 3, 1]
    assert spread.label(0) == "value ≤ 9"
    assert spread.label(9) == "89 < value"
    assert spread.label(10) == "missing"


@pytest.mark.parametrize(
    ("values", "counts"),
    [([0, 0, 0, 1], (3, 1, 0)), ([1, 1, 1, 1], (4, 0)), ([True, False, False, False], (3, 1, 0)), ([], (0, 0))],
)
def test_few_values_make_few_bins(values: list[Any], counts: tuple[int, ...]) -> None:
    assert Spread.of(pd.Series(values, dtype="float64" if not values else None)).counts == counts


def test_texts_are_counted_by_value_and_the_rare_ones_together() -> None:
    column = pd.Series([f"v{number:02}" for number in range(30) for _ in range(31 - number)] + [None])
    spread = Spread.of(column)
    assert len(spread.values) == 20
    assert spread.values[0] == "v00"
    assert sum(spread.counts) == len(column)
    assert spread.counts[-1] == 1
    now = pd.Series(["v00", "v29", "new", None])
    assert spread.count(now).tolist() == [1, *[0] * 19, 2, 1]
    assert spread.unseen(now).tolist() == [False, False, True, False]


def test_too_many_texts_to_keep_say_of_none_that_it_was_never_seen() -> None:
    spread = Spread.of(pd.Series([f"v{number}" for number in range(1500)]))
    assert spread.others is None
    assert not spread.unseen(pd.Series(["new"])).any()
    assert Spread.from_plain(json.loads(json.dumps(spread.plain()))).others is None


def test_what_moved_is_told_with_the_bin_that_moved_most() -> None:
    rng = np.random.default_rng(2)
    before = pd.DataFrame({"price": rng.normal(2, 0.5, 5000), "visits": rng.poisson(5, 5000)})
    now = pd.DataFrame({"price": rng.normal(2.6, 0.5, 3000), "visits": rng.poisson(5, 3000)})
    now.loc[:299, "price"] = np.nan
    found = compared(before, now)
    assert found["price"].verdict == "shifted"
    assert found["price"].rows == 3000
    assert (found["price"].missing_before, found["price"].missing) == (0.0, 0.1)
    assert " → " in found["price"].most
    assert found["visits"].verdict == "stable"
    assert found["visits"].psi <= found["visits"].chance * 2


def test_few_rows_cannot_tell() -> None:
    rng = np.random.default_rng(5)
    before = pd.DataFrame({"price": rng.normal(size=5000)})
    assert compared(before, pd.DataFrame({"price": rng.normal(size=60)}))["price"].verdict == "too few rows"
    elsewhere = pd.DataFrame({"price": rng.normal(5, 1, size=60)})
    assert compared(before, elsewhere)["price"].verdict == "shifted", "what chance does not explain is told of few too"


def test_texts_are_kept_as_keyed_hashes_where_customers_are_hidden() -> None:
    before = pd.DataFrame({"town": ["Ghent"] * 60 + ["Bruges"] * 40, "price": range(100)})
    hidden = Privacy(True, "a long enough key")
    kept = json.dumps(written(before, before[["price"]], hidden.values))
    assert "Ghent" not in kept
    assert '"edges"' in kept
    same = compared(before, before, hidden)
    assert same["town"].psi == pytest.approx(0, abs=1e-12)
    assert Spread.of(hidden.values(before["town"])).unseen(hidden.values(pd.Series(["Ghent", "Lier"]))).tolist() == [
        False,
        True,
    ]


def test_the_share_of_each_label_is_told_beside_that_of_training() -> None:
    trained = pd.DataFrame({"segment": ["0"] * 600 + ["1"] * 400, "other": np.arange(1000.0)})
    plain = written(trained[["other"]], trained, OPEN)
    comparison = Comparison(read(plain), OPEN)
    comparison.take("score", pd.DataFrame({"segment": ["0"] * 300 + ["1"] * 600 + ["2"] * 100}))
    first, second, third = comparison.shares()
    assert (first.label, first.rows_before, first.rows, first.moved) == ("0", 600, 300, "fewer")
    assert (second.label, second.now.value, second.moved) == ("1", 0.6, "more")
    assert (third.label, third.rows_before, third.rows) == ("other values", 0, 100)
    # Wilson's interval of 600 of 1,000, by hand.
    assert second.now.low == pytest.approx(0.5693, abs=1e-4)
    assert second.now.high == pytest.approx(0.6299, abs=1e-4)


def test_a_date_is_spread_like_a_number_and_a_later_one_is_no_news() -> None:
    days = pd.Series(pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(200), unit="D"))
    kept = Spread.from_plain(json.loads(json.dumps(Spread.of(days).plain())))
    assert kept.counts == (20,) * 10 + (0,)
    assert kept.label(0) == "value ≤ 2024-01-20"
    later = days + pd.Timedelta(days=400)
    assert not kept.unseen(later).any()
    assert kept.count(later.where(later.index > 9)).tolist() == [0] * 9 + [190, 10]
    moved = compared(days.to_frame("since"), later.to_frame("since"))["since"]
    assert moved.verdict == "shifted"
    assert moved.most.startswith("2024-06-28 < value")


def test_lists_are_compared_by_how_long_they_are_or_by_the_newest_of_their_numbers() -> None:
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 30, 2000)
    lists = pd.DataFrame({"items": [json.dumps(["x"] * n) for n in lengths], "days": ["[9,3.5]", "[]"] * 1000})
    hide = Privacy(True, "secret").values
    plain = json.loads(json.dumps(written(lists, pd.DataFrame(), hide, ("items", "days"))))
    spreads = read(plain)
    assert spreads["input", "items"].listed == "length"
    assert spreads["input", "items"].counts == Spread.of(pd.Series(lengths)).counts
    assert spreads["input", "days"].counts == (1000, 1000), "the newest is 3.5; of the empty ones there is none"
    alike, longer = Comparison(spreads, hide), Comparison(spreads, hide)
    # Other texts of the same lengths are no other population, though no list of them was seen before.
    alike.take("input", lists.assign(items=[json.dumps(["y"] * n) for n in rng.permutation(lengths)]))
    longer.take("input", lists.assign(items=[json.dumps(["x"] * (n + 15)) for n in lengths]))
    assert {one.name: one.verdict for one in alike.moved(0.1, 0.25)} == {"items": "stable", "days": "stable"}
    found = {one.name: one for one in longer.moved(0.1, 0.25)}
    assert found["items"].verdict == "shifted"
    assert "< length" in found["items"].most
