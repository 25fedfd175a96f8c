from __future__ import annotations

import io
import re
import sys
import warnings
import xml.etree.ElementTree as ET
from dataclasses import replace

import pandas as pd
import pytest

from cxai_runner.evaluation.results import Figure
from cxai_runner.report.figures import draw_png, draw_svg, is_broad

NAMES = ["line", "point", "bar", "lying", "heat", "stack", "dated", "named", "flow", "empty"]


@pytest.fixture(params=NAMES)
def figure(request: pytest.FixtureRequest, figures: tuple[Figure, ...]) -> Figure:
    return figures[NAMES.index(request.param)]


def test_a_png_is_a_picture(figure: Figure) -> None:
    from matplotlib.image import imread

    pixels = imread(io.BytesIO(draw_png(figure, dpi=60)))
    assert pixels.shape[:2] == ((252, 672) if is_broad(figure) else (210, 336))
    assert pixels[..., :3].min() < 0.9, "something is drawn"


def test_an_svg_stands_alone_and_is_the_same_twice(figure: Figure) -> None:
    svg = draw_svg(figure)
    assert svg == draw_svg(figure)
    assert svg.startswith('<svg role="img"')
    assert "://" not in svg
    assert "<script" not in svg
    ET.fromstring(svg.replace("xlink:href", "href"))


def test_no_global_state_is_touched(figures: tuple[Figure, ...]) -> None:
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    draw_png(figures[0], dpi=40)
    assert dict(mpl.rcParams) == before
    if "matplotlib.pyplot" in sys.modules:
        import matplotlib.pyplot as plt

        assert plt.get_fignums() == []


def test_dollars_are_no_formulas(curve: pd.DataFrame) -> None:
    draw_png(Figure("f", "from $1 to $2^{", curve, "line", "price", "share", x_label="$ and $"), dpi=40)


def test_signs_that_the_font_lacks_are_told_once(figures: tuple[Figure, ...]) -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        draw_svg(replace(figures[0], x_label="日本", y_label="日"))
    assert ["lacks signs of a name" in str(one.message) for one in said] == [True]


def test_the_title_is_in_the_picture_but_not_in_the_page(figures: tuple[Figure, ...]) -> None:
    one, other = figures[1], replace(figures[1], title="Quite another title")
    assert draw_svg(one) == draw_svg(other)
    assert draw_png(one, dpi=40) != draw_png(other, dpi=40)


def test_everything_lies_inside_the_picture(figure: Figure) -> None:
    """The outermost pixels stay white: no label is cut off."""
    from matplotlib.image import imread

    pixels = imread(io.BytesIO(draw_png(figure, dpi=80)))[..., :3]
    assert pixels[:2].min() > 0.97
    assert pixels[-2:].min() > 0.97
    assert pixels[:, :2].min() > 0.97
    assert pixels[:, -2:].min() > 0.97


def test_areas_are_stacked_away_from_zero() -> None:
    """Below zero downwards, above it upwards; what crosses zero has a part on either side."""
    from matplotlib.figure import Figure as Canvas

    from cxai_runner.report.marks import stack

    rows = pd.DataFrame({"x": [0.0, 1.0] * 3, "y": [-1.0, -2.0, -0.5, 0.5, -1.0, 1.0], "by": list("aabbcc")})
    axes = Canvas().add_subplot()
    stack(axes, Figure("s", "S", rows, "stack", "x", "y", by="by"))
    ends = [[one.get_paths()[0].vertices[:, 1] for one in axes.collections][i] for i in range(6)]
    assert [(ys.min(), ys.max()) for ys in ends] == [(0, 0), (-2, 0), (0, 0.5), (-2, -1), (0, 1.5), (-2.5, -1.5)]


def test_many_points_become_one_image(curve: pd.DataFrame) -> None:
    many = pd.concat([curve] * 1000, ignore_index=True)
    few, lots = (draw_svg(Figure("f", "F", data, "point", "price", "share")) for data in (curve, many))
    assert "<image" not in few
    assert "<image" in lots
    assert re.findall(r'href="(?!data:|#)', lots) == []


def test_points_can_have_their_names_beside_them() -> None:
    from matplotlib.figure import Figure as Canvas

    from cxai_runner.report.marks import point

    brands = pd.DataFrame({"clout": [1.0, 2.0], "vulnerability": [2.0, 1.0], "brand": ["acme", "best"]})
    axes = Canvas().add_subplot()
    point(axes, Figure("f", "F", brands, "point", "clout", "vulnerability", text="brand"))
    assert [(one.get_text(), one.xy) for one in axes.texts] == [("acme", (1.0, 2.0)), ("best", (2.0, 1.0))]


def test_a_flow_is_as_wide_on_either_side_as_what_flows() -> None:
    from matplotlib.figure import Figure as Canvas

    from cxai_runner.report.flows import flow

    moved = pd.DataFrame({"from": ["a", "a", "b"], "to": ["a", "b", "b"], "n": [6, 3, 1]})
    axes = Canvas().add_subplot()
    flow(axes, Figure("f", "F", moved, "flow", "from", "to", fill="n", x_label="then", y_label="now"))
    boxes = [one.get_paths()[0].get_extents() for one in axes.collections]
    bands, parts = boxes[:3], boxes[3:]
    assert [round(one.height, 2) for one in parts] == [0.9, 0.1, 0.6, 0.4]
    assert len({round(one.x0, 3) for one in bands}) == 1
    assert [text.get_text() for text in axes.texts] == ["a  9", "b  1", "a  6", "b  4", "then", "now"]


def test_the_first_of_several_lines_lies_on_top_of_all_and_no_line_under_a_band() -> None:
    from matplotlib.figure import Figure as Canvas

    from cxai_runner.report.marks import line

    rows = pd.DataFrame({"price": [1.0, 2.0], "share": [0.4, 0.6], "low": [0.3, 0.5], "high": [0.5, 0.7]})
    data = pd.concat([rows.assign(state=state) for state in ("as observed", "at 1", "at 0")], ignore_index=True)
    axes = Canvas().subplots()
    line(axes, Figure("f", "f", data, "line", "price", "share", by="state", low="low", high="high"))
    lines = sorted(axes.lines, key=lambda one: one.get_zorder())
    assert [one.get_label() for one in lines] == ["at 0", "at 1", "as observed"]
    assert max(band.get_zorder() for band in axes.collections) < lines[0].get_zorder()


def test_long_names_of_many_lines_stay_inside_the_picture() -> None:
    from matplotlib.image import imread

    names = [f"{number}: high category spread, low revenue" for number in range(4)]
    data = pd.DataFrame({"x": [0, 1] * 4, "y": range(8), "of": [name for name in names for _ in range(2)]})
    pixels = imread(io.BytesIO(draw_png(Figure("f", "f", data, "line", "x", "y", by="of"), dpi=80)))[..., :3]
    assert pixels[:, -2:].min() > 0.97
