"""Composition: the config is Hydra's own, each key knows where it came from, and points of a sweep are cheap."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from cxai_runner.config import layers as layers_module
from cxai_runner.config.compose import compose
from cxai_runner.config.folders import CONF
from cxai_runner.config.problems import UserError
from cxai_runner.config.schema import SLOTS, Schema, defaults, own_leaves

EXPERIMENT = """
    # @package _global_
    defaults:
      - override /task: second
      - override /data: other
      - override /split: customer
    seed: 7
    model:
      n_estimators: 99
    data:
      path: here
    """


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["task=segmentation"],
        ["model=purchase_incidence/xgboost", "++model.max_leaves=3", "seed=4", "features.category='R&D'"],
        [
            "data=csv",
            "data.path=a.csv",
            "data.table=products",
            "data.columns={customer_id: c}",
            "~data.encoding",
        ],
        ["split=time", "tracking.level=child", "+targets.allow=[mine]", "name=${seed}"],
        ["~model"],
    ],
)
def test_the_config_is_the_one_that_hydra_composes(lines: list[str]) -> None:
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir

    ours = compose(lines).config
    with initialize_config_dir(str(CONF), version_base="1.3"):
        theirs = hydra_compose("config", lines)
    assert OmegaConf.to_container(ours) == OmegaConf.to_container(theirs)


def test_hydras_state_is_left_as_it_was(ours: Path) -> None:
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra

    with initialize_config_dir(str(ours), version_base="1.3"):
        running = GlobalHydra.instance().hydra
        compose(["task=second"])
        assert GlobalHydra.instance().hydra is running
    assert not GlobalHydra.instance().is_initialized()


@pytest.mark.usefixtures("ours")
def test_a_task_brings_its_features_model_and_split() -> None:
    composed = compose(["task=second"])
    assert composed.choices == {
        "data": "shop",
        "features": "panel",
        "model": "question/forest",
        "split": "half",
        "task": "second",
        "tracking": "local",
    }
    assert composed.resolved()["split"]["test_size"] == 0.5


@pytest.mark.usefixtures("ours")
def test_each_of_them_can_be_chosen_otherwise() -> None:
    composed = compose(["task=second", "split=customer", "model=kmeans", "data=other", "~data.path"])
    assert composed.choices["split"] == "customer"
    assert composed.resolved()["model"] == {"_target_": "sklearn.cluster.MiniBatchKMeans", "n_clusters": 2}


@pytest.mark.usefixtures("ours")
def test_an_experiment_chooses_and_sets(user_dir: Callable[..., Path]) -> None:
    mine = user_dir(experiment__first=EXPERIMENT)
    composed = compose(["experiment=first"], [mine])
    plain = composed.resolved()
    assert {group: composed.choices[group] for group in ("task", "data", "split", "model", "experiment")} == {
        "task": "second",
        "data": "other",
        "split": "customer",
        "model": "question/forest",
        "experiment": "first",
    }
    assert (plain["seed"], plain["model"]["n_estimators"], plain["data"]["path"]) == (7, 99, "here")


@pytest.mark.usefixtures("ours")
def test_the_command_line_outranks_an_experiment(user_dir: Callable[..., Path]) -> None:
    mine = user_dir(experiment__first=EXPERIMENT)
    composed = compose(["+experiment=first", "split=half", "seed=8", "model=kmeans"], [mine])
    assert composed.choices["split"] == "half"
    assert composed.choices["model"] == "second/kmeans"
    assert composed.resolved()["seed"] == 8


@pytest.mark.usefixtures("ours")
def test_every_key_knows_who_set_it(user_dir: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    mine = user_dir(data__mine="# mine\n_target_: madeup.Shop\ntables:\n  transactions:\n    path: a.csv\n")
    monkeypatch.chdir(mine.parent)
    composed = compose(["data=mine", "features.brands=3", "data.tables.products={path: p.csv}"], [mine])
    assert composed.origin("data.tables.transactions.path") == "mine/data/mine.yaml:5"
    assert composed.origin("data.tables.transactions.columns") == "mine/data/mine.yaml:4"
    assert composed.origin("data.root") == "mine/data/mine.yaml:2"
    assert composed.origin("data.tables.products.path") == "command line"
    assert composed.origin("features.brands") == "command line"
    assert composed.origin("features.category") == "conf/features/panel.yaml:2"
    assert composed.origin("task._target_") == "conf/task/question.yaml:8"
    assert composed.origin("targets.allow.0") == "conf/config.yaml:9"
    assert composed.origin("seed") == ""


def test_overrides_read_as_a_person_would_write_them() -> None:
    composed = compose(["model=xgboost", "model.max_depth=2", "++features.brands=3", "seed=1"])
    assert composed.overrides == (
        "model=purchase_incidence/xgboost",
        "model.max_depth=2",
        "features.brands=3",
        "seed=1",
    )


def test_references_are_kept_and_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_THREADS", "2")
    monkeypatch.setenv("SHOP_KEY", "hush-hush")
    composed = compose(["threads=${oc.env:SHOP_THREADS}", "privacy.key=${oc.env:SHOP_KEY}", "name=run-${seed}"])
    assert composed.raw_env_names() == ("SHOP_THREADS", "SHOP_KEY")
    assert "hush-hush" not in OmegaConf.to_yaml(composed.config)
    plain = composed.resolved()
    assert (plain["threads"], plain["privacy"]["key"], plain["name"]) == (2, "hush-hush", "run-0")


def test_resolved_is_a_copy() -> None:
    composed = compose()
    composed.resolved()["data"].clear()
    assert composed.resolved()["data"]["_target_"] == "cxai_runner.data.PackagedSource"


def test_no_message_shows_what_a_variable_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_SECRET", "hush-hush")
    with pytest.raises(UserError) as caught:
        compose(["tracking.level=${oc.env:SHOP_SECRET}", "seed=${oc.decode:${oc.env:SHOP_SECRET}}"])
    told = {problem.key: problem for problem in caught.value.problems}
    assert told.keys() == {"tracking.level", "seed"}
    assert "hush-hush" not in repr(caught.value.problems)
    assert told["tracking.level"].value == "${SHOP_SECRET}"


@pytest.mark.usefixtures("ours")
def test_points_with_the_same_choices_are_merged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    compose(["split=half"])
    monkeypatch.setattr(layers_module, "_merge", lambda *_: pytest.fail("merged again"))
    assert compose(["split=half", "features.brands=7"]).resolved()["features"]["brands"] == 7
    assert compose(["split=half"]).resolved()["features"]["brands"] == 4


@pytest.mark.usefixtures("ours")
def test_a_changed_file_is_read_again(user_dir: Callable[..., Path]) -> None:
    mine = user_dir(split__mine="_target_: madeup.ByCustomer\ntest_size: 0.125\n")
    assert compose(["split=mine"], [mine]).resolved()["split"]["test_size"] == 0.125
    (mine / "split" / "mine.yaml").write_text("_target_: madeup.ByCustomer\ntest_size: 0.0625\n")
    assert compose(["split=mine"], [mine]).resolved()["split"]["test_size"] == 0.0625


def test_another_point_of_a_sweep_takes_milliseconds() -> None:
    compose(["features.brands=2"])
    seconds = []
    for brands in range(3, 23):
        start = time.perf_counter()
        compose([f"features.brands={brands}"])
        seconds.append(time.perf_counter() - start)
    # A tenth of what composing anew takes; about 4 ms on two idle cores.
    assert min(seconds) < 0.015


def test_the_schema_is_what_stands_in_hydras_store() -> None:
    assert OmegaConf.to_container(OmegaConf.structured(Schema)) == defaults()
    below = {key.partition(".")[0] for key in own_leaves()}
    assert below | set(SLOTS) == set(defaults())


def test_another_class_takes_none_of_the_old_ones_arguments() -> None:
    composed = compose(["model._target_=sklearn.naive_bayes.GaussianNB", "model.var_smoothing=1.0e-8"])
    assert composed.resolved()["model"] == {
        "_target_": "sklearn.naive_bayes.GaussianNB",
        "var_smoothing": 1e-8,
    }
    assert composed.choices["model"] == "GaussianNB"


def test_the_same_class_named_again_keeps_its_arguments() -> None:
    composed = compose(["model._target_=cxai_runner.methods.logit.BinomialLogit", "model.max_iter=9"])
    assert composed.resolved()["model"]["on_separation"] == "raise"
