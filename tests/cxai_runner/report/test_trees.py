"""A tree of questions, and a strip of verdicts: all that they say is drawn, within the picture."""

from __future__ import annotations

import io

import pandas as pd
import pytest

from cxai_runner.evaluation.results import Figure
from cxai_runner.report.document import Document
from cxai_runner.report.figures import draw_png, draw_svg
from cxai_runner.report.html import render_html

TREE = Figure(
    "rules",
    "How to recognise a segment",
    pd.DataFrame(
        {
            "level": [0, 1, 1, 2, 2],
            "parent": [-1, 0, 0, 2, 2],
            "place": [0.75, 0.0, 1.5, 1.0, 2.0],
            "words": [
                "recency at most 20?",
                "0: bought lately\n400 customers, 98 % right",
                "promotion share at most 0.35?",
                "1: high basket size, low promotion share\n1,200 customers, 91 % right",
                "2: low monetary, high promotion share\n869 customers, 88 % right",
            ],
            "segment": ["", "0", "", "1", "2"],
        }
    ),
    "tree",
    "place",
    "level",
    by="segment",
    fill="parent",
    text="words",
)
STRIP = Figure(
    "useful",
    "Is it useful?",
    pd.DataFrame(
        {
            "test": ["identifiable", "substantial", "accessible", "stable", "differentiable", "actionable"],
            "verdict": ["yes", "no", "cannot tell", "yes", "yes", "not judged"],
            "figure": ["0.91 [0.90, 0.93]", "0.031\n0.011", "0.04", "0.92", "0.31", ""],
        }
    ),
    "verdicts",
    "test",
    "verdict",
    text="figure",
)


@pytest.mark.parametrize("figure", [TREE, STRIP], ids=["tree", "verdicts"])
def test_everything_lies_inside_the_picture(figure: Figure) -> None:
    from matplotlib.image import imread

    pixels = imread(io.BytesIO(draw_png(figure, dpi=80)))[..., :3]
    assert pixels.shape[1] == 896
    assert pixels.min() < 0.6, "something is drawn"
    for edge in (pixels[:2], pixels[-2:], pixels[:, :2], pixels[:, -2:]):
        assert edge.min() > 0.97


@pytest.mark.parametrize("figure", [TREE, STRIP], ids=["tree", "verdicts"])
def test_it_is_the_same_twice_and_when_it_was_kept(figure: Figure) -> None:
    document = Document("segmentation", "Which?", "So.", figures=(figure,))
    (again,) = Document.from_json(document.to_json()).figures
    assert draw_svg(again) == draw_svg(figure) == draw_svg(figure)
    assert figure.title in render_html(document)


def test_other_verdicts_and_other_words_are_other_pictures() -> None:
    other = STRIP.data.assign(verdict="no")
    assert draw_svg(STRIP) != draw_svg(Figure("useful", "", other, "verdicts", "test", "verdict", text="figure"))
    told = TREE.data.assign(words=TREE.data["words"].str.replace("lately", "long ago"))
    longer = Figure("rules", "", told, "tree", "place", "level", by="segment", fill="parent", text="words")
    assert draw_svg(longer) != draw_svg(TREE)
