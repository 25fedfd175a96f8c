"""A run asks its watch through a line; a line that is lost never stops it."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Iterator
from multiprocessing import AuthenticationError
from pathlib import Path
from typing import Any

import pytest

from cxai_runner.sweep.executors.switchboard import Board, Caller, Distant, Question, Switchboard
from cxai_runner.watch import Watch


class Remembering(Watch):
    judges = True

    def __init__(self, stop: bool = False) -> None:
        self.heard: list[tuple[str, float, int]] = []
        self.stop = stop

    def step(self, metric: str, value: float, number: int) -> None:
        self.heard.append((metric, value, number))

    def should_stop(self) -> bool:
        return self.stop


@pytest.fixture
def board() -> Iterator[Switchboard]:
    opened = Switchboard()
    yield opened
    opened.close()


def crossed(distant: Distant) -> Distant:
    """As another process would have it."""
    found: Distant = pickle.loads(pickle.dumps(distant))
    return found


def test_steps_and_answers_cross(board: Switchboard) -> None:
    going, given_up = Remembering(), Remembering(stop=True)
    first, second = crossed(board.line("1", going)), crossed(board.line("2", given_up))
    assert first.judges
    first.step("log_loss", 0.5, 0)
    second.step("log_loss", 0.7, 0)
    first.step("log_loss", 0.4, 1)
    assert (first.should_stop(), second.should_stop()) == (False, True)
    assert going.heard == [("log_loss", 0.5, 0), ("log_loss", 0.4, 1)]
    assert given_up.heard == [("log_loss", 0.7, 0)]


def test_many_runs_ask_at_once(board: Switchboard) -> None:
    watches = {str(number): Remembering(stop=number % 2 == 0) for number in range(16)}
    lines = {label: crossed(board.line(label, watch)) for label, watch in watches.items()}
    answers: dict[str, bool] = {}

    def work(label: str) -> None:
        for number in range(50):
            lines[label].step("m", float(number), number)
        answers[label] = lines[label].should_stop()

    threads = [threading.Thread(target=work, args=(label,)) for label in lines]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert answers == {label: watch.stop for label, watch in watches.items()}
    assert all([one[2] for one in watch.heard] == list(range(50)) for watch in watches.values())


def test_a_lost_line_gives_nothing_up(board: Switchboard) -> None:
    watch = Remembering(stop=True)
    line = crossed(board.line("1", watch))
    assert line.should_stop()
    board.close()
    board.hang_up("1")
    late = crossed(Distant("1", True, line._ask.__class__("/no/such/line", "AF_UNIX", b"key")))
    late.step("m", 1.0, 0)
    assert not late.should_stop()
    assert not line.should_stop()


def test_what_comes_after_its_run_ended_counts_for_nothing(board: Switchboard) -> None:
    watch = Remembering(stop=True)
    line = crossed(board.line("1", watch))
    board.hang_up("1")
    line.step("m", 1.0, 0)
    assert not line.should_stop()
    assert watch.heard == []


def test_who_does_not_know_the_key_is_not_answered(board: Switchboard) -> None:
    known = board.line("1", Remembering(stop=True))._ask
    assert isinstance(known, Caller)
    stranger = Caller(known.address, known.family, b"another key")
    with pytest.raises(AuthenticationError):
        stranger(Question("1"))
    assert known(Question("1")), "a stranger keeps nobody else from being answered"


def test_nothing_is_left_of_a_switchboard() -> None:
    board = Switchboard()
    folder: Path = board._folder
    assert folder.stat().st_mode & 0o077 == 0
    board.close()
    assert not folder.exists()


def test_a_system_without_sockets_of_files_has_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    monkeypatch.delattr(socket, "AF_UNIX")
    board = Switchboard()
    try:
        line: Any = crossed(board.line("1", Remembering(stop=True)))
        assert line._ask.address[0] == "127.0.0.1"
        assert line.should_stop()
    finally:
        board.close()


def test_a_board_answers_for_nobody_it_does_not_know() -> None:
    assert not Board().answer(Question("1"))
