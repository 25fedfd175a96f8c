"""Whether there are customers enough for errors that allow for the rows of a customer being alike.

Of one customer nothing tells how customers differ, and of a few the clustered error is too small (Cameron and Miller,
2015, A practitioner's guide to cluster-robust inference, Journal of Human Resources 50(2), section VI).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cxai_runner.config.problems import Problem
from cxai_runner.evaluation.results import Finding

if TYPE_CHECKING:
    import pandas as pd

FEW_CLUSTERS = 10
"""Customers below which nothing that is clustered by customer is worth its name."""


def one_cluster(customers: pd.Series, *, resampled: bool = False) -> Iterator[Problem]:
    """Yield that all rows are of one customer, where errors are clustered or customers ``resampled``."""
    if customers.nunique() > 1:
        return
    if resampled:
        told = "one customer only: intervals are of customers drawn anew, and there is nobody else to draw"
        yield Problem("panel.customer_id", told, remedy="bring more customers")
    else:
        told = "one customer only: standard errors that are clustered by customer need several"
        yield Problem("task.cluster", told, value=True, remedy="bring more customers, or write task.cluster=false")


def few_clusters(customers: pd.Series, rows: str, what: str) -> Iterator[Finding]:
    """Yield a caveat where ``rows`` are of few customers: ``what`` is too small then."""
    many = customers.nunique()
    if many < FEW_CLUSTERS:
        yield Finding(f"The training {rows} are of {many:,} customers only: too few for {what} then.", "caveat")
