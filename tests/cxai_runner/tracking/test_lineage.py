from __future__ import annotations

import subprocess
from importlib import metadata
from pathlib import Path

import pytest

from cxai_runner.tracking import lineage
from cxai_runner.tracking.lineage import code_of, environment, environment_text


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    git(folder, "config", "user.name", "Ann")
    git(folder, "config", "user.email", "ann@shop.test")
    (folder / "a.py").write_text("price = 1\n")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    return folder


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", folder, *arguments], check=True, capture_output=True, text=True).stdout.strip()


def test_a_clean_repository(repository: Path) -> None:
    (code,) = code_of([repository])
    assert (code.commit, code.branch, code.dirty, code.diff) == (
        git(repository, "rev-parse", "HEAD"),
        "main",
        False,
        "",
    )


def test_what_is_not_committed_is_kept(repository: Path) -> None:
    (repository / "a.py").write_text("price = 2\n")
    (repository / "new.py").write_text("x")
    (repository / "umlaut ä.txt").write_text("x")
    (repository / "data.bin").write_bytes(b"\0\1")
    (code,) = code_of([repository / "."])
    assert code.dirty
    assert "-price = 1\n+price = 2\n" in code.diff
    assert code.diff.endswith("# untracked: new.py\n# untracked: umlaut ä.txt\n")
    assert "data.bin" not in code.diff


def test_staged_changes_count(repository: Path) -> None:
    (repository / "a.py").write_text("price = 3\n")
    git(repository, "add", ".")
    assert "+price = 3" in code_of([repository])[0].diff


def test_a_huge_diff_says_that_it_is_cut(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lineage, "DIFF_LENGTH", 50)
    (repository / "a.py").write_text("x" * 1000)
    assert "more characters were left out" in code_of([repository])[0].diff


def test_before_the_first_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "a.py").write_text("x")
    git(tmp_path, "add", ".")
    (code,) = code_of([tmp_path])
    assert code.commit == ""
    assert "a.py" in code.diff


def test_one_repository_is_told_once_and_two_twice(repository: Path, tmp_path: Path) -> None:
    (repository / "sub").mkdir()
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    assert [code.root.name for code in code_of([repository, repository / "sub", other])] == ["repository", "other"]


def test_what_a_repository_configures_is_not_run(repository: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    for key in ("core.fsmonitor", "diff.external"):
        git(repository, "config", key, f"touch {trap}; true")
    (repository / "a.py").write_text("price = 2\n")
    assert code_of([repository])[0].dirty
    assert not trap.exists()


def test_without_version_control_or_git_there_is_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert code_of([tmp_path, tmp_path / "absent"]) == []
    monkeypatch.setenv("PATH", str(tmp_path))
    assert code_of() == []


def test_the_environment_is_what_is_installed() -> None:
    installed = environment()
    assert installed["mlflow"] == metadata.version("mlflow")
    assert installed["scikit-learn"] == metadata.version("scikit-learn")
    assert set(installed) == {d.name for d in metadata.distributions()}
    lines = environment_text().splitlines()
    assert lines[0].startswith("# Python 3.")
    assert f"numpy=={metadata.version('numpy')}" in lines
