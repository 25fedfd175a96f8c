"""What is wrong with the input of a choice model, with the column it is about and the remedy.

They are plain `ValueError` and `UserWarning`, so that a notebook needs to know nothing of them; whoever wants to show
the parts apart finds them as attributes.
"""

from __future__ import annotations


class ChoiceError(ValueError):
    """A choice model cannot be fitted, or asked, as it was.

    Parameters
    ----------
    message
        What is wrong.
    remedy
        What to do about it.
    columns
        The columns, alternatives or parameters that it is about.
    """

    def __init__(self, message: str, remedy: str, columns: tuple[str, ...] = ()) -> None:
        super().__init__(f"{message}; {remedy}")
        self.message, self.remedy, self.columns = message, remedy, columns

    def __reduce__(self) -> tuple[type[ChoiceError], tuple[str, str, tuple[str, ...]]]:
        return type(self), (self.message, self.remedy, self.columns)


class NotIdentifiedError(ChoiceError):
    """The data do not tell a parameter from another one, or its likelihood has no maximum."""


class ChoiceWarning(UserWarning):
    """A choice model was fitted, and something about its input should be known."""
