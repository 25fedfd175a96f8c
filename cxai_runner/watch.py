"""Who looks on while a run works, and may give it up before it is done.

Nobody does for a single run. A sweep that prunes does: it hears the points of learning curves as they come, and says
when a run is not worth its time.
"""

from __future__ import annotations


class GivenUpError(Exception):
    """The run was given up by whoever watched it: it is no failure, and it has no result."""


class Watch:
    """Looks on and never gives up; a subclass may.

    Attributes
    ----------
    judges
        Whether it wants to hear how a run does after each fold, which costs an evaluation of its own.
    """

    judges: bool = False

    def step(self, metric: str, value: float, number: int) -> None:
        """Hear one point of a learning curve."""

    def should_stop(self) -> bool:
        """Say whether the run is given up."""
        return False
