"""`cxai compare` and `cxai_runner.compare`: the same comparison, in words, for machines, as files and as an object."""

from __future__ import annotations

import csv
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import cxai_runner
from cxai_runner.lifecycle.compare.words import listed
from cxai_runner.tracking.store import Store
from tests.cxai_runner.lifecycle.compare.conftest import scored

Call = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def several(store: Store, keep: Callable[..., str]) -> list[str]:
    """Runs with many and long params, one of them on other rows, one that failed."""
    long = {f"features.column_{i}": "a" * 10 * i for i in range(1, 9)}
    made = [
        keep(scored(shift), {"model.C": shift, "seed": 0, "split.test_size": 0.25, **long}, experiment="told")
        for shift in (0.0, 0.1, 1.0)
    ]
    made.append(keep(scored(2.0, seed=4), {"model.C": 2, "seed": 4, "model.tol": "x" * 90}, experiment="told"))
    made.append(keep(None, {"model.C": 9}, experiment="told", status="FAILED", tags={"cxai.error": "ValueError: no"}))
    return made


def test_it_fits_a_terminal_and_says_all(cxai: Call, store: Store, several: list[str], tmp_path: Path) -> None:
    done = cxai("compare", "--experiment", "told", "--uri", store.uri, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 120
    assert lines[0] == "purchase_incidence · held_out/log_loss, lower is better"
    assert f"Run {several[0][:8]} has the best log loss" in lines[1]
    assert all(run[:8] in done.stdout for run in several)
    assert "another seed of the split (4 and 0); held-out rows: 400 and 400 rows" in " ".join(done.stdout.split())
    assert "failed: ValueError: no" in done.stdout
    assert "by paired bootstrap over 100 customers" in done.stdout
    assert "row against column" in done.stdout
    assert "also different, in --csv and --html: " in done.stdout
    first = next(line for line in lines if line.lstrip().startswith("1  "))
    assert first.split()[1] == several[0][:8]


def test_files_and_json_hold_the_same(cxai: Call, store: Store, several: list[str], tmp_path: Path) -> None:
    done = cxai(
        "compare", *several, "--uri", store.uri, "--json", "--csv", "all.csv", "--html", "all.html", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    with (tmp_path / "all.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["run"] for row in rows] == [row["runs"][0] for row in told["rows"]]
    assert [row["verdict"] for row in rows] == [row["verdict"] for row in told["rows"]]
    assert rows[1]["model.C"] == told["rows"][1]["params"]["model.C"]
    assert float(rows[2]["difference"]) == pytest.approx(told["rows"][2]["against"]["difference"])
    assert told["rows"][0]["against"] is None
    assert several[0][:8] in (tmp_path / "all.html").read_text(encoding="utf-8")
    assert done.stderr.splitlines() == ["table: all.csv", "page: all.html"]


def test_conditions_choose(cxai: Call, store: Store, several: list[str], tmp_path: Path) -> None:
    asked = ("--experiment", "told", "--where", "params.model.C<1", "--where", "status=FINISHED", "--json")
    told = json.loads(cxai("compare", *asked, "--uri", store.uri, cwd=tmp_path).stdout)
    assert [row["runs"][0] for row in told["rows"]] == several[:2]


def test_mistakes_are_told_without_a_traceback(cxai: Call, store: Store, tmp_path: Path) -> None:
    for asked, words in (
        (["nothing like it"], "no such run"),
        ([], "which runs?"),
        (["--experiment", "tolt"], "did you mean `told`?"),
        (["--experiment", "told", "--where", "params.model.C>much"], "compares numbers"),
        (["--experiment", "told", "--where", "status=KILLED"], "no run is left"),
    ):
        done = cxai("compare", *asked, "--uri", store.uri, cwd=tmp_path)
        assert done.returncode == 2
        assert words in done.stderr
        assert "Traceback" not in done.stderr


def test_from_python_it_is_an_object_that_shows_itself(store: Store, several: list[str]) -> None:
    found = cxai_runner.compare(*several[:3], uri=store.uri, against=several[2])
    assert [row.first.run_id for row in found.rows] == several[:3]
    assert found.verdict(2) == "the one compared with"
    assert list(found.frame()["run"]) == several[:3]
    lines = repr(found).splitlines()
    assert lines[0] == "purchase_incidence: 3 rows by held_out/log_loss, lower is better"
    assert several[0][:8] in lines[1]
    with pytest.raises(cxai_runner.UserError, match="no such run"):
        cxai_runner.compare("nothing like it", uri=store.uri)


def test_files_that_cannot_be_written_are_told_before_anything_is_read(
    cxai: Call, store: Store, several: list[str], tmp_path: Path
) -> None:
    asked = ("--json", "--csv", "none/all.csv", "--html", f"{tmp_path}/two words/all.html")
    done = cxai("compare", *several, "--uri", store.uri, *asked, cwd=tmp_path)
    assert done.returncode == 2
    problems = json.loads(done.stdout)["problems"]
    assert [problem["key"] for problem in problems] == ["--csv", "--html"]
    assert f"mkdir -p '{tmp_path}/two words'" in problems[1]["remedy"]
    assert not list(tmp_path.iterdir())


def test_a_metric_that_nobody_measured_brings_all_that_were_the_nearest_first(
    cxai: Call, store: Store, several: list[str], tmp_path: Path
) -> None:
    for asked, names in (("brier_score", "brier, log_loss"), ("logloss", "log_loss, brier")):
        done = cxai("compare", *several, "--uri", store.uri, "--metric", asked, cwd=tmp_path)
        assert done.returncode == 2
        assert f"no run measured it; one of: {names}" in done.stderr


def test_many_names_are_a_few_and_a_count() -> None:
    assert listed(["a", "b"], 2) == "a, b"
    assert listed(["a", "b", "c"], 2) == "a, b, c"
    assert listed(["a", "b", "c", "d"], 2) == "a, b and 2 more"


def test_runs_on_other_data_do_not_list_every_key(
    cxai: Call, store: Store, keep: Callable[..., str], tmp_path: Path
) -> None:
    for digest in ("d1", "d2"):
        many = {f"data.tables.t{i}.columns.c{j}": digest for i in range(9) for j in range(9)}
        keep(scored(0.1), many, experiment="elsewhere", digest=digest)
    done = cxai("compare", "--experiment", "elsewhere", "--uri", store.uri, cwd=tmp_path)
    (line,) = [line for line in done.stdout.split("\n  ") if line.startswith("also different")]
    assert len(line) < 300
    assert " more" in " ".join(done.stdout.split())
