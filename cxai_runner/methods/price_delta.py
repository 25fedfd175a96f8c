"""Purchase probability and its elasticity at any price with standard errors by the delta method, for any logit.

With P̄ the mean probability over rows of weight ω, η their log-odds and s = dη/dp, the elasticity is E = p · M / T with
T = Σ ω P and M = Σ ω P′ s. The gradients of P̄ and E by all parameters, between two sides of the covariance, are their
variances.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from .averaged_rows import AveragedRows
from .elasticity_curve import Numbers
from .logit_model import LogitModel
from .price_lines import Lines, put_together

Floats = NDArray[np.float64]
Terms = Callable[[Any], Any]

_STEP = 1e-5
# What is held at once of prices times rows: 4 MB for each number.
_BLOCK = 500_000


@dataclass(frozen=True, eq=False)
class _Design:
    """Log-odds and their slope, shape (m, R), and sums of the terms and of their slopes, each (m, R) → (m, 1 + k)."""

    log_odds: Floats
    slope: Floats
    terms: Callable[[Floats], Floats]
    slopes: Callable[[Floats], Floats]


class DeltaMethod:
    """Numbers at any price.

    Parameters
    ----------
    final
        The fitted logit.
    terms
        From rows of the panel to the logit's columns.
    rows
        The rows to average over.
    lines
        The terms as straight lines in price, where they are.
    """

    def __init__(self, final: LogitModel, terms: Terms, rows: AveragedRows, lines: Lines | None) -> None:
        self.final, self.terms, self.rows = final, terms, rows
        self.beta: Floats = np.concatenate([final.intercept_, final.coef_[0]])
        self.lines, self.weight = None, rows.weight
        if lines is not None:
            together, self.weight = put_together(lines, rows.weight)
            ones = np.ones((len(self.weight), 1))
            self.lines = Lines(np.hstack([ones, together.level]), np.hstack([0 * ones, together.slope]))

    def __call__(self, at: Floats) -> Numbers:
        """Return the numbers at prices, shape (points,)."""
        size = max(1, _BLOCK // len(self.weight))
        blocks = [self._block(at[start : start + size]) for start in range(0, len(at), size)]
        probability, elasticity, unsure, error = (np.concatenate(several) for several in zip(*blocks, strict=True))
        told = f"delta method, {self.final.covariance_type_} covariance"
        quantile = float(special.ndtri(0.975))
        return Numbers(probability, elasticity, unsure, error, quantile, told, "derivative of the logit")

    def _block(self, at: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        design = self._bent(at) if self.lines is None else self._straight(self.lines, at)
        curve, s, weight = self.final.curvature(design.log_odds), design.slope, self.weight
        total, moved = curve.probability @ weight, (curve.first * s) @ weight
        many = weight.sum()
        level = design.terms(curve.first * weight)
        slope = design.slopes(curve.first * weight) + design.terms(curve.second * s * weight)
        level = np.hstack([level, (curve.by_shape @ weight).T])
        slope = np.hstack([slope, ((curve.first_by_shape * s) @ weight).T])
        gradient = at[:, np.newaxis] * (slope / total[:, np.newaxis] - (moved / total**2)[:, np.newaxis] * level)
        probability, elasticity = total / many, at * moved / total
        variances = (np.einsum("mk,kl,ml->m", one, self.final.covariance_, one) for one in (level / many, gradient))
        own = at[:, np.newaxis] * curve.first * s - elasticity[:, np.newaxis] * curve.probability
        drawn = (curve.probability, own / probability[:, np.newaxis])
        unsure, error = (
            np.sqrt(variance + self.rows.variance_of_draw(part, weight))
            for variance, part in zip(variances, drawn, strict=True)
        )
        return probability, elasticity, unsure, error

    def _straight(self, lines: Lines, at: Floats) -> _Design:
        price = at[:, np.newaxis]
        by_slope = lines.slope @ self.beta
        log_odds = lines.level @ self.beta + price * by_slope
        return _Design(
            log_odds,
            np.broadcast_to(by_slope, log_odds.shape),
            lambda by: by @ lines.level + price * (by @ lines.slope),
            lambda by: by @ lines.slope,
        )

    def _bent(self, at: Floats) -> _Design:
        near = np.stack([at * (1 - _STEP), at, at * (1 + _STEP)])
        shape = (3, len(at), len(self.rows.frame), len(self.beta) - 1)
        seen = np.asarray(self.terms(self.rows.at(near)), dtype=np.float64).reshape(shape)
        z = np.concatenate([np.ones((*shape[1:3], 1)), seen[1]], axis=2)
        dz = np.zeros_like(z)
        dz[..., 1:] = (seen[2] - seen[0]) / (2 * _STEP * at)[:, np.newaxis, np.newaxis]
        return _Design(
            z @ self.beta,
            dz @ self.beta,
            lambda by: np.einsum("mr,mrk->mk", by, z),
            lambda by: np.einsum("mr,mrk->mk", by, dz),
        )
