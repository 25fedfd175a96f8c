"""From what a file holds to the type a standard column has; what does not parse becomes null, and is counted later."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from cxai_runner.data import engines
from cxai_runner.data.engines import written

if TYPE_CHECKING:
    from ibis.expr.types import Value


TRIMMED: Final = "names without blanks around them"
"""What a name in text is like: every value can be read so, and some may have been written otherwise."""

EPOCHS: Final = {"epoch": 1, "epoch_ms": 1000}
"""Dates that are counted from the first instant of 1970 on, and in how many parts of a second."""

_CANONICAL: Final = r"^-?(0|[1-9][0-9]{0,18})(\.0+)?$"
"""A whole number written in the one way that nothing else is, or as a missing neighbour made a float of it."""


def cast(  # noqa: PLR0911, PLR0912 - one line a type
    raw: Value, guessed: Any, kind: str, formats: Sequence[str], *, decimal: str = ".", thousands: str = ""
) -> tuple[Value, str]:
    """Return ``raw`` as ``kind``, and what its values had to be like; nothing where no value can fail.

    Parameters
    ----------
    raw
        The column as read.
    guessed
        Its type: the file's own, or what a CSV's first rows look like.
    kind
        A kind of `standard.Column`, or a type from a config.
    formats
        How dates are written; ISO 8601 where there are none. ``epoch`` and ``epoch_ms`` stand for seconds and
        milliseconds since 1970.
    decimal, thousands
        What numbers as text are written with: before the fraction, and between the digits, where anything is.
    """
    if kind == "name":
        raw = engines.stored(raw)
        return (_name(raw, guessed), TRIMMED) if guessed.is_string() else (_name(raw, guessed), "")
    is_key = kind == "key"
    if kind in {"any", "key"}:
        kind = _own_kind(guessed, key=is_key)
    raw = engines.stored(raw)
    have = raw.type()
    if is_key and kind == "text":
        return _name(raw, guessed), TRIMMED
    if is_key and kind == "integer" and have.is_string():
        # The first rows look like whole numbers. 007, +7 or 7e0 further down are other names, not the number 7 again.
        return _name_as_number(engines.trimmed(raw)), "whole numbers"
    if kind in {"number", "integer"} and have.is_string():
        raw = _pointed(_plainly(raw), decimal, thousands)
    match kind:
        case "timestamp" if have.is_temporal():
            return raw.cast("timestamp"), ""
        case "timestamp" if formats and formats[0] in EPOCHS:
            return _since_1970(raw, EPOCHS[formats[0]]), "seconds since 1970"
        case "timestamp":
            text = engines.trimmed(raw.cast("string"))
            parsed = parse_dates(text, formats) if formats else _instants(text)
            return parsed, "dates as " + " or ".join(formats or ["2017-12-31", "2017-12-31 18:30:00"])
        case "number" if have.is_floating():
            # Not `nullif`: DuckDB compares a Parquet file's NaN by the file's statistics, which leave it out.
            return raw.isnan().ifelse(None, raw), ""
        case "number" if have.is_numeric() and not have.is_decimal():
            return raw, ""
        case "number":
            return raw.try_cast("float64").nullif(float("nan")), "numbers"
        case "integer" if have.is_integer():
            return raw, ""
        case "integer":
            whole = raw.try_cast("int64")
            # Engines round 12.7 to 13 here; a number with a fraction is not a whole number.
            return (raw.try_cast("float64") == whole.cast("float64")).ifelse(whole, None), "whole numbers"
        case "boolean" if not have.is_boolean():
            return raw.try_cast("boolean"), "true and false"
        case "text" if not have.is_string():
            return as_text(raw, guessed), ""
        case _:
            return raw, ""


def as_text(value: Value, kind: Any = None) -> Value:
    """Return values as text, of their own or another type; of floats a whole one as 1, where engines write 1 or 1.0."""
    text = value.cast("string")
    if not (value.type() if kind is None else kind).is_floating():
        return text
    text = (text.lower() == "nan").ifelse(None, text)
    return text.re_search(r"^-?[0-9]+\.0+($|e)").ifelse(text.re_replace(r"\.0+", ""), text)


def _name(raw: Value, guessed: Any) -> Value:
    """Return names as text. With a blank behind it a name would be another one; NaN is what pandas writes for none."""
    return engines.trimmed(as_text(raw, guessed)).nullif("").nullif("NaN")


def _name_as_number(text: Value) -> Value:
    """Return names that are whole numbers as such, null where one is written in a way that another could be too."""
    return text.re_search(_CANONICAL).ifelse(text.re_replace(r"\.0+$", "").try_cast("int64"), None)


def _instants(text: Value) -> Value:
    """Return ISO 8601 text as instants in UTC; text without a zone is taken for UTC, 24:00 for the next midnight."""
    import ibis
    import ibis.expr.datatypes as dt

    if engines.name_of(text) == "duckdb":
        dated = (text.lower() == "epoch").ifelse(None, text)  # which DuckDB takes for the first day of 1970
        # As a timestamp without a zone DuckDB reads 10:00+02:00 as 10:00. Our connections live in UTC.
        return dated.try_cast(dt.Timestamp(timezone="UTC")).cast("timestamp")
    if engines.name_of(text) == "sqlite":  # whose cast is ours
        return text.try_cast("timestamp")
    late = text.re_search(written.MIDNIGHT)
    midnight = text.re_replace("[ T]24:.*$", "").try_cast("timestamp") + ibis.interval(days=1)
    return late.ifelse(midnight, text.try_cast("timestamp"))


def _since_1970(raw: Value, parts: int) -> Value:
    """Return numbers as instants, to the second; null where one is none, or is no second of the years 1 … 9999."""
    first, last = -62_135_596_800, 253_402_300_799
    seconds = (raw.try_cast("float64") / parts).floor()
    seconds = seconds.between(first, last).ifelse(seconds, None).cast("int64")
    if engines.name_of(raw) == "sqlite":
        return engines.called("datetime", [seconds, "unixepoch"], "string").try_cast("timestamp")
    return seconds.as_timestamp("s").cast("timestamp")


def _plainly(text: Value) -> Value:
    """Return numbers as text but for those that DuckDB alone takes for some: 1_000."""
    return text.contains("_").ifelse(None, text) if engines.name_of(text) == "duckdb" else text


def _pointed(text: Value, decimal: str, thousands: str) -> Value:
    """Return numbers as text with a decimal point and no other mark; null where the marks are not in their places.

    With another mark for it, a point is a mistake; so is a thousands sign that three digits do not follow: of 12.5 it
    would make 125.
    """
    if thousands == " ":  # which is no place to break a line: spreadsheets write blanks for that
        text = text.replace("\u00a0", " ").replace("\u202f", " ")
    if thousands:
        sign, point = re.escape(thousands), re.escape(decimal)
        # Groups of two are how India writes a lakh.
        grouped = rf"^\s*[+-]?[0-9]{{1,3}}({sign}[0-9]{{2,3}})*{sign}[0-9]{{3}}({point}[0-9]*)?\s*$"
        whole = text.re_search(grouped).ifelse(text.replace(thousands, ""), None)
        text = text.contains(thousands).ifelse(whole, text)
    if decimal != ".":
        text = text.contains(".").ifelse(None, text.replace(decimal, "."))
    return text


def _own_kind(guessed: Any, *, key: bool) -> str:
    """The kind a column has by itself. A key is text or a whole number, even where a missing one made it a float."""
    if key:
        return "integer" if guessed.is_numeric() else "text"
    if guessed.is_boolean():
        return "boolean"
    if guessed.is_integer():
        return "integer"
    if guessed.is_numeric():
        return "number"
    return "timestamp" if guessed.is_timestamp() or guessed.is_date() else "text"


def parse_dates(text: Value | str, formats: Sequence[str]) -> Value:
    """Return ``text`` as timestamps written in one of ``formats``, null where in none.

    Ibis's own parsing stops at the first value that does not parse.
    """
    import ibis

    if not isinstance(text, str) and engines.name_of(text) != "duckdb":
        return written.parse(text, formats)
    builtin = ibis.udf.scalar.builtin(
        lambda text, formats: None, name="try_strptime", signature=(("string", "array<string>"), "timestamp")
    )
    return builtin(ibis.literal(text) if isinstance(text, str) else text, list(formats))
