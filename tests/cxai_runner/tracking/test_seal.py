"""A seal fits the files that this user wrote, and no others."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from cxai_runner.tracking import seal


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    made = tmp_path / "model"
    (made / "code" / "shop").mkdir(parents=True)
    (made / "MLmodel").write_text("flavors: {}")
    (made / "code" / "shop" / "__init__.py").write_text("one = 1")
    seal.put(made)
    return made


def test_it_fits_what_was_sealed_wherever_that_is_copied_to(folder: Path, tmp_path: Path) -> None:
    assert seal.fits(folder)
    shutil.copytree(folder, tmp_path / "other")
    assert seal.fits(tmp_path / "other")
    key = tmp_path / "state" / "cxai" / "seal.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert list(key.parent.iterdir()) == [key]


@pytest.mark.parametrize(
    "change",
    [
        lambda model: (model / "code" / "shop" / "__init__.py").write_text("one = 2"),
        lambda model: (model / "code" / "sklearn.py").write_text(""),
        lambda model: (model / "MLmodel").unlink(),
        lambda model: (model / "code" / "shop" / "__init__.py").rename(model / "code" / "shop" / "other.py"),
        lambda model: (model / seal.SEAL).unlink(),
        lambda model: (model / seal.SEAL).write_bytes(b"\xff"),
    ],
    ids=["changed", "added", "removed", "renamed", "no seal", "no text"],
)
def test_it_fits_nothing_else(folder: Path, change: Callable[[Path], object]) -> None:
    change(folder)
    assert not seal.fits(folder)


def test_it_is_of_one_user(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "somebody"))
    assert not seal.fits(folder)
    shutil.copytree(folder, tmp_path / "theirs")
    seal.put(tmp_path / "theirs")
    assert seal.fits(tmp_path / "theirs")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert not seal.fits(tmp_path / "theirs")
    assert seal.fits(folder)


def test_what_it_does_not_cover_is_not_copied(folder: Path, tmp_path: Path) -> None:
    (folder / "registered_model_meta").write_text("by MLflow")
    (folder / "code" / "shop" / "__pycache__").mkdir()
    (folder / "code" / "shop" / "__pycache__" / "shop.pyc").write_bytes(b"what would be run in place of the source")
    (folder / "code" / "linked.py").symlink_to(tmp_path / "elsewhere.py")
    (tmp_path / "elsewhere.py").write_text("")
    assert seal.fits(folder)
    seal.copy(folder, tmp_path / "copy")
    copied = {path.relative_to(tmp_path / "copy").as_posix() for path in (tmp_path / "copy").rglob("*")}
    assert copied == {"MLmodel", seal.SEAL, "code", "code/shop", "code/shop/__init__.py"}
    assert seal.fits(tmp_path / "copy")


def test_a_home_that_takes_no_key_leaves_models_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "MLmodel").write_text("flavors: {}")
    seal.put(tmp_path / "model")
    assert not (tmp_path / "model" / seal.SEAL).exists()
    assert not seal.fits(tmp_path / "model")


def test_what_was_changed_here_is_told_from_what_another_wrote(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not seal.is_broken(folder)
    (folder / "code" / "shop" / "__init__.py").write_text("one = 2")
    assert seal.is_broken(folder)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "of another"))
    seal.put(tmp_path / "state")  # makes the other's key
    assert not seal.is_broken(folder), "another's model was not broken here"
