"""Evidence as every report tells it: whether the model beats its baseline, what came true, how coefficients are shown.

The tasks differ in what is predicted and what it is compared with; the sentence and the pictures are one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cxai_runner.evaluation.results import Content, Figure, Metric, Table
from cxai_runner.evaluation.wording import number, with_interval

if TYPE_CHECKING:
    import pandas as pd

COVARIANCE = {"clustered": "clustered by customer", "classical": "classical", "robust": "robust"}
"""How standard errors are, in words."""


def verdict(
    loss: Metric, predicts: str, than: str, *, held_out: bool, unit: str = "row", several: bool = False, of: str = ""
) -> str:
    """Say whether a model beats its baseline, on which rows, and by how much.

    Parameters
    ----------
    loss
        The metric that decides, with its baseline and the difference.
    predicts
        What the model does: ``predicts purchases``.
    than
        The baseline: ``the base rate``.
    held_out
        Whether the rows were not those of the training.
    unit
        What a row is.
    several
        Whether it is several models.
    of
        What the loss is of, where it is not of a row: ``of an occasion``.
    """
    assert loss.baseline is not None
    assert loss.difference is not None
    has, its, who = ("they have", "their", "The models") if several else ("it has", "its", "The model")
    whose = f"{unit}s {has} not seen" if held_out else f"{its} own training rows (nothing was held out)"
    numbers = (
        f"{' '.join(filter(None, [loss.label, of]))} {number(loss.value.value)} against "
        f"{number(loss.baseline.value)}, a difference of {with_interval(loss.difference)}"
    )
    if loss.verdict in ("better", "worse"):
        return f"{who} {predicts} {loss.verdict} than {than} on {whose}: {numbers}."
    return f"{who} cannot be told from {than} on {whose}: {numbers}."


def calibration(
    table: pd.DataFrame, caption: str, *, predicted: str, observed: str, title: str = "Calibration"
) -> Iterator[Content]:
    """Yield a table of classes by what was predicted, and its picture; on the diagonal it came true."""
    yield Table("calibration", title, table, caption)
    yield Figure(
        "calibration",
        title,
        table,
        "point",
        "predicted",
        "observed",
        caption,
        low="low",
        high="high",
        x_label=predicted,
        y_label=observed,
        reference="diagonal",
    )


def coefficients(table: pd.DataFrame, title: str, caption: str, *, known: bool = True) -> Figure:
    """Return the picture of coefficients by term, with their intervals where these are known."""
    low, high = ("low", "high") if known else (None, None)
    return Figure(
        "coefficients", title, table, "point", "term", "coefficient", caption, low=low, high=high, reference={"y": 0.0}
    )
