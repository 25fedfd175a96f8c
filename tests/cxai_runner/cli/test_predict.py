"""What `cxai predict` says of drift: that there was none is said only of what could be told."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from cxai_runner.cli.predict import _drift_in_words
from cxai_runner.evaluation.population import Moved


@pytest.mark.parametrize(
    ("verdicts", "last"),
    [
        (["stable", "stable"], "no drift beyond chance was seen"),
        (["too few rows", "too few rows"], "whether they drifted cannot be told from so few rows"),
        (
            ["stable", "too few rows"],
            "no drift beyond chance was seen; of 1 of 2 columns it cannot be told from so few rows",
        ),
        (["shifted", "too few rows"], "warning: not the population of the training: column 0 shifted"),
    ],
)
def test_the_verdict_of_all_columns(verdicts: list[str], last: str) -> None:
    drift = [Moved(f"column {i}", "input", 0.1, 0.2, one, 1, 0.0, 0.0, "") for i, one in enumerate(verdicts)]
    drifted = [one for one in drift if one.verdict == "shifted"]
    said = _drift_in_words(SimpleNamespace(drift=drift, drifted=drifted, shares=()), None)  # type: ignore[arg-type]
    assert said[-1].strip() == last
