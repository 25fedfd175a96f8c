"""New rows are scored as in the process that trained, all of them or none, and every one is accounted for."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import cxai_runner
from cxai_runner import UserError
from cxai_runner.kept.named import place_of
from cxai_runner.kept.run import Kept, kept
from cxai_runner.lifecycle.predict import flow
from cxai_runner.lifecycle.predict.files import Files

Call = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def done(cxai: Call, own_panel: list[str], tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """A finished run on a panel of one's own, whose model is registered and the champion."""
    home = tmp_path_factory.mktemp("predict")
    finished = cxai("run", *own_panel, "--json", cwd=home)
    assert finished.returncode == 0, finished.stderr
    found = kept(f"sqlite:///{home}/mlruns/mlflow.db", json.loads(finished.stdout)["run_id"])
    client = found.store.client
    client.create_registered_model("bars")
    client.create_model_version("bars", f"runs:/{found.run_id}/model", found.run_id)
    client.set_registered_model_alias("bars", "champion", "1")
    return found


@pytest.fixture(scope="module")
def home(done: Kept) -> Path:
    return Path(done.store.uri.removeprefix("sqlite:///")).parents[1]


@pytest.fixture(scope="module")
def panel(panel_csv: Path) -> pd.DataFrame:
    return pd.read_csv(panel_csv)


def test_the_runs_own_rows_are_scored_as_in_training(
    done: Kept, home: Path, cxai: Call, panel: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "CHUNK", 700)  # 1,800 rows: several chunks
    told = cxai("predict", "models:/bars@champion", "--to", "own.parquet", "--drift", "drift.csv", cwd=home)
    assert told.returncode == 0, told.stderr
    assert "predicted  1,800 of 1,800 rows" in told.stdout
    found = pd.read_parquet(home / "own.parquet")
    assert list(found) == ["customer_id", "occasion", "probability", "model", "model_version", "run_id"]
    assert set(found["model"]) == {"bars"}
    assert set(found["model_version"]) == {1}
    assert set(found["run_id"]) == {done.run_id}
    scores = pd.concat(done.scores().values()).rename(columns={"probability": "expected"})
    both = found.merge(scores, on=["customer_id", "occasion"], validate="one_to_one")
    assert len(both) == 1800
    np.testing.assert_array_equal(both["probability"], both["expected"])
    drift = pd.read_csv(home / "drift.csv")
    assert set(drift["name"]) == {"price_a", "price_b", "promotion_a", "promotion_b", "probability"}
    assert not drift["verdict"].isin(["moved", "shifted"]).any()


def test_rows_of_another_file_need_no_outcome_and_each_is_accounted_for(
    done: Kept, home: Path, cxai: Call, panel: pd.DataFrame
) -> None:
    new = panel.drop(columns="bought").assign(Price_a=panel["Price_a"] + 2)
    new.loc[[3, 4], "Price_a"] = np.nan
    new.loc[7, "Promo_b"] = np.nan
    new.to_csv(home / "new.csv", index=False)
    told = cxai("predict", done.run_id[:8], f"data.path={home}/new.csv", "--to", "new.csv.out.csv", "--json", cwd=home)
    assert told.returncode == 0, told.stderr
    said = json.loads(told.stdout)
    assert (said["rows_in"], said["rows_out"]) == (1800, 1797)
    assert said["rejected"] == {"no value of price_a": 2, "no value of promotion_b": 1}
    assert said["version"] is None
    rejected = pd.read_csv(home / said["rejected_to"])
    assert rejected["reason"].tolist() == ["no value of price_a", "no value of price_a", "no value of promotion_b"]
    assert rejected["occasion"].tolist() == new.loc[[3, 4, 7], "day"].tolist()
    moved = {one["name"]: one["verdict"] for one in said["drift"]}
    assert moved["price_a"] == "shifted"
    assert moved["price_b"] == "stable"
    assert len(pd.read_csv(home / said["to"])) == 1797


def test_all_that_is_wrong_is_told_before_anything_is_written(
    done: Kept, home: Path, cxai: Call, panel: pd.DataFrame
) -> None:
    panel.drop(columns=["Price_b", "Promo_a"]).to_csv(home / "narrow.csv", index=False)
    told = cxai("predict", "last", f"data.path={home}/narrow.csv", "--to", "narrow.parquet", cwd=home)
    assert told.returncode == 2
    assert "the model takes `price_b`" in told.stderr
    assert "the model takes `promotion_a`" in told.stderr
    broken = panel.astype({"client": "Float64"})
    broken.loc[2, "client"], broken.loc[5, "Price_a"] = None, -1
    broken.to_csv(home / "broken.csv", index=False)
    told = cxai("predict", "last", f"data.path={home}/broken.csv", "--to", "broken.parquet", cwd=home)
    assert told.returncode == 2
    assert "columns.customer_id" in told.stderr
    assert "0 or less" in told.stderr
    panel.head(0).to_csv(home / "empty.csv", index=False)
    told = cxai("predict", "last", f"data.path={home}/empty.csv", "--to", "empty.parquet", cwd=home)
    assert told.returncode == 2
    assert "no rows" in told.stderr
    assert not list(home.glob("*narrow.parquet*")) + list(home.glob("*broken.parquet*"))
    assert not list(home.glob(".*"))


def test_mistakes_in_what_is_asked_are_told(home: Path, cxai: Call) -> None:
    def refused(*arguments: str) -> str:
        told = cxai("predict", *arguments, cwd=home)
        assert told.returncode == 2, told.stderr
        return told.stderr

    assert "did you mean `bars`" in refused("models:/bar@champion", "--to", "x.parquet")
    assert "has no alias" in refused("models:/bars@challenger", "--to", "x.parquet")
    assert "its versions: 1" in refused("models:/bars/7", "--to", "x.parquet")
    assert "as in models:/NAME@champion" in refused("models:/bars", "--to", "x.parquet")
    assert "decided by the run" in refused("last", "seed=3", "features.missing=keep", "--to", "x.parquet")
    assert "a number, as occasions are numbered here" in refused("last", "--since", "2017-01-01", "--to", "x.parquet")
    assert "no rows to predict since 900" in refused("last", "--since", "900", "--to", "x.parquet")
    assert not list(home.glob("*x.parquet*"))


def test_occasions_are_chosen_by_number(done: Kept, home: Path, panel: pd.DataFrame) -> None:
    found = cxai_runner.predict("last", uri=done.store.uri, since="11", as_of="21")
    assert found.frame is not None
    assert set(found.frame["occasion"]) == set(range(11, 21))
    assert (found.rows_in, found.rows_out, found.to) == (600, 600, None)


def test_frames_are_scored_from_python(done: Kept, panel: pd.DataFrame) -> None:
    named = {"client": "customer_id", "day": "occasion", "Price_a": "price_a", "Price_b": "price_b"}
    frame = panel.rename(columns={**named, "Promo_a": "promotion_a", "Promo_b": "promotion_b"}).drop(columns="bought")
    found = cxai_runner.predict("models:/bars/1", tables={"panel": frame.head(90)}, uri=done.store.uri)
    assert found.frame is not None
    scores = pd.concat(done.scores().values())
    both = found.frame.merge(scores, on=["customer_id", "occasion"], suffixes=("", "_expected"))
    assert len(both) == 90
    np.testing.assert_array_equal(both["probability"], both["probability_expected"])
    assert {one.verdict for one in found.drift if one.name.startswith("price")} == {"too few rows"}
    with pytest.raises(UserError, match="the tables are given as data frames"):
        cxai_runner.predict("last", "data=csv", tables={"panel": frame}, uri=done.store.uri)


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_what_ends_it_in_the_middle_leaves_nothing(
    error: type[BaseException], done: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "CHUNK", 300)
    write, seen = Files.write, []

    def interrupted(self: Files, rows: pd.DataFrame) -> None:
        write(self, rows)
        seen.append(sorted(path.suffix for path in tmp_path.iterdir()))
        if len(seen) == 2:
            raise error

    monkeypatch.setattr(Files, "write", interrupted)
    with pytest.raises(error):
        cxai_runner.predict("last", to=tmp_path / "half.parquet", uri=done.store.uri)
    assert seen == [[".part"], [".part"]]
    assert list(tmp_path.iterdir()) == []


def test_rows_that_come_or_go_meanwhile_and_rows_that_are_all_rejected_are_refused() -> None:
    with pytest.raises(UserError, match="they changed meanwhile"):
        flow._refuse_miscounted(10, 8, {"no value of x": 1})
    with pytest.raises(UserError, match="none of the 2 rows"):
        flow._refuse_miscounted(2, 0, {"no value of x": 2})
    flow._refuse_miscounted(3, 2, {"no value of x": 1})


def test_a_run_that_kept_nothing_to_compare_with_says_so(
    done: Kept, panel: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = Kept.text

    def without(self: Kept, path: str) -> str:
        return text(self, "none.json" if path == "fingerprint.json" else path)

    monkeypatch.setattr(Kept, "text", without)
    found = cxai_runner.predict("last", uri=done.store.uri, since="30")
    assert found.drift == ()
    assert any("drift is not told" in note for note in found.notes)


def test_features_that_other_code_builds_now_are_told_of(done: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    text = Kept.text
    module = "cxai_runner.features.table"

    def changed(self: Kept, path: str) -> str:
        if path != "keys.json":
            return text(self, path)
        keys = json.loads(text(self, path))
        keys["stages"]["features"]["sources"][module] = "of another day"
        return json.dumps(keys)

    assert flow._other_code(done) == []
    monkeypatch.setattr(Kept, "text", changed)
    assert flow._other_code(done) == [
        f"the features were built by the code installed here, which is not that of the run: {module}"
    ]


def test_a_table_of_a_database_takes_the_predictions(done: Kept, home: Path, cxai: Call) -> None:
    import sqlite3

    told = cxai("predict", "last", "--since", "25", "--to", "sqlite:///scores.db#bars", cwd=home)
    assert told.returncode == 0, told.stderr
    with sqlite3.connect(home / "scores.db") as connection:
        rows: Any = connection.execute("SELECT count(*), min(occasion), max(run_id) FROM bars").fetchone()
    assert rows == (360, 25, done.run_id)


@pytest.mark.parametrize(
    ("drift", "told"),
    [
        ("scores.csv", "is where the predictions go"),
        ("mine.csv", "is there already"),
        (".", "is no file"),
        ("nowhere/drift.csv", "its folder does not exist"),
    ],
)
def test_a_file_of_drift_is_refused_before_anything_is_predicted(
    drift: str, told: str, cxai: Call, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine.csv").write_text("mine")
    uri = f"sqlite:///{home}/mlruns/mlflow.db"
    asked = ["predict", "models:/bars@champion", "--to", "scores.csv", "--drift", drift, "--uri", uri]
    done = cxai(*asked, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert told in done.stderr
    assert not (tmp_path / "scores.csv").exists()
    assert (tmp_path / "mine.csv").read_text() == "mine"


def test_what_is_read_is_not_written_over(
    done: Kept, home: Path, cxai: Call, panel: pd.DataFrame, tmp_path: Path
) -> None:
    panel.to_csv(tmp_path / "new.csv", index=False)
    (tmp_path / "link.csv").symlink_to("new.csv")
    before = (tmp_path / "new.csv").read_bytes()
    uri = ("--uri", done.store.uri, "--overwrite")
    for to in (["--to", "new.csv"], ["--to", "link.csv"], ["--to", "scores.csv", "--drift", "new.csv"]):
        told = cxai("predict", done.run_id, "data.path=new.csv", *to, *uri, cwd=tmp_path)
        assert told.returncode == 2, told.stderr
        assert "is what the rows are read from" in told.stderr
        assert "nothing was run" in told.stderr
    told = cxai("predict", done.run_id, "--to", f"{done.store.uri}#runs", *uri, cwd=tmp_path)
    assert told.returncode == 2
    assert "is the database that runs are kept in" in told.stderr
    assert (tmp_path / "new.csv").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.csv", "new.csv"]


def test_rows_that_a_condition_leaves_out_are_counted(done: Kept, home: Path, cxai: Call) -> None:
    asked = ("predict", done.run_id, "data.where={occasion:{gt:10}}", "--to", "late.csv")
    told = cxai(*asked, cwd=home)
    assert told.returncode == 0, told.stderr
    assert "predicted  1,200 of 1,200 rows" in told.stdout
    assert "dropped    600 of 1,800 rows of panel: " in told.stdout
    said = json.loads(cxai(*asked, "--overwrite", "--json", cwd=home).stdout)
    (dropped,) = said["dropped"]
    assert (dropped["table"], dropped["rows"], dropped["of"], said["rows_in"]) == ("panel", 600, 1800, 1200)


def test_targets_that_are_none_are_told(home: Path, cxai: Call) -> None:
    for to in ("", ".", "~nobody-of-this-name/scores.csv"):
        told = cxai("predict", "last", "--to", to, cwd=home)
        assert told.returncode == 2, told.stderr
        assert "--to" in told.stderr


def test_of_wrong_rows_it_says_that_nothing_was_scored(home: Path, cxai: Call) -> None:
    told = cxai("predict", "last", "--since", "900", "--to", "x.parquet", cwd=home)
    assert told.returncode == 2
    assert told.stderr.startswith("1 problem in the data, nothing was scored")


@pytest.mark.parametrize(
    ("name", "spoilt", "told"),
    [
        ("MLmodel", "flavors: [", "is damaged: what its MLmodel says cannot be read"),
        ("model.skops", "no archive", "cannot be loaded: "),
    ],
)
def test_a_damaged_model_is_told(
    name: str, spoilt: str, told: str, done: Kept, cxai: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nobody sealed it, too: then it is for whoever loads it to say."""
    (tmp_path / "here").mkdir()
    place = Path(place_of(done).removeprefix("file://"))
    shutil.copytree(place, tmp_path / "model")
    (tmp_path / "model" / name).write_text(spoilt)
    (tmp_path / "model" / "cxai_seal").unlink()
    monkeypatch.setattr("cxai_runner.kept.named._place", lambda model: (str(tmp_path / "model"), str(model.model_id)))
    refused = cxai("predict", "models:/bars/1", "--to", "x.csv", "--uri", done.store.uri, cwd=tmp_path / "here")
    assert refused.returncode == 2, refused.stderr
    assert told in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not list((tmp_path / "here").glob("*x.csv*"))
