"""The truth is found again in simulated panels, and 95 % intervals hold it 95 % of the time: a form of a minute.

`python -m benchmarks.recovery` is the form of 1,000 panels.
"""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.recovery import FEW, STUDIES, Study

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", STUDIES)
def test_intervals_hold_the_truth(name):
    study = STUDIES[name]
    panels = 20 if study.panels == FEW else 100
    table = study.recovered(panels, seed=1)
    assert table["held"].between(table["least"], table["most"]).all(), table.to_string()
    # The maximum of a likelihood is biased by a part of its standard error that falls with the square root of n.
    near = 4 * table["spread"] / np.sqrt(panels) + 0.15 * table["spread"]
    assert (abs(table["mean"] - table["truth"]) < near).all(), table.to_string()


@pytest.mark.parametrize("factor", [0.5, 2])
def test_wrong_standard_errors_are_found(factor):
    """Intervals of half their length hold the truth too seldom, and of twice their length too often."""
    sound = STUDIES["incidence"]

    def wrong(rng):
        table = sound.fit(rng)
        for end in ("low", "high"):
            table[end] = table["coefficient"] + factor * (table[end] - table["coefficient"])
        return table

    table = Study(sound.truth, wrong).recovered(300)
    assert not table["held"].between(table["least"], table["most"]).any()
