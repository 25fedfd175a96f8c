"""Whether a customer buys from a category on a shopping occasion, and how price moves that."""

from tasks.purchase_incidence.task import PurchaseIncidence

__all__ = ["PurchaseIncidence"]
