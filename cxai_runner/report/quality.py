"""What the data were like, for a reader: a few lines in the report, and a page of its own with every column.

Both are views of what `cxai_runner.data.quality.assessment` counted, which the document keeps.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cxai_runner.data.tables.standard import STANDARD
from cxai_runner.report import wording
from cxai_runner.report.document import Document
from cxai_runner.report.templates import template

if TYPE_CHECKING:
    from markupsafe import Markup

    from cxai_runner.data.dataset import Dropped
    from cxai_runner.data.quality.changes import Change
    from cxai_runner.data.quality.facts import ColumnQuality, Quality

MOST_NOTICED: Final = 8
"""Sentences in the report; the page has all."""
_MOST_COLUMNS_NAMED: Final = 3
_TONES: Final = ("p1", "p2", "p3", "p4")
_WIDTH: Final = 1000
_NARROWEST: Final = 4


@dataclass(frozen=True)
class TableView:
    """A table as both pages show it."""

    name: str
    about: str
    kept: str
    bar: Markup
    parts: Sequence[tuple[str, str]]
    notes: Sequence[str]
    noticed: Sequence[str]
    dropped: Sequence[tuple[str, str, str, str]]
    changed: Sequence[tuple[str, str, str, str]]
    columns: Sequence[dict[str, Any]]
    how: str


def views(quality: Iterable[Quality]) -> list[TableView]:
    """Return each table in words and a bar."""
    return [_view(one) for one in quality]


def section(quality: Sequence[Quality]) -> dict[str, Any]:
    """Return what the report's section on data quality shows; the longest sentences' list is cut, and says so."""
    many = len(quality) > 1
    said = [f"{one.table}: {text}" if many else text for one in quality for text in noticed(one)]
    more = len(said) - MOST_NOTICED
    rest = f"{more} more {'finding' if more == 1 else 'findings'} there. " if more > 0 else ""
    return {"quality": views(quality), "noticed": said[:MOST_NOTICED], "unnoticed": rest}


def render_quality(document: Document) -> str:
    """Render the page on the data of a run.

    Returns
    -------
    html
        A whole page that needs nothing else.
    """
    return template("quality.html").render(
        document=document,
        headline=_headline(document.quality),
        tables=views(document.quality),
        later=[
            (one.table, one.reason, wording.number(one.rows), wording.number(one.of))
            for one in document.dropped
            if not any(one in table.dropped for table in document.quality)
        ],
    )


def noticed(quality: Quality) -> Iterator[str]:
    """Yield what a reader should know of a table, in sentences; of its columns, those that were read."""
    yield from quality.notes
    for change in quality.changed:
        if not change.plain:
            values = "1 value" if change.values == 1 else f"{wording.number(change.values)} values"
            yield f"{values} of {change.column}: {change.rule}"
    read = [one for one in quality.columns if one.read]
    empty = [one for one in read if quality.kept and one.missing == quality.kept]
    if empty:
        yield f"{_named(one.name for one in empty)} {'has' if len(empty) == 1 else 'have'} no value in any row"
    gaps = sorted((one for one in read if 0 < one.missing < quality.kept), key=lambda one: -one.missing)
    for one in gaps[:_MOST_COLUMNS_NAMED]:
        yield f"{one.name} is missing in {wording.number(one.missing)} rows ({_share(one.missing, quality.kept)})"
    if len(gaps) > _MOST_COLUMNS_NAMED:
        more = len(gaps) - _MOST_COLUMNS_NAMED
        yield f"values are missing in {more} more {'column' if more == 1 else 'columns'}"
    constant = [one for one in read if one.distinct == 1 and not quality.estimated and quality.kept > 1]
    if constant:
        yield f"{_named(one.name for one in constant)} {'has' if len(constant) == 1 else 'have'} one and the same value"


def _headline(quality: Sequence[Quality]) -> str:
    """How much was kept, table by table: ``99.4 % of transactions kept; all of products and promotions``."""
    told = [f"{_share(one.kept, one.rows)} of {one.table} kept" for one in quality if one.kept < one.rows]
    whole = [one.table for one in quality if one.kept == one.rows]
    if whole:
        *first, last = whole
        told.append(f"all of {', '.join(first)}{' and ' if first else ''}{last}{'' if told else ' kept'}")
    return "; ".join(told).capitalize() if told and told[0].startswith("all") else "; ".join(told)


def _view(quality: Quality) -> TableView:
    rows = quality.rows
    lost = [(one.reason, one.rows) for one in quality.dropped]
    # As many reasons as there are tones; the rest share the last.
    shown, rest = lost[: len(_TONES) - 1], lost[len(_TONES) - 1 :]
    if len(rest) == 1:
        shown, rest = lost, []
    parts = [*shown, *([("other reasons", sum(one for _, one in rest))] if rest else [])]
    legend = [("p0", f"kept {wording.number(quality.kept)}")]
    legend += [
        (tone, f"dropped {wording.number(count)} ({_share(count, rows)}): {reason}")
        for tone, (reason, count) in zip(_TONES, parts, strict=False)
    ]
    if rest:
        legend += [("", f"{reason}: {wording.number(count)}") for reason, count in rest]
    about = STANDARD[quality.table].about if quality.table in STANDARD else ""
    return TableView(
        name=quality.table,
        about=about,
        kept=f"{wording.number(quality.kept)} of {wording.number(rows)} rows kept ({_share(quality.kept, rows)})",
        bar=_bar(quality.kept, [count for _, count in parts], rows),
        parts=legend,
        notes=quality.notes,
        noticed=list(noticed(quality)),
        dropped=[_dropped(one, quality) for one in quality.dropped],
        changed=[_changed(one) for one in quality.changed],
        columns=[_column(one, quality) for one in quality.columns],
        how=_how(quality),
    )


def _dropped(dropped: Dropped, quality: Quality) -> tuple[str, str, str, str]:
    """A reason, what the column in it is made of where the source calls it otherwise, and how many rows it cost."""
    names = (one for one in quality.columns if dropped.reason.startswith(f"{one.name} ") and one.own != one.name)
    column = next(names, None)
    of = f"{column.name} ← {column.own}" if column is not None and column.own else ""
    return dropped.reason, of, wording.number(dropped.rows), _share(dropped.rows, quality.rows)


def _changed(change: Change) -> tuple[str, str, str, str]:
    return change.column, change.rule, wording.number(change.values), _share(change.values, change.of)


def _column(column: ColumnQuality, quality: Quality) -> dict[str, Any]:
    distinct = wording.NOTHING if column.distinct is None else wording.number(column.distinct)
    if quality.estimated and column.distinct is not None:
        distinct = f"about {_about(column.distinct)}"
    return {
        "name": column.name,
        "own": column.own if column.own != column.name else "",
        "read": column.read,
        "type": column.type,
        "missing": wording.number(column.missing),
        "share": _share(column.missing, quality.kept) if column.missing else "",
        "distinct": distinct,
        "values": _values(column, quality.looked_at),
    }


def _how(quality: Quality) -> str:
    kept, seen = wording.number(quality.kept), wording.number(quality.looked_at)
    told = [f"Columns are described in the {kept} rows that were kept; missing values are counted in all of them."]
    if quality.looked_at < quality.kept:
        told.append(
            f"Distinct, lowest, highest and most frequent values are those of a sample of {seen} rows "
            f"({_share(quality.looked_at, quality.kept)}): there may be lower, higher and more."
        )
    elif quality.estimated:
        told.append("Distinct values are estimated, to within some per cent; lowest and highest are exact.")
    if quality.hidden:
        told.append("Values that could tell of a customer are left out, as privacy.pseudonymise asks.")
    if quality.others:
        told.append(f"{wording.number(quality.others)} more columns are not described.")
    return " ".join(told)


def _bar(kept: int, parts: Sequence[int], rows: int) -> Markup:
    """A bar of what was kept and dropped; a part that is there is never too narrow to be seen."""
    from markupsafe import Markup

    counts = [(tone, count) for tone, count in zip(("p0", *_TONES), (kept, *parts), strict=False) if count]
    if not rows or not counts:
        return Markup("")
    widths = [max(count / rows * _WIDTH, _NARROWEST) for _, count in counts]
    scale, x, shapes = _WIDTH / sum(widths), 0.0, []
    for (tone, _), width in zip(counts, widths, strict=True):
        shapes.append(f'<rect class="{tone}" x="{x:.1f}" width="{width * scale:.1f}" y="0" height="10"/>')
        x += width * scale
    start = f'<svg class="share" viewBox="0 0 {_WIDTH} 10" preserveAspectRatio="none" aria-hidden="true">'
    return Markup(f"{start}{''.join(shapes)}</svg>")  # noqa: S704 - numbers only, no text of the data's


def _share(part: int, whole: int) -> str:
    """A share in which neither some nor all is rounded away."""
    if not 0.9 * whole < part < whole:
        return wording.share(part, whole)
    percent = 100 * part / whole
    return "over 99.9 %" if percent >= 99.95 else f"{percent:.1f} %"


def _about(estimate: int) -> str:
    """An estimate in the two or three digits that it is worth."""
    return wording.number(estimate if estimate < 100 else round(estimate, 3 - len(str(estimate))))


def _values(column: ColumnQuality, looked_at: int) -> str:
    """What a column's cell says of its values: their range, the most frequent one, or whether a key repeats."""
    if column.repeats is not None:
        return "a key, repeats" if column.repeats else "a key, no value twice"
    if column.frequent is not None:
        return f"most often {column.frequent} ({_share(column.frequent_rows, looked_at)})"
    if column.low is None or column.high is None:
        return ""
    low, high = _value(column.low), _value(column.high)
    return low if low == high else f"{low} … {high}"


def _value(value: float | int | str | bool) -> str:
    if isinstance(value, str):
        return value.replace("T00:00:00", "").replace("T", " ")
    decimals = len(f"{abs(float(value)) % 1:.4f}".rstrip("0").partition(".")[2])
    return wording.number(value, decimals)


def _named(names: Iterable[str]) -> str:
    listed = list(names)
    more = len(listed) - _MOST_COLUMNS_NAMED
    return ", ".join(listed[:_MOST_COLUMNS_NAMED]) + (f" and {more} more" if more > 0 else "")
