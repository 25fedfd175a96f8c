"""How many threads a run may use: as many as its config says, since another number changes the last bits of a fit."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Final

VARIABLES: Final = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)
"""Read by BLAS, OpenMP and TensorFlow when they are first loaded, so set before anything loads them."""


def environment(threads: int) -> dict[str, str]:
    """Return the environment of a process that is held to ``threads`` from its start."""
    return dict.fromkeys(VARIABLES, str(threads))


def held_to(threads: int) -> AbstractContextManager[object]:
    """Hold BLAS and OpenMP to ``threads`` while the block runs."""
    from threadpoolctl import threadpool_limits

    return threadpool_limits(limits=threads)
