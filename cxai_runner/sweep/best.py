"""What becomes of the best run of a sweep: its report in full, and the tag that it is found by.

Runs of a sweep keep what their report is made of and leave the pictures out; nobody looks at a hundred of them. The
best is looked at, so its report is made, of what it logged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxai_runner.config.problems import UserError
from cxai_runner.kept.run import Kept
from cxai_runner.lifecycle.runs import complete
from cxai_runner.sweep.ledger import BEST

if TYPE_CHECKING:
    import pandas as pd

    from cxai_runner.sweep.ledger import Ledger
    from cxai_runner.sweep.noise import Scores
    from cxai_runner.sweep.standing import Sweep
    from cxai_runner.tracking.store import Store

_TRUE = "true"


def honour(ledger: Ledger, sweep: Sweep) -> None:
    """Tag the best runs of a sweep and complete their reports; a run that was the best and no longer is loses its tag.

    Parameters
    ----------
    ledger
        Where the runs are.
    sweep
        With all of its points.
    """
    store = ledger.store
    best = [point.run_id for one in sweep.best() for point in one.points]
    for run_id in best:
        if sweep.entries[run_id].tags.get(BEST) != _TRUE:
            store.retry(store.client.set_tag, run_id, BEST, _TRUE)
        complete(store, run_id)
    for run_id, entry in sweep.entries.items():
        if run_id not in best and entry.tags.get(BEST) == _TRUE and not ledger.praised(run_id, sweep.run_id):
            store.retry(store.client.delete_tag, run_id, BEST)


def scores(store: Store) -> Scores:
    """Return what reads the scores of a run."""

    def read(run_id: str, part: str) -> pd.DataFrame | None:
        import pandas as pd

        try:
            with Kept(store, run_id).folder(f"scores/{part}.parquet") as path:
                return pd.read_parquet(path)
        except UserError:  # a run of which nothing was held out, say
            return None

    return read
