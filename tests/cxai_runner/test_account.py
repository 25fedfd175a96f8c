"""What the engine itself adds to a run's caveats."""

from __future__ import annotations

import math

import pytest

from cxai_runner.config.compose import compose
from cxai_runner.experiment import prepare, run
from cxai_runner.tracking.courier import Courier
from cxai_runner.tracking.pseudonyms import Privacy
from cxai_runner.tracking.stages import Stages


@pytest.mark.parametrize(("share", "few"), [(0.05, True), (0.5, False)])
def test_few_held_out_customers_are_told_and_have_no_intervals(own_panel: list[str], share: float, few: bool) -> None:
    words = [*own_panel, f"split.test_size={share}", "tracking.level=child", "cache.enabled=false"]
    document = run(prepare(compose(words)), Courier(Privacy()), Stages()).document
    told = [one.text for one in document.caveats if "metrics have no intervals" in one.text]
    assert bool(told) is few
    for metric in document.metrics["held_out"]:
        assert metric.difference is not None
        assert math.isnan(metric.difference.low) is few
        assert not few or metric.verdict == "cannot tell"
