"""What a run says, as data frames: to be filtered, joined and drawn beside those of other runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from cxai_runner.evaluation.results import Interval, Metric
    from cxai_runner.report.document import Document

_ENDS = ("value", "low", "high")


def metrics(document: Document) -> pd.DataFrame:
    """Return every metric, indexed by part and name.

    Returns
    -------
    metrics
        Columns ``value``, ``low``, ``high``, the ``baseline``'s value, ``difference`` (model minus baseline) with
        ``difference_low`` and ``difference_high``, and ``verdict``; what there is not is NaN. The part whose metrics
        lead comes first.
    """
    return _by_part(document, _metric)


def baseline(document: Document) -> pd.DataFrame:
    """Return the baseline's metrics with their intervals, indexed by part and name."""
    return _by_part(
        document, lambda metric: _interval(metric.baseline), only=lambda metric: metric.baseline is not None
    )


def estimates(document: Document) -> pd.DataFrame:
    """Return the quantities of the question itself by name: ``text``, ``value``, ``low``, ``high``."""
    import pandas as pd

    rows = [{"text": one.text, **_interval(one.value)} for one in document.estimates]
    index = pd.Index([one.name for one in document.estimates], name="estimate")
    return pd.DataFrame(rows, index=index, columns=["text", *_ENDS])


def flat(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table with its named index as columns, as its CSV has it."""
    return frame.reset_index() if any(name is not None for name in frame.index.names) else frame


def _by_part(document: Document, row: Any, only: Any = lambda metric: True) -> pd.DataFrame:
    import pandas as pd

    lead = document.headline_part
    order = [lead, *(part for part in document.metrics if part != lead)]
    found = [(part, metric) for part in order for metric in document.metrics.get(part, ()) if only(metric)]
    index = pd.MultiIndex.from_tuples([(part, metric.name) for part, metric in found], names=["part", "metric"])
    return pd.DataFrame([row(metric) for _, metric in found], index=index)


def _metric(metric: Metric) -> dict[str, Any]:
    difference = _interval(metric.difference)
    return {
        **_interval(metric.value),
        "baseline": _interval(metric.baseline)["value"],
        "difference": difference["value"],
        "difference_low": difference["low"],
        "difference_high": difference["high"],
        "verdict": metric.verdict,
    }


def _interval(interval: Interval | None) -> Mapping[str, float]:
    return dict.fromkeys(_ENDS, float("nan")) if interval is None else {end: getattr(interval, end) for end in _ENDS}
