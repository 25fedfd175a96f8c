"""The six tests: a planted useful segmentation passes each, a useless one none; what cannot be judged says why."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cxai_runner.data.dataset import Dataset, Roles
from cxai_runner.evaluation.results import Figure, Finding, Table
from cxai_runner.methods.agreement import RandIndex
from cxai_runner.methods.segments import KMeansSegments
from cxai_runner.task import Context
from tasks.segmentation import Segmentation
from tasks.segmentation.useful import Useful, judge
from tasks.segmentation.useful.verdicts import Figure as Held
from tasks.segmentation.useful.verdicts import Test

CONTEXT = Context(seed=5, resamples=200)
INPUTS = ("recency", "frequency")
OFFERED = Useful(response="spent", offer="mailed")


def base(number: int = 600, apart: float = 6.0, told: float = 1.0, seed: int = 0) -> Dataset:
    """Three groups; ``told`` says how far region, spending and the effect of a mail depend on the group."""
    rng = np.random.default_rng(seed)
    group = rng.choice(3, number, p=[0.5, 0.3, 0.2])
    centres = np.array([[0, 0], [1, 0], [0, 1]]) * apart
    columns = dict(zip(INPUTS, (rng.normal(size=(number, 2)) + centres[group]).T, strict=True))
    mailed = rng.integers(0, 2, number)
    spent = rng.normal(size=number) + told * (group + mailed * (group == 2))
    tells = rng.random(number) < 0.8 * told
    region = np.where(tells, np.array(["north", "south", "west"])[group], rng.choice(["north", "south"], number))
    frame = pd.DataFrame(
        {"customer_id": np.arange(number) + 9, **columns, "revenue": rng.uniform(5, 9, number), "region": region}
    )
    frame = frame.assign(mailed=mailed, spent=spent)
    earlier = frame[["customer_id"]].assign(
        **{name: frame[name] + rng.normal(0, 0.2, number) for name in INPUTS},
        next_revenue=rng.uniform(0, 1, number) + 5 * told * (group == 1),
        time=pd.Timestamp("2020-01-01"),
        until=pd.Timestamp("2020-03-25"),
    )
    roles = Roles(inputs=INPUTS, describe=("revenue", "region", "mailed", "spent"))
    return Dataset("customers", frame, roles, others={"earlier": earlier})


def model(many: int = 3):
    return make_pipeline(StandardScaler(), KMeansSegments(many, n_init=2, random_state=0))


def judged(data: Dataset, useful: Useful = OFFERED, many: int = 3, rand: float = 0.95):
    fitted = model(many).fit(data.frame[list(INPUTS)])
    segment = fitted.predict(data.frame[list(INPUTS)])
    return judge(useful, model(many), data, segment, np.full(5, rand), CONTEXT)


def verdicts(found) -> dict[str, str]:
    return {one.name: one.verdict for one in found.tests}


def test_a_planted_useful_segmentation_passes_all_six():
    assert set(verdicts(judged(base())).values()) == {"yes"}


def test_a_useless_one_passes_none():
    """One cloud cut into eight, the least of it a sliver, that nothing depends on and that does not last."""
    data = base(apart=0.0, told=0.0)
    rng = np.random.default_rng(1)
    shuffled = data.others["earlier"].assign(**{name: rng.normal(size=600) for name in INPUTS})
    useful = replace(OFFERED, depth=1, substantial=0.2, targeting=["region"])
    found = verdicts(judged(replace(data, others={"earlier": shuffled}), useful, many=8, rand=0.4))
    assert "yes" not in found.values()
    assert found == {
        "identifiable": "no",
        "substantial": "no",
        "accessible": "no",
        "stable": "no",
        "differentiable": "no",
        "actionable": "cannot tell",
    }


def test_one_segment_is_held_to_nothing():
    """It is found again and is large whatever the data are."""
    found = judged(replace(base(), others={}), replace(OFFERED, offer=None, response="spent"), many=1, rand=1.0)
    assert set(verdicts(found).values()) == {"not judged"}
    assert [one.grounds for one in found.tests[:5]] == ["there is one segment only"] * 5


def test_what_cannot_be_judged_says_what_would_let_it_be():
    data = replace(base(), others={})
    only = replace(data, frame=data.frame[["customer_id", *INPUTS]], roles=Roles(inputs=INPUTS))
    found = {one.name: one for one in judged(only, Useful()).tests}
    assert [name for name, one in found.items() if one.verdict == "not judged"] == [
        "accessible",
        "differentiable",
        "actionable",
    ]
    assert "task.useful.targeting" in found["accessible"].grounds
    assert "task.useful.response" in found["differentiable"].grounds
    assert "task.useful.offer" in found["actionable"].grounds
    assert "over time it is not judged: the data are of one date" in found["stable"].grounds
    assert "task.useful.revenue" in found["substantial"].grounds


def test_without_a_response_the_earlier_date_is_held_to_what_came():
    found = judged(base(), Useful())
    assert found.responded == "revenue of the next 84 days"
    assert verdicts(found)["differentiable"] == "yes"
    strongest = found.response.loc[found.response["mean"].idxmax()]
    assert strongest["mean"] == pytest.approx(5.5, abs=0.3)
    assert strongest["low"] < strongest["mean"] < strongest["high"]
    # Called as the segments of today: group 1 is the second largest.
    assert strongest["segment"] == 1


def test_what_came_later_enters_no_segment():
    """Other later revenue, and another today: the segments of the earlier date stay."""
    data = base()
    other = data.others["earlier"].assign(next_revenue=lambda rows: rows["next_revenue"].to_numpy()[::-1])
    one, two = judged(data, Useful()), judged(replace(data, others={"earlier": other}), Useful())
    np.testing.assert_array_equal(one.back.segment, two.back.segment)
    assert verdicts(two)["differentiable"] != "yes"


def test_what_customers_are_today_does_not_divide_those_of_then():
    data = base()
    noise = np.random.default_rng(4).normal(size=(600, 2))
    today = replace(data, frame=data.frame.assign(**dict(zip(INPUTS, noise.T, strict=True))))
    one, two = judged(data, Useful()).back.segment, judged(today, Useful()).back.segment
    assert RandIndex(one, two)(np.ones((600, 1)))[0, 0] == pytest.approx(1.0)


def test_unassigned_customers_are_no_segment():
    data = base()
    fitted = model().fit(data.frame[list(INPUTS)])
    segment = fitted.predict(data.frame[list(INPUTS)])
    segment = np.where(np.arange(600) % 10 == 0, -1, segment)
    found = judge(OFFERED, model(), data, segment, np.full(5, 0.9), CONTEXT)
    assert found.tree.segments == [0, 1, 2]
    assert verdicts(found)["identifiable"] == "yes"
    assert found.response["customers"].sum() == 540


def test_customers_order_and_names_change_nothing():
    data = base()
    order = np.random.default_rng(2).permutation(600)
    frame = data.frame.iloc[order].reset_index(drop=True).assign(customer_id=lambda rows: rows["customer_id"] * 7)
    earlier = data.others["earlier"].assign(customer_id=lambda rows: rows["customer_id"] * 7)
    other = judged(replace(data, frame=frame, others={"earlier": earlier}))
    for ours, theirs in zip(judged(data).metrics()[:-1], other.metrics()[:-1], strict=True):
        assert ours.value.value == pytest.approx(theirs.value.value)


@pytest.mark.parametrize(
    ("low", "high", "verdict"), [(0.82, 0.9, "yes"), (0.7, 0.79, "no"), (0.75, 0.85, "cannot tell")]
)
def test_a_threshold_is_held_to_the_whole_interval(low, high, verdict):
    from cxai_runner.evaluation.results import Interval

    assert Held("x", "x", Interval((low + high) / 2, low, high), 0.8).verdict == verdict


def test_a_test_is_as_good_as_the_worst_of_its_figures():
    from cxai_runner.evaluation.results import Interval

    good, bad = (Held("x", "x", Interval(one, one - 0.01, one + 0.01), 0.5) for one in (0.8, 0.2))
    assert Test.of("stable", "?", (good, bad), "").verdict == "no"


@pytest.fixture(scope="module")
def ran():
    data, task = base(), Segmentation(resamples=3, useful=OFFERED)
    fitted = task.fit(model(), data, CONTEXT)
    scores = {"train": task.score(fitted, data, CONTEXT)}
    metrics = {
        one.name: one for one in [*task.measure(scores["train"], CONTEXT), *task.challenge(fitted, data, CONTEXT)]
    }
    return metrics, list(task.report(fitted, data, scores, metrics, CONTEXT))


def table(contents, name):
    return next(one.frame for one in contents if isinstance(one, Table) and one.name == name)


def test_what_is_judged_is_logged(ran):
    metrics, _ = ran
    assert metrics["useful_tests"].value.value == 6
    assert {
        "identifiable",
        "smallest_share",
        "smallest_revenue_share",
        "accessible",
        "stability",
        "stability_over_time",
        "differentiable",
        "actionable_p",
    } <= set(metrics)
    assert metrics["identifiable"].baseline.value == pytest.approx(0.5, abs=0.1)
    assert metrics["identifiable"].verdict == "better"


def test_the_report_says_whether_it_is_useful(ran):
    contents = ran[1]
    found = table(contents, "useful")
    assert found["test"].tolist() == [
        "identifiable",
        "substantial",
        "accessible",
        "stable",
        "differentiable",
        "actionable",
    ]
    said = [one.text for one in contents if isinstance(one, Finding)]
    assert any(text.startswith("Of the 6 tests of a useful segmentation, 6 could be judged: 6 met") for text in said)
    marks = {one.name: one.mark for one in contents if isinstance(one, Figure)}
    assert {"useful": "verdicts", "rule_tree": "tree", "moves": "flow", "shares_over_time": "bar"}.items() <= (
        marks.items()
    )


def test_rules_are_told_with_what_they_find(ran):
    rules = table(ran[1], "rules")
    assert rules["right"].min() > 0.9
    assert rules.groupby("segment")["found"].sum().min() > 0.9
    assert rules["rule"].str.contains("recency|frequency").all()


def test_columns_that_segments_are_made_of_are_told_apart(ran):
    found = table(ran[1], "differences").set_index("column")
    assert found.loc["recency", "made of it"]
    assert not found.loc["region", "made of it"]
    assert found.loc["region", "measured by"] == "Cramér's V"
    assert found.loc["recency", "p"] == "< 0.001"


def test_the_shares_of_the_earlier_model_are_set_beside_its_own(ran):
    found = table(ran[1], "shares_over_time")
    assert found.groupby("at")["share"].sum().tolist() == pytest.approx([1, 1])
    assert (found["low"] < found["share"]).all()


@pytest.mark.parametrize(
    ("useful", "key", "told"),
    [
        (Useful(response="spant"), "useful.response", "no such column"),
        (Useful(targeting=["regoin"]), "useful.targeting", "no such column"),
        (Useful(offer="mailed"), "useful.offer", "nothing says how they responded"),
        (Useful(offer="spent", response="spent"), "useful.offer", "is the response"),
        (Useful(revenue="turnover"), "useful.revenue", "no such column"),
    ],
)
def test_columns_that_are_not_there_are_told(useful, key, told):
    problems = list(Segmentation(useful=useful).problems(list(base().frame.columns)))
    assert [problem.key for problem in problems] == [key]
    assert told in problems[0].message


@pytest.mark.parametrize(
    ("useful", "key", "told"),
    [
        (Useful(response="recency"), "task.useful.response", "segments are made of it"),
        (Useful(targeting=["frequency"]), "task.useful.targeting", "segments are made of it"),
        (Useful(response="region"), "task.useful.response", "not a number"),
        (Useful(response="spent", offer="revenue"), "task.useful.offer", "600 different values"),
    ],
)
def test_columns_that_customers_cannot_be_held_to_are_told(useful, key, told):
    problems = list(Segmentation(useful=useful).inspect(base()))
    assert [problem.key for problem in problems] == [key]
    assert told in problems[0].message
