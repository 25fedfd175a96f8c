"""How surely customers belong to their segments, and who belongs to none."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from cxai_runner.evaluation.results import Content, Figure, Finding, Table
from cxai_runner.evaluation.wording import share
from cxai_runner.methods.segments import DensitySegments, LatentClassSegments
from tasks.segmentation.fitted import Segments

SURE, UNSURE = 0.9, 0.6


def membership(segments: Segments) -> Iterator[Content]:
    """Yield the probabilities with which customers are in their segments, where the model has such."""
    clusterer = segments.pipeline[-1]
    if not hasattr(clusterer, "predict_proba"):
        return
    probability = np.asarray(clusterer.predict_proba(segments.prepare(segments.rows)))
    own, labels = probability.max(axis=1), probability.argmax(axis=1)
    table = pd.DataFrame(
        [
            {
                "segment": k,
                "customers": int((labels == k).sum()),
                "expected customers": float(probability[:, k].sum()),
                "mean probability": float(own[labels == k].mean()),
                f"above {SURE}": float((own[labels == k] > SURE).mean()),
                f"below {UNSURE}": float((own[labels == k] < UNSURE).mean()),
            }
            for k in np.unique(labels)
        ]
    )
    yield Table(
        "membership",
        "How surely customers belong",
        table,
        "A customer counts for the most probable segment. `expected customers` adds up the probabilities of all; the "
        "last columns are shares of the segment whose probability of being in it is above, or below, so much.",
    )
    yield Finding(
        f"Customers are in their segment with probability {own.mean():.2f} on average; "
        f"{share(float((own < UNSURE).mean()))} of them with less than {UNSURE}."
    )


def classes(segments: Segments) -> Iterator[Content]:
    """Yield what each latent class is like, with standard errors."""
    clusterer = segments.pipeline[-1]
    if not isinstance(clusterer, LatentClassSegments):
        return
    table = clusterer.profile(segments.prepare(segments.rows))
    yield Table(
        "classes",
        "What the classes are like",
        table,
        "Probability of each category within the class, and means of numbers. Standard errors are from the scores of "
        "the likelihood; at a probability of 0 or 1 there is none.",
        shown=60,
    )
    categories = table[table["value"] != "mean"]
    if len(categories):
        yield Figure(
            "classes",
            "What the classes are like",
            categories.assign(
                answer=categories["column"].astype(str) + " = " + categories["value"],
                segment=[f"{k}" for k in categories["segment"]],
            ),
            "heatmap",
            "segment",
            "answer",
            "Probability of each category within the class.",
            fill="estimate",
            y_label=" ",
        )
    if not clusterer.converged_:
        yield Finding(
            f"The likelihood had not come to rest after {len(clusterer.path_)} steps: raise model.max_iter.", "caveat"
        )


def unassigned(segments: Segments) -> Iterator[Content]:
    """Yield how many customers belong nowhere, and how new ones are placed."""
    clusterer = segments.pipeline[-1]
    if not isinstance(clusterer, DensitySegments):
        return
    outside = float((segments.labels < 0).mean())
    yield Finding(
        f"{share(outside)} of the customers lie in no dense region and stay unassigned (segment −1). A new customer "
        "goes with the most similar one of these, or stays unassigned if that one is, or is too far away."
    )
    if not clusterer.n_clusters_:
        yield Finding("There is no dense region of the size asked for: a smaller model.min_cluster_size may find one.")
    if outside > 0.5:
        yield Finding(
            "More than half of the customers are unassigned: this describes a few groups, and not the customers. A "
            "smaller model.min_samples assigns more.",
            "caveat",
        )
    if clusterer.searched_ < len(clusterer.labels_):
        yield Finding(
            f"{clusterer.searched_:,} of {len(clusterer.labels_):,} customers, drawn at random, were searched for "
            "dense regions (model.max_customers); the others were placed as new ones are.",
            "caveat",
        )
