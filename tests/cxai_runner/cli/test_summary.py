"""What a run came to, on one screen: a warning of our own is read to its end."""

from __future__ import annotations

from cxai_runner.cli.summary import summary
from cxai_runner.evaluation.results import Finding
from cxai_runner.report.document import Document


def test_a_warning_of_our_own_is_not_cut() -> None:
    told = ", ".join(["last_brand is z on 60 rows, and never was in training: it is an average one"] * 3)
    caveats = (Finding(f"Warning: {told}.", "caveat"), Finding(f"A library warned (X): {told}", "caveat"))
    lines = summary(Document("t", "?", "!", caveats=caveats), "0" * 32, "FINISHED", "").splitlines()
    start = next(i for i, line in enumerate(lines) if "warned  last_brand" in line)
    said = " ".join(line.split("warned")[-1].strip() for line in lines[start : start + 3])
    assert said == f"{told}."
    assert max(map(len, lines)) < 120
    (cut,) = [line for line in lines if "(X)" in line]
    assert cut.endswith("[...]")
