"""A cache that is whole or empty, built once by however many ask, and never wrong."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from cxai_runner.data import cache as cache_module
from cxai_runner.data.cache import FeatureCache
from cxai_runner.data.dataset import Dataset, Dropped, Roles

KEY = "ab12"


def dataset() -> Dataset:
    frame = pd.DataFrame(
        {
            "customer_id": ["a", "b"],
            "time": pd.to_datetime(["2017-01-01", "2017-01-08"]),
            "incidence": [0, 1],
            "price_x": [1.5, float("nan")],
        }
    )
    return Dataset(
        "panel",
        frame,
        Roles(time="time", inputs=("price_x",), alternatives=("x",)),
        (Dropped("panel", "no value of price_x", 1, 3),),
        {"extra": pd.DataFrame({"n": [1, 2, 3]})},
    )


def never() -> Dataset:
    raise AssertionError("built although it was there")


def same(left: Dataset, right: Dataset) -> None:
    pd.testing.assert_frame_equal(left.frame, right.frame)
    pd.testing.assert_frame_equal(left.others["extra"], right.others["extra"])
    assert (left.kind, left.roles, left.dropped) == (right.kind, right.roles, right.dropped)


def test_what_was_built_comes_back_as_it_was(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path)
    built, hit = cache.get_or_build(KEY, dataset)
    assert not hit
    found, hit = FeatureCache(tmp_path).get_or_build(KEY, never)
    assert hit
    same(found, built)
    same(found, dataset())


def test_a_process_reads_an_entry_once_and_hands_out_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = FeatureCache(tmp_path)
    cache.get_or_build(KEY, dataset)
    first, _ = cache.get_or_build(KEY, never)
    kept = first.frame.copy()
    first.frame.loc[0, "incidence"] = 7
    first.frame["more"] = 1
    monkeypatch.setattr(pd, "read_parquet", never)
    second, found = cache.get_or_build(KEY, never)
    assert found
    pd.testing.assert_frame_equal(second.frame, kept)


def test_what_is_remembered_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recent = cache_module._Recent(entries=2, bytes_held=10_000)
    monkeypatch.setattr(cache_module, "_recent", recent)
    cache = FeatureCache(tmp_path)
    for number in range(4):
        cache.get_or_build(f"key{number}", dataset)
        cache.get_or_build(f"key{number}", never)
    assert len(recent._held) == 2
    monkeypatch.setattr(recent, "_bytes", 1)
    cache.get_or_build("key0", never)
    assert not recent._held


def test_another_key_is_built_by_itself(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path)
    cache.get_or_build(KEY, dataset)
    assert not cache.get_or_build("cd34", dataset)[1]


def test_a_cache_that_is_off_keeps_nothing(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path / "cache", enabled=False)
    assert not cache.get_or_build(KEY, dataset)[1]
    assert not cache.get_or_build(KEY, dataset)[1]
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("name", ["dataset.json", "0.parquet", "1.parquet"])
@pytest.mark.parametrize("damage", ["cut", "changed", "gone"])
def test_a_damaged_entry_is_built_again(tmp_path: Path, name: str, damage: str) -> None:
    cache = FeatureCache(tmp_path)
    cache.get_or_build(KEY, dataset)
    path = tmp_path / "features" / KEY / name
    content = path.read_bytes()
    if damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "changed":
        path.write_bytes(b"x" + content[1:])
    else:
        path.unlink()
    found, hit = cache.get_or_build(KEY, dataset)
    assert not hit
    same(found, dataset())
    same(cache.get_or_build(KEY, never)[0], dataset())


def test_a_build_that_fails_leaves_nothing(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path)
    with pytest.raises(AssertionError):
        cache.get_or_build(KEY, never)
    assert cache.entries() == []
    assert not cache.get_or_build(KEY, dataset)[1]


def test_a_write_that_fails_warns_and_leaves_nothing_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", full)
    cache = FeatureCache(tmp_path)
    with pytest.warns(RuntimeWarning, match="the feature cache cannot be written: .*No space left on device"):
        found, hit = cache.get_or_build(KEY, dataset)
    assert not hit
    same(found, dataset())
    assert cache.entries() == []
    assert not list(tmp_path.glob("draft-*"))


def test_a_key_cannot_lead_elsewhere(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="letters and digits"):
        FeatureCache(tmp_path).get_or_build("../x", dataset)


def test_entries_tell_what_is_there_and_clearing_removes_the_old(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path)
    cache.get_or_build(KEY, dataset)
    cache.get_or_build("cd34", dataset)
    old = time.time() - 1000
    os.utime(tmp_path / "features" / KEY / "dataset.json", (old, old))
    entries = cache.entries()
    assert [(one.key, one.kind, one.rows) for one in entries] == [("cd34", "panel", 2), (KEY, "panel", 2)]
    assert all(one.bytes > 0 for one in entries)
    assert cache.clear(older_than=500) == 1
    assert [one.key for one in cache.entries()] == ["cd34"]
    assert cache.clear() == 1
    assert cache.entries() == []


def test_use_keeps_an_entry_young(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path)
    cache.get_or_build(KEY, dataset)
    old = time.time() - 1000
    os.utime(tmp_path / "features" / KEY / "dataset.json", (old, old))
    cache.get_or_build(KEY, never)
    assert cache.clear(older_than=500) == 0


WORKER = """
import sys, time
from pathlib import Path
import pandas as pd
from cxai_runner.data import cache as cache_module
from cxai_runner.data.cache import FeatureCache
from cxai_runner.data.dataset import Dataset, Roles

root, name = Path(sys.argv[1]), sys.argv[2]

def build():
    (root / f"built-{name}").touch()
    while len(list(root.glob("ready-*"))) < 3:  # the others are here before this is done
        time.sleep(0.01)
    return Dataset("panel", pd.DataFrame({"customer_id": [1]}), Roles())

(root / f"ready-{name}").touch()
print(FeatureCache(root / "cache").get_or_build("ab12", build)[1])
"""


def test_processes_never_build_the_same_thing_twice(tmp_path: Path) -> None:
    workers = [
        subprocess.Popen([sys.executable, "-c", WORKER, str(tmp_path), name], stdout=subprocess.PIPE, text=True)
        for name in "abc"
    ]
    hits = sorted(worker.communicate(timeout=120)[0].strip() for worker in workers)
    assert hits == ["False", "True", "True"]
    assert len(list(tmp_path.glob("built-*"))) == 1
