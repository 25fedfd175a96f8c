"""Why a model of recommendation cannot learn from what it is given, or cannot rank."""

from __future__ import annotations


class UnlearnableError(ValueError):
    """These histories do not teach the model what it needs."""


class CatalogueTooLargeError(UnlearnableError):
    """A model that holds a number for each pair of items does not fit into memory."""


class UnrankableError(UnlearnableError):
    """The scores of a model are not finite: nothing can be ranked by them."""
