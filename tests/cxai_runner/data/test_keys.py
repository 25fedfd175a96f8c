"""A key changes with everything a result depends on, and with nothing else."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cxai_runner.data import keys
from cxai_runner.data.keys import SourceKey, source_key, stage_key

Write = Callable[[str, str], None]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """A user's package outside site-packages, written file by file."""
    monkeypatch.syspath_prepend(tmp_path)
    home = tmp_path / "shopkeys"
    home.mkdir()
    (home / "__init__.py").write_text("")

    def write(name: str, text: str) -> None:
        (home / name).write_text(text)
        keys._read.cache_clear()
        keys._file.cache_clear()
        importlib.invalidate_caches()

    yield write
    for name in [name for name in sys.modules if name.partition(".")[0] == "shopkeys"]:
        del sys.modules[name]


def key_of(module: str = "shopkeys.model", name: str = "Model") -> SourceKey:
    return source_key([getattr(importlib.import_module(module), name)])


def test_a_change_in_a_module_that_is_reached_changes_the_key(package: Write) -> None:
    package("deep.py", "X = 1\n")
    package("helper.py", "from shopkeys import deep\n")
    package("model.py", "class Model:\n    def fit(self):\n        from .helper import deep\n        return deep.X\n")
    before = key_of()
    assert key_of() == before
    package("deep.py", "X = 2\n")
    assert key_of() != before


def test_a_change_elsewhere_does_not(package: Write) -> None:
    package("other.py", "X = 1\n")
    package("model.py", "class Model: ...\n")
    before = key_of()
    package("other.py", "X = 2\n")
    package("__init__.py", "'''Only a name is taken from submodules here.'''\n")
    assert key_of() == before


def test_what_is_imported_for_types_only_does_not_count(package: Write) -> None:
    package("typed.py", "X = 1\n")
    text = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from shopkeys import typed\nclass Model: ...\n"
    package("model.py", text)
    before = key_of()
    package("typed.py", "X = 2\n")
    assert key_of() == before


def test_a_package_counts_where_a_name_is_taken_from_it(package: Write) -> None:
    package("__init__.py", "RATE = 1\n")
    package("model.py", "from shopkeys import RATE\nclass Model: ...\n")
    before = key_of()
    package("__init__.py", "RATE = 2\n")
    assert key_of() != before


def test_what_only_tells_a_result_is_left_out(package: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    package("model.py", "import cxai_runner.report.html\nimport cxai_runner.tracking.store\nclass Model: ...\n")
    seen = []
    original = keys._read

    def spy(path: Path, modified: int, module: str) -> Any:
        seen.append(module)
        return original(path, modified, module)

    monkeypatch.setattr(keys, "_read", spy)
    key_of()
    assert seen == ["shopkeys.model"]


def test_versions_of_packages_that_are_imported_count(package: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    package("model.py", "import pandas as pd\nclass Model: ...\n")
    before = key_of()
    monkeypatch.setattr(keys, "_version", lambda root: "0.0.1")
    assert key_of() != before


def test_a_class_of_a_library_is_known_by_its_version() -> None:
    from sklearn.cluster import KMeans
    from sklearn.linear_model import LogisticRegression

    assert source_key([KMeans]).unreadable == ()
    assert source_key([KMeans]) != source_key([LogisticRegression])


def test_a_class_without_a_source_is_named() -> None:
    made = type("Made", (), {"__module__": "typed_into_a_prompt"})
    assert source_key([made]).unreadable == ("typed_into_a_prompt.Made",)


def test_nothing_is_imported_to_find_the_code(package: Write) -> None:
    package("boom.py", "raise SystemExit('imported')\n")
    package("model.py", "class Model:\n    def fit(self):\n        import shopkeys.boom\n")
    assert key_of().unreadable == ()
    assert "shopkeys.boom" not in sys.modules


def test_it_is_fast() -> None:
    from cxai_runner.features.purchase_panel import PurchasePanel

    keys._read.cache_clear()
    source_key([PurchasePanel])
    start = time.perf_counter()
    source_key([PurchasePanel])
    assert time.perf_counter() - start < 0.1


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "fit"},
        {"settings": {"brands": 5}},
        {"inputs": {"transactions": "other"}},
        {"source": SourceKey("other")},
        {"source": None},
    ],
)
def test_every_part_of_a_stage_is_in_its_key(changed: dict[str, Any]) -> None:
    stage = {
        "name": "features",
        "settings": {"brands": 4},
        "inputs": {"transactions": "abc"},
        "source": SourceKey("code"),
    }
    assert stage_key(**stage) != stage_key(**{**stage, **changed})  # type: ignore[arg-type]


def test_the_order_of_keys_in_a_config_does_not_count() -> None:
    assert stage_key("fit", {"a": 1, "b": [1, 2]}, {}, None) == stage_key("fit", {"b": [1, 2], "a": 1}, {}, None)
    assert stage_key("fit", {"b": [2, 1]}, {}, None) != stage_key("fit", {"b": [1, 2]}, {}, None)
