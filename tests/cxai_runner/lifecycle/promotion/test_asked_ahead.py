"""Which rows a model was trained on, where it learned from the same customers and is asked what they do next."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from cxai_runner.evaluation.splits import Fold, Part
from cxai_runner.features.histories import CustomerHistories
from cxai_runner.lifecycle.promotion import rows
from cxai_runner.tracking.pseudonyms import Privacy

MARCH, APRIL = datetime(2017, 3, 1), datetime(2017, 4, 1)
ASKED = pd.DataFrame({"customer_id": [1, 2], "bought": ['["tea"]', '["soap"]']})


@pytest.mark.parametrize(
    ("start", "as_of", "held_out", "refit", "trained"),
    [
        (MARCH, MARCH, None, "train", [False, False]),  # it learned up to the day on which they are asked about
        (MARCH, APRIL, None, "train", [True, True]),  # it learned from what they bought then
        (MARCH, APRIL, None, "all", [True, True]),
        (None, APRIL, ASKED, "train", [False, False]),  # drawn at random, and the same was held out there
        (None, APRIL, ASKED.assign(bought=['["tea"]', '["tea"]']), "train", [False, True]),
        (None, APRIL, ASKED, "all", [True, True]),
        (None, APRIL, None, "train", [True, True]),
    ],
)
def test_who_was_told_what_came_next(
    start: Any, as_of: datetime, held_out: Any, refit: str, trained: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "learned", lambda kept: {"as_of": as_of.isoformat()})
    monkeypatch.setattr(rows, "privacy_of", lambda kept: Privacy())
    fold = Fold(Part("train", end=start), Part("held_out", start=start), "")
    experiment = SimpleNamespace(features=CustomerHistories(), task=SimpleNamespace(target="bought"))
    ready: Any = SimpleNamespace(experiment=experiment, folds=(fold,))
    nothing: Any = None
    mine = rows.Rows(nothing, ready, nothing, ASKED, "customer_id", None)
    scores = {"train": ASKED.assign(bought="[]")} | ({} if held_out is None else {"held_out": held_out})
    other: Any = SimpleNamespace(scores=lambda: scores)
    assert mine.trained(other, refit).tolist() == trained
