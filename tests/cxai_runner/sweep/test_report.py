"""What a sweep says: its headline, what moved the result, its pictures, its failures, how far to trust it."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from cxai_runner.report.document import Document
from cxai_runner.report.figures import draw_png
from cxai_runner.report.html import render_html
from cxai_runner.sweep import importance, pictures, report, scales
from cxai_runner.sweep.axes import Choice, Interval
from cxai_runner.sweep.objectives import Objective
from cxai_runner.sweep.space import Space
from cxai_runner.sweep.standing import Failure, Sweep
from tests.cxai_runner.sweep.conftest import LOSS, made

AXES = (
    Choice("model", ("logit", "xgboost")),
    Interval("model.C", 0.001, 10, log=True, when={"model": frozenset(["logit"])}),
    Choice("model.max_depth", ("2", "4"), when={"model": frozenset(["xgboost"])}),
)
AUC = Objective("roc_auc", "higher")
NONE: Callable[[str, str], None] = lambda run, part: None  # noqa: E731


def drawn(many: int = 24, **settings: object) -> Sweep:
    """A sweep in which the model decides, the depth helps a little, and C does nothing."""
    rng, space, results = random.Random(5), Space((), AXES), []
    for number in range(many):
        values = space.drawn(lambda axis: rng.choice(axis.texts) if isinstance(axis, Choice) else axis.at(rng.random()))
        loss = {"logit": 0.68, "xgboost": 0.66}[values["model"]] - 0.002 * (values.get("model.max_depth") == "4")
        result = {"held_out/log_loss": loss + rng.gauss(0, 1e-4), "held_out/roc_auc": 0.6 + rng.gauss(0, 0.01)}
        results.append((values, None if number == 3 else result))
    return made(AXES, results, **settings)  # type: ignore[arg-type]


def test_a_report_is_a_document_that_can_be_kept_and_shown() -> None:
    document = report.document(drawn(search="random", trials=24), NONE)
    again = Document.from_json(document.to_json())
    assert again.headline == document.headline
    assert again.headline.startswith("xgboost max_depth=4 is the best of 23: log loss 0.65")
    page = render_html(again)
    for words in ("sweep of purchase incidence", "second", "What failed", "ValueError: too few rows", "cxai sweep"):
        assert words in page
    assert "<script" not in page


def test_the_command_that_repeats_it_is_the_one_that_was_typed() -> None:
    assert report.command(drawn()) == "cxai sweep task=purchase_incidence model.C=0.1,1"


def test_it_says_that_the_best_of_many_is_optimistic() -> None:
    (caveat,) = report.document(drawn(), NONE).caveats
    assert caveat.text.startswith("The best of 23 was picked by the score that it is shown with")
    assert "the other 22" in caveat.text


def test_nothing_to_rank_is_said() -> None:
    sweep = made(AXES[:1], [({"model": "logit"}, None)])
    document = report.document(sweep, NONE)
    assert document.headline == "1 point, and none with a result that can be ranked."
    assert document.caveats == ()
    assert document.data["points"] == "0 of 1 finished, 1 failed"


def test_a_terminal_shows_the_beginning_of_a_long_reason() -> None:
    point = made(AXES[:1], [({"model": "logit"}, None)]).points[0]
    assert Failure(point, "ValueError: too few\nrows").line == "ValueError: too few"
    assert Failure(point, "x" * 20_000).line == "x" * 199 + "…"
    assert Failure(point, "ValueError: too few\nrows").brief == "ValueError: too few rows"
    assert Failure(point, "x" * 20_000).brief == "x" * 499 + "…"


def test_several_objectives_have_a_front_instead_of_a_second() -> None:
    document = report.document(drawn(goals=(LOSS, AUC)), NONE)
    beaten_by_none = sum(standing.best for standing in drawn(goals=(LOSS, AUC)).standings())
    assert document.headline == f"{beaten_by_none} of 23 points are beaten by no other in log loss and roc auc."
    assert not document.metrics
    names = [figure.name for figure in document.figures]
    assert names == ["parallel_coordinates", "parameter_importance", "trade_off"]
    (front,) = (figure for figure in document.figures if figure.name == "trade_off")
    assert (front.data["standing"] == "beaten by no other").sum() == beaten_by_none


@pytest.mark.parametrize(
    ("auc", "told"),
    [
        ((0.7, 0.6), "logit is the best of 2 in log loss and roc auc alike: 0.600, 0.700."),
        (
            (0.6, 0.7),
            "None of 2 points beats another in log loss and roc auc: what is gained in one is lost in the other.",
        ),
    ],
)
def test_the_ends_of_a_front_are_said_as_what_they_are(auc: tuple[float, float], told: str) -> None:
    results = [({"model": model}, {"log_loss": loss, "roc_auc": value})
               for model, loss, value in zip(("logit", "xgboost"), (0.6, 0.7), auc, strict=True)]  # fmt: skip
    assert report.document(made(AXES[:1], results, goals=(LOSS, AUC)), NONE).headline == told


def test_the_key_that_decides_matters_most() -> None:
    shares = importance.importance(drawn(60))
    assert isinstance(shares, dict)
    assert next(iter(shares)) == "model"
    assert shares["model"] > 0.7
    assert shares["model.C"] < 0.1
    assert sum(shares.values()) <= 1 + 1e-9


@pytest.mark.parametrize(
    ("sweep", "reason"),
    [
        (drawn(8), "7 points with a result are too few to say which key matters; it takes 10"),
        (made(AXES[:1], [({"model": "logit"}, {"log_loss": 1.0}), ({"model": "xgboost"}, {"log_loss": 2.0})]),
         "only one key varies, so there is nothing to share out"),
        (made((), [({}, {"log_loss": 1.0})]), "nothing varies"),
        (made((Choice("a.x", ("1", "2")), Choice("a.y", ("1", "2", "3", "4", "5"))),
              [({"a.x": x, "a.y": y}, {"log_loss": 1.0}) for x in "12" for y in "12345"]),
         "every point comes to the same result, so there is nothing to share out"),
    ],
)  # fmt: skip
def test_why_importance_cannot_be_had(sweep: Sweep, reason: str) -> None:
    assert importance.importance(sweep) == reason
    assert f"Which key matters cannot be said: {reason}." in [f.text for f in report.document(sweep, NONE).findings]


def test_parallel_coordinates_keep_the_order_and_leave_gaps() -> None:
    figure = pictures.parallel(drawn())
    assert figure is not None
    assert list(dict.fromkeys(figure.data["axis"])) == ["model", "C", "max_depth", "log loss"]
    rows = figure.data.pivot(index="trial", columns="axis", values="place")
    assert (rows["C"].isna() != rows["max_depth"].isna()).all()
    best = figure.data[figure.data["standing"] == 1]
    assert best["trial"].nunique() == 1
    assert best.set_index("axis").loc["log loss", "place"] == 0
    failed = figure.data[figure.data["trial"] == 4].set_index("axis")
    assert failed.loc["log loss"].isna()["place"]


def test_many_trials_are_thinned_and_it_says_so() -> None:
    axes = (Choice("a.x", tuple(map(str, range(900)))),)
    sweep = made(axes, [({"a.x": str(x)}, {"log_loss": float(x)}) for x in range(900)])
    figure = pictures.parallel(sweep)
    assert figure is not None
    assert figure.data["trial"].nunique() <= 300
    assert "of 900 trials" in figure.caption
    assert 1 in set(figure.data["trial"])


def test_the_history_is_drawn_for_a_search_that_learns_alone() -> None:
    assert pictures.history(drawn()) is None
    figure = pictures.history(drawn(search="tpe", trials=24))
    assert figure is not None
    assert list(figure.data["trial"]) == [n for n in range(1, 25) if n != 4]
    assert figure.data["best so far"].is_monotonic_decreasing
    assert figure.data["best so far"].iloc[-1] == figure.data["log_loss"].min()


def test_every_picture_can_be_drawn() -> None:
    for sweep in (drawn(search="tpe", trials=24), drawn(goals=(LOSS, AUC))):
        for figure in report.document(sweep, NONE).figures:
            assert draw_png(figure).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("texts", "log", "heights"),
    [
        (["1", "2", "3"], False, [0, 0.5, 1]),
        (["0.1", "1", "10"], False, [0, 0.5, 1]),
        (["1", "2", "4"], True, [0, 0.5, 1]),
        (["-1", "0", "99"], False, [0, 0.01, 1]),
        (["a", "b", "c"], False, [0, 0.5, 1]),
        (["1", "auto"], False, [0, 1]),
        (["7"], False, [0.5]),
    ],
)
def test_where_a_value_lies_on_its_axis(texts: list[str], log: bool, heights: list[float]) -> None:
    assert list(scales.places(texts, log=log).values()) == pytest.approx(heights)


def test_keys_of_the_same_name_are_told_apart() -> None:
    axes = (Choice("features.k", ("1", "2")), Choice("model.k", ("1", "2")), Choice("model.C", ("1", "2")))
    assert pictures.axis_names(made(axes, [])) == {"features.k": "features.k", "model.k": "model.k", "model.C": "C"}
