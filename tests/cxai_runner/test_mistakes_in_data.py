"""The second half of the catalogue of mistakes: what bounded queries find in the rows, before a feature is built."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from cxai_runner.config.compose import compose
from cxai_runner.config.problems import UserError
from cxai_runner.config.wording import render
from cxai_runner.experiment import _refuse_unanswerable, prepare

Change = Callable[[pd.DataFrame], pd.DataFrame]


def refused(overrides: list[str]) -> UserError:
    with pytest.raises(UserError) as caught:
        prepare(compose(overrides))
    return caught.value


# What is wrong with the rows → the key that is told → a fragment of what is said of it.
ROWS: list[tuple[str, Change, list[str], str, str]] = [
    ("no rows", lambda f: f.head(0), [], "data.path", "has a header and no rows"),
    ("one class", lambda f: f.assign(bought=0), [], "data.columns.incidence", "there is nothing to tell apart"),
    ("other classes", lambda f: f.assign(bought=f["bought"] * 3), [], "data.columns.incidence", "outside 0 … 1"),
    ("text classes", lambda f: f.assign(bought="yes"), [], "data.columns.incidence", "do not hold"),
    ("no outcome", lambda f: f.assign(bought=f["bought"].where(f.index > 3)), [], "data.columns.incidence", "no value"),
    ("price below zero", lambda f: f.assign(Price_a=-f["Price_a"]), [], "data.columns.price", "0 or less"),
    ("price of zero", lambda f: f.assign(Price_a=0.0), [], "data.columns.price", "0 or less"),
    (
        "price without end",
        lambda f: f.assign(Price_a=f["Price_a"].where(f.index > 2, float("inf"))),
        [],
        "data",
        "infinite",
    ),
    ("price as text", lambda f: f.assign(Price_a="1,99"), [], "data.columns.price", "do not hold numbers"),
    ("nothing left", lambda f: f, ["data.where={occasion: {gt: 99}}"], "data.where", "none of the 1,800 rows"),
    ("one customer", lambda f: f.assign(client=1), [], "split", "customer"),
    ("one occasion", lambda f: f.assign(day=1), ["split=time"], "split", ""),
]


@pytest.mark.parametrize(("what", "change", "more", "key", "said"), ROWS, ids=[row[0] for row in ROWS])
def test_a_mistake_in_the_rows_is_told_with_its_key(
    what: str,
    change: Change,
    more: list[str],
    key: str,
    said: str,
    panel_csv: Path,
    own_panel: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    change(pd.read_csv(panel_csv)).to_csv("rows.csv", index=False)
    error = refused([*own_panel, "data.path=rows.csv", *more])
    assert error.stage == "data"
    told = [problem for problem in error.problems if problem.key.startswith(key)]
    assert told, render(error.problems, error.stage)
    assert any(said in f"{problem.message}; {problem.remedy}" for problem in told), render(error.problems, error.stage)
    assert all(problem.origin for problem in told)


def test_a_key_of_the_task_that_the_rows_do_not_bear_out_is_told_by_its_name(
    panel_csv: Path, own_panel: list[str], tmp_path: Path
) -> None:
    pd.read_csv(panel_csv).assign(region=None).to_csv(tmp_path / "rows.csv", index=False)
    ready = prepare(compose([*own_panel, f"data.path={tmp_path / 'rows.csv'}", "task.by=[region]"]))
    train = ready.experiment.features.build(ready.tables, ready.folds[0].train, {})
    with pytest.raises(UserError) as caught:
        _refuse_unanswerable(ready.experiment, train)
    (problem,) = caught.value.problems
    assert (problem.key, problem.value) == ("task.by", "region")


@pytest.mark.parametrize(
    ("override", "key", "remedy"),
    [
        ("task.by=[Price_a]", "task.by", "it is `price_a` here, as data.columns says"),
        ("task.terms=[mean_price,client]", "task.terms", "it is `customer_id` here, as data.columns says"),
    ],
)
def test_a_name_of_the_file_is_told_with_the_one_it_has_here(
    override: str, key: str, remedy: str, own_panel: list[str]
) -> None:
    (problem,) = refused([*own_panel, override]).problems
    assert (problem.key, problem.remedy) == (key, remedy)


# How the file is written → the key that is told → what is said of it, and what to do.
FILES: list[tuple[str, Callable[[str], bytes], list[str], str, str, str]] = [
    (
        "a value too many",
        lambda text: f"{text}1,2,3,4,5,6,7,8\n".encode(),
        [],
        "data.path",
        "line 1,802 of rows.csv has 8 values where 7 are expected: `1,2,3,4,5,6,7,8`",
        'put "…" around a value with a delimiter in it, or set data.delimiter if it is another',
    ),
    (
        "a value too few",
        lambda text: f"{text}1,2,3\n".encode(),
        [],
        "data.path",
        "line 1,802 of rows.csv has 3 values where 7 are expected: `1,2,3`",
        "complete that line, or take it out",
    ),
    (
        "an unclosed quote",
        lambda text: f'{text}"1,2,3,4,5,6,7\n'.encode(),
        [],
        "data.path",
        'line 1,802 of rows.csv opens a quote that is not closed before its value ends: `"1,2,3,4,5,6,7`',
        "close it, write \"\" for a quote within a value, or data.quote='' if quotes are only text",
    ),
    (
        "another encoding",
        lambda text: text.replace("client", "código", 1).encode("latin-1"),
        [],
        "data.encoding",
        "line 1 of rows.csv is not written in utf-8",
        "say what it is, as in data.encoding=cp1252 (Windows) or latin-1",
    ),
    (
        "an encoding that nobody knows",
        lambda text: text.encode(),
        ["data.encoding=utf88"],
        "data.encoding",
        "no such encoding of text",
        "did you mean `utf-8`?",
    ),
    (
        "lines before the header",
        lambda text: f"Sales of 2017\n\n{text}".encode(),
        [],
        "data.skip",
        "line 1 of rows.csv holds one value, and the lines below it 7",
        "if the header stands further down: data.skip=2",
    ),
    (
        "no header",
        lambda text: text.partition("\n")[2].encode(),
        [],
        "data.header",
        "line 1 of rows.csv holds values, not names: ",
        "name the columns, data.header=[a,b,…], or say that these are names: data.header=true",
    ),
    (
        "a name that repeats",
        lambda text: text.replace("Promo_b", "bought", 1).encode(),
        ["data.columns.promotion=null"],
        "data.columns.incidence",
        "the header has `bought` twice",
        "say which: bought_1 or bought_2",
    ),
    (
        "a decimal mark that separates",
        lambda text: text.encode(),
        ["data.decimal=','", "data.delimiter=','"],
        "data.decimal",
        "`delimiter` is the same mark",
        "",
    ),
    (
        "a long panel without its columns",
        lambda text: text.encode(),
        ["data.long={alternative: brand, chosen: bought}", "data.columns.price=null", "data.columns.promotion=null"],
        "data.long.alternative",
        "the file has no such column",
        "",
    ),
]


@pytest.mark.parametrize(
    ("what", "written", "more", "key", "said", "remedy"), FILES, ids=[mistake[0] for mistake in FILES]
)
def test_a_mistake_in_how_a_file_is_written_is_told_with_its_line_and_remedy(
    what: str,
    written: Callable[[str], bytes],
    more: list[str],
    key: str,
    said: str,
    remedy: str,
    panel_csv: Path,
    own_panel: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rows.csv").write_bytes(written(panel_csv.read_text()))
    error = refused([*own_panel, "data.path=rows.csv", *more])
    assert error.stage == "config"
    told = [problem for problem in error.problems if problem.key == key]
    assert told, render(error.problems, error.stage)
    assert told[0].message.startswith(said)
    assert told[0].remedy.startswith(remedy) if remedy else True
    assert told[0].origin


def test_a_constant_price_is_refused_before_anything_is_fitted(
    cxai: Callable[..., object], panel_csv: Path, own_panel: list[str], tmp_path: Path
) -> None:
    frame = pd.read_csv(panel_csv).assign(Price_a=1.5, Price_b=2.5)
    frame.to_csv(tmp_path / "rows.csv", index=False)
    done = cxai("run", *own_panel, f"data.path={tmp_path / 'rows.csv'}", cwd=tmp_path)
    assert done.returncode == 2
    assert "one mean price only" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("overrides", "key", "said"),
    [
        (["features.category=SOFTDRINKS"], "features.category", "nearest: SOFT DRINKS"),
        (["features.category=YOGURT", "features.brands=900"], "features.brands", "brands of YOGURT are sold"),
        (["split=time", "split.cut=2019-01-01"], "split", "2019"),
        (["task=segmentation", "features.as_of=2001-01-01"], "features.as_of", "2001"),
    ],
    ids=["category", "brands", "cut", "as_of"],
)
def test_a_mistake_about_the_embedded_data(
    overrides: list[str], key: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    error = refused(overrides)
    assert error.stage == "data"
    told = [problem for problem in error.problems if problem.key.startswith(key)]
    assert told, render(error.problems, error.stage)
    assert said in render(told, error.stage)
