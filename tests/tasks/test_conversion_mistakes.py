"""What a user can get wrong about conversion, and what is said: never a traceback, always what to do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC

from cxai_runner.config.problems import UserError
from tasks.conversion import Conversion

from .conftest import make_converters
from .conversion_runs import CONTEXT, parts, run, texts


@pytest.fixture(scope="module")
def data():
    return make_converters(300)


@pytest.mark.parametrize(
    ("options", "key", "message"),
    [
        ({"value": "spent", "cost": 1}, "value", "no such column"),
        ({"value": 5.0}, "cost", "needed to weigh what a conversion is worth"),
        ({"cost": 5.0}, "value", "needed to weigh what a contact costs"),
        ({"value": 5.0, "cost": 5.0}, "cost", "no less than the value of a conversion"),
        ({"slices": ["chanel"]}, "slices", "no such column"),
        ({"value": "spend", "cost": 1, "threshold": "profit"}, "threshold", "a column has no one threshold"),
    ],
)
def test_config_mistakes(data, options, key, message):
    (problem,) = Conversion(**options).problems(data.frame.columns)
    assert problem.key == key
    assert message in problem.message


def first(frame, column, value, rows=4):
    return frame.assign(**{column: frame[column].astype(object).where(frame.index >= rows, value)})


@pytest.mark.parametrize(
    ("change", "key", "message"),
    [
        (lambda f: f.assign(converted=1), "customers.converted", "one value only"),
        (lambda f: f.assign(converted=0), "customers.converted", "one value only"),
        (lambda f: f.assign(converted=(f.index < 9).astype(int)), "customers.converted", "only 9 conversions"),
        (lambda f: f.assign(converted=f["converted"] + 1), "customers.converted", "0 or 1, yes or no"),
        (lambda f: first(f, "converted", None), "customers.converted", "4 missing values"),
        (lambda f: f.assign(visits=np.where(f.index < 3, np.inf, f["visits"])), "customers.visits", "3 of its 300"),
        (
            lambda f: first(f.assign(visits=f["visits"].astype(str)), "visits", "n/a"),
            "customers.visits",
            "4 of its 300 values are no numbers, such as `n/a`",
        ),
        (lambda f: f.assign(visits=3 * f["converted"] + 1), "customers.visits", "the outcome under another name"),
    ],
)
def test_data_mistakes(data, change, key, message):
    problems = list(Conversion().inspect(replace(data, frame=change(data.frame))))
    assert any(problem.key == key and message in problem.message for problem in problems), problems
    assert all(problem.remedy for problem in problems)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("converted", None, "1 missing values"),
        ("converted", 2, "0 or 1, yes or no"),
        ("visits", np.inf, "1 of its 100 values are infinite"),
    ],
)
def test_rows_that_are_only_judged_are_looked_at_too(data, column, value, message):
    _, held_out = parts(data)
    fitted = run(data, LogisticRegression(), Conversion(repeats=1))[0]
    odd = replace(held_out, frame=first(held_out.frame, column, value, 1))
    with pytest.raises(UserError, match=message) as told:
        Conversion().score(fitted, odd, CONTEXT)
    assert told.value.problems[0].key == f"data.customers.{column}"


def test_a_text_among_numbers_is_told_where_only_judged_rows_have_it(data):
    """A file with one such value makes the whole column text, wherever the row falls."""
    texts = replace(data, frame=data.frame.assign(visits=data.frame["visits"].astype(str)))
    _, held_out = parts(texts)
    fitted = run(texts, LogisticRegression(), Conversion(repeats=1))[0]
    odd = replace(held_out, frame=first(held_out.frame, "visits", "n/a", 1))
    with pytest.raises(UserError, match="such as `n/a`") as told:
        Conversion().score(fitted, odd, CONTEXT)
    assert told.value.problems[0].key == "data.customers.visits"
    lettered = replace(texts, frame=texts.frame.assign(visits="v" + texts.frame["visits"]))
    _, held_out = parts(lettered)
    fitted = run(lettered, LogisticRegression(), Conversion(repeats=1))[0]
    mixed = np.where(np.arange(100) < 1, "n/a", held_out.frame["visits"].str[1:])
    rows = replace(held_out, frame=held_out.frame.assign(visits=mixed))
    assert len(Conversion().score(fitted, rows, CONTEXT)) == 100


def test_a_positive_that_is_no_value_is_told(data):
    (problem,) = Conversion(positive="yes").inspect(data)
    assert (problem.key, problem.value, problem.remedy) == ("task.positive", "yes", "one of: 0, 1")


def test_the_outcome_among_the_inputs_is_no_input(data):
    told = replace(data, roles=replace(data.roles, inputs=(*data.roles.inputs, "converted")))
    assert not list(Conversion().inspect(told))
    assert "converted" not in Conversion().fit(LogisticRegression(), told, CONTEXT).columns


def test_ten_conversions_are_learned_from_with_a_warning(data):
    few = replace(
        data, frame=data.frame.assign(converted=(data.frame["visits"].rank(method="first") > 285).astype(int))
    )
    contents = run(few, LogisticRegression(), Conversion(repeats=1))[2]
    caveats = texts(contents, "caveat")
    assert any(text.startswith("Only 1") and "conversions were there to learn from" in text for text in caveats)
    assert any(text.startswith("Probabilities are not calibrated") for text in caveats)


def test_no_column_that_says_anything_is_told(data):
    still = data.frame.assign(visits=1, spend=2.0, region="north", member=True, since=data.frame["since"].iloc[0])
    with pytest.raises(UserError, match="no input can be learned from: no column can be used: visits has one value"):
        Conversion().fit(LogisticRegression(), replace(data, frame=still), CONTEXT)


@pytest.mark.parametrize(
    ("model", "options", "told"),
    [
        (LinearSVC(), {}, "a classifier that predicts probabilities"),
        (KNeighborsClassifier(), {"balance": "weights"}, "KNeighborsClassifier takes no weights"),
    ],
)
def test_models_that_cannot_do_it_are_told(data, model, options, told):
    with pytest.raises(UserError, match=told):
        Conversion(**options).fit(model, data, CONTEXT)


def test_without_tensorflow_a_network_names_the_extra(data, monkeypatch):
    from cxai_runner.methods.conversion.network import NetworkClassifier

    monkeypatch.setattr("tasks.conversion.task.is_installed", lambda: False)
    (problem,) = Conversion().misused(NetworkClassifier(), [])
    assert "needs TensorFlow" in problem.message
    assert "cxai[deep]" in problem.remedy
