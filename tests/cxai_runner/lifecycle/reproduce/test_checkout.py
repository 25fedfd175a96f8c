"""The code of a run as it was: checked out beside the working tree, and gone afterwards."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cxai_runner.config.problems import UserError
from cxai_runner.lifecycle.reproduce.checkout import checked_out
from cxai_runner.lifecycle.reproduce.tree import State
from cxai_runner.tracking.lineage import code_of
from tests.conftest import user_environment

ROOT = Path(__file__).resolve().parents[4]
Call = Callable[..., "subprocess.CompletedProcess[str]"]


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    done = subprocess.run(["git", *who, "-C", str(folder), *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of the user's own, on its second commit; the run's was the first."""
    home = tmp_path / "shop"
    (home / "code").mkdir(parents=True)
    git(home, "init", "-q")
    (home / "code" / "shop.py").write_text("PRICE = 1\n")
    git(home, "add", ".")
    git(home, "commit", "-qm", "first")
    (home / "code" / "shop.py").write_text("PRICE = 2\n")
    git(home, "commit", "-qam", "second")
    monkeypatch.chdir(home)
    monkeypatch.syspath_prepend(str(home / "code"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return home


def first(shop: Path, **more: Any) -> State:
    return State("shop", git(shop, "rev-parse", "HEAD~1"), engine=False, **more)


def price(variables: dict[str, str]) -> str:
    """What a process that uses the code that was checked out makes of it."""
    done = subprocess.run(
        [sys.executable, "-c", "import shop; print(shop.PRICE)"],
        env=dict(os.environ) | variables,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def left(shop: Path) -> list[str]:
    """What is there beside the repository itself."""
    listed = [line for line in git(shop, "worktree", "list", "--porcelain").splitlines() if line.startswith("worktree")]
    return [*listed[1:], *(path.name for path in shop.parent.iterdir() if path != shop)]


def test_the_code_of_the_commit_is_found_first_and_goes_again(shop: Path) -> None:
    with checked_out([first(shop)]) as variables:
        assert price(variables) == "1"
        assert left(shop)
    assert left(shop) == []
    assert (shop / "code" / "shop.py").read_text() == "PRICE = 2\n"


def test_what_was_not_committed_is_put_on_top(shop: Path) -> None:
    here = git(shop, "rev-parse", "HEAD")
    (shop / "code" / "shop.py").write_text("PRICE = 3\n")
    (code,) = code_of([shop])
    (shop / "code" / "shop.py").write_text("PRICE = 4\n")
    with checked_out([State("shop", here, False, patch=code.diff)]) as variables:
        assert price(variables) == "3"
    with (
        pytest.raises(UserError, match="do not apply"),
        checked_out([first(shop, patch=code.diff)]),
    ):
        pass
    assert left(shop) == []
    with checked_out([first(shop, patch=code.diff)], anyway=True) as variables:
        assert price(variables) == "1"


def test_it_goes_whatever_happens(shop: Path) -> None:
    with pytest.raises(KeyboardInterrupt), checked_out([first(shop)]):
        raise KeyboardInterrupt
    assert left(shop) == []


def test_what_a_killed_process_left_is_removed(shop: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    place = shop.parent / f"cxai-checkout-{dead.pid}-x" / "shop"
    git(shop, "worktree", "add", "-q", "--detach", str(place))
    with checked_out([first(shop)]):
        assert not place.exists()
    assert left(shop) == []


def test_no_hook_is_run(shop: Path) -> None:
    hook = shop / ".git" / "hooks" / "post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {shop.parent}/hooked\n")
    hook.chmod(0o755)
    with checked_out([first(shop)]):
        pass
    assert left(shop) == []


@pytest.mark.parametrize(
    ("more", "modules", "told"),
    [
        ({"commit": "a" * 40}, [], "has no commit aaaaaaaaaaaa"),
        ({"cut": True}, [], "not kept whole: too long"),
        ({"untracked": ("code/more.py",)}, ["more"], "not under version control: code/more.py"),
        ({"untracked": ("code/more/",)}, ["more.prices"], "not under version control: code/more/"),
        ({"engine": True, "commit": "b" * 40}, [], "has no commit bbbbbbbbbbbb"),
    ],
)
def test_what_cannot_be_restored_is_told(shop: Path, more: dict[str, Any], modules: list[str], told: str) -> None:
    state = State(**{"name": "shop", "commit": git(shop, "rev-parse", "HEAD"), "engine": False, **more})
    with pytest.raises(UserError, match=told), checked_out([state], modules):
        pass
    assert left(shop) == []


def test_other_files_that_were_not_under_version_control_do_not_matter(shop: Path) -> None:
    with checked_out([first(shop, untracked=("notes.txt", "mlruns/", "code/other.py"))], ["shop"]) as variables:
        assert price(variables) == "1"


def test_without_a_repository_it_is_refused(shop: Path) -> None:
    with pytest.raises(UserError, match="not made from a git repository"), checked_out([]):
        pass


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this project as a repository of its own."""
    home = tmp_path_factory.mktemp("clone") / "cxai"
    for part in ("cxai_runner", "tasks", "conf", "hydra_plugins"):
        shutil.copytree(ROOT / part, home / part, ignore=shutil.ignore_patterns("__pycache__"))
    git(home, "init", "-q")
    (home / ".gitignore").write_text("__pycache__/\n")
    git(home, "add", ".")
    git(home, "commit", "-qm", "as it is")
    return home


@pytest.mark.slow
def test_a_method_that_was_changed_since(clone: Path, own_panel: list[str], tmp_path: Path) -> None:
    """Told before the run and blamed after it; with the code of then, and its uncommitted change, the same again."""

    def call(*arguments: str, code: int = 0) -> tuple[dict[str, Any], str]:
        done = subprocess.run(
            [sys.executable, "-m", "cxai_runner.cli", *arguments, "--json"],
            cwd=tmp_path,
            env=user_environment({"PYTHONPATH": str(clone)}),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout), done.stderr

    method = clone / "cxai_runner" / "methods" / "terms.py"
    as_committed = method.read_text()
    method.write_text(as_committed + "\nDIRTY = 1\n")
    original = call("run", *own_panel)[0]["run_id"]
    intervals = clone / "cxai_runner" / "methods" / "logit.py"
    text = intervals.read_text()
    line = "self.coef_ = "
    assert line in text
    intervals.write_text(text.replace(line, "self.coef_ = 1.001 * ", 1))
    method.write_text(as_committed)
    git(clone, "commit", "-qam", "a coefficient is a little larger")
    found, told = call("reproduce", original, code=1)
    assert found["verdict"] == "different"
    assert found["first"] == "fit"
    said = [(cause["kind"], cause["said"]) for cause in found["causes"]]
    assert ("code", "module cxai_runner.methods.logit changed") in said
    assert "cxai is at" in told
    assert "1 commit later, 1 file of other content" in told
    assert "uncommitted changes to cxai_runner/methods/terms.py then, and has no uncommitted changes now" in told
    restored, _ = call("reproduce", original, "--checkout")
    assert restored["verdict"] == "identical"
    assert restored["causes"] == () or restored["causes"] == []
    assert len(git(clone, "worktree", "list").splitlines()) == 1
    assert not list(Path(tempfile.gettempdir()).glob("cxai-checkout-*/cxai"))
