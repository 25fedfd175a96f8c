from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxai_runner.evaluation.results import Estimate, Interval, Metric
from cxai_runner.tracking.quiet import import_mlflow
from cxai_runner.tracking.record import (
    KEY_LENGTH,
    PARAM_LENGTH,
    Record,
    finite,
    flatten_metrics,
    metric_key,
    param_texts,
    short_digest,
    tag_texts,
)

import_mlflow()  # before hypothesis watches the clock

NAN = math.nan


def test_metrics_are_named_by_part_and_beside_the_baseline() -> None:
    measured = Metric(
        "log_loss", "log loss", Interval(0.5, 0.4, 0.6), "lower", Interval(0.7, 0.6, 0.8), Interval(-0.2, -0.3, -0.1)
    )
    train = Metric("log_loss", "log loss", Interval(0.45, NAN, NAN), "lower", Interval(0.7, 0.6, 0.8))
    flat = flatten_metrics(
        {"train": [train], "held_out": [measured]},
        [Estimate("elasticity", "elasticity", Interval(-1.4, -1.6, -1.2))],
        {"fit": 0.2},
        {"fit": 312.0},
    )
    assert next(iter(flat)) == "held_out/log_loss"
    assert flat == {
        "held_out/log_loss": 0.5,
        "held_out/log_loss_low": 0.4,
        "held_out/log_loss_high": 0.6,
        "baseline/log_loss": 0.7,
        "baseline/log_loss_low": 0.6,
        "baseline/log_loss_high": 0.8,
        "difference/log_loss": -0.2,
        "difference/log_loss_low": -0.3,
        "difference/log_loss_high": -0.1,
        "train/log_loss": 0.45,
        "train/baseline/log_loss": 0.7,
        "train/baseline/log_loss_low": 0.6,
        "train/baseline/log_loss_high": 0.8,
        "estimate/elasticity": -1.4,
        "estimate/elasticity_low": -1.6,
        "estimate/elasticity_high": -1.2,
        "seconds/fit": 0.2,
        "peak_memory_mb/fit": 312.0,
    }


def test_metrics_that_are_not_finite_are_named() -> None:
    assert finite({"a": 1.0, "b": NAN, "c": math.inf, "d": -math.inf}) == ({"a": 1.0}, ["b", "c", "d"])


def test_params_read_as_in_yaml() -> None:
    params = {"none": None, "empty": "", "yes": True, "n": 3, "x": 0.1, "list": ["a", 1], "map": {"ä": None}}
    assert param_texts(params) == {
        "none": "null",
        "empty": "''",
        "yes": "true",
        "n": "3",
        "x": "0.1",
        "list": '["a", 1]',
        "map": '{"ä": null}',
    }


def test_a_long_param_is_replaced_by_its_hash_and_never_cut() -> None:
    one, other = "x" * PARAM_LENGTH + "1", "x" * PARAM_LENGTH + "2"
    texts = param_texts({"whole": "x" * PARAM_LENGTH, "one": one, "other": other})
    assert texts["whole"] == "x" * PARAM_LENGTH
    assert texts["one"] != texts["other"]
    assert texts["one"].startswith("sha256:")
    assert texts["one"].endswith("(see config.yaml)")


def test_a_long_tag_is_kept_in_full_beside() -> None:
    texts, long = tag_texts({"short": "a", "long": "y" * 9000})
    assert texts["short"] == "a"
    assert texts["long"].endswith("(see long_tags.json)")
    assert long == {"long": "y" * 9000}


@given(st.text(min_size=1, max_size=400))
def test_mlflow_takes_every_key(name: str) -> None:
    from mlflow.utils.validation import _validate_metric_name, _validate_param_name, _validate_tag_name

    key = metric_key(name)
    assert len(key) <= KEY_LENGTH
    _validate_metric_name(key)
    _validate_param_name(key)
    _validate_tag_name(key)
    assert metric_key(key) == key


def test_keys_that_become_equal_stay_apart() -> None:
    texts = param_texts({"a:b": 1, "a?b": 2, "a_b": 3})
    assert sorted(texts.values()) == ["1", "2", "3"]


def test_a_digest_fits() -> None:
    assert short_digest("md5:1") == "md5:1"
    assert len(short_digest("sum-blake2b:" + "ab" * 32)) == 32
    assert short_digest("a" * 40) != short_digest("a" * 39 + "b")


@pytest.mark.parametrize(
    ("record", "missing"),
    [
        (Record(), ["config.yaml", "overrides.yaml", "environment.txt", "report.json", "report.html"]),
        (Record(html=""), ["config.yaml", "overrides.yaml", "environment.txt", "report.json"]),
    ],
)
def test_what_a_level_names_is_missed(record: Record, missing: list[str]) -> None:
    assert record.missing("full") == missing
    assert "report.html" not in record.missing("child")
