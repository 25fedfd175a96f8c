"""The account of the data as a reader meets it: short in the report, whole on its own page."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from cxai_runner.data.dataset import Dropped
from cxai_runner.data.quality.facts import ColumnQuality, Quality
from cxai_runner.report.document import Document
from cxai_runner.report.html import render_html
from cxai_runner.report.quality import MOST_NOTICED, noticed, render_quality, section, views

WILD = "<script>alert('x')</script> & $2 {{ 7 * 7 }}"


class Texts(HTMLParser):
    """What a reader sees, and what a browser is asked to fetch or run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.parts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in {"src", "href"} or name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    @property
    def seen(self) -> str:
        return " ".join(" ".join(self.parts).replace("\u00a0", " ").split())


def widths(svg: str, tone: str) -> float:
    return sum(float(width) for width in re.findall(rf'class="{tone}" x="[\d.]+" width="([\d.]+)"', svg))


def test_the_page_tells_what_was_kept_changed_and_dropped(document: Document) -> None:
    seen = Texts(render_quality(document)).seen
    for words in (
        "80 % of transactions kept; all of promotions",
        "one row per product on a receipt",
        "8,000 of 10,000 rows kept (80 %)",
        "dropped 1,000 (10 %): no customer",
        "dropped 500 (5.0 %): quantity is 0 or less",
        "read as dates written %d/%m/%Y 9,990",
        "read as whole numbers 10,000 100 %",
        "customer_id ← client",
        "a key, repeats",
        "2017-01-01 … 2017-12-31 18:30:00",
        "−1.25 … 12,345.678",
        "aside not read by this run",
        "a sample of 524,288 rows (2.5 %)",
        "3 more columns are not described",
        "left out, as privacy.pseudonymise asks",
        "Left out later",
    ):
        assert words in seen, words
    assert "about 53" in seen
    assert "about 2,345" not in seen, "what was counted is no estimate"


def test_the_page_needs_nothing_from_elsewhere_and_runs_nothing(document: Document) -> None:
    text = render_quality(document)
    page = Texts(text)
    assert "<script" not in text
    assert "http" not in text.replace("http-equiv", "")
    assert not {"script", "iframe", "link", "object", "embed", "img", "form"} & page.tags
    assert page.links == []
    assert page.seen.count(WILD) >= 4, "reason, change, note and value are text and nothing else"


def test_both_pages_are_read_by_day_and_by_night(document: Document) -> None:
    for text in (render_html(document), render_quality(document)):
        assert 'content="light dark"' in text
        assert "prefers-color-scheme: dark" in text


def test_the_report_says_it_in_a_few_lines(quality: tuple[Quality, ...]) -> None:
    said = section(quality)["noticed"]
    assert said == [
        f"transactions: the header has `{WILD}` twice",
        "transactions: 9,990 values of timestamp: read as dates written %d/%m/%Y",
        f"transactions: 7 values of revenue: written with “{WILD}” as decimal sign, read as numbers",
        "transactions: nothing has no value in any row",
        "transactions: revenue is missing in 40 rows (0.5 %)",
    ]


def test_one_value_is_one_value(quality: tuple[Quality, ...]) -> None:
    changed = tuple(replace(one, values=1, plain=False) for one in quality[0].changed[:1])
    assert f"1 value of {changed[0].column}: {changed[0].rule}" in noticed(replace(quality[0], changed=changed))


def test_more_than_a_few_lines_are_left_to_the_page() -> None:
    wide = Quality("customers", 10, 10, notes=tuple(f"note {n}" for n in range(MOST_NOTICED + 2)), looked_at=10)
    found = section([wide])
    assert len(found["noticed"]) == MOST_NOTICED
    assert found["unnoticed"] == "2 more findings there. "


def test_gaps_are_told_the_largest_first_and_the_rest_counted() -> None:
    gaps = tuple(ColumnQuality(f"c{n}", f"c{n}", "text", n, 5) for n in range(6))
    said = list(noticed(Quality("customers", 10, 10, columns=gaps, looked_at=10)))
    assert [words.split()[0] for words in said[:3]] == ["c5", "c4", "c3"]
    assert said[3] == "values are missing in 2 more columns"


def test_a_column_of_one_value_is_told_where_it_was_counted_and_not_where_it_was_sampled() -> None:
    table = Quality("customers", 10, 10, columns=(ColumnQuality("sex", "sex", "text", 0, 1),), looked_at=10)
    assert list(noticed(table)) == ["sex has one and the same value"]
    assert list(noticed(replace(table, estimated=True))) == []


def test_columns_that_were_not_read_are_no_findings() -> None:
    column = ColumnQuality("remark", "remark", "text", 9, 1, read=False)
    assert list(noticed(Quality("customers", 10, 10, columns=(column,), looked_at=10))) == []


def test_a_bar_is_as_long_as_what_it_stands_for_and_shows_what_is_small() -> None:
    half = Quality("customers", 10, 5, (Dropped("customers", "late", 5, 10),), looked_at=5)
    tiny = Quality("customers", 1_000_000, 999_999, (Dropped("customers", "late", 1, 1_000_000),), looked_at=5)
    first, second = (view.bar for view in views([half, tiny]))
    assert widths(first, "p0") == pytest.approx(widths(first, "p1"), abs=0.2)
    assert widths(second, "p1") > 3
    assert widths(second, "p0") + widths(second, "p1") == pytest.approx(1000, abs=0.2)


def test_every_reason_has_a_row_in_the_order_in_which_they_count(quality: tuple[Quality, ...]) -> None:
    dropped = views(quality)[0].dropped
    assert [(reason, rows) for reason, _, rows, _ in dropped] == [
        ("no customer", "1,000"), ("quantity is 0 or less", "500"), (WILD, "300"), ("Price is 0 or less", "150"),
        ("late", "50"),
    ]  # fmt: skip
    seen = Texts(render_quality(Document("t", "?", "!", quality=quality))).seen
    assert "What was dropped, and why" in seen
    assert "late 50 0.5 %" in seen
    assert "counted once, under the first of them as they stand here" in seen
    whole = Texts(render_quality(Document("t", "?", "!", quality=quality[1:]))).seen
    assert "What was dropped" not in whole


def test_a_reason_says_what_its_column_is_made_of() -> None:
    computed = ColumnQuality("cancelled", "Invoice starts with C", "true or false", 0, 1)
    lost = Dropped("transactions", "cancelled is True", 3, 10)
    (row,) = views([Quality("transactions", 10, 7, (lost,), columns=(computed,), looked_at=7)])[0].dropped
    assert row == ("cancelled is True", "cancelled ← Invoice starts with C", "3", "30 %")


def test_more_reasons_than_colours_share_the_last(quality: tuple[Quality, ...]) -> None:
    view = views(quality)[0]
    tones = [tone for tone, _ in view.parts]
    assert tones == ["p0", "p1", "p2", "p3", "p4", "", ""]
    assert view.parts[4][1] == "dropped 200 (2.0 %): other reasons"
    assert view.parts[-1][1] == "late: 50"


def test_a_run_without_an_account_has_no_section_on_it(document: Document) -> None:
    bare = replace(document, quality=())
    assert "data_quality.html" not in render_html(bare)


def test_the_account_is_in_the_json(document: Document) -> None:
    plain = json.loads(document.to_json())["quality"][0]
    assert (plain["rows"], plain["kept"]) == (10_000, 8_000)
    assert plain["columns"][2]["high"] == 12_345.678


def test_a_page_of_whole_tables_says_so() -> None:
    tables = tuple(Quality(name, 5, 5, looked_at=5) for name in ("customers", "products", "promotions"))
    seen = Texts(render_quality(Document("t", "?", "!", quality=tables))).seen
    assert "All of customers, products and promotions kept" in seen


def test_a_table_without_rows_has_no_bar() -> None:
    (view,) = views([Quality("customers", 0, 0)])
    assert view.bar == ""
    assert view.kept == "0 of 0 rows kept (–)"
