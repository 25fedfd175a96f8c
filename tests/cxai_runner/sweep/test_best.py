"""The tag of the best: given once, taken when another is better, left to whom another sweep names."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from cxai_runner.sweep import best
from cxai_runner.sweep.axes import Choice
from cxai_runner.sweep.ledger import BEST
from cxai_runner.sweep.standing import Sweep
from tests.cxai_runner.sweep.conftest import entry, made

C = (Choice("model.C", ("0.1", "1")),)


class Fake:
    """A ledger whose store only remembers what it is asked to write."""

    def __init__(self, praised: tuple[str, ...] = ()) -> None:
        self.written: list[tuple[Any, ...]] = []
        self.praised = lambda run_id, but: run_id in praised
        self.store = SimpleNamespace(
            retry=lambda call, *arguments: call(*arguments),
            client=SimpleNamespace(
                set_tag=lambda *said: self.written.append(("set", *said)),
                delete_tag=lambda *said: self.written.append(("delete", *said)),
            ),
        )


@pytest.fixture(autouse=True)
def completed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    seen: list[str] = []
    monkeypatch.setattr(best, "complete", lambda store, run_id: seen.append(run_id))
    return seen


@pytest.fixture
def sweep() -> Sweep:
    """The second of two is better; the first was the best until now."""
    sweep = made(C, [({"model.C": "0.1"}, {"log_loss": 0.7}), ({"model.C": "1"}, {"log_loss": 0.6})])
    former = sweep.points[0].run_id
    sweep.entries[former] = entry(former, {"log_loss": 0.7}, {BEST: "true"})
    return sweep


def test_the_tag_goes_to_the_better_one(sweep: Sweep, completed: list[str]) -> None:
    ledger: Any = Fake()
    best.honour(ledger, sweep)
    former, better = (point.run_id for point in sweep.points)
    assert ledger.written == [("set", better, BEST, "true"), ("delete", former, BEST)]
    assert completed == [better]


def test_what_another_sweep_praises_keeps_it(sweep: Sweep) -> None:
    former, better = (point.run_id for point in sweep.points)
    ledger: Any = Fake(praised=(former,))
    best.honour(ledger, sweep)
    assert ledger.written == [("set", better, BEST, "true")]


def test_a_tag_that_is_there_is_not_written_again(sweep: Sweep) -> None:
    better = sweep.points[1].run_id
    sweep.entries[better] = entry(better, {"log_loss": 0.6}, {BEST: "true"})
    sweep.entries[sweep.points[0].run_id] = entry(sweep.points[0].run_id, {"log_loss": 0.7})
    ledger: Any = Fake()
    best.honour(ledger, sweep)
    assert ledger.written == []
