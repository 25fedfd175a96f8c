"""Which groups of customers there are, what sets them apart, and whether they are there at all."""

from tasks.segmentation.task import Segmentation

__all__ = ["Segmentation"]
