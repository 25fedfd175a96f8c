"""The maximum of a log-likelihood that is not concave, from its scores.

The outer product of the scores at the start [1]_ tells how far each parameter may move: in its units BFGS needs few
steps. Two of Newton's, with a Hessian by central differences of the analytic gradient, then end at the maximum
proper, and leave the observed information behind.

References
----------
.. [1] Berndt, Hall, Hall and Hausman (1974), Estimation and inference in nonlinear structural models, Annals of
   Economic and Social Measurement 3(4).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, optimize
from sklearn.exceptions import ConvergenceWarning

from .errors import NotIdentifiedError
from .likelihood import Maximum

Floats = NDArray[np.float64]
Scored = Callable[[Floats], tuple[float, Floats]]

# In standard errors: how far a parameter is moved for a difference of gradients, how near to the maximum BFGS hands
# over to Newton's method, and how near is near.
STEP = 1e-3
CLOSE = 1e-2
NEAR = 1e-3


def maximise(objective: Scored, start: Floats, names: tuple[str, ...], *, max_iter: int, newton: int = 2) -> Maximum:
    """Return the maximum near a start.

    Parameters
    ----------
    objective
        Takes parameters; returns the log-likelihood and its gradient by unit, shape (P, units).
    start
        Shape (P,).
    names
        Of the parameters.
    max_iter
        Steps of BFGS at most.
    newton
        Steps of Newton's method afterwards.

    Raises
    ------
    NotIdentifiedError
        The information is singular at the maximum.
    """
    units = _units(objective(start)[1])

    def descend(z: Floats) -> tuple[float, Floats]:
        value, scores = objective(start + units @ z)
        return -value, -units.T @ scores.sum(axis=1)

    options = {"maxiter": max_iter, "gtol": CLOSE}
    found = optimize.minimize(descend, np.zeros(len(start)), jac=True, method="BFGS", options=options)
    estimate, steps = start + units @ found.x, int(found.nit)
    information = observed_information(objective, estimate)
    for _ in range(newton):
        value, scores = objective(estimate)
        gradient = scores.sum(axis=1)
        check_information(information, names)
        move = np.linalg.solve(information, gradient)
        gain = float(gradient @ move)
        if gain < NEAR**4 or objective(estimate + move)[0] < value:
            break
        estimate, steps = estimate + move, steps + 1
        # A hundredth of a standard error further on the information is the same to four digits.
        if gain > CLOSE**2:
            information = observed_information(objective, estimate)
    value, scores = objective(estimate)
    check_information(information, names)
    gradient = scores.sum(axis=1)
    left = float(gradient @ np.linalg.solve(information, gradient))
    if not 0 <= left < NEAR**2:
        message = f"the likelihood has no maximum where {steps} steps led; raise max_iter, or give fewer terms"
        warnings.warn(message, ConvergenceWarning, stacklevel=3)
    return Maximum(estimate, value, information, steps, ())


def _units(scores: Floats) -> Floats:
    """A square root of the inverse outer product, in which the likelihood is about as wide in all directions."""
    outer = scores @ scores.T
    size = np.sqrt(np.maximum(np.diag(outer), np.finfo(float).tiny))
    values, vectors = linalg.eigh(outer / np.outer(size, size))
    return np.asarray(vectors / np.sqrt(np.maximum(values, 1e-6)) / size[:, np.newaxis])


def observed_information(objective: Scored, estimate: Floats) -> Floats:
    """Return the negative Hessian, shape (P, P), by central differences of the gradient."""
    scores = objective(estimate)[1]
    error = 1.0 / np.sqrt(np.maximum((scores**2).sum(axis=1), np.finfo(float).tiny))
    rows = []
    for step in np.diag(STEP * np.minimum(error, 1e3)):
        up, down = (objective(estimate + s)[1].sum(axis=1) for s in (step, -step))
        rows.append((down - up) / (2 * step.sum()))
    information = np.stack(rows)
    return np.asarray((information + information.T) / 2)


def check_information(information: Floats, names: tuple[str, ...]) -> None:
    """Raise where the log-likelihood is flat in some direction, and name the parameters that it is made of."""
    size = np.sqrt(np.maximum(np.abs(np.diag(information)), np.finfo(float).tiny))
    values, vectors = np.linalg.eigh(information / np.outer(size, size))
    if values[0] > 1e-8:
        return
    loading = np.abs(vectors[:, 0])
    guilty = tuple(name for name, part in zip(names, loading, strict=True) if part > 0.2 * loading.max())
    raise NotIdentifiedError(
        f"the data do not tell {', '.join(guilty)} apart: the likelihood has no single maximum",
        "leave one of them out, or take a simpler model",
        guilty,
    )
