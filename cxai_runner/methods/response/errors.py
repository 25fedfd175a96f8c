"""What is wrong with the input of a chain of purchase models, with the part it is about and the remedy.

It is a plain `ValueError`, so that a notebook needs to know nothing of it; whoever wants to show the parts apart finds
them as attributes.
"""

from __future__ import annotations


class ResponseError(ValueError):
    """A chain of purchase models cannot be fitted, or asked, as it was.

    Parameters
    ----------
    message
        What is wrong.
    remedy
        What to do about it.
    part
        The parameter it is about: ``incidence``, ``choice``, ``quantity`` or ``customer_terms``; empty where it is
        about the rows.
    """

    def __init__(self, message: str, remedy: str, part: str = "") -> None:
        super().__init__(f"{part}: {message}; {remedy}" if part else f"{message}; {remedy}")
        self.message, self.remedy, self.part = message, remedy, part

    def __reduce__(self) -> tuple[type[ResponseError], tuple[str, str, str]]:
        return type(self), (self.message, self.remedy, self.part)
