"""Columns of any type become numbers by what the training rows say, and new rows have a stated place."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxai_runner.methods.conversion.preparation import Preparation


@pytest.fixture
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    n = 400
    return pd.DataFrame(
        {
            "visits": rng.poisson(3, n),
            "spend": np.where(np.arange(n) < 40, np.nan, rng.lognormal(3, 1.5, n)),
            "region": np.where(np.arange(n) % 5 == 0, "south", "north").astype(object),
            "code": [f"c{i % 3}" if i > 5 else f"rare{i}" for i in range(n)],
            "since": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, n), unit="D"),
            "member": rng.uniform(size=n) < 0.5,
            "same": 4,
            "empty": np.full(n, np.nan),
            "id_like": [f"u{i}" for i in range(n)],
        }
    )


def test_numbers_are_centred_scaled_and_straightened(frame):
    made = Preparation().fit(frame)
    X = pd.DataFrame(made.transform(frame), columns=made.get_feature_names_out())
    for name in ("visits", "since", "member"):
        assert X[name].mean() == pytest.approx(0, abs=1e-9)
        assert X[name].std(ddof=0) == pytest.approx(1)
    unit = next(one for one in made.columns_ if one["name"] == "spend")["unit"]
    filled = frame["spend"].fillna(frame["spend"].median())
    assert unit == pytest.approx(filled.median())
    straight = np.log1p(filled / unit)
    np.testing.assert_allclose(X["spend"], (straight - straight.mean()) / straight.std(ddof=0), atol=1e-9)
    assert list(X["spend missing"]) == list(frame["spend"].isna().astype(float))
    assert np.allclose(Preparation(skewed="keep").fit_transform(frame[["visits"]])[:, 0], X["visits"])


def test_what_says_nothing_is_left_out_with_the_reason(frame):
    made = Preparation().fit(frame)
    assert made.dropped_ == {
        "same": "has one value in training",
        "empty": "has no value in training",
        "id_like": "has 400 values, each on fewer than 10 rows: no levels to learn from",
    }
    told = dict(zip(made.said()["column"], made.said()["taken_as"], strict=True))
    assert told["code"] == "3 levels, 6 rare values as other"
    assert told["same"] == "not used: has one value in training"
    with pytest.raises(ValueError, match="no column can be used: same has one value in training"):
        Preparation().fit(frame[["same"]])


def test_an_unseen_level_counts_as_rare_ones_or_as_the_average(frame):
    made = Preparation().fit(frame)
    names = list(made.get_feature_names_out())
    new = frame.head(2).assign(region=["east", None], code=["c9", "c1"])
    X = pd.DataFrame(made.transform(new), columns=names)
    assert X.loc[0, ["region[north]", "region[south]"]].tolist() == pytest.approx([0.8, 0.2])
    assert X.loc[0, ["code[other]", "code[c0]", "code[c1]", "code[c2]"]].tolist() == [1, 0, 0, 0]
    assert X.loc[1, ["code[other]", "code[c0]", "code[c1]", "code[c2]"]].tolist() == [0, 0, 1, 0]
    assert np.isfinite(X.to_numpy()).all()


def test_codes_stand_last_and_know_how_many_they_are(frame):
    made = Preparation(encode="codes").fit(frame)
    assert list(made.get_feature_names_out()[-2:]) == ["region", "code"]
    assert made.cardinalities_ == [3, 4]
    X = made.transform(frame.assign(region="east"))
    assert set(X[:, -2]) == {0}
    assert set(X[:, -1]) == {0, 1, 2, 3}


def test_ten_thousand_categories_keep_the_most_frequent():
    values = pd.Series([f"v{i}" for i in range(10_000)] + ["often"] * 60 + ["also"] * 30, name="sku").astype(object)
    made = Preparation(levels=1).fit(values.to_frame())
    assert made.columns_[0]["levels"] == ["often"]
    assert list(made.get_feature_names_out()) == ["sku[other]", "sku[often]"]
    assert made.said().loc[0, "taken_as"] == "1 level, 10,001 rare values as other"


def test_new_rows_that_are_no_such_columns_are_refused(frame):
    made = Preparation().fit(frame)
    with pytest.raises(ValueError, match="columns are missing that the model takes: visits"):
        made.transform(frame.drop(columns="visits"))
    with pytest.raises(ValueError, match="visits holds texts or dates, and held numbers in training"):
        made.transform(frame.assign(visits="many"))
    with pytest.raises(ValueError, match="visits holds infinite values"):
        made.transform(frame.assign(visits=np.inf))


def test_a_row_comes_to_the_same_alone(frame):
    made = Preparation().fit(frame)
    np.testing.assert_array_equal(made.transform(frame.iloc[[7]])[0], made.transform(frame)[7])
