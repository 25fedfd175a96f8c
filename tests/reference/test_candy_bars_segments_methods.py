"""Ward's tree, components and K-means on them of the 2,000 candy bar customers: published numbers, recomputed.

All seven variables, standardised with the population standard deviation.
"""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cxai_runner.methods.preparation import Preparation
from cxai_runner.methods.segments import ComponentSegments, HierarchicalSegments, KMeansSegments
from cxai_runner.task import Context
from tasks.segmentation import Segmentation

pytestmark = pytest.mark.reference


def fitted(data, *steps):
    return Segmentation().fit(make_pipeline(*steps), data, Context()).segments


@pytest.fixture(scope="module")
def ward(candy_customers):
    return fitted(candy_customers, StandardScaler(), HierarchicalSegments())


def test_wards_heights(ward):
    """The last four merges."""
    np.testing.assert_allclose(ward.pipeline[-1].heights_[-4:], [39.124, 56.734, 63.069, 77.350], atol=5e-4)


def test_wards_cut(ward):
    """The heights suggest four segments, of 241, 531, 579 and 649 customers; predictions stay with the tree."""
    tree = ward.pipeline[-1]
    assert tree.n_clusters_ == tree.suggested_ == 4
    assert list(tree.sizes_) == [649, 579, 531, 241]
    assert list(np.bincount(ward.labels)) == [649, 579, 531, 241]


RATIOS = [0.35696, 0.26251, 0.18821, 0.07558, 0.05717, 0.03955, 0.02003]


@pytest.mark.parametrize("scaler", [StandardScaler(), Preparation()], ids=["scikit-learn's", "ours"])
def test_components(candy_customers, scaler):
    """Shares of variance of all seven."""
    clusterer = ComponentSegments(7, n_clusters=4, random_state=0)
    pca = fitted(candy_customers, scaler, clusterer).pipeline[-1].pca_
    np.testing.assert_allclose(pca.explained_variance_ratio_, RATIOS, atol=5e-6)


@pytest.mark.parametrize(
    "steps",
    [
        (StandardScaler(), ComponentSegments(3, n_clusters=4, random_state=0)),
        (StandardScaler(), ComponentSegments(0.8, n_clusters=4, random_state=0)),
        (StandardScaler(), PCA(3), KMeansSegments(4, random_state=0)),
    ],
    ids=["three components", "four fifths of the variance", "as transformers"],
)
def test_kmeans_on_three_components(candy_customers, steps):
    """Four segments of about 265, 460, 583 and 692 customers; the inertia is that of the space of the components."""
    model = fitted(candy_customers, *steps).pipeline[-1]
    np.testing.assert_allclose(sorted(model.sizes_), [265, 460, 583, 692], atol=3)
    assert model.inertia_ == pytest.approx(4543.115, abs=0.5)
