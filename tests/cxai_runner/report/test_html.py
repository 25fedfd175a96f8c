from __future__ import annotations

import re
import time
from dataclasses import replace
from html.parser import HTMLParser

import pandas as pd

from cxai_runner.evaluation.results import Figure, Interval, Metric, Table
from cxai_runner.report.document import Document
from cxai_runner.report.html import render_html
from cxai_runner.report.strips import strip

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Page(HTMLParser):
    """Collects tags, attributes and texts, and checks that every tag that opens also closes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append(" ".join(data.split()))


def test_the_page_needs_nothing_from_elsewhere(document: Document) -> None:
    text = render_html(document)
    assert "http://" not in text
    assert "https://" not in text
    assert "url(" not in re.sub(r"url\(#[\w-]+\)", "", text)
    assert "@import" not in text
    page = Page(text)
    assert page.open == []
    assert not {"script", "iframe", "object", "embed", "link", "base", "form"} & set(page.tags)
    assert [a for a in page.attributes if a[1] == "src" or a[1].startswith("on")] == []
    outside = [a for a in page.attributes if a[1].endswith("href") and not a[2].startswith(("#", "data:image/"))]
    assert outside == []


def test_what_the_data_says_is_text_and_nothing_else(document: Document) -> None:
    wild = "<script>alert('x')</script> & $2 {{ 7 * 7 }}"
    text = render_html(document)
    assert "<script" not in text
    assert "{{ 7 * 7 }}" in text, "a template in the data is not run"
    seen = " ".join(Page(text).texts)
    # In headline, title, question, asked, dropped, finding, caveat, figure, table (3), commit and command.
    assert seen.count(wild) >= 12


def test_everything_is_told_in_order(document: Document) -> None:
    seen = " ".join(Page(render_html(document)).texts)
    wanted = [
        "Higher prices of",
        "What was asked",
        "binomial logit",
        "The data",
        "48,212 occasions",
        "quantity is zero",
        "13,021",
        "Data quality",
        "8,000 of 10,000 rows kept (80 %)",
        "data_quality.html",
        "The result",
        "elasticity at the mean price",
        "−1.42",
        "Held out",
        "log loss",
        "0.532",
        "0.525 to 0.539",
        "0.611",
        "−0.079",
        "better",
        "cannot tell",
        "On the training rows",
        "Promotion helps",
        "Figures",
        "Tables",
        "The first 25 of 2,469 rows; all of them are in tables/customers.csv.",
        "Read this before you rely on it",
        "Where it comes from",
        "cxai run features.category=",
        "b41c2f",
        "1 min 15 s",
    ]
    position = -1
    for words in wanted:
        found = seen.find(words, position + 1)
        assert found > position, f"{words!r} is not where it belongs"
        position = found


def test_a_bare_document_leaves_empty_sections_out() -> None:
    page = Page(render_html(Document("explore", "Who are they?", "They are many.")))
    assert "h2" not in page.tags
    assert "They are many." in page.texts


def test_a_number_and_its_unit_stay_together(document: Document) -> None:
    assert "1.42\u00a0%." in render_html(document)


def test_the_numbers_of_a_matrix_have_as_many_decimals(document: Document) -> None:
    matrix = pd.DataFrame({"share_of": ["a", "b"], "a": [-2.12, 0.61], "b": [0.0384, -0.0512]})
    for alike, told in ((False, {"−2.12", "0.0384"}), (True, {"−2.120", "0.038"})):
        table = Table("matrix", "Matrix", matrix, alike=alike)
        texts = Page(render_html(replace(document, tables=(table,)))).texts
        assert told <= set(texts), texts


def test_a_strip_puts_model_and_baseline_on_one_scale() -> None:
    metric = Metric("m", "m", Interval(2.0, 1.0, 3.0), "lower", Interval(5.0, 4.0, 6.0), Interval(-3.0, -4.0, -2.0))
    svg = strip(metric)
    assert re.findall(r'cx="([\d.]+)"', svg) == ["34.8", "115.2"]
    assert 'x1="8.0"' in svg
    assert 'x2="142.0"' in svg


def test_a_strip_without_numbers_is_empty() -> None:
    nan = float("nan")
    assert strip(Metric("m", "m", Interval(nan, nan, nan), "lower")) == ""
    assert "circle" in strip(Metric("m", "m", Interval(1.0, nan, nan), "lower"))


def test_six_figures_are_rendered_quickly(curve: pd.DataFrame) -> None:
    figures = tuple(Figure(f"f{i}", "F", curve, "line", "price", "share", low="low", high="high") for i in range(6))
    document = Document("t", "?", "!", figures=figures)
    render_html(document)
    times = []
    for _ in range(3):
        begun = time.perf_counter()
        render_html(document)
        times.append(time.perf_counter() - begun)
    assert min(times) < 2.0
