"""A sweep that is killed, and goes on: the short form of what `python -m benchmarks.killed` does at length."""

from __future__ import annotations

import pytest

from benchmarks import killed


@pytest.mark.slow
def test_a_sweep_that_is_killed_at_any_moment_ends_with_the_table_of_an_undisturbed_one() -> None:
    assert killed.kills(4, jobs=10, seed=1) == []


@pytest.mark.slow
def test_many_workers_on_a_store_that_does_not_exist_yet_lose_nothing() -> None:
    assert killed.store(1, jobs=24, workers=6) == []


@pytest.mark.slow
def test_a_sweep_beside_one_that_is_killed_loses_nothing() -> None:
    assert killed.two(1, jobs=12) == []
