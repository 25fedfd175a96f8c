"""Warnings of libraries are gathered: each once, the first few, and never lost with an error."""

from __future__ import annotations

import warnings

import pytest

from cxai_runner.methods.errors import IncidenceWarning
from cxai_runner.warned import Warned


def test_each_is_told_once_and_nothing_reaches_the_session(recwarn: pytest.WarningsRecorder) -> None:
    warned = Warned()
    for _ in range(2):
        with warned.gathering():
            for _ in range(3):
                warnings.warn("did not\n  converge", RuntimeWarning, stacklevel=1)
    assert not recwarn.list
    assert warned.told() == ["A library warned (RuntimeWarning): did not converge"]
    warnings.warn("afterwards", RuntimeWarning, stacklevel=1)
    assert [str(one.message) for one in recwarn.list] == ["afterwards"]


def test_many_are_counted_and_long_ones_cut() -> None:
    warned = Warned()
    with warned.gathering():
        for number in range(8):
            warnings.warn(f"{number} {'x' * 500}", UserWarning, stacklevel=1)
    told = warned.told()
    assert len(told) == 6
    assert told[0].startswith("A library warned (UserWarning): 0 xxx")
    assert len(told[0]) < 350
    assert told[-1] == "Libraries warned of 3 other things."


def test_an_error_takes_them_along() -> None:
    def fail() -> None:
        with Warned().gathering():
            warnings.warn("ill-conditioned", RuntimeWarning, stacklevel=1)
            raise ValueError("singular")

    with pytest.raises(ValueError, match="singular") as caught:
        fail()
    assert caught.value.__notes__ == ["A library warned (RuntimeWarning): ill-conditioned"]


def test_what_the_session_ignores_stays_ignored() -> None:
    warned = Warned()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        with warned.gathering():
            warnings.warn("ill-conditioned", RuntimeWarning, stacklevel=1)
    assert warned.told() == []


def test_what_is_told_to_programmers_is_passed_on(recwarn: pytest.WarningsRecorder) -> None:
    warned = Warned()
    with warned.gathering():
        warnings.warn("use another name", DeprecationWarning, stacklevel=1)
    assert warned.told() == []
    assert [one.category for one in recwarn.list] == [DeprecationWarning]


def test_one_of_our_own_is_a_sentence_in_full() -> None:
    warned = Warned()
    text = "last_brand is z on 60 rows, and never was in training: " + "they are given the average of its levels, " * 9
    with warned.gathering():
        warnings.warn(text, IncidenceWarning, stacklevel=1)
    assert warned.told() == [f"Warning: {text.strip()}."]
