"""A fitted clusterer, and where its segments lie among the customers it was fitted to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from cxai_runner.methods.segments import centre_distances, silhouettes


@dataclass(frozen=True, eq=False)
class Segments:
    """A fitted clusterer, and where its segments lie in the space in which it measures distances.

    Customers whom it leaves unassigned (segment −1) are no segment: their silhouette is 0, and nothing of their
    distance to the centre of all is explained.

    Parameters
    ----------
    pipeline
        Transformers and clusterer, fitted.
    rows
        The training rows' inputs, in the order of the fit.
    reference
        Positions among them of the customers that stand for all.
    """

    pipeline: Pipeline
    rows: pd.DataFrame
    reference: NDArray[np.intp]

    @cached_property
    def values(self) -> NDArray[np.float64]:
        """The training rows in the clusterer's space."""
        return self.transform(self.rows)

    @cached_property
    def labels(self) -> NDArray[np.intp]:
        """Their segments."""
        return self.predict(self.rows)

    @cached_property
    def centres(self) -> dict[int, NDArray[np.float64]]:
        """The mean of every segment, and that of all customers for those in none."""
        found = {int(k): self.values[self.labels == k].mean(axis=0) for k in np.unique(self.labels)}
        if -1 in found:
            found[-1] = self.values.mean(axis=0)
        return found

    def predict(self, rows: pd.DataFrame) -> NDArray[np.intp]:
        """The segments of rows."""
        return np.asarray(self.pipeline.predict(rows)).astype(np.intp)

    def transform(self, rows: pd.DataFrame) -> NDArray[np.float64]:
        """Rows in the space in which the clusterer measures distances."""
        prepared = self.prepare(rows)
        encode = getattr(self.pipeline[-1], "encode", None)
        return np.asarray(prepared if encode is None else encode(prepared), dtype=np.float64)

    def prepare(self, rows: pd.DataFrame) -> pd.DataFrame | NDArray[np.float64]:
        """Rows as the clusterer takes them."""
        before = self.pipeline[:-1]
        prepared: pd.DataFrame | NDArray[np.float64] = before.transform(rows) if len(before) else rows
        return prepared

    def space(self, rows: pd.DataFrame) -> pd.DataFrame | NDArray[np.float64]:
        """Rows as the clusterer takes them, in the components that it found itself where it did."""
        prepared, components = self.prepare(rows), getattr(self.pipeline[-1], "pca_", None)
        return prepared if components is None else np.asarray(components.transform(np.asarray(prepared)))

    def describe(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Segment, silhouette, distance to the own centre and to the centre of all, for each row."""
        values, labels = self.transform(rows), self.predict(rows)
        segments = list(self.centres)
        distances = centre_distances(values, np.stack([self.centres[k] for k in segments]))
        place = np.searchsorted(segments, labels).clip(0, len(segments) - 1)
        standing, standing_labels = self.values[self.reference], self.labels[self.reference]
        inside = standing_labels >= 0
        return pd.DataFrame(
            {
                "segment": labels,
                "silhouette": _silhouettes(values, labels, standing[inside], standing_labels[inside]),
                "distance": distances[np.arange(len(values)), place],
                "spread": np.sqrt(((values - self.values.mean(axis=0)) ** 2).sum(axis=1)),
            }
        )


def _silhouettes(
    values: NDArray[np.float64],
    labels: NDArray[np.intp],
    reference: NDArray[np.float64],
    reference_labels: NDArray[np.intp],
) -> NDArray[np.float64]:
    if not len(reference):
        return np.zeros(len(values))
    return silhouettes(values, labels, reference, reference_labels, _twins(values, reference))


def _twins(values: NDArray[np.float64], reference: NDArray[np.float64]) -> NDArray[np.intp]:
    """For each row the position of one reference row with the same values, −1 where there is none.

    A customer is one of those that stand for its segment if they hold its values; which of several equals it is
    changes no distance.
    """
    # Adding zero turns −0.0, which has other bytes, into 0.0.
    known = {row.tobytes(): position for position, row in enumerate(reference + 0.0)}
    return np.fromiter((known.get(row.tobytes(), -1) for row in values + 0.0), dtype=np.intp, count=len(values))
