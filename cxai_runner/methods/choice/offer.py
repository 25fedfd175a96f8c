"""What one alternative costs at every occasion, in whichever way a model holds it, and how to change it.

A conditional logit holds prices as one attribute of all alternatives; the multinomial form on all prices holds the
price of each as a characteristic of the occasion.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .data import ChoiceData
from .errors import ChoiceError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Offer:
    """A column of one alternative: an attribute with the alternative's position, or a characteristic without one."""

    name: str
    position: int | None

    @classmethod
    def of(cls, data: ChoiceData, attribute: str, alternative: str, separator: str) -> Offer:
        """Find it.

        Raises
        ------
        ChoiceError
            No such alternative, or nothing of that name.
        """
        if alternative not in data.alternatives:
            known = ", ".join(data.alternatives)
            raise ChoiceError(f"there is no alternative {alternative!r}", f"they are {known}", (alternative,))
        if attribute in data.attributes:
            return cls(attribute, data.alternatives.index(alternative))
        own = f"{attribute}{separator}{alternative}"
        if own in data.characteristics:
            return cls(own, None)
        known = ", ".join([*data.attributes, *data.characteristics])
        raise ChoiceError(f"there is no attribute {attribute!r} of {alternative!r}", f"it has {known}", (attribute,))

    def values(self, data: ChoiceData) -> Floats:
        """Return it at every occasion, shape (n,)."""
        if self.position is None:
            return data.characteristics[self.name]
        return data.attributes[self.name][:, self.position]

    def seen(self, data: ChoiceData) -> Floats:
        """Return it at the occasions at which the alternative was available."""
        if self.position is None or data.available is None:
            return self.values(data)
        return self.values(data)[data.available[:, self.position]]

    def changed(self, data: ChoiceData, values: Floats) -> ChoiceData:
        """Return the same occasions with other values of it, shape (n,)."""
        if self.position is None:
            return replace(data, characteristics={**data.characteristics, self.name: values})
        every = np.array(data.attributes[self.name], order="F")
        every[:, self.position] = values
        return data.changed(self.name, every)
