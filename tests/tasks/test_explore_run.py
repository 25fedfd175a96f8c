"""Explore as a user meets it: orders of one's own in a file, what the terminal says, what is kept, what is refused."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from .test_explore import make_lines, make_people


def overrides(path, *more):
    return [
        "task=explore",
        "data=csv",
        f"data.path={path}",
        "data.table=transactions",
        "evaluation.resamples=100",
        *more,
    ]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explore")
    make_lines().drop(columns="product_id").to_csv(folder / "lines.csv", index=False)
    make_people().to_csv(folder / "people.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def ran(home, cxai):
    done = cxai("run", *overrides(home / "lines.csv"), cwd=home)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_run_says_what_was_learned_and_names_no_model(ran):
    assert "explore · csv · customer_base  " in ran
    assert "The top 10 % of 60 customers bring" in " ".join(ran.split())
    assert "described  60 rows of 60 customers" in ran
    assert "Gini coefficient of revenue over customers: 0." in ran
    for word in ("trained on", "held out", "baseline", "list models", "nan"):
        assert word not in ran


def test_what_it_keeps_has_tables_and_pictures_and_no_model(ran, home):
    (report,) = home.rglob("report.html")
    kept = report.parent
    assert {"lorenz.png", "comings.png", "basket_values.png"} <= {one.name for one in (kept / "figures").iterdir()}
    scores = pd.read_parquet(kept / "scores" / "train.parquet")
    assert list(scores) == ["customer_id", "revenue", "orders"]
    text = report.read_text(encoding="utf-8")
    assert "given by hand" not in text
    assert ">nan<" not in text.lower()
    facts = json.loads((kept / "report.json").read_text(encoding="utf-8"))
    assert facts["metrics"] == {"train": []}


@pytest.mark.parametrize(
    ("change", "more", "told"),
    [
        ({"customer_id": 1}, (), "1 customer in transactions: a base needs at least two"),
        (
            {"revenue": -1.0},
            (),
            "960 of 960 rows are below 0, such as `-1.0`; to leave them out: data.where.revenue={ge: 0}",
        ),
        ({}, ("task.by=regoin",), "no such column of the customers"),
        ({}, ("features.lost_after=7",), "a whole number of at least 31 or null"),
    ],
    ids=["one customer", "returns", "an unknown segment", "lost within a week"],
)
def test_what_cannot_be_looked_at_is_refused_in_words(change, more, told, home, cxai):
    path = home / "odd.csv"
    make_lines().drop(columns="product_id").assign(**change).to_csv(path, index=False)
    done = cxai("run", *overrides(path, *more), cwd=home)
    assert done.returncode == 2, done.stdout
    assert told in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_a_small_segment_is_looked_at_and_said_to_be_small(home, cxai):
    words = [one for one in overrides(home / "people.csv", "task.by=region", "--json") if "transactions" not in one]
    done = cxai("run", *words, "data.table=customers", cwd=home)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert any("Segment south of region has 10 customers only" in one for one in told["caveats"])
