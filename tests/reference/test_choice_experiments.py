"""The experiments of `examples/` on published choice panels come to the published log-likelihoods and coefficients.

The numbers are those of `test_choice_panels`; here a config alone leads to them.
"""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

pytestmark = [pytest.mark.reference, pytest.mark.slow]

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
CENTS = 100 / 2.20371  # of a guilder in a euro of the vignette


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("experiments")


def run(cxai, home, root, *more):
    """The tables of a run on all rows."""
    done = cxai("run", *more, f"data.root={root}", "split=all", "evaluation.resamples=100", "--json", cwd=home)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    folder = next(home.rglob(f"{found['run_id']}/artifacts/tables"))
    fit = pd.read_csv(folder / "fit_statistics.csv", index_col="statistic")["value"]
    number = float(fit["log-likelihood"].replace(",", "").replace("−", "-"))
    return number, pd.read_csv(folder / "coefficients.csv").set_index(
        pd.read_csv(folder / "coefficients.csv").columns[0]
    )


@pytest.mark.parametrize(
    ("experiment", "more", "likelihood", "digits", "coefficients"),
    [
        (
            "heating_choice",
            [],
            -1008.2287,
            4,
            {"ic": (-0.0015332, 7), "oc": (-0.0069964, 7), "constant[er]": (1.853437, 6)},
        ),
        ("heating_choice", ["task.terms=ic + oc | 0"], -1095.24, 2, {"ic": (-0.0062319, 7), "oc": (-0.0045801, 7)}),
        ("mode_canada_choice", [], -1951.3437, 4, {"price": (-0.02849715, 8), "freq": (0.07402902, 8)}),
        ("train_choice", [], -1724.150, 3, {"change": (-0.3263409, 6), "comfort": (-0.9457256, 6)}),
        (
            "catsup_choice",
            [],
            -2517.8772,
            4,
            {"display": (0.875593, 6), "feature": (0.908560, 6), "price": (-1.402407, 6)},
        ),
        ("tuna_choice", [], -16278.2191, 4, {"price": (-6.357792, 6)}),
    ],
)
def test_published_panels(cxai, home, shared_data, experiment, more, likelihood, digits, coefficients):
    """Maximum likelihood on all rows of each panel."""
    where = ["--config-dir", str(EXAMPLES / "choice_panels"), f"experiment={experiment}"]
    found, table = run(cxai, home, shared_data("choice_panels"), *where, *more)
    assert found == pytest.approx(likelihood, abs=0.5001 * 10**-digits)
    for term, (published, places) in coefficients.items():
        assert table.loc[term, "coefficient"] == pytest.approx(published, abs=0.5001 * 10**-places), term


def test_train_in_euro_and_hours(cxai, home, shared_data):
    """The file has cents of guilders and minutes; the printed coefficients are a Newton step from the maximum."""
    where = ["--config-dir", str(EXAMPLES / "choice_panels"), "experiment=train_choice"]
    _, table = run(cxai, home, shared_data("choice_panels"), *where)
    assert table.loc["price", "coefficient"] * CENTS == pytest.approx(-0.0673580, abs=5e-7)
    assert table.loc["duration", "coefficient"] * 60 == pytest.approx(-1.7205514, abs=5e-7)


def test_the_course_on_candy_bars(cxai, home, shared_data):
    """The penalised multinomial form: each brand on its own price, as the course prints it, to its solver's digits."""
    where = [
        "--config-dir",
        str(EXAMPLES / "candy_bars"),
        "experiment=candy_choice",
        "task.terms=price",
        "task.refits=2",
    ]
    done = cxai(
        "run", *where, "model=multinomial_penalised", f"data.root={shared_data('candy_bars')}", "split=all",
        "evaluation.resamples=100", "--json", cwd=home,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    folder = next(home.rglob(f"{json.loads(done.stdout)['run_id']}/artifacts/tables"))
    own = pd.read_csv(folder / "course_shorthand.csv")["coefficient_own_price"]
    assert list(own.round(2)) == [-3.92, -1.88, 0.51, -1.25, -1.09]  # the course's solver stops at .50 for the third
