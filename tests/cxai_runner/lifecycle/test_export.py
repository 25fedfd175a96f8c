"""A run as a folder: whole, empty of secrets and customers, and one command repeats it elsewhere."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.conftest import user_environment

Call = Callable[..., "subprocess.CompletedProcess[str]"]
KEY = "a-key-that-nobody-knows-0815"


@pytest.fixture(scope="module")
def exported(cxai: Call, own_panel: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that keeps customers to itself, in a folder ``sent``."""
    home = tmp_path_factory.mktemp("export")
    private = ["privacy.pseudonymise=true", "privacy.key='${oc.env:CXAI_PRIVACY_KEY}'"]
    named = pd.read_csv(next(line for line in own_panel if line.startswith("data.path=")).partition("=")[2])
    named["client"] = "customer-no-" + named["client"].astype(str)
    named.to_csv(home / "panel.csv", index=False)
    mine = [line if not line.startswith("data.path=") else "data.path=panel.csv" for line in own_panel]
    done = cxai("run", *mine, *private, "--json", cwd=home, env={"CXAI_PRIVACY_KEY": KEY})
    assert done.returncode == 0, done.stderr
    sent = cxai("export", "last", "sent", cwd=home)
    assert sent.returncode == 0, sent.stderr
    assert sent.stdout.splitlines() == ["sent/README.txt", "to repeat it: sh sent/reproduce.sh"]
    return home / "sent"


def test_it_holds_what_there_is_to_know(exported: Path) -> None:
    assert {path.name for path in exported.iterdir()} >= {
        "README.txt", "reproduce.sh", "run.json", "config.yaml", "overrides.yaml", "requirements.txt", "data.json",
        "keys.json", "learned.json", "report.html", "report.json", "scores", "tables", "figures",
    }  # fmt: skip
    (table,) = json.loads((exported / "data.json").read_text())
    assert (table["table"], table["rows"]) == ("panel", 1800)
    assert table["digest"].startswith("rowsum-duckdb-")
    assert table["columns"]["price_a"] == "float64"
    lock = (exported / "requirements.txt").read_text().splitlines()
    assert any(line.startswith("numpy==") for line in lock)
    assert not [line for line in lock if line.startswith("cxai==")]
    readme = (exported / "README.txt").read_text()
    assert "sh reproduce.sh" in readme
    assert "panel, 1,800 rows" in readme


def test_nothing_of_it_leaks(exported: Path) -> None:
    texts = [path.read_bytes() for path in exported.rglob("*") if path.is_file()]
    assert len(texts) > 15
    assert not [text for text in texts if KEY.encode() in text]
    assert not [text for text in texts if b"customer-no-" in text]
    assert "${oc.env:CXAI_PRIVACY_KEY}" in (exported / "config.yaml").read_text()
    assert str(exported.parent) not in (exported / "run.json").read_text()


def test_it_is_repeated_elsewhere(cxai: Call, exported: Path, tmp_path: Path) -> None:
    shutil.copytree(exported, tmp_path / "received")
    shutil.copy(exported.parent / "panel.csv", tmp_path / "their.csv")
    env = {"CXAI_PRIVACY_KEY": KEY}
    missing = cxai("reproduce", "received", "--json", cwd=tmp_path, env=env)
    assert missing.returncode == 2
    assert [problem["key"] for problem in json.loads(missing.stdout)["problems"]] == ["data.path"]
    done = cxai("reproduce", "received", "data.path=their.csv", "--json", cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["verdict"] == "identical"
    assert found["original"] == json.loads((exported / "run.json").read_text())["run_id"]


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["received", 'what they\'ve $ent; "us"'])
def test_its_script_repeats_it(exported: Path, tmp_path: Path, folder: str) -> None:
    """By whoever has `cxai` on the path, from the folder with the data."""
    shutil.copytree(exported, tmp_path / folder)
    shutil.copy(exported.parent / "panel.csv", tmp_path / "panel.csv")
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "cxai").write_text(f'#!/bin/sh\nexec {sys.executable} -m cxai_runner.cli "$@"\n')
    (tools / "cxai").chmod(0o755)
    path = {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        ["sh", f"{folder}/reproduce.sh"],
        cwd=tmp_path,
        env=user_environment(path | {"CXAI_PRIVACY_KEY": KEY}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "identical to the bit" in done.stdout


def test_a_folder_that_holds_something_is_left_alone(cxai: Call, exported: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in exported.rglob("*")}
    refused = cxai("export", "last", "sent", cwd=exported.parent)
    assert refused.returncode == 2
    assert "DIR: sent   holds something already" in refused.stderr
    assert {path: path.stat().st_mtime_ns for path in exported.rglob("*")} == before


def test_the_command_that_repeats_it_can_be_pasted(cxai: Call, exported: Path, tmp_path: Path) -> None:
    folder = tmp_path / "it's $mine"
    done = cxai("export", "last", str(folder), cwd=exported.parent)
    assert done.returncode == 0, done.stderr
    typed = shlex.split(done.stdout.splitlines()[1].removeprefix("to repeat it: "))
    assert typed == ["sh", str(folder / "reproduce.sh")]
    (tmp_path / "file").write_text("")
    refused = cxai("export", "last", str(tmp_path / "file" / "sent"), cwd=exported.parent)
    assert refused.returncode == 2
    assert "is a file" in refused.stderr


def test_an_empty_folder_is_taken(cxai: Call, exported: Path) -> None:
    (exported.parent / "empty").mkdir()
    assert cxai("export", "last", "empty", cwd=exported.parent).returncode == 0
    assert (exported.parent / "empty" / "README.txt").is_file()
    assert not list(exported.parent.glob(".cxai-export-*"))


@pytest.mark.parametrize("spoilt", ["", "[]", '{"run_id": "a"}'])
def test_a_folder_that_was_not_exported_is_told(cxai: Call, tmp_path: Path, spoilt: str) -> None:
    folder: Any = tmp_path / "other"
    folder.mkdir()
    if spoilt:
        (folder / "run.json").write_text(spoilt)
    refused = cxai("reproduce", "other", cwd=tmp_path)
    assert refused.returncode == 2
    told = "run.json is not what was exported" if spoilt else "no exported run is in this folder"
    assert told in refused.stderr
