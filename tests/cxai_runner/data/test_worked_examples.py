"""The worked examples of dirty files, on the files that they are about: what enters, what does not, and why."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from cxai_runner.data import FileSource, Tables
from cxai_runner.data.dataset import Dropped
from cxai_runner.data.quality.assessment import assess
from cxai_runner.data.quality.contracts import broken, unmet
from cxai_runner.data.quality.facts import Quality
from cxai_runner.evaluation.splits import Part
from cxai_runner.features.customer_profile import CustomerProfile

EXAMPLES = Path(__file__).parents[3] / "examples"
FOLDERS = {"online_retail": "online_retail_2009", "retail_orders": "retail_orders", "cdnow": "cdnow"}

pytestmark = pytest.mark.reference

Call = Callable[..., "subprocess.CompletedProcess[str]"]


def tables(name: str, root: Path) -> Tables:
    config = OmegaConf.load(EXAMPLES / name / "data" / f"{name}.yaml")
    config.root = str(root)
    settings = OmegaConf.to_container(config, resolve=True)
    assert isinstance(settings, dict)
    settings.pop("_target_")
    return FileSource(**settings).open()  # type: ignore[arg-type]


@pytest.fixture
def opened(shared_data: Callable[[str], Path]) -> Callable[[str], Tables]:
    """Open an example's tables; what profiles need of them holds."""

    def opened(name: str) -> Tables:
        found, features = tables(name, shared_data(FOLDERS[name])), CustomerProfile()
        needs = features.needs()
        assert [*unmet(needs, found), *broken(needs, found), *features.problems(found)] == []
        return found

    return opened


def account(found: Tables) -> Quality:
    (one,) = assess(found, {"transactions": found.columns("transactions")})
    return one


def test_online_retail_says_whom_it_leaves_out(opened: Callable[[str], Tables]) -> None:
    found = opened("online_retail")
    quality = account(found)
    assert (quality.rows, quality.kept) == (525_461, 407_664)
    assert quality.dropped == (
        Dropped("transactions", "no customer", 107_927, 525_461),
        Dropped("transactions", "cancelled is True", 9_839, 525_461),
        Dropped("transactions", "Price is 0 or less", 31, 525_461),
    )
    columns = {column.name: column for column in quality.columns}
    assert columns["revenue"].own == "Quantity × Price"
    assert columns["cancelled"].frequent == "false"
    assert columns["Country"].frequent == "United Kingdom"
    assert {(one.column, one.rule): one.values for one in quality.changed} == {
        ("customer_id", "read as whole numbers"): 525_461 - 107_927,
        ("timestamp", "read as dates"): 525_461,
        ("product_id", "blanks around them taken away"): 1,
    }
    data = CustomerProfile().build(found, Part("train"), {"as_of": "2010-12-10"})
    assert len(data.frame) == 4_312
    assert data.frame["revenue"].sum() == pytest.approx(8_832_003.274, abs=0.005)


def test_retail_orders_has_no_header_and_american_dates(opened: Callable[[str], Tables]) -> None:
    found = opened("retail_orders")
    quality = account(found)
    assert (quality.rows, quality.kept, quality.dropped) == (51_243, 51_243, ())
    changed = {(one.column, one.rule): one.values for one in quality.changed}
    assert changed["timestamp", "read as dates written %m/%d/%Y"] == 51_243
    columns = {column.name: column for column in quality.columns}
    assert columns["customer_id"].distinct == 18_417
    assert columns["customer_id"].repeats
    assert columns["timestamp"].low == datetime(2005, 1, 2).isoformat()
    assert columns["timestamp"].high == datetime(2015, 12, 31).isoformat()
    data = CustomerProfile().build(found, Part("train"), {"as_of": "2016-01-01"})
    # Inactive for more than three years of 365 days, two to three, one to two, and less: as published.
    bands = [1095, 730, 365, 0]
    recency = data.frame["recency"]
    assert [int((recency > days).sum()) for days in bands] == [9158, 9158 + 1903, 9158 + 1903 + 119 + 901 + 938, 18_417]


def test_cdnow_stands_in_fixed_columns(opened: Callable[[str], Tables]) -> None:
    found = opened("cdnow")
    quality = account(found)
    assert (quality.rows, quality.kept, quality.dropped) == (6_919, 6_919, ())
    columns = {column.name: column for column in quality.columns}
    assert columns["customer_id"].distinct == 2_357
    assert columns["customer_id"].type == "text"
    assert (columns["timestamp"].low, columns["timestamp"].high) == ("1997-01-01T00:00:00", "1998-06-30T00:00:00")
    assert (columns["revenue"].low, columns["revenue"].high) == (0.0, 506.97)
    data = CustomerProfile().build(found, Part("train"), {"as_of": "1998-07-01"})
    assert data.frame["customer_id"].min() == "0001"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("online_retail", "dropped 107,927 (21 %): no customer"),
        ("retail_orders", "51,243 values of timestamp: read as dates written %m/%d/%Y"),
        ("cdnow", "6,919 values of timestamp: read as dates written %Y%m%d"),
    ],
)
def test_an_example_runs_and_its_page_tells_of_its_files(
    name: str, told: str, cxai: Call, shared_data: Callable[[str], Path], tmp_path: Path
) -> None:
    done = cxai(
        "run", "--config-dir", str(EXAMPLES / name), f"experiment={name}_segments",
        f"data.root={shared_data(FOLDERS[name])}", "task.resamples=2", "model.n_clusters=3", "--json",
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    run_id = json.loads(done.stdout)["run_id"]
    (kept,) = tmp_path.glob(f"mlruns/artifacts/*/{run_id}/artifacts")
    page = (kept / "data_quality.html").read_text(encoding="utf-8").replace("\u00a0", " ")
    assert told in page
    assert told in (kept / "report.html").read_text(encoding="utf-8").replace("\u00a0", " ")
    assert (kept / "tables" / "data_quality.csv").read_text().startswith("table,column,fact,value,of\n")
    assert json.loads((kept / "report.json").read_text())["quality"][0]["table"] == "transactions"


@pytest.mark.slow
def test_films_are_recommended_as_published_and_by_what_was_watched(
    cxai: Call, shared_data: Callable[[str], Path], tmp_path: Path
) -> None:
    """Popularity recalls about .115 of a random fifth, and EASE at least 1.9 times as much."""
    films = ["run", "--config-dir", str(EXAMPLES / "movielens_100k"), f"data.root={shared_data('movielens_100k')}"]
    quick = ["evaluation.resamples=100", "task.against=null", "model=ease", "--json"]
    done = cxai(*films, "experiment=movielens_recommendation", *quick, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    ease, popularity = (said[side]["held_out"]["recall"]["value"] for side in ("metrics", "baseline"))
    assert popularity == pytest.approx(0.115, abs=0.01)
    assert ease > 1.9 * popularity


@pytest.mark.slow
def test_articles_are_recommended_but_no_postage(
    cxai: Call, shared_data: Callable[[str], Path], tmp_path: Path
) -> None:
    done = cxai(
        "run", "--config-dir", str(EXAMPLES / "online_retail"), "experiment=online_retail_recommendation",
        f"data.root={shared_data('online_retail_2009')}", "evaluation.resamples=100", "--json",
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    run_id = json.loads(done.stdout)["run_id"]
    (kept,) = tmp_path.glob(f"mlruns/artifacts/*/{run_id}/artifacts")
    recommended = (kept / "tables" / "most_recommended.csv").read_text()
    assert "85123A" in recommended
    assert "POST" not in recommended
