"""The logit with a random intercept on published data: wheezing of 537 children at four ages, by mothers' smoking.

The table is that of Fitzmaurice and Laird (1993), A likelihood-based method for analysing longitudinal binary
responses, Biometrika 80(1). The estimates were published with R's lme4 (``glmer``, adaptive quadrature with 25
points), to the digits printed.
"""

from __future__ import annotations

import numpy as np
import pytest

from cxai_runner.methods.random_intercept import RandomInterceptLogit

pytestmark = pytest.mark.reference

# Children by whether they wheezed at 7, 8, 9 and 10 years: 0000, 0001, 0010, 0011 … 1111.
COUNTS = {
    0: [237, 10, 15, 4, 16, 2, 7, 3, 24, 3, 3, 2, 6, 2, 5, 11],
    1: [118, 6, 8, 2, 11, 1, 6, 4, 7, 3, 3, 1, 4, 2, 4, 7],
}


@pytest.fixture(scope="module")
def children():
    """Child, age less nine years, smoking, wheezing."""
    rows, child = [], 0
    for smoking, counts in COUNTS.items():
        for pattern, count in enumerate(counts):
            for _ in range(count):
                rows += [(child, year - 2, smoking, pattern >> (3 - year) & 1) for year in range(4)]
                child += 1
    return np.array(rows)


@pytest.fixture(scope="module")
def fitted(children):
    model = RandomInterceptLogit(covariance="classical", points=41)
    return model.fit(children[:, 1:3], children[:, 3], groups=children[:, 0])


def test_there_are_so_many_children(children):
    assert len(np.unique(children[:, 0])) == 537
    assert len(children) == 2148


@pytest.mark.parametrize(
    ("place", "coefficient", "error"), [(0, -3.1015, 0.2190), (1, -0.1756, 0.0677), (2, 0.3986, 0.2731)]
)
def test_coefficients(fitted, place, coefficient, error):
    """Intercept, age and smoking, each with its standard error."""
    row = fitted.summary_frame().iloc[place]
    assert row["coefficient"] == pytest.approx(coefficient, abs=1e-4)
    assert row["standard_error"] == pytest.approx(error, abs=5e-5)


def test_spread_and_likelihood(fitted):
    assert fitted.sigma_ == pytest.approx(2.16, abs=5e-3)
    assert fitted.sigma_**2 == pytest.approx(4.69, abs=5e-3)
    assert fitted.log_likelihood_ == pytest.approx(-797.6, abs=0.05)
