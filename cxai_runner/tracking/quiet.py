"""The one door through which MLflow is imported, so that it stays silent and never phones out.

MLflow reads its switches while it is imported. Whoever imported it elsewhere first would have its telemetry started,
its migrations narrated on standard error, and a warning wherever git is absent; so nothing of ours imports it directly.
"""

from __future__ import annotations

import logging
import os
import warnings
from types import ModuleType
from typing import Final

SWITCHES: Final = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "GIT_PYTHON_REFRESH": "quiet",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # of a run on a server, into what is printed for machines
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "4",  # 7 by default: minutes of silence for a mistyped server
}
"""Environment variables set before MLflow is imported, unless the user set them."""

UNHEARD: Final = (
    ".*schema contains integer column.*",
    "IProgress not found",  # tqdm's, in a notebook without widgets, of progress bars that nobody is shown
)
"""Warnings that say nothing to a user."""

LEVELS: Final = {
    "mlflow": logging.ERROR,
    "mlflow.store.db.utils": logging.CRITICAL,  # it prints a traceback for every locked database, which we retry
    "alembic": logging.ERROR,
}


def import_mlflow() -> ModuleType:
    """Import MLflow silently.

    Returns
    -------
    module
        ``mlflow``, with its loggers at error level and its telemetry off.
    """
    for name, value in SWITCHES.items():
        os.environ.setdefault(name, value)
    known = {one[1].pattern for one in warnings.filters if one[1] is not None}
    for message in UNHEARD:
        if message not in known:  # each filter that is added makes Python forget which warnings it has shown
            warnings.filterwarnings("ignore", message=message)
    import mlflow

    for name, level in LEVELS.items():
        logging.getLogger(name).setLevel(level)
    return mlflow
