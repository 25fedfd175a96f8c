"""The whole way: registered, refused, promoted, overridden, taken back, by the commands that a user types."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from cxai_runner.config.problems import UserError
from cxai_runner.lifecycle.promotion import promote as promoting
from cxai_runner.lifecycle.promotion.candidate import Candidate
from cxai_runner.lifecycle.promotion.lock import alone
from cxai_runner.lifecycle.promotion.promote import promote
from cxai_runner.lifecycle.promotion.registry import Registry
from cxai_runner.lifecycle.promotion.rollback import history, rollback
from cxai_runner.tracking.store import Store
from tests.cxai_runner.lifecycle.promotion.conftest import metric

Call = Callable[..., "subprocess.CompletedProcess[str]"]
Make = Callable[..., Candidate]
EASY = ("promotion.reproduction=any", "promotion.not_comparable=pass")


def test_a_run_becomes_one_version_however_often_it_is_promoted(store: Store, finished: Make) -> None:
    run = finished()
    first, again = promote(run.run_id, "m"), promote(run.run_id, "m")
    assert (first.verdict, first.version, again.version) == ("registered", "1", "1")
    assert again.notes == ("it was before: nothing new was registered",)
    registry = Registry(store, "m")
    assert len(registry.versions()) == 1
    assert registry.alias("challenger") == registry.version("v1")
    assert registry.champion is None
    assert [one.verdict for one in history("m").decisions] == ["registered"]


def test_a_version_says_what_it_is(store: Store, finished: Make) -> None:
    run = finished(tags={"cxai.identity": "abc", "cxai.refit": "train"})
    promote(run.run_id, "m")
    version = store.client.get_model_version("m", "1")
    assert version.run_id == run.run_id
    assert version.tags == {"cxai.identity": "abc", "cxai.refit": "train"}
    assert version.description.startswith("They will.\n\n| held out | model")
    assert "| log loss&ensp; | 0.500 [0.490, 0.510]" in version.description
    model = store.client.get_registered_model("m")
    assert model.description.startswith("Will they buy?")
    assert model.tags == {"cxai.task": "purchase_incidence"}


def test_a_champion_is_crowned_refused_overridden_and_taken_back(store: Store, finished: Make) -> None:
    good, bad = finished(), finished(metric(0.7, (0.1, 0.05, 0.2)))
    registry = Registry(store, "m")
    first = promote(good.run_id, "m", champion=True, overrides=EASY)
    assert (first.verdict, first.previous) == ("promoted", "")
    assert registry.alias("challenger") is None
    refused = promote(bad.run_id, "m", champion=True, overrides=EASY)
    assert (refused.verdict, refused.previous, [one.name for one in refused.refused]) == ("refused", "1", ["baseline"])
    assert str(refused).startswith("refused: 1 of 8 gates; m v2 is challenger\n  ✗ baseline")
    assert (registry.champion.number, registry.alias("challenger").number) == ("1", "2")
    moved = promote(bad.run_id, "m", champion=True, overrides=EASY, override="the old one is biased")
    assert (moved.verdict, moved.reason) == ("overridden", "the old one is biased")
    assert registry.champion.number == "2"
    assert promote(bad.run_id, "m", champion=True).verdict == "unchanged"
    back = rollback("m", reason="complaints")
    assert (back.verdict, back.version, back.previous, back.reason) == ("rolled back", "1", "2", "complaints")
    assert registry.champion.number == "1"
    assert [one.verdict for one in history("m").decisions] == ["promoted", "refused", "overridden", "rolled back"]
    with pytest.raises(UserError, match="nobody was in charge before"):
        rollback("m", reason="once more")
    assert rollback("m", reason="it was right after all", to="v2").version == "2"
    with pytest.raises(UserError, match="never was in charge"):
        rollback("m", reason="no", to="7")


def test_an_override_that_was_not_needed_is_a_promotion(finished: Make) -> None:
    done = promote(finished().run_id, "m", champion=True, overrides=EASY, override="to be sure")
    assert (done.verdict, done.reason) == ("promoted", "")


def test_every_mistake_is_told_at_once_and_nothing_is_registered(store: Store, finished: Make) -> None:
    finished()
    with pytest.raises(UserError) as refused:
        promote("nope", "a/b", gates="defaults", overrides=["promotion.margn=1"], override=" ", schema_change="")
    keys = [problem.key for problem in refused.value.problems]
    of_no_gate = ["--override", "--schema-change", "--gates", "promotion.margn"]
    wrong = ["--model", "--override", "--schema-change", *of_no_gate, "--gates", "promotion.margn", "RUN"]
    assert keys == wrong
    assert Registry(store, "a").names() == []


@pytest.mark.parametrize(
    ("said", "key"),
    [
        ({"schema_change": "a column more"}, "--schema-change"),
        ({"override": "I know"}, "--override"),
        ({"overrides": ["promotion.margin=1"]}, "promotion.margin"),
    ],
)
def test_what_is_said_to_gates_that_nobody_asks_is_told(finished: Make, said: dict, key: str) -> None:
    run = finished()
    with pytest.raises(UserError, match="which only --champion asks") as refused:
        promote(run.run_id, "m", **said)
    assert [problem.key for problem in refused.value.problems] == [key]


def test_a_version_that_was_deleted_is_not_offered(store: Store, finished: Make) -> None:
    for _ in range(3):
        promote(finished().run_id, "m", champion=True, overrides=EASY)
    store.client.delete_model_version("m", "2")
    for to in (None, "2"):
        with pytest.raises(UserError, match="was deleted") as refused:
            rollback("m", reason="complaints", to=to)
        assert refused.value.problems[0].remedy == "an earlier champion, by --to: v1"
    with pytest.raises(UserError) as refused:
        rollback("m", reason="complaints", to="9")
    assert refused.value.problems[0].remedy == "an earlier champion: v1"
    store.client.delete_model_version("m", "1")
    with pytest.raises(UserError) as refused:
        rollback("m", reason="complaints")
    assert "none is left" in refused.value.problems[0].remedy
    assert Registry(store, "m").champion.number == "3"


def test_floors_of_metrics_that_are_not_there_are_mistakes_before_anything_is_registered(
    store: Store, finished: Make
) -> None:
    with pytest.raises(UserError, match="not among the metrics"):
        promote(finished().run_id, "m", champion=True, overrides=["promotion.floors.auc=0.6"])
    assert not Registry(store, "m").exists


def test_an_alias_that_was_moved_by_other_means_is_told(store: Store, finished: Make) -> None:
    promote(finished().run_id, "m", champion=True, overrides=EASY)
    promote(finished().run_id, "m")
    store.client.set_registered_model_alias("m", "champion", "2")
    assert history("m").notes == (
        "v2 is in charge, and the last decision put v1 there: the alias was moved by other means",
    )
    assert rollback("m", reason="who did that?").version == "1"
    assert history("m").notes == ()


def test_a_model_that_is_not_registered_is_named_with_the_nearest(finished: Make) -> None:
    promote(finished().run_id, "soft_drinks")
    with pytest.raises(UserError) as refused:
        history("soft_drink")
    assert refused.value.problems[0].remedy == "did you mean `soft_drinks`?"


def test_who_meets_another_decision_is_told_and_judged_anew(
    store: Store, finished: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, ours, theirs = finished(), finished(), finished()
    promote(first.run_id, "m", champion=True, overrides=EASY)
    judged = []
    ask = promoting.Case.judged

    def slowly(case: promoting.Case, champion: object) -> object:
        judged.append(str(champion))
        if case.candidate.run_id == ours.run_id and len(judged) == 1:
            promote(theirs.run_id, "m", champion=True, overrides=EASY)
        return ask(case, champion)  # type: ignore[arg-type]

    monkeypatch.setattr(promoting.Case, "judged", slowly)
    done = promote(ours.run_id, "m", champion=True, overrides=EASY)
    assert judged == ["v1", "v1", "v2"]
    assert (done.verdict, done.previous) == ("promoted", "2")
    assert done.notes == ("the champion moved meanwhile, from v1 to v2: the gates were asked anew",)


def test_a_rollback_that_meets_another_decision_takes_nothing_back(
    store: Store, finished: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cxai_runner.lifecycle.promotion import rollback as rolling

    for _ in range(2):
        promote(finished().run_id, "m", champion=True, overrides=EASY)

    def after_another(store: Store, name: str) -> object:
        Registry(store, name).crown(Registry(store, name).version("1"))  # type: ignore[arg-type]
        return alone(store, name)

    monkeypatch.setattr(rolling, "alone", after_another)
    with pytest.raises(UserError, match="the champion moved from v2 to v1 while this waited"):
        rollback("m", reason="complaints")


def test_the_commands_say_the_same(cxai: Call, home: Path, finished: Make) -> None:
    good, bad = finished(), finished(metric(0.7, (0.1, 0.05, 0.2)))
    words = ("--model", "m", "--champion", *EASY)
    assert cxai("promote", good.run_id[:8], *words, cwd=home).returncode == 0
    refused = cxai("promote", bad.run_id[:8], *words, cwd=home)
    assert refused.returncode == 3
    assert refused.stdout.startswith("refused: 1 of 8 gates; m v2 is challenger\n  ✗ baseline")
    plain = json.loads(cxai("promote", bad.run_id[:8], *words, "--json", cwd=home).stdout)
    assert (plain["decision"], plain["gates"][1]["passed"]) == ("refused", False)
    shown = cxai("history", "m", cwd=home).stdout
    assert shown.splitlines()[-1] == "champion: v1"
    assert "7 of 8  not baseline" in shown
    plain = json.loads(cxai("history", "m", "--json", cwd=home).stdout)
    assert [one["decision"] for one in plain["decisions"]] == ["promoted", "refused", "refused"]
    assert cxai("promote", good.run_id, "--model", "m", "--override", "", cwd=home).returncode == 2
    assert cxai("rollback", "m", "--reason", " ", cwd=home).returncode == 2
    assert "default" in cxai("list", "promotions", cwd=home).stdout


@pytest.mark.slow
def test_a_challenger_is_held_against_the_champion_on_rows_that_neither_knows(
    cxai: Call, own_panel: list[str], tmp_path: Path
) -> None:
    """Two real runs: the champion answers in a process of its own, and the gate finds what the runs themselves say."""
    lenient = ("promotion.reproduction=any", "promotion.report=false", "promotion.calibration=null")
    lenient = (*lenient, "promotion.baseline=any", "promotion.fewest=5")

    def run(*words: str) -> dict:
        done = cxai("run", *own_panel, "tracking.level=child", *words, "--json", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def measured(run: dict) -> dict:
        return json.loads(cxai("show", run["run_id"], "--json", cwd=tmp_path).stdout)["metrics"]

    def gate(run_id: str, *words: str) -> dict:
        asked = ("--model", "m", "--champion", *lenient, *words, "--json")
        said = json.loads(cxai("promote", run_id, *asked, cwd=tmp_path).stdout)
        return next(one for one in said["gates"] if one["gate"] == "champion")

    loss = "held_out/log_loss"
    good = run("model=logit")
    bad = run("model=logit_penalised", "model.C=0.001")
    gate(good["run_id"])
    refused = gate(bad["run_id"])
    assert not refused["passed"]
    between = float(measured(bad)[loss] - measured(good)[loss])
    assert refused["figures"]["difference"] == pytest.approx(between, abs=1e-12)
    assert refused["figures"]["customers"] == 15
    assert gate(bad["run_id"], f"promotion.margin={between * 4}")["passed"]
    assert gate(good["run_id"])["figures"]["difference"] == pytest.approx(-between, abs=1e-12)

    other = gate(run("model=logit", "seed=1")["run_id"], "promotion.fewest=2")
    trained = other["words"]
    assert "not comparable with v1" in trained or other["figures"]["customers"] < 15
    everyone = run("model=logit_penalised", "refit=all")
    gate(everyone["run_id"], "promotion.margin=1")
    nobody = gate(run("model=logit", "evaluation.resamples=101")["run_id"])
    assert not nobody["passed"]
    assert "450 of 450 rows are ones that it was trained on, which leaves 0 customers" in nobody["words"]


@pytest.mark.slow
def test_promotions_that_race_leave_one_champion_and_a_whole_history(tmp_path: Path) -> None:
    """Twenty promotions from eight processes."""
    from benchmarks import promote as benchmark

    runs = benchmark.made(tmp_path, benchmark.RUNS)
    said = benchmark.raced(tmp_path, runs)
    assert said == ["promoted"] * benchmark.RUNS
    assert benchmark.faults(tmp_path, benchmark.RUNS) == []
