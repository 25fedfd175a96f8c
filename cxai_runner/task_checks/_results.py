"""Results: one headline, something to look at, and nothing that a report could not show."""

from __future__ import annotations

import math
import re
from collections import Counter

from cxai_runner.evaluation.results import Estimate, Figure, Finding, Table
from cxai_runner.task_checks._case import Case, check


@check()
def statistics_are_the_metrics(case: Case) -> None:
    """With each customer drawn once, a statistic is what was measured; and the primary metric is among them."""
    import numpy as np

    scores, primary = case.judged, case.task.primary_metric
    statistics = case.task.statistics(scores)
    measured = {one.name: one.value.value for one in case.task.measure(scores, case.context())}
    once = np.ones((scores["customer_id"].nunique(), 1))
    for name, statistic in statistics.items():
        assert name in measured, f"a statistic of what is not measured: {name}"
        found = float(statistic(once)[0, 0])
        assert math.isclose(found, measured[name], rel_tol=1e-12), f"{name}: {found} for {measured[name]}"
    if statistics and primary is not None and primary.name in measured:
        assert primary.name in statistics, f"runs are compared by {primary.name}, which is not among the statistics"


@check()
def the_report_has_one_headline(case: Case) -> None:
    """Exactly one finding is the headline."""
    headlines = [one for one in case.contents if isinstance(one, Finding) and one.kind == "headline"]
    assert len(headlines) == 1, f"{len(headlines)} headlines"


@check()
def findings_are_sentences(case: Case) -> None:
    """They end with a full stop, and no number in them is nan."""
    for finding in (one for one in case.contents if isinstance(one, Finding)):
        assert finding.text.endswith("."), f"a finding is a sentence: {finding.text!r}"
        assert not re.search(r"\b(nan|inf|None)\b", finding.text), f"a finding has no number: {finding.text!r}"


@check()
def there_is_something_to_look_at(case: Case) -> None:
    """At least one figure and one table."""
    assert any(isinstance(one, Figure) for one in case.contents), "no figure"
    assert any(isinstance(one, Table) for one in case.contents), "no table"


@check()
def estimates_have_intervals(case: Case) -> None:
    """A quantity of the question comes with its uncertainty."""
    for estimate in (one for one in case.contents if isinstance(one, Estimate)):
        value = estimate.value
        assert math.isfinite(value.low), f"{estimate.name} has no interval"
        assert value.low <= value.value <= value.high, f"{estimate.name}: {value}"


@check()
def names_are_unique_and_safe_for_files(case: Case) -> None:
    """Tables, figures and estimates become files and keys."""
    for kind in (Table, Figure, Estimate):
        names = [one.name for one in case.contents if isinstance(one, kind)]
        unsafe = [name for name in names if not re.fullmatch(r"[a-z][a-z0-9_]{0,60}", name)]
        assert not unsafe, f"names become file names, in snake case: {unsafe}"
        twice = [name for name, count in Counter(names).items() if count > 1]
        assert not twice, f"names are unique: {twice}"


@check()
def figures_name_columns_that_exist(case: Case) -> None:
    """A figure can be drawn from its rows."""
    for figure in (one for one in case.contents if isinstance(one, Figure)):
        named = [figure.x, figure.y, figure.by, figure.low, figure.high, figure.fill]
        absent = [name for name in named if name is not None and name not in figure.data.columns]
        assert not absent, f"figure {figure.name} names columns that its rows lack: {absent}"
        assert len(figure.data), f"figure {figure.name} has no rows"
        assert figure.mark != "heatmap" or figure.fill, f"heat map {figure.name} says no fill"
        if figure.shade is not None:
            assert figure.shade[0] <= figure.shade[1], f"figure {figure.name} shades from high to low"


@check()
def tables_have_rows(case: Case) -> None:
    """A table without rows is left out."""
    for table in (one for one in case.contents if isinstance(one, Table)):
        assert len(table.frame), f"table {table.name} has no rows"
        assert table.title, f"table {table.name} has no title"


@check()
def reports_without_held_out_rows(case: Case) -> None:
    """Explored on all rows, a task still reports."""
    scores = {"train": case.scores["train"]}
    measured = [
        *case.task.measure(scores["train"], case.context()),
        *case.task.challenge(case.fitted, case.train, case.context()),
    ]
    metrics = {metric.name: metric for metric in measured}
    contents = tuple(case.task.report(case.fitted, case.train, scores, metrics, case.context()))
    assert any(isinstance(one, Finding) and one.kind == "headline" for one in contents), "no headline"
