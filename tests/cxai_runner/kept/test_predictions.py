"""What a kept model gives for a data frame, and under which names."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd

from cxai_runner.kept.model import predictions


class Gives:
    """A loaded model without a signature, which gives what it is told to."""

    metadata = SimpleNamespace(signature=None)

    def __init__(self, found, **attributes):
        self.found, self.raw = found, SimpleNamespace(**attributes)

    def predict(self, rows):
        return self.found

    def get_raw_model(self):
        return self.raw


ROWS = pd.DataFrame({"price_a": [1.0, 2.0]}, index=[7, 9])


def test_columns_with_names_of_their_own_keep_them():
    units = pd.DataFrame({"units_a": [0.5, 0.4], "revenue_a": [0.5, 0.8]})
    found = predictions(Gives(units), ROWS)
    assert list(found.columns) == ["units_a", "revenue_a"]
    assert list(found.index) == [7, 9]


def test_probabilities_are_named_by_class_and_one_number_is_a_series():
    found = predictions(Gives(np.array([[0.2, 0.8], [0.3, 0.7]]), classes_=np.array(["no", "yes"])), ROWS)
    assert list(found.columns) == ["no", "yes"]
    one = predictions(Gives(np.array([1.0, 2.0])), ROWS)
    assert one.name == "prediction"
    assert list(one.index) == [7, 9]
