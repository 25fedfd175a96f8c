"""How much a customer buys once they buy, and how price moves that."""

from tasks.purchase_quantity.task import PurchaseQuantity

__all__ = ["PurchaseQuantity"]
