"""A comparison as one page in the style of a run's report: tables, intervals, a matrix, metric against time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cxai_runner.evaluation.results import Figure, Finding, Table
from cxai_runner.evaluation.wording import with_interval
from cxai_runner.lifecycle.compare.evidence import TOP
from cxai_runner.lifecycle.compare.words import headline, names, p_value, value

if TYPE_CHECKING:
    from cxai_runner.evaluation.comparison import Comparison
    from cxai_runner.lifecycle.compare.compared import Compared
    from cxai_runner.lifecycle.compare.standings import Goal
    from cxai_runner.report.document import Document

_DRAWN: Final = 30
_LISTED: Final = 1000


def page(compared: Compared) -> str:
    """Return the comparison as a whole HTML page that needs nothing else."""
    from cxai_runner.report.html import render_html

    return render_html(document(compared))


def document(compared: Compared) -> Document:
    """Return what the page says, as plain data."""
    from cxai_runner import __version__
    from cxai_runner.report.document import Document

    goal, against = compared.goal, compared.against
    runs = sum(len(row.entries) for row in compared.rows)
    asked = {"runs": f"{runs:,}, in {len(compared.rows):,} rows: those that differ in their seed alone are one"}
    asked["metric"] = "none: they describe" if goal is None else f"{goal.key}, {goal.better} is better"
    if against is not None:
        asked["against"] = f"run {compared.rows[against].run}{', the best' * (compared.rows[against].rank == 1)}"
    return Document(
        task=compared.task or "comparison",
        question="Which run is better, and by more than noise?",
        headline=headline(compared),
        asked=asked,
        findings=tuple(one for one in compared.more if isinstance(one, Finding)),
        figures=(
            *(() if goal is None else _figures(compared, goal)),
            *(one for one in compared.more if isinstance(one, Figure)),
        ),
        tables=(*_tables(compared), *compared.tables()),
        caveats=tuple(Finding(one, "caveat") for one in compared.notes),
        provenance={"cxai": __version__},
    )


def _tables(compared: Compared) -> list[Table]:
    import pandas as pd

    called, goal = names(compared.params), compared.goal
    ranked = [row for row in compared.rows if row.rank is not None]
    rows, judged = [], []
    for place, row in enumerate(compared.rows):
        rows.append(
            {
                "rank": row.rank,
                "run": row.run,
                "name": row.first.name,
                **({} if goal is None else {compared.label: _words(row.value), "baseline": _words(row.baseline)}),
                "seed": ", ".join(row.seeds),
                "seconds": row.took,
                "status": row.first.status,
                **{called[key]: value(key, text) for key, text in row.params.items()},
            }
        )
        found = compared.beside(place)
        how = "" if found is None else found.how
        judged.append({"run": row.run, **_beside(found), "verdict": compared.verdict(place), "how": how})
    tables = [Table("runs", "The runs, best first", _ranked(pd.DataFrame(rows)), shown=_LISTED)]
    if compared.comparisons and compared.against is not None:
        title = f"Each against run {compared.rows[compared.against].run}"
        caption = "Differences are run minus that one. p is corrected for all comparisons on this page."
        kept = [row for place, row in enumerate(judged) if compared.beside(place) or place == compared.against]
        tables.append(Table("against", title, pd.DataFrame(kept), caption, shown=_LISTED))
    among = [
        (pair, found)
        for pair, found in sorted(compared.comparisons.items())
        if pair[0] < pair[1] < TOP and not found.incomparable
    ]
    if len(among) > 1:
        pairs = [
            {"run": compared.rows[a].run, "other": compared.rows[b].run, **_beside(found), "verdict": found.words}
            for (a, b), found in among
        ]
        title = f"The first {min(TOP, len(ranked))} among themselves"
        tables.append(
            Table(
                "pairs",
                title,
                pd.DataFrame(pairs),
                "Run minus other; pairs that cannot be compared are left out.",
                shown=_LISTED,
            )
        )
    metrics = compared.frame()
    leads = () if goal is None else (goal.name, "difference")
    others = [c for c in metrics if f"{c}_low" in metrics and c not in leads]
    if others and goal is not None:
        values = pd.DataFrame({"run": [row.run for row in compared.rows]})
        for name in others:
            ends = metrics[[name, f"{name}_low", f"{name}_high"]].astype("float64").to_numpy()
            values[name] = [_ends(*row) for row in ends]
        tables.append(Table("metrics", f"Other metrics of {goal.part.replace('_', ' ')} rows", values, shown=_LISTED))
    return tables


def _figures(compared: Compared, goal: Goal) -> list[Figure]:
    import pandas as pd

    label = compared.label
    ranked = [(place, row) for place, row in enumerate(compared.rows) if row.rank is not None]
    figures = []
    several = [
        {"run": f"{row.rank} · {row.run}", "of": of, "value": ends.value, "low": ends.low, "high": ends.high}
        for _, row in ranked[:_DRAWN]
        for of, ends in (("run", row.value), ("baseline", row.baseline))
        if ends is not None
    ]
    if several:
        caption = f"{goal.better.capitalize()} is better. Lines are 95 % intervals; over several seeds, their range."
        figures.append(
            Figure("intervals", f"{label} of the first {min(len(ranked), _DRAWN)}", pd.DataFrame(several), "point",
                   "run", "value", caption, by="of", low="low", high="high", y_label=label)
        )  # fmt: skip
    top = {place: f"{row.rank} · {row.run}" for place, row in ranked[:TOP]}
    cells = [
        {"other": top[b], "run": top[a], "difference": _told(compared.comparisons.get((a, b)))}
        for a in top
        for b in top
    ]
    if len(ranked) > 2 and any(cell["difference"] for cell in cells if cell["difference"] == cell["difference"]):
        caption = (
            f"Row minus column in {label}, where a difference can be told; 0 where it cannot, empty where the two "
            "cannot be compared."
        )
        figures.append(
            Figure("matrix", f"The first {min(TOP, len(ranked))} among themselves", pd.DataFrame(cells), "heatmap",
                   "other", "run", caption, fill="difference", x_label="minus", y_label="run")
        )  # fmt: skip
    timed = [
        {"seconds": row.took, "value": row.value.value, "verdict": _group(compared, place)}
        for place, row in ranked
        if row.took is not None and row.value is not None
    ]
    if len(timed) > 1:
        figures.append(
            Figure("seconds", f"{label} against time", pd.DataFrame(timed), "point", "seconds", "value",
                   f"{goal.better.capitalize()} is better.", by="verdict", x_label="seconds, all stages",
                   y_label=label)
        )  # fmt: skip
    return figures


def _told(found: Comparison | None) -> float:
    """A difference that can be told, 0 for one that cannot; NaN where there is none."""
    if found is None or found.incomparable:
        return float("nan")
    return found.difference.value if found.verdict in ("better", "worse") else 0.0


def _beside(found: Comparison | None) -> dict[str, str]:
    """A difference with its interval and its p value, in words; empty where there is none."""
    known = found is not None and not found.incomparable
    return {
        "difference": _words(found.difference) if found is not None and known else "",
        "p": p_value(found.adjusted) if found is not None and known else "",
    }


def _group(compared: Compared, place: int) -> str:
    if place == compared.against:
        return "compared with"
    found = compared.beside(place)
    return "not judged" if found is None else found.verdict


def _ranked(frame: Any) -> Any:
    return frame.astype({"rank": "Int64"})


def _words(interval: Any) -> str:
    # Hard spaces: an interval stays on one line.
    return "" if interval is None else with_interval(interval).replace(" ", "\u00a0")


def _ends(value: float, low: float, high: float) -> str:
    from cxai_runner.evaluation.results import Interval

    return "" if value != value else _words(Interval(value, low, high))  # noqa: PLR0124 - NaN is not itself
