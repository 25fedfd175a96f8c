"""How attractive a category is at its prices: the expected utility of the best alternative, but for a constant.

For the conditional logit it is log Σ_j exp V_j, for the nested one log Σ_m S_m^λ_m. Its derivative by the utility of an
alternative is that alternative's probability in both [1]_.

References
----------
.. [1] Train (2009), Discrete Choice Methods with Simulation, 2nd edition, sections 3.5 and 4.2; for the derivative
   Williams (1977), On the formation of travel demand models, Environment and Planning A 9(3).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from cxai_runner.methods.choice import NestedLogit
from cxai_runner.methods.choice.model import ChoiceModel, utilities

Floats = NDArray[np.float64]


def inclusive_value(model: ChoiceModel, design: Floats, available: NDArray[np.bool_] | None) -> Floats:
    """Return the inclusive value of each occasion, shape (n,).

    Parameters
    ----------
    model
        A fitted conditional or nested logit.
    design, available
        As `Layout.design` returns it, shape (K, J, n); and whether each alternative was there, shape (J, n).
    """
    linear = utilities(model.parameters_[: len(design)], design)
    if available is not None:
        linear = np.where(available, linear, -np.inf)
    if not isinstance(model, NestedLogit):
        return np.asarray(special.logsumexp(linear, axis=0))
    parts: list[Floats] = []
    alone = np.ones(len(linear), dtype=bool)
    nests = zip(nests_of(model).values(), model.parameters_[len(design) :], strict=True)
    for members, dissimilarity in nests:
        alone[members] = False
        parts.append(dissimilarity * special.logsumexp(linear[members] / dissimilarity, axis=0))
    return np.asarray(special.logsumexp(np.stack([*parts, *linear[alone]]), axis=0))


def nests_of(model: NestedLogit) -> dict[str, NDArray[np.intp]]:
    """Return the positions of each nest's alternatives, in the order of the dissimilarities."""
    return {str(name): np.asarray(members) for name, members in model._members.items()}
