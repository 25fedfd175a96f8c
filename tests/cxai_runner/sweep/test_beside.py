"""What a task says of many runs at once is in the report of their sweep; where it says nothing, nothing is read."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxai_runner.report.html import render_html
from cxai_runner.sweep import report
from cxai_runner.sweep.axes import Choice
from cxai_runner.sweep.objectives import Objective
from tasks.purchase_incidence import PurchaseIncidence
from tasks.segmentation import Segmentation
from tests.cxai_runner.sweep.conftest import made

AXES = (Choice("model.n_clusters", ("2", "3", "4")),)
GOALS = (Objective("silhouette", "higher"), Objective("stability", "higher"))


def swept(task: object):  # type: ignore[no-untyped-def]
    results = [
        ({"model.n_clusters": str(k)}, {"train/silhouette": 0.5 - k / 100, "challenge/stability": 0.7 + k / 100})
        for k in (2, 3, 4)
    ]
    return made(AXES, results, goals=GOALS, task=task)


def scores(run_id: str, part: str) -> pd.DataFrame | None:
    many = int(run_id[:4]) + 1
    rows = pd.DataFrame({"customer_id": np.arange(120), "segment": np.arange(120) % many})
    return rows if part == "train" else None


def test_solutions_are_in_the_report_of_their_sweep() -> None:
    document = report.document(swept(Segmentation()), scores)
    names = [figure.name for figure in document.figures]
    assert names[-3:] == ["agreement", "agreement_flow_1", "agreement_flow_2"]
    (table,) = (one for one in document.tables if one.name == "agreement")
    assert sorted(table.frame["solution"]) == ["n_clusters=2", "n_clusters=3", "n_clusters=4"]
    assert any("agree most" in finding.text for finding in document.findings)
    assert "How the segmentations agree" in render_html(document)


def test_a_task_with_nothing_to_say_costs_no_reading() -> None:
    read: list[str] = []

    def watched(run_id: str, part: str) -> None:
        read.append(run_id)

    document = report.document(swept(PurchaseIncidence()), watched)
    assert not read
    assert [table.name for table in document.tables] == ["table"]
