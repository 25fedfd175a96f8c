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
    """

    def __init__(self, message: str, remedy: str, columns: tuple[str, ...] = ()) -> None:
        super().__init__(f"{message}; {remedy}")
        self.message, self.remedy, self.columns = message, remedy, columns

    def __reduce__(self) -> tuple[type[LogitError], tuple[str, str, tuple[str, ...]]]:
        return type(self), (self.message, self.remedy, self.columns)


class IncidenceWarning(UserWarning):
    """A model of purchase incidence was fitted or asked, and something about its input should be known."""
