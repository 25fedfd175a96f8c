"""From Python: the same run as on the command line, asked for and answered with objects."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import pytest
import yaml

import cxai_runner
from cxai_runner import Run, UserError
from cxai_runner.kept import model

QUICK = ("task=segmentation", "features=table", "model.n_clusters=3", "task.resamples=2", "evaluation.resamples=100")
HEAVY = (
    "hydra",
    "omegaconf",
    "mlflow",
    "pandas",
    "numpy",
    "sklearn",
    "ibis",
    "duckdb",
    "matplotlib",
    "click",
    "pydantic",
)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    middle = np.repeat([[0.0, 0.0], [9.0, 8.0], [18.0, -8.0]], 40, axis=0)
    values = middle + rng.normal(size=(120, 2))
    return pd.DataFrame({"ID": np.arange(120), "spend": values[:, 0], "visits": values[:, 1]})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty working folder, without what a developer may have set for MLflow."""
    home = tmp_path_factory.mktemp("session")
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW")}
    with contextlib.chdir(home), mock.patch.dict(os.environ, kept, clear=True):
        yield home


@pytest.fixture(scope="module")
def made(folder: Path, frame: pd.DataFrame) -> Run:
    return cxai_runner.run(*QUICK, tables={"customers": frame}, columns={"customers": {"customer_id": "ID"}})


@pytest.fixture(scope="module")
def loaded(made: Run) -> Run:
    return cxai_runner.load(made.run_id[:12])


def test_importing_the_package_loads_nothing() -> None:
    code = f"import sys, cxai_runner; dir(cxai_runner); print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    with pytest.raises(AttributeError, match="no attribute 'runn'"):
        cxai_runner.runn  # noqa: B018


def test_a_frame_gives_the_run_that_its_file_gives(
    made: Run, frame: pd.DataFrame, folder: Path, cxai: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    frame.to_csv(folder / "shop.csv", index=False)
    data = ("data=csv", "data.path=shop.csv", "data.table=customers", "data.columns.customer_id=ID")
    done = cxai("run", *QUICK, *data, "--json", cwd=folder)
    told = json.loads(done.stdout)
    assert told["identity"] == made.identity
    assert told["headline"] == made.headline
    for part, metrics in told["metrics"].items():
        for name, interval in metrics.items():
            held = made.metrics.loc[(part, name), ["value", "low", "high"]]
            assert held.replace({np.nan: None}).to_dict() == interval  # a count has no interval
    for part, metrics in told["baseline"].items():
        for name, interval in metrics.items():
            assert made.baseline.loc[(part, name)].to_dict() == interval


def test_nothing_is_printed_unless_asked(folder: Path, frame: pd.DataFrame, capfd: pytest.CaptureFixture[str]) -> None:
    renamed = frame.rename(columns={"ID": "customer_id"})
    cxai_runner.run(*QUICK, tables={"customers": renamed})
    assert capfd.readouterr() == ("", "")
    cxai_runner.run(*QUICK, tables={"customers": renamed}, progress=True)
    out, told = capfd.readouterr()
    assert out == ""
    assert told.splitlines()[:3] == ["load …", "store …", "digest …"]
    assert told.count("evaluate …") == 1


def test_a_small_shop_is_no_reason_for_a_warning(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    days = pd.date_range("2020-01-01", periods=120)
    bought = pd.DataFrame({"customer_id": np.arange(120) ** 2 % 97, "timestamp": days, "revenue": 5.0 + np.arange(120)})
    run = cxai_runner.run(*QUICK[:1], *QUICK[2:], tables={"transactions": bought})
    assert capfd.readouterr() == ("", "")
    assert not [one for one in run.caveats if "warned" in one]


def test_what_a_library_warns_of_is_a_caveat_and_said_once(
    folder: Path, capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    alike = pd.DataFrame({"customer_id": range(60), "spend": [number % 2 for number in range(60)]})
    run = cxai_runner.run(*QUICK, tables={"customers": alike})  # three segments of two different customers
    assert capfd.readouterr() == ("", "")
    assert not [one for one in recwarn.list if not issubclass(one.category, DeprecationWarning)]
    (told,) = [one for one in run.caveats if "warned" in one]
    assert told.startswith("A library warned (ConvergenceWarning): Number of distinct clusters (2) found smaller than")
    assert cxai_runner.load(run.run_id).caveats == run.caveats
    assert "  warned      (ConvergenceWarning): Number of distinct clusters (2) found smaller" in repr(run)


def test_the_config_says_what_the_frame_was(made: Run, frame: pd.DataFrame) -> None:
    table = made.config["data"]["tables"]["customers"]
    assert table["rows"] == 120
    assert table["schema"] == ["ID int64", "spend double", "visits double"]
    assert table["columns"] == {"customer_id": "ID"}
    assert re.fullmatch(r"rowsum-duckdb-[\d.]+:120:[0-9a-f]{32}", table["digest"])
    assert made.tags["cxai.data"] == "frames"
    assert str(frame["spend"].iloc[0]) not in json.dumps(made.config)


def test_what_is_loaded_is_what_was_made(made: Run, loaded: Run, frame: pd.DataFrame) -> None:
    assert (loaded.run_id, loaded.status, loaded.experiment) == (made.run_id, "FINISHED", "segmentation")
    for name in ("metrics", "baseline", "estimates"):
        pd.testing.assert_frame_equal(getattr(loaded, name), getattr(made, name))
    assert list(loaded.tables) == list(made.tables)
    for name, table in made.tables.items():
        pd.testing.assert_frame_equal(loaded.tables[name], table, check_dtype=False)
    assert (loaded.findings, loaded.caveats, loaded.headline) == (made.findings, made.caveats, made.headline)
    assert loaded.figures == made.figures
    assert loaded.config == made.config
    assert loaded.params["model.n_clusters"] == "3"
    assert loaded.scores["train"]["segment"].value_counts().to_list() == [40, 40, 40]
    pd.testing.assert_series_equal(loaded.predict(frame), made.predict(frame))
    assert loaded.fitted is None
    assert made.fitted is not None


def test_figures_and_report_are_those_that_were_kept(loaded: Run) -> None:
    assert loaded.report is not None
    assert loaded.report.read_text(encoding="utf-8").startswith("<!doctype html>")
    kept = {path.stem: path.read_bytes() for path in (loaded.report.parent / "figures").glob("*.png")}
    assert loaded.figures == kept
    assert loaded.headline[:30] in loaded.report_html


def test_a_run_reads_as_on_the_terminal(
    made: Run, loaded: Run, folder: Path, cxai: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    def said(text: str) -> list[str]:
        return [line for line in text.splitlines() if not line.startswith(("  took", "  report"))]

    shown = cxai("show", made.run_id, cwd=folder).stdout
    assert said(repr(loaded)) == said(shown)
    assert said(str(made)) == said(shown)


def test_a_notebook_shows_the_run_and_nothing_from_elsewhere(loaded: Run) -> None:
    page = loaded._repr_html_()
    assert loaded.headline in page
    for metric in loaded.document.metrics["challenge"]:
        assert escape(metric.label) in page
    assert loaded.document.baseline in page
    assert page.count("<svg") >= len(loaded.figures)
    assert not re.search(r"<script|<link|<img|src=|@import|url\((?!#)", page)
    style = page[page.index("<style>") + 7 : page.index("</style>")]
    selectors = [one.strip() for rule in style.split("}") for one in rule.partition("{")[0].split(",") if one.strip()]
    assert selectors
    assert all(one.startswith(".cxai-run") for one in selectors)


def test_a_dark_notebook_stays_dark_and_its_figures_readable(loaded: Run) -> None:
    page = loaded._repr_html_()
    style = page[page.index("<style>") : page.index("</style>")]
    paper = re.search(r"--page: ([^;]+);", style)
    assert paper is not None
    assert re.findall(r"var\((--[\w-]+)", paper[1]) == ["--jp-layout-color0", "--vscode-editor-background"]
    assert paper[1].rstrip(")").endswith("#fff")  # where a page says nothing of its colours
    for rule in style.split("}"):
        fixed = re.search(r"[{; ]color: (#\w+)", rule)
        assert not fixed or "background" in rule or fixed[1] == "#2a8fbb", rule
    assert re.search(r"figure svg \{[^}]*background: #fff", style)


def test_what_the_data_say_is_escaped(made: Run) -> None:
    from dataclasses import replace

    from cxai_runner.lifecycle.notebook import fragment

    page = fragment(replace(made.document, headline="<script>alert(1)</script>"), made.run_id, "a&b")
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "a&amp;b" in page


def test_a_mistake_is_one_exception_that_reads_as_on_the_terminal(folder: Path, frame: pd.DataFrame) -> None:
    with pytest.raises(UserError) as caught:
        cxai_runner.run("task=segmentatio", "data=csv", "modl=3", tables={"customers": frame})
    text = str(caught.value)
    assert text.splitlines()[0] == "3 problems, nothing was run"
    assert re.search(
        r"data=csv +the tables are given as data frames; leave this out, or the frames +\(argument\)", text
    )
    assert re.search(r"task=segmentatio +no such task; did you mean `segmentation`\?", text)
    assert re.search(r"modl=3 +no such key; did you mean `model`\?", text)
    assert caught.value._render_traceback_() == text.splitlines()


def test_what_is_secret_stays_out_of_a_notebook(made: Run, frame: pd.DataFrame) -> None:
    from cxai_runner.tracking.masking import Masker

    tables = {"customers": frame.rename(columns={"ID": "customer_id"})}
    for line in ("tracking.uri=ftp://me:hunter2hunter2@host/runs", "data.password=hunter2hunter2"):
        with pytest.raises(UserError) as caught:
            cxai_runner.run(*QUICK, line, tables=tables)
        assert "***" in str(caught.value)
        assert "hunter2" not in str(caught.value) + repr(caught.value.problems)
    again = Run(made._kept, masker=Masker(["segmentation"]))
    assert "segmentation" not in repr(again) + again._repr_html_() + again.report_html


def test_columns_without_frames_are_a_mistake() -> None:
    with pytest.raises(UserError, match=r"names columns of data frames, and none is given; give the frames too"):
        cxai_runner.run("task=segmentation", columns={"customers": {"customer_id": "ID"}})


_NAMED = 'name the table of each frame: tables={"customers": frame}'
_COLUMNS = 'for each table, standard column → its own: columns={"customers": {"customer_id": "ID"}}'
FRAME = pd.DataFrame({"customer_id": [1]})


@pytest.mark.parametrize(
    ("overrides", "given", "told"),
    [
        ([5], {}, {"overrides[0]": 'an override is text, not an int; as in "task=segmentation"'}),
        (
            [None],
            {},
            {"overrides[0]": "an override is text, not None; leave it out: without an override the defaults run"},
        ),
        ([["seed=1"]], {}, {"overrides[0]": "an override is text, not a list; give each on its own: run(*overrides)"}),
        ([FRAME], {}, {"overrides[0]": f"an override is text, not a DataFrame; {_NAMED}"}),
        ([], {"tables": [FRAME]}, {"tables": f"frames by the name of their table, not a list; {_NAMED}"}),
        ([], {"tables": FRAME}, {"tables": f"frames by the name of their table, not a DataFrame; {_NAMED}"}),
        ([], {"tables": {5: FRAME}}, {"tables": f"a table's name is text, not an int; {_NAMED}"}),
        ([], {"columns": ["ID"]}, {"columns": f"names of columns by table, not a list; {_COLUMNS}"}),
        (
            [],
            {"columns": {"customers": ["ID"]}, "config_dirs": "my"},
            {
                "columns.customers": f"standard column → the frame's own, not a list; {_COLUMNS}",
                "config_dirs": 'a list of folders, not one; as in config_dirs=["my"]',
            },
        ),
        (
            [],
            {"columns": {"customers": {"customer_id": 5}}, "config_dirs": [5]},
            {
                "columns.customers.customer_id": (
                    "both names of a column are text; name the frame's columns so: frame.columns.map(str)"
                ),
                "config_dirs[0]": 'a folder is text or a path, not an int; as in config_dirs=["my"]',
            },
        ),
    ],
)
def test_an_argument_of_another_kind_is_a_mistake_like_any(
    overrides: list[Any], given: dict[str, Any], told: dict[str, str]
) -> None:
    with pytest.raises(UserError) as caught:
        cxai_runner.run(*overrides, **({"tables": {"customers": FRAME}} | given))
    assert {one.key: f"{one.message}; {one.remedy}" for one in caught.value.problems} == told


def test_what_is_loaded_is_named_by_a_text(folder: Path) -> None:
    with pytest.raises(UserError, match=r'run +text, not None; its id, or "last"'):
        cxai_runner.load(None)  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r'uri +text, not an int; as in "sqlite:///mlruns/mlflow.db"'):
        cxai_runner.load("last", uri=5)  # type: ignore[arg-type]


def test_repeating_such_a_run_asks_for_the_frame(
    made: Run, folder: Path, cxai: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    done = cxai("run", "data=frames", *QUICK, cwd=folder)
    assert done.returncode == 2
    remedy = 'from Python: cxai_runner.run(…, tables={"customers": frame})'
    assert f"no data frame is given; give one, {remedy}" in done.stderr
    digest = made.config["data"]["tables"]["customers"]["digest"]
    done = cxai("run", "data=frames", f"data.tables.customers.digest='{digest}'", *QUICK, cwd=folder)
    assert f"a data frame of a Python session, which is not this one; give it again, {remedy}" in done.stderr


def test_predicting_names_every_missing_column(loaded: Run, frame: pd.DataFrame) -> None:
    with pytest.raises(UserError) as caught:
        loaded.predict(frame.rename(columns={"spend": "spent", "visits": "x"}))
    told = {problem.key: problem.remedy for problem in caught.value.problems}
    assert told == {"frame.spend": "did you mean `spent`?", "frame.visits": "the model takes spend, visits"}
    assert loaded.predict(frame.set_index(frame["ID"] + 7)).index[0] == 7


def test_rows_that_a_model_does_not_take_are_a_users_mistake(loaded: Run, frame: pd.DataFrame) -> None:
    with pytest.raises(UserError, match="NaN"):
        loaded.predict(frame.assign(spend=float("nan")))


def test_probabilities_have_a_column_per_class(folder: Path, own_panel: list[str]) -> None:
    run = cxai_runner.run(*own_panel)
    prices = pd.DataFrame({"price_a": [1.0, 3.0], "price_b": [1.0, 3.0], "promotion_a": 0.0, "promotion_b": 0.0})
    chances = run.predict(prices)
    assert list(chances.columns) == [0, 1]
    assert chances.sum(axis=1).to_list() == pytest.approx([1, 1])
    assert chances[1].iloc[0] > chances[1].iloc[1]  # dearer is bought less
    assert run.estimates.loc["elasticity_at_mean_price", "value"] < 0
    assert run.metrics.index[0][0] == "held_out"
    assert set(run.scores) == {"held_out", "train"}


def test_no_such_run(folder: Path, made: Run) -> None:
    with pytest.raises(UserError, match="no such run"):
        cxai_runner.load("zzzz")
    assert cxai_runner.load("last").status == "FINISHED"


@pytest.mark.parametrize(("error", "status"), [(KeyboardInterrupt(), "KILLED"), (RuntimeError("singular"), "FAILED")])
def test_a_run_that_stops_is_closed(folder: Path, frame: pd.DataFrame, error: BaseException, status: str) -> None:
    from tasks.segmentation import Segmentation

    renamed = frame.rename(columns={"ID": "customer_id"})
    with mock.patch.object(Segmentation, "fit", side_effect=error), pytest.raises(type(error)) as caught:
        cxai_runner.run(*QUICK, tables={"customers": renamed})
    run = cxai_runner.load("last")
    assert run.status == status
    assert status in repr(run)
    assert f"The run is {status}." in run._repr_html_()
    with pytest.raises(UserError, match=f"its status is {status}"):
        _ = run.metrics
    with pytest.raises(UserError, match="this run holds no model `model`; only a FINISHED run holds one"):
        _ = run.model
    if status == "FAILED":
        assert "singular" in repr(run)
        assert caught.value.__notes__ == [
            f"run {run.run_id} is FAILED; cxai_runner.load(…) has its config and the traceback"
        ]


CRAFTED = {
    "is kept as a pickle, which runs code when it is loaded": {"sklearn": {"serialization_format": "cloudpickle"}},
    "holds what is not trusted here: os.system": {"sklearn": {"skops_trusted_types": ["os.system"]}},
    "is loaded by antigravity, which can run code": {"python_function": {"loader_module": "antigravity"}},
    "holds what is not trusted here: os.X": {
        "python_function": {"loader_module": "mlflow.xgboost"},
        "xgboost": {"model_class": "os.X"},
    },
}


@pytest.mark.parametrize("told", CRAFTED)
def test_a_model_that_could_run_code_needs_a_word_of_trust(made: Run, tmp_path: Path, told: str) -> None:
    copy = tmp_path / "model"
    shutil.copytree(model._folder_of(made._kept, "model"), copy)
    described = yaml.safe_load((copy / "MLmodel").read_text(encoding="utf-8"))
    for flavour, settings in CRAFTED[told].items():
        described["flavors"].setdefault(flavour, {}).update(settings)
    (copy / "MLmodel").write_text(yaml.safe_dump(described), encoding="utf-8")
    again = cxai_runner.load(made.run_id)
    with mock.patch.object(model, "_folder_of", return_value=copy), pytest.raises(UserError, match=told) as caught:
        _ = again.model
    assert caught.value.problems[0].remedy == "if you trust whoever wrote this run: cxai_runner.load(…, trust=True)"
    assert "antigravity" not in sys.modules


def test_the_code_in_a_run_is_imported_with_trust_only(loaded: Run, made: Run) -> None:
    assert loaded.model.get_raw_model() is not None
    assert not [path for path in sys.path if path.endswith("/code")]
    before = list(sys.path)
    try:
        assert cxai_runner.load(made.run_id, trust=True).model is not None
        assert [path for path in sys.path if path.endswith("/code")]
    finally:
        sys.path[:] = before
