from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cxai_runner.config.problems import UserError
from cxai_runner.tracking.masking import Masker
from cxai_runner.tracking.read import artifact, find, list_runs, summary
from cxai_runner.tracking.run import Tracker
from cxai_runner.tracking.store import Store


@pytest.fixture
def runs(store: Store, minimal: Callable[..., Any]) -> list[str]:
    made = []
    for name in ("apples", "pears"):
        with Tracker(store, Masker(), "fruit").start(name) as run:
            run.finish(minimal(params={"p": 1}, metrics={"m": 2.0}, tags={"cxai.identity": "abc"}, note="Ripe."))
        made.append(run.run_id)
    return made


def told(call: Callable[[], object]) -> str:
    with pytest.raises(UserError) as error:
        call()
    (problem,) = error.value.problems
    return f"{problem.key}: {problem.value} {problem.message}; {problem.remedy}"


def test_a_run_is_found_by_the_start_of_its_id_its_name_or_as_the_last(store: Store, runs: list[str]) -> None:
    length = next(n for n in range(1, 33) if runs[0][:n] != runs[1][:n])
    assert find(store, runs[0][:length].upper()).info.run_id == runs[0]
    assert find(store, runs[1]).info.run_id == runs[1]
    assert find(store, "apples").info.run_id == runs[0]
    assert find(store, "last").info.run_id == runs[1]


def test_a_run_that_is_not_there_is_told_with_the_nearest(store: Store, runs: list[str]) -> None:
    text = told(lambda: find(store, "aples"))
    assert text == "RUN: aples no such run; did you mean `apples`?"
    wrong = runs[0][:7] + ("0" if runs[0][7] != "0" else "1")
    assert f"did you mean `{runs[0][:8]}`?" in told(lambda: find(store, wrong))


def test_an_ambiguous_run_is_told_with_all_that_are_meant(store: Store, runs: list[str], monkeypatch: Any) -> None:
    with Tracker(store, Masker(), "fruit").start("apples") as second:
        pass
    text = told(lambda: find(store, "apples"))
    assert text.startswith("RUN: apples 2 runs are meant: ")
    assert second.run_id[:8] in text
    assert runs[0][:8] in text
    assert text.endswith("give more of the id")


def test_no_run_at_all(store: Store) -> None:
    assert "no such run; see `cxai list runs`" in told(lambda: find(store, "abc"))
    assert list_runs(store) == []


def test_runs_are_listed_newest_first(store: Store, runs: list[str]) -> None:
    assert [run.info.run_id for run in list_runs(store)] == runs[::-1]
    assert [run.info.run_id for run in list_runs(store, "fruit", limit=1)] == runs[1:]
    assert "did you mean `fruit`?" in told(lambda: list_runs(store, "fruits"))


def test_a_summary_is_plain_data(store: Store, runs: list[str]) -> None:
    import json

    told = summary(find(store, runs[0]))
    assert json.loads(json.dumps(told)) == told
    assert (told["run_id"], told["name"], told["status"], told["orphan"]) == (runs[0], "apples", "FINISHED", False)
    assert (told["identity"], told["metrics"], told["params"]) == ("abc", {"m": 2.0}, {"p": "1"})
    assert told["note"] == "Ripe."
    assert told["seconds"] >= 0
    assert not any(key.startswith("mlflow.") for key in told["tags"])


def test_an_artifact_is_read_back_or_missed_in_words(store: Store, runs: list[str]) -> None:
    run = find(store, runs[0])
    assert artifact(store, run, "report.html") == "<p>report</p>"
    text = told(lambda: artifact(store, run, "absent.txt"))
    assert "this run holds no absent.txt" in text
    assert "only a FINISHED run holds everything" in text
