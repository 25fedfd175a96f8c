"""The best next offer for each customer, out of all that is on sale."""

from tasks.recommendation.task import Recommendation

__all__ = ["Recommendation"]
