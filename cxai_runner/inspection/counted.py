"""A column counted by value, and the questions that are asked of the counts.

The questions are constants: what a column is called never stands in SQL, and what is looked for is a parameter.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cxai_runner.inspection import values
from cxai_runner.inspection.dates import Dates, find
from cxai_runner.inspection.facts import Facts, Type
from cxai_runner.inspection.names import says

if TYPE_CHECKING:
    from ibis.expr.types import Table as IbisTable

_MOSTLY = 0.95
"""The share of values from which a column is of a type; the others are told as odd."""
_FEW = 12
"""Up to how many distinct values are shown."""

_TEXT = """
WITH said AS (SELECT often, trim(value) AS text FROM each_value WHERE value IS NOT NULL),
     cleaned AS (SELECT often, text, lower(text) AS low,
                        CASE WHEN text = '' OR list_contains($missing, lower(text)) THEN NULL ELSE text END AS v
                 FROM said)
SELECT sum(often) FILTER (v IS NOT NULL) AS given,
       count(DISTINCT v) AS distinct_values,
       count(DISTINCT text) FILTER (text <> '') AS distinct_texts,
       sum(often) FILTER (text <> '') AS texts,
       list_sort(list(DISTINCT text) FILTER (v IS NULL AND text <> '')) AS nulls,
       sum(often) FILTER (regexp_matches(v, $number)) AS numbers,
       sum(often) FILTER (regexp_matches(v, $number) OR regexp_matches(v, $grouped)) AS either,
       sum(often) FILTER (regexp_matches(v, $comma)) AS commas,
       sum(often) FILTER (regexp_matches(v, $comma) AND contains(v, ',')) AS comma,
       sum(often) FILTER (regexp_matches(v, $comma) AND contains(v, ',') AND contains(v, '.')) AS both_signs,
       sum(often) FILTER (regexp_matches(v, $number) AND (contains(v, '.') OR contains(low, 'e'))) AS points,
       sum(often) FILTER (regexp_matches(v, $iso)) AS iso,
       sum(often) FILTER (regexp_matches(v, $shape)) AS shaped,
       sum(often) FILTER (regexp_matches(v, '^0[0-9]+$')) AS in_front,
       sum(often) FILTER (low IN ('true', 'false')) AS truth,
       sum(often) FILTER (regexp_matches(v, $mail)) AS mails,
       max(length(v)) AS longest
FROM cleaned
"""
_NUMBERS = """
WITH read AS (SELECT often, CAST(value AS DOUBLE) AS n FROM typed WHERE value IS NOT NULL AND isfinite(value))
SELECT sum(often) AS read, min(n) AS low, max(n) AS high, sum(often) FILTER (n < 0) AS below,
       sum(often) FILTER (n = 0) AS zeros, sum(often) FILTER (n <> floor(n)) AS fractions
FROM read
"""
_DATES = """
WITH days AS (SELECT DISTINCT CAST(value AS DATE) AS day FROM typed WHERE value IS NOT NULL),
     gaps AS (SELECT day - lag(day) OVER (ORDER BY day) AS gap FROM days)
SELECT (SELECT sum(often) FROM typed WHERE value IS NOT NULL) AS read, (SELECT min(value) FROM typed) AS low,
       (SELECT max(value) FROM typed) AS high, min(gap) AS shortest, max(gap) AS longest_gap
FROM gaps
"""
_CLEANED = """
CREATE OR REPLACE TEMP TABLE cleaned AS
SELECT CASE WHEN trim(v) = '' OR list_contains($missing, lower(trim(v))) THEN NULL ELSE trim(v) END AS value, often
FROM (SELECT CAST(value AS VARCHAR) AS v, often FROM each_value)
"""
_AS_IT_IS = "CREATE OR REPLACE TEMP TABLE typed AS SELECT value, often FROM each_value"
_AS_TEXT = "CREATE OR REPLACE TEMP TABLE typed AS SELECT nullif(trim(value), '') AS value, often FROM each_value"
_AS_ISO = "CREATE OR REPLACE TEMP TABLE typed AS SELECT try_cast(value AS TIMESTAMP) AS value, often FROM cleaned"
_AS_SEVERAL = """
CREATE OR REPLACE TEMP TABLE typed AS SELECT try_strptime(value, $written::VARCHAR[]) AS value, often FROM cleaned
"""
_AS_TRUTH = "CREATE OR REPLACE TEMP TABLE typed AS SELECT lower(value) = 'true' AS value, often FROM cleaned"
_AS_NUMBERS = """
CREATE OR REPLACE TEMP TABLE typed AS
SELECT try_cast(replace(replace(value, $thousands, ''), $decimal, '.') AS DOUBLE) AS value, often FROM cleaned
"""
_STARTS = """
SELECT start, sum(often) AS often
FROM (SELECT regexp_extract(value, $lettered, 1) AS start, often FROM cleaned WHERE NOT regexp_matches(value, $number))
GROUP BY start ORDER BY often DESC, start
"""
_EACH = "SELECT value, sum(often) AS often FROM typed WHERE value IS NOT NULL GROUP BY value"
_DISTINCT = "SELECT count(DISTINCT value) FROM typed"


class Counted:
    """One column, counted by value."""

    def __init__(self, table: IbisTable, name: str) -> None:
        from cxai_runner.data.connect import connect

        one = table.select(value=table[name])
        counts = one.group_by("value").aggregate(often=one.count()).to_pyarrow()
        self.name, self.stored = name, table[name].type()
        self.rows = sum(counts["often"].to_pylist())
        self.given = sum(often for there, often in zip(*_lists(counts), strict=True) if there)
        self.engine = connect(()).con
        self.engine.register("each_value", counts)

    def facts(self, span: tuple[Any, Any] | None = None) -> Facts:
        """Return the facts; numbers at least over ``span``."""
        found: dict[str, Any] = {"given": self.given, "stored": str(self.stored)}
        if self.stored.is_string():
            found |= self._ask(_TEXT, **_SHAPES)
            found["stored"] = "text"
        kind = self._text(found) if self.stored.is_string() else self._own(found)
        found["distinct"] = self._one(_DISTINCT)
        if kind in {"whole numbers", "numbers"}:
            found |= self._ask(_NUMBERS)
        elif kind == "dates":
            found |= self._ask(_DATES)
        if span is not None and kind in {"whole numbers", "numbers"} and isinstance(span[0], int | float):
            found |= {"low": min(found["low"], span[0]), "high": max(found["high"], span[1])}
        few = found["distinct"] <= _FEW and kind not in {"dates", "empty"}
        missing = self.rows - (found["texts"] if kind == "text" and "texts" in found else found["given"])
        low, high = _plain(found.get("low")), _plain(found.get("high"))
        return Facts(
            name=self.name,
            type=kind,
            rows=self.rows,
            missing=missing,
            distinct=found["distinct"],
            low=low,
            high=high,
            below=int(found.get("below") or 0),
            zeros=int(found.get("zeros") or 0),
            values=self._each() if few else (),
            odd=int(found["given"] - (found.get("read") or 0)) if kind in {"whole numbers", "numbers", "dates"} else 0,
            nulls=tuple(found.get("nulls") or ()) if kind != "text" else (),
            written=found.get("dates", Dates()),
            numbers=found.get("whole", 0),
            starts=found.get("starts", ()),
            epoch=_epoch(self.name, kind, low, high),
            decimal=found.get("decimal", ""),
            thousands=found.get("thousands", ""),
            zeros_in_front=bool(found.get("in_front")),
            fractions=bool(found.get("fractions")),
            longest=int(found.get("longest") or 0),
            mails=bool(found.get("mails")),
            step=_step(found),
            stored=found["stored"],
        )

    def _own(self, found: dict[str, Any]) -> Type:  # noqa: PLR0911 - one line a type
        """The type that the source gives the column; whole numbers may still be days."""
        kind = self.stored
        self._run(_AS_IT_IS)
        if not self.given:
            return "empty"
        if kind.is_boolean():
            return "true/false"
        if kind.is_timestamp() or kind.is_date():
            return "dates"
        if kind.is_integer() and self._is_day_numbers():
            return self._dates(found, whole=True) or self._again("whole numbers")
        if kind.is_integer():
            return "whole numbers"
        if kind.is_numeric():
            return "numbers"
        self._run("CREATE OR REPLACE TEMP TABLE typed AS SELECT CAST(value AS VARCHAR) AS value, often FROM each_value")
        return "text"

    def _again(self, kind: Type) -> Type:
        self._run(_AS_IT_IS)
        return kind

    def _is_day_numbers(self) -> bool:
        low, high = self._row("SELECT min(value), max(value) FROM each_value")
        return bool(low >= 19_000_101 and high <= 21_001_231)

    def _text(self, found: dict[str, Any]) -> Type:
        """The type that most values of a column of text have."""
        for key in ("given", "texts", "numbers", "either", "commas", "comma", "both_signs", "points", "iso", "shaped"):
            found[key] = int(found[key] or 0)
        given = found["given"]
        mostly = _MOSTLY * given
        self._run(_CLEANED, missing=list(values.MISSING))
        if not given:
            self._run(_AS_TEXT)
            return "text" if found["nulls"] else "empty"
        if found["truth"] == given:
            self._run(_AS_TRUTH)
            return "true/false"
        if found["iso"] == given:
            self._run(_AS_ISO)
            return "dates"
        if found["shaped"] >= mostly > found["points"]:
            kind = self._dates(found, whole=found["numbers"] >= mostly)
            if kind:
                return kind
        if found["iso"] >= mostly:
            self._run(_AS_ISO)
            return "dates"
        return self._number(found, mostly)

    def _dates(self, found: dict[str, Any], *, whole: bool) -> Type | None:
        """Whether the values are dates, and every way in which they are written."""
        self._run(_CLEANED, missing=list(values.MISSING))
        dates = find(self.engine, found["given"], whole=whole, iso=found.get("iso", 0))
        if dates is None:
            return None
        found["dates"] = dates
        self._run(_AS_SEVERAL, written=dates.tried)
        return "dates"

    def _number(self, found: dict[str, Any], mostly: float) -> Type:
        """The values as numbers, by whichever signs read most of them; text where none does."""
        kind: Type = "numbers" if found["points"] else "whole numbers"
        if mostly <= found["numbers"] < found["given"] and kind == "whole numbers":
            starts = self.engine.execute(_STARTS, {"lettered": values.LETTERED, "number": values.NUMBER}).fetchall()
            if starts and all(start for start, _ in starts):
                found |= {"whole": found["numbers"], "starts": tuple((start, int(often)) for start, often in starts)}
                self._run(_AS_TEXT)
                return "text"
        if found["numbers"] >= mostly and found["numbers"] >= found["commas"]:
            decimal, thousands = ".", ""
        elif found["either"] >= mostly and found["either"] >= found["commas"]:
            decimal, thousands = ".", ","
        elif found["commas"] >= mostly and found["comma"]:
            kind, decimal, thousands = "numbers", ",", "." if found["both_signs"] else ""
        else:
            self._run(_AS_TEXT)
            found["longest"] = found["longest"] or 0
            return "text"
        # Where nothing stands between thousands, a sign is dropped that no number has.
        self._run(_AS_NUMBERS, thousands=thousands or "\x00", decimal=decimal)
        found |= {"decimal": decimal if decimal == "," else "", "thousands": thousands}
        return kind

    def _each(self) -> tuple[tuple[Any, int], ...]:
        """Every value and how often it occurs, the most frequent first."""
        rows = self.engine.execute(_EACH).fetchall()
        each = ((_plain(value), int(often)) for value, often in rows)
        return tuple(sorted(each, key=lambda one: (-one[1], str(one[0]))))

    def _ask(self, question: str, **parameters: Any) -> dict[str, Any]:
        cursor = self.engine.execute(question, parameters)
        names = [column[0] for column in cursor.description]
        (row,) = cursor.fetchall()
        return dict(zip(names, row, strict=True))

    def _row(self, question: str) -> tuple[Any, ...]:
        (row,) = self.engine.execute(question).fetchall()
        return tuple(row)

    def _one(self, question: str, **parameters: Any) -> int:
        ((found,),) = self.engine.execute(question, parameters).fetchall()
        return int(found)

    def _run(self, statement: str, **parameters: Any) -> None:
        self.engine.execute(statement, parameters).fetchall()


_SHAPES = {
    "missing": list(values.MISSING),
    "number": values.NUMBER,
    "grouped": values.GROUPED,
    "comma": values.COMMA,
    "iso": values.ISO,
    "shape": values.DATE_SHAPE,
    "mail": values.MAIL,
}


def _lists(counts: Any) -> tuple[list[Any], list[int]]:
    return counts["value"].is_valid().to_pylist(), counts["often"].to_pylist()


def _plain(value: Any) -> Any:
    """Numbers as short as they are: 3 for 3.0."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else value


def _step(found: Mapping[str, Any]) -> int | None:
    shortest = found.get("shortest")
    return int(shortest) if shortest is not None and shortest == found["longest_gap"] else None


def _epoch(name: str, kind: Type, low: Any, high: Any) -> str:
    """What numbers of a column that is called a time count since 1970; nothing where they are no such."""
    if kind not in {"whole numbers", "numbers"} or low is None or not says(name, "time"):
        return ""
    for unit, factor in (("seconds", 1), ("milliseconds", 1000)):
        if 2e8 * factor <= low and high <= 4.2e9 * factor:
            return unit
    return ""
