"""Segments of customers: six ways to find them, how many there are, and how well they are set apart.

Each is an estimator as scikit-learn has them, which numbers its segments by size and assigns new customers.
"""

from .components import ComponentSegments
from .density import DensitySegments
from .hierarchical import HierarchicalSegments
from .kmeans import KMeansSegments
from .latent_class import LatentClassSegments
from .mixture import GaussianMixtureSegments
from .numbered import NumberedSegments
from .recommendation import Recommendation, recommend
from .silhouettes import centre_distances, silhouettes

__all__ = [
    "ComponentSegments",
    "DensitySegments",
    "GaussianMixtureSegments",
    "HierarchicalSegments",
    "KMeansSegments",
    "LatentClassSegments",
    "NumberedSegments",
    "Recommendation",
    "centre_distances",
    "recommend",
    "silhouettes",
]
