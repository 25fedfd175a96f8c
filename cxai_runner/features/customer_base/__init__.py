"""A customer base as it is: who buys how much, when, at what prices and of which brand, one row per customer."""

from cxai_runner.features.customer_base.builder import CustomerBase

__all__ = ["CustomerBase"]
