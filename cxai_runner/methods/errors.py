"""What is wrong with the input of a model of purchase incidence, with the columns it is about and the remedy.

It is a plain `ValueError`, so that a notebook needs to know nothing of it; whoever wants to show the parts apart finds
them as attributes.
"""

from __future__ import annotations


class LogitError(ValueError):
    """A model of purchase incidence cannot be fitted, or asked, as it was.

    Parameters
    ----------
    message
        What is wrong.
    remedy
        What to do about it.
    columns
        The columns that it is about.
    spared
        How many of them, the first, can stay where the others go; None where leaving out is no remedy.
    """

    def __init__(self, message: str, remedy: str, columns: tuple[str, ...] = (), spared: int | None = None) -> None:
        super().__init__(f"{message}; {remedy}")
        self.message, self.remedy, self.columns, self.spared = message, remedy, columns, spared

    def __reduce__(self) -> tuple[type[LogitError], tuple[str, str, tuple[str, ...], int | None]]:
        return type(self), (self.message, self.remedy, self.columns, self.spared)


class IncidenceWarning(UserWarning):
    """A model of purchase incidence was fitted or asked, and something about its input should be known."""
