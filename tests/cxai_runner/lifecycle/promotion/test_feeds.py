"""A run is promoted only while the models that feed it are there."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cxai_runner.config.problems import Problem, UserError
from cxai_runner.kept.named import place_of
from cxai_runner.kept.run import local_path
from cxai_runner.lifecycle.promotion.candidate import Candidate, candidate
from cxai_runner.lifecycle.promotion.promote import promote
from cxai_runner.lifecycle.promotion.registry import Registry
from cxai_runner.tracking.store import Store

Make = Callable[..., Candidate]


def refused(run: Candidate) -> Problem:
    with pytest.raises(UserError) as told:
        promote(run.run_id, "soft_drinks")
    (problem,) = told.value.problems
    return problem


@pytest.fixture
def segments(finished: Make) -> Candidate:
    """A run that is version 1 of ``segments``."""
    run = finished()
    promote(run.run_id, "segments")
    return run


@pytest.fixture
def fed(finished: Make, segments: Candidate) -> Candidate:
    """A run that it feeds."""
    return finished(tags={"cxai.fed.segment": f"models:/segments/1, run {segments.run_id}"})


def test_a_run_that_is_fed_is_promoted_while_its_feed_is_there(fed: Candidate) -> None:
    assert promote(fed.run_id, "soft_drinks").verdict == "registered"


def test_a_version_that_was_deleted_is_named(store: Store, fed: Candidate) -> None:
    store.client.delete_registered_model_alias("segments", "challenger")
    store.client.delete_model_version("segments", "1")
    problem = refused(fed)
    assert (problem.key, problem.value) == ("features.models.segment", "models:/segments/1")
    assert "is gone: `segments` has no such version" in problem.message
    assert not Registry(store, "soft_drinks").exists


def test_files_that_were_removed_are_told(segments: Candidate, fed: Candidate) -> None:
    place = local_path(place_of(segments.kept))
    assert place is not None
    shutil.rmtree(place)
    assert "its files were removed" in refused(fed).message


def test_a_model_that_was_deleted_behind_its_version_is_told(store: Store, finished: Make, segments: Candidate) -> None:
    store.client.create_model_version("segments", f"runs:/{segments.run_id}/model", segments.run_id)
    fed = finished(tags={"cxai.fed.segment": f"models:/segments/2, run {segments.run_id}"})
    store.client.delete_logged_model(segments.model_id)
    assert "is gone: v2 is registered, and what it was made of was deleted" in refused(fed).message


def test_what_feeds_a_feed_counts_too(store: Store, finished: Make, fed: Candidate) -> None:
    promote(fed.run_id, "habits")
    third = finished(tags={"cxai.fed.habit": f"models:/habits/1, run {fed.run_id}"})
    store.client.delete_registered_model("segments")
    problem = refused(third)
    assert problem.value == "models:/segments/1"
    assert f"of run {fed.run_id[:8]} which feeds it" in problem.message


@pytest.mark.parametrize("spoilt", ["a: [", "- 1\n", "flavors: 3\n", "flavors: {}\nsignature: {inputs: 'no json'}\n"])
def test_a_model_that_is_damaged_is_told_and_not_registered(store: Store, finished: Make, spoilt: str) -> None:
    run = finished()
    place = local_path(place_of(run.kept))
    assert place is not None
    (place / "MLmodel").write_text(spoilt)
    with pytest.raises(UserError, match="is damaged"):
        promote(run.run_id, "m", champion=True)
    (place / "MLmodel").unlink()
    with pytest.raises(UserError, match="there is no MLmodel"):
        candidate(run.kept)
    assert not Registry(store, "m").exists


def test_a_model_whose_numbers_were_changed_is_told(finished: Make, store: Store) -> None:
    run = finished()
    place: Path | None = local_path(place_of(run.kept))
    assert place is not None
    (place / "model.skops").write_bytes(b"spoilt")
    with pytest.raises(UserError, match="no longer fit their seal"):
        promote(run.run_id, "m")
    assert not Registry(store, "m").exists
