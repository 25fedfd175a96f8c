"""A run of level ``full`` keeps an account of its data; a child of a sweep does not pay for one."""

from __future__ import annotations

import csv
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pandas as pd

Call = Callable[..., "subprocess.CompletedProcess[str]"]


def artifacts(home: Path, run_id: str) -> Path:
    (kept,) = home.glob(f"mlruns/artifacts/*/{run_id}/artifacts")
    return kept


def test_a_run_keeps_an_account_of_its_data_and_no_customers_words(
    cxai: Call, panel_csv: Path, own_panel: list[str], tmp_path: Path
) -> None:
    frame = pd.read_csv(panel_csv)
    frame["remark"] = "call me on 555-0100"
    noted = tmp_path / "noted.csv"
    frame.to_csv(noted, index=False)
    hidden = ["privacy.pseudonymise=true", "privacy.key=${oc.env:CXAI_PRIVACY_KEY}", "data.where={occasion:{le:25}}"]
    env = {"CXAI_PRIVACY_KEY": "correct horse battery"}
    done = cxai("run", *own_panel, f"data.path={noted}", *hidden, "--json", cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stderr
    kept = artifacts(tmp_path, json.loads(done.stdout)["run_id"])
    page = (kept / "data_quality.html").read_text(encoding="utf-8").replace("\u00a0", " ")
    assert "1,500 of 1,800 rows kept (83 %)" in page
    assert "dropped 300 (17 %): occasion is above 25" in page
    assert "1,500 of 1,800 rows kept (83 %)" in (kept / "report.html").read_text(encoding="utf-8").replace(
        "\u00a0", " "
    )
    with (kept / "tables" / "data_quality.csv").open(newline="", encoding="utf-8") as file:
        facts = {(row["column"], row["fact"]): row["value"] for row in csv.DictReader(file)}
    assert facts["", "kept"] == "1500"
    assert facts["customer_id", "distinct"] == "60"
    assert facts["remark", "distinct"] == "1"
    for path in kept.rglob("*"):
        assert path.is_dir() or b"555-0100" not in path.read_bytes(), path


def test_a_child_has_no_account(cxai: Call, own_panel: list[str], tmp_path: Path) -> None:
    done = cxai("run", *own_panel, "tracking.level=child", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    kept = artifacts(tmp_path, json.loads(done.stdout)["run_id"])
    assert not (kept / "data_quality.html").exists()
    assert not (kept / "tables" / "data_quality.csv").exists()
    assert json.loads((kept / "report.json").read_text(encoding="utf-8"))["quality"] == []
