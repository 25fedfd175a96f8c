"""K-means on the 2,000 candy bar customers: published numbers of the well-known course, recomputed.

All seven variables, standardised with the population standard deviation.
"""

from __future__ import annotations

import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cxai_runner.methods.segments import KMeansSegments
from cxai_runner.task import Context
from tasks.segmentation import Segmentation

pytestmark = pytest.mark.reference


@pytest.fixture(scope="module")
def fitted(candy_customers):
    model = make_pipeline(StandardScaler(), KMeansSegments(4, random_state=0))
    return Segmentation().fit(model, candy_customers, Context())


def test_sizes(fitted):
    """Four segments of 263, 462, 570 and 705 customers."""
    assert sorted(fitted.segments.pipeline[-1].sizes_) == [263, 462, 570, 705]


def test_numbering(fitted):
    """The largest is segment 0."""
    assert list(fitted.segments.pipeline[-1].sizes_) == [705, 570, 462, 263]


def test_inertia(fitted):
    """Sum of squared distances to the own centre."""
    assert fitted.segments.pipeline[-1].inertia_ == pytest.approx(7169.871, abs=5e-4)


def test_silhouette(fitted, candy_customers):
    """Mean silhouette of all customers."""
    scores = Segmentation().score(fitted, candy_customers, Context())
    assert scores["silhouette"].mean() == pytest.approx(0.2688, abs=5e-5)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_start_does_not_matter(candy_customers, seed):
    """Ten starts find the same optimum whatever the seed."""
    model = make_pipeline(StandardScaler(), KMeansSegments(4, random_state=seed))
    segments = Segmentation().fit(model, candy_customers, Context(seed=seed)).segments
    assert list(segments.pipeline[-1].sizes_) == [705, 570, 462, 263]
    assert segments.pipeline[-1].inertia_ == pytest.approx(7169.871, abs=5e-4)


def test_explained_variance_is_the_complement_of_the_inertia(fitted, candy_customers):
    """1 − inertia / (7 variables · 2,000 customers), the total sum of squares of standardised columns."""
    scores = Segmentation().score(fitted, candy_customers, Context())
    explained = Segmentation().measure(scores, Context(resamples=50))[1]
    assert explained.name == "explained_variance"
    assert explained.value.value == pytest.approx(1 - 7169.871 / 14_000, abs=5e-7)
