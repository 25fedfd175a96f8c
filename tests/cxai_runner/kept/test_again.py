"""A run's config put together again from what it kept: the same identity, and other rows where somebody asks."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from cxai_runner.config.problems import UserError
from cxai_runner.identity import keys
from cxai_runner.kept.again import composed_again, learned
from cxai_runner.kept.run import Kept, kept
from cxai_runner.preflight import assemble, preflight

Call = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def done(cxai: Call, own_panel: list[str], tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """A finished run on a panel of one's own."""
    home = tmp_path_factory.mktemp("again")
    finished = cxai("run", *own_panel, "seed=3", "--json", cwd=home)
    assert finished.returncode == 0, finished.stderr
    return kept(f"sqlite:///{home}/mlruns/mlflow.db", json.loads(finished.stdout)["run_id"])


def test_it_has_the_identity_of_its_run(done: Kept) -> None:
    again = composed_again(done)
    ready = preflight(assemble(again))
    assert keys(ready).identity == done.facts["identity"]
    assert again.choices["model"] == "purchase_incidence/logit"
    assert "seed=3" in again.overrides


def test_values_can_be_changed(done: Kept) -> None:
    again = composed_again(done, ["seed=4"])
    assert again.plain["seed"] == 4
    assert "seed=4" in again.overrides
    assert "seed=3" not in again.overrides
    assert again.origin("seed") == "command line"
    assert again.origin("threads").startswith("config.yaml of run")


def test_other_data_take_the_place_of_the_runs(done: Kept, tmp_path: Path) -> None:
    again = composed_again(done, ["data=parquet", f"data.path={tmp_path}/new.parquet", "data.table=panel"])
    assert again.plain["data"]["path"] == f"{tmp_path}/new.parquet"
    assert again.choices["data"] == "parquet"
    assert again.raw["data"]["columns"]["customer_id"] is None
    assert not [line for line in again.overrides if "Price_" in line]


def test_what_the_run_decided_cannot_be_chosen_again(done: Kept) -> None:
    with pytest.raises(UserError) as refused:
        composed_again(done, ["model=xgboost", "sed=4"])
    told = {problem.key: problem for problem in refused.value.problems}
    assert "decided by the run" in told["model"].message


def test_a_wrong_change_is_told_with_its_key(done: Kept) -> None:
    with pytest.raises(UserError, match="threads"):
        composed_again(done, ["threads=0"])


def test_what_was_learned_is_kept(cxai: Call, tmp_path: Path) -> None:
    """From the cache, too: the second run builds nothing."""
    draw = random.Random(1)
    lines = [
        f"{draw.randrange(40)},{n},2024-0{1 + n // 70}-1{draw.randrange(9)},{draw.random():.2f}" for n in range(400)
    ]
    (tmp_path / "orders.csv").write_text("\n".join(["customer_id,order_id,timestamp,revenue", *lines]))
    mine = ["task=segmentation", "data=csv", "data.path=orders.csv", "data.table=transactions",
            "evaluation.resamples=100", "model.n_clusters=2", "task.resamples=2"]  # fmt: skip
    for _ in range(2):
        finished = cxai("run", *mine, "--json", cwd=tmp_path)
        assert finished.returncode == 0, finished.stderr
        found = kept(f"sqlite:///{tmp_path}/mlruns/mlflow.db", json.loads(finished.stdout)["run_id"])
        assert learned(found) == {"as_of": "2024-06-19T00:00:00"}
