"""A place that is empty because somebody removed the champion is not the place of a first one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from cxai_runner.config.problems import UserError
from cxai_runner.lifecycle.promotion import history, promote
from cxai_runner.lifecycle.promotion.decision import Decision


def decided(*decisions: Decision) -> Any:
    return lambda store, model: list(decisions)


def registry(*left: str) -> Any:
    versions = [SimpleNamespace(number=number) for number in left]
    return SimpleNamespace(store=None, name="my bars", versions=lambda: versions)


def test_a_champion_that_was_removed_by_other_means_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "decisions", decided(Decision("my bars", "promoted", "2")))
    with pytest.raises(UserError, match="v2 was in charge") as refused:
        promote._refuse_vacancy(registry("1", "2"))
    assert "cxai rollback 'my bars'" in refused.value.problems[0].remedy
    with pytest.raises(UserError, match="v2 was in charge") as refused:
        promote._refuse_vacancy(registry("1"))
    assert "rollback" not in refused.value.problems[0].remedy


def test_a_model_that_never_had_one_takes_its_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        history, "decisions", decided(Decision("bars", "registered", "1"), Decision("bars", "refused", "1"))
    )
    promote._refuse_vacancy(registry("1"))
