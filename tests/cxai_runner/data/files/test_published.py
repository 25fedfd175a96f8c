"""Published files are read as they are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from cxai_runner.data import OneFile, Tables


@pytest.mark.reference
def test_cdnow_as_published(shared_data: Callable[[str], Path]) -> None:
    source = OneFile(
        path=str(shared_data("cdnow") / "CDNOW_sample.txt"),
        table="transactions",
        format="fixed",
        header=["customer_id", "sample_id", "timestamp", "quantity", "revenue"],
        dates="%Y%m%d",
    )
    found = source.open()["transactions"].execute()
    assert len(found) == 6919
    assert found["customer_id"].nunique() == 2357
    assert (found["timestamp"].min(), found["timestamp"].max()) == (datetime(1997, 1, 1), datetime(1998, 6, 30))
    assert found.iloc[0].tolist() == ["00004", "0001", datetime(1997, 1, 1), 2, 29.33]


@pytest.mark.reference
@pytest.mark.parametrize(
    ("place", "keys", "columns", "count"),
    [
        ("lastfm_asia/lastfm_asia_edges.csv", {"header": ["one", "other"]}, {"one": "int64", "other": "int64"}, 27_806),
        ("audiobooks/audiobooks.csv", {"header": False}, {"column0": "int64", "column3": "float64"}, 14_084),
        ("telco_churn/telco_churn.csv", {}, {"churn": "string", "total_charges": "float64"}, 7_043),
        ("movielens_100k/ml-100k.inter", {}, {"user_id:token": "int64", "timestamp:float": "int64"}, 100_000),
        ("movielens_100k/ml-100k.item", {}, {"movie_title:token_seq": "string"}, 1_682),
        ("movielens_100k/ml-100k.user", {}, {"zip_code:token": "string", "gender:token": "string"}, 943),
        ("hillstrom/hillstrom.csv", {}, {"zip_code": "string", "spend": "float64"}, 64_000),
    ],
)
def test_published_files_as_they_are(
    shared_data: Callable[[str], Path], place: str, keys: dict[str, Any], columns: dict[str, str], count: int
) -> None:
    tables: Tables = OneFile(
        path=str(shared_data(place.partition("/")[0]).parent / place), table="customers", **keys
    ).open()
    assert tables.rows("customers") == count
    schema = tables.schema("customers")
    assert {name: schema[name] for name in columns} == columns
