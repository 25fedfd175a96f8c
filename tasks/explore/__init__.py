"""The first look at a customer base: who there is, what they bring, when, of what, and what is odd about it."""

from tasks.explore.task import Explore

__all__ = ["Explore"]
