"""What a run says to its reader, as plain data that is logged with it.

The HTML is only a view of this: as the document is kept in the run (``report.json``), the report can be rendered again,
later and elsewhere, without the data, the model or the task's code.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final

from cxai_runner.data.dataset import Dropped
from cxai_runner.data.quality.facts import Quality
from cxai_runner.evaluation.results import Estimate, Figure, Finding, Interval, Metric, Table

if TYPE_CHECKING:
    import pandas as pd

VERSION: Final = 1
ROWS_KEPT: Final = 200
"""A longer table is kept as its first rows; all of them are in the run's ``tables/<name>.csv``."""


@dataclass(frozen=True, eq=False)
class Document:
    """Everything a report shows.

    Parameters
    ----------
    task
        The task's name: ``purchase_incidence``.
    question
        What was asked, in one line: the task's title.
    headline
        The answer in one sentence.
    asked
        Label → words: data, category, features, model, split.
    data
        Label → words: rows, customers, dates, held out.
    dropped
        What was left out of the data, by reason.
    quality
        What became of the rows and values of each table that was read.
    metrics
        By part (``held_out``, ``train``, ``challenge``), beside the baseline.
    baseline
        What stands in the baseline's column: ``base rate``.
    subject
        What stands in the column beside it: ``model``.
    estimates, findings, caveats
        Quantities of the question itself, and sentences.
    figures, tables
        To see and to read.
    table_rows
        Number of rows of the tables that are kept in part.
    provenance
        Label → words: run, identity, commit, data digest, seed, threads, versions.
    command
        What repeats the run.
    seconds, peak_memory_mb
        By stage.
    """

    task: str
    question: str
    headline: str
    asked: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, str] = field(default_factory=dict)
    dropped: tuple[Dropped, ...] = ()
    quality: tuple[Quality, ...] = ()
    metrics: Mapping[str, tuple[Metric, ...]] = field(default_factory=dict)
    baseline: str = "baseline"
    subject: str = "model"
    estimates: tuple[Estimate, ...] = ()
    findings: tuple[Finding, ...] = ()
    caveats: tuple[Finding, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    table_rows: Mapping[str, int] = field(default_factory=dict)
    provenance: Mapping[str, str] = field(default_factory=dict)
    command: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)
    peak_memory_mb: Mapping[str, float] = field(default_factory=dict)

    @property
    def headline_part(self) -> str:
        """The part whose metrics lead: held-out rows where there are any, else the challenge, else training."""
        return next((part for part in ("held_out", "challenge", "train") if self.metrics.get(part)), "")

    def rows_of(self, table: Table) -> int:
        """How many rows a table really has."""
        return self.table_rows.get(table.name, len(table.frame))

    def to_json(self) -> str:
        """Write the document as JSON; numbers that are not finite as null or ``"inf"``."""
        plain = {f.name: getattr(self, f.name) for f in fields(self)}
        plain["dropped"] = [asdict(item) for item in self.dropped]
        plain["quality"] = [_plain(asdict(item)) for item in self.quality]
        plain["metrics"] = {part: [_plain(asdict(m)) for m in found] for part, found in self.metrics.items()}
        plain["estimates"] = [_plain(asdict(item)) for item in self.estimates]
        plain["findings"] = [asdict(item) for item in self.findings]
        plain["caveats"] = [asdict(item) for item in self.caveats]
        plain["figures"] = [_framed(figure, "data", figure.data) for figure in self.figures]
        plain["tables"] = [_framed(table, "frame", table.frame.head(ROWS_KEPT)) for table in self.tables]
        plain["table_rows"] = {t.name: self.rows_of(t) for t in self.tables if self.rows_of(t) > ROWS_KEPT}
        return json.dumps({"version": VERSION, **plain}, ensure_ascii=False, allow_nan=False, default=_unboxed)

    @classmethod
    def from_json(cls, text: str) -> Document:
        """Read what `to_json` wrote.

        Raises
        ------
        ValueError
            The text is of another version of this format.
        """
        plain = json.loads(text)
        if plain.pop("version", None) != VERSION:
            raise ValueError("this report was written by another version of cxai")
        plain["dropped"] = tuple(Dropped(**item) for item in plain["dropped"])
        # A report that was written before there was an account of quality can still be read.
        plain["quality"] = tuple(map(Quality.from_plain, plain.get("quality", ())))
        plain["metrics"] = {part: tuple(map(_metric, found)) for part, found in plain["metrics"].items()}
        plain["estimates"] = tuple(Estimate(**(e | {"value": _interval(e["value"])})) for e in plain["estimates"])
        plain["findings"] = tuple(Finding(**item) for item in plain["findings"])
        plain["caveats"] = tuple(Finding(**item) for item in plain["caveats"])
        plain["figures"] = tuple(map(_figure, plain["figures"]))
        plain["tables"] = tuple(Table(**(t | {"frame": _frame(t["frame"])})) for t in plain["tables"])
        return cls(**plain)


def _framed(item: Figure | Table, name: str, frame: pd.DataFrame) -> dict[str, Any]:
    return {f.name: getattr(item, f.name) for f in fields(item)} | {name: _records(frame)}


def _records(frame: pd.DataFrame) -> dict[str, Any]:
    """A frame as columns, types and values; a named index becomes a column, as it does in the CSV."""
    flat = frame.reset_index() if any(name is not None for name in frame.index.names) else frame
    return {
        "columns": [str(name) for name in flat.columns],
        "types": [_type(flat.iloc[:, i]) for i in range(flat.shape[1])],
        "values": [_values(flat.iloc[:, i]) for i in range(flat.shape[1])],
    }


def _type(column: pd.Series) -> str:
    """``number``, ``whole``, ``truth``, ``time`` or ``text``: what a reader needs to know of a type."""
    from pandas.api import types

    if types.is_bool_dtype(column):
        return "truth"
    if types.is_integer_dtype(column):
        return "whole"
    if types.is_numeric_dtype(column):
        return "number"
    return "time" if types.is_datetime64_any_dtype(column) else "text"


def _values(column: pd.Series) -> list[Any]:
    kind = _type(column)
    empty = column.isna()
    if kind == "time":
        return [None if gone else value.isoformat() for value, gone in zip(column, empty, strict=True)]
    if kind == "text":
        return [None if gone else str(value) for value, gone in zip(column, empty, strict=True)]
    return [None if gone else _plain(value) for value, gone in zip(column.tolist(), empty, strict=True)]


def _frame(records: Mapping[str, Any]) -> pd.DataFrame:
    import pandas as pd

    dtypes = {"number": "float64", "whole": "int64", "truth": "bool", "time": "datetime64[us]", "text": "str"}
    nullable = {"whole": "Int64", "truth": "boolean"}
    columns = [
        pd.Series(values, dtype=nullable.get(kind, dtypes[kind]) if None in values else dtypes[kind])
        for kind, values in zip(records["types"], records["values"], strict=True)
    ]
    return pd.DataFrame(dict(enumerate(columns))).set_axis(records["columns"], axis=1)


def _metric(plain: dict[str, Any]) -> Metric:
    intervals = {name: plain[name] and _interval(plain[name]) for name in ("value", "baseline", "difference")}
    return Metric(**(plain | intervals))


def _interval(plain: Mapping[str, Any]) -> Interval:
    return Interval(**{name: math.nan if value is None else float(value) for name, value in plain.items()})


def _figure(plain: dict[str, Any]) -> Figure:
    shade = plain["shade"]
    return Figure(**(plain | {"data": _frame(plain["data"]), "shade": tuple(shade) if shade else None}))


def _plain(value: Any) -> Any:
    """A value that JSON can hold."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    value = _unboxed(value) if hasattr(value, "item") else value
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value


def _unboxed(value: Any) -> Any:
    """The Python number in a NumPy one; the text of anything else that JSON has no word for."""
    return value.item() if hasattr(value, "item") else str(value)
