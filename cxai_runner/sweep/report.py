"""What a sweep says at its end: a headline, pictures, a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxai_runner.sweep.parent import in_words

if TYPE_CHECKING:
    from cxai_runner.sweep.standing import Sweep


def headline(sweep: Sweep) -> str:
    """Return what was learned, in a sentence."""
    best = sweep.best()
    if not best:
        return f"{len(sweep.points)} points, and none with a result that can be ranked"
    words = in_words(sweep.plan.goals, sweep.entries[best[0].points[0].run_id].metrics)
    return f"best of {len(sweep.standings())}: {best[0].trial.name}, {words}"


def texts(sweep: Sweep) -> dict[str, str]:
    """Return what the report is made of."""
    return {}


def pictures(sweep: Sweep) -> dict[str, bytes]:
    """Return the pictures as PNG, by name."""
    return {}


def page(sweep: Sweep) -> str:
    """Return the report as a page that needs nothing else."""
    return f"<h1>{headline(sweep)}</h1>{sweep.table().to_html(index=False)}"
