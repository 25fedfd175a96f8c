"""Files on other machines: copied once, found again by their state, and no credential in a message."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from cxai_runner.data import FileSource, OneFile, TableFile
from cxai_runner.data.files.remote import shown

fsspec = pytest.importorskip("fsspec")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An object store in memory, and a folder for copies that nothing is in."""
    from cxai_runner.data.files import copies

    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    copies.folder.cache_clear()
    system = fsspec.filesystem("memory")
    system.store.clear()
    yield system
    system.store.clear()
    copies.folder.cache_clear()


def told(source: Any) -> list[tuple[str, str, Any, str]]:
    return [(one.key, one.message, one.value, one.remedy) for one in source.problems()]


def test_an_object_is_copied_once_and_again_when_it_changes(store: Any) -> None:
    store.pipe("/shop/sales.csv", b"customer_id,b\n1,2\n")
    tables = OneFile(path="memory://shop/sales.csv", table="customers").open()
    assert tables["customers"].to_pyarrow().to_pylist() == [{"customer_id": 1, "b": 2}]
    assert tables.mapped["customers"].notes == ("memory://shop/sales.csv was copied here (18 bytes)",)
    with mock.patch.object(type(store), "open", side_effect=AssertionError("read again")):
        again = OneFile(path="memory://shop/sales.csv", table="customers").open()
        assert again.rows("customers") == 1
    assert again.mapped["customers"].notes == ("memory://shop/sales.csv is read from the copy that is here",)
    store.pipe("/shop/sales.csv", b"customer_id,b\n1,2\n3,4\n")
    assert OneFile(path="memory://shop/sales.csv", table="customers").open().rows("customers") == 2


def test_a_pattern_stands_for_several_objects(store: Any, tmp_path: Path) -> None:
    import pandas as pd

    for number in range(2):
        pd.DataFrame({"customer_id": [number]}).to_parquet(tmp_path / "part.parquet")
        store.pipe(f"/shop/part-{number}.parquet", (tmp_path / "part.parquet").read_bytes())
    tables = FileSource(tables={"customers": TableFile(path="memory://shop/part-*.parquet")}).open()
    assert sorted(tables["customers"].customer_id.to_pyarrow().to_pylist()) == [0, 1]


def test_a_mistake_in_an_object_names_the_object(store: Any) -> None:
    store.pipe("/shop/sales.csv", b"customer_id,b\n1,2,3\n4,5\n6,7\n8,9\n")
    ((key, message, _, _),) = told(OneFile(path="memory://shop/sales.csv", table="customers"))
    assert (key, message) == (
        "path",
        "line 2 of memory://shop/sales.csv has 3 values where 2 are expected: `1,2,3`",
    )


def test_a_copy_that_failed_leaves_nothing(store: Any, tmp_path: Path) -> None:
    store.pipe("/shop/sales.csv", b"customer_id,b\n1,2\n")
    with mock.patch.object(type(store), "info", return_value={"size": 99, "type": "file"}):
        ((_, message, _, _),) = told(OneFile(path="memory://shop/sales.csv", table="customers"))
    assert message == "cannot be had (OSError)"
    assert [one for one in tmp_path.rglob("*") if one.is_file()] == []


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("memory://shop/none.csv", ("there is no such object", "memory://shop/none.csv", "")),
        ("memory://shop/none-*.csv", ("no object matches this pattern", "memory://shop/none-*.csv", "")),
        (
            "memory://shop/folder",
            ("a folder, not an object", "memory://shop/folder", "as in memory://shop/folder/*.parquet"),
        ),
        ("htps://shop/x.csv", ("no such protocol: `htps`", "htps://shop/x.csv", "did you mean `https`?")),
        (
            "https://me:hush@shop.test/x.csv?key=hush",
            (
                "a path must not hold credentials",
                "https://shop.test/x.csv",
                "leave them out of the path, and set them in the environment",
            ),
        ),
    ],
)
def test_what_cannot_be_had_is_told(store: Any, path: str, problem: tuple[str, str, str]) -> None:
    store.pipe("/shop/folder/x.csv", b"customer_id\n1\n")
    assert told(OneFile(path=path, table="customers")) == [("path", *problem)]


@pytest.mark.parametrize(("scheme", "package"), [("s3", "s3fs"), ("gs", "gcsfs"), ("az", "adlfs")])
def test_a_missing_driver_is_named(store: Any, scheme: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    assert told(OneFile(path=f"{scheme}://shop/x.csv", table="customers")) == [
        ("path", f"needs the package `{package}`", f"{scheme}://shop/x.csv", f"python -m pip install {package}")
    ]


def test_what_a_library_says_when_it_fails_is_not_repeated(store: Any) -> None:
    with mock.patch.object(type(store), "info", side_effect=PermissionError("AKIA123 hush")):
        (problem,) = told(OneFile(path="memory://shop/x.csv", table="customers"))
    assert problem == (
        "path",
        "cannot be had (PermissionError)",
        "memory://shop/x.csv",
        "check the address, and the credentials that the environment holds",
    )


def test_credentials_come_from_the_environment(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Vault(type(store)):  # type: ignore[misc]
        """A store that asks for a key, which its library looks for in the environment, as those of clouds do."""

        protocol = "vault"

        @classmethod
        def _strip_protocol(cls, path: str) -> str:
            return str(super()._strip_protocol(path.replace("vault://", "memory://")))

        def info(self, path: str, **settings: Any) -> Any:
            key = os.environ.get("VAULT_KEY")
            if key != "hush":
                raise PermissionError(f"403 Forbidden: key {key} of vault")
            return super().info(path, **settings)

    fsspec.register_implementation("vault", Vault, clobber=True)
    store.pipe("/shop/sales.csv", b"customer_id,b\n1,2\n")
    monkeypatch.setenv("VAULT_KEY", "hush, but wrong")
    path = "vault://shop/sales.csv"
    ((_, message, value, remedy),) = told(OneFile(path=path, table="customers"))
    assert message == "cannot be had (PermissionError)"
    assert remedy == "check the address, and the credentials that the environment holds"
    assert "hush" not in f"{message} {value} {remedy}"
    monkeypatch.setenv("VAULT_KEY", "hush")
    assert OneFile(path=path, table="customers").open().rows("customers") == 1


def test_an_address_is_shown_without_what_may_be_secret() -> None:
    assert shown("https://me:hush@shop.test/x.csv?sig=hush#frag") == "https://shop.test/x.csv"


def test_a_file_of_this_machine_may_be_written_as_an_address(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("customer_id\n1\n")
    assert OneFile(path=f"file://{tmp_path / 'x.csv'}", table="customers").open().rows("customers") == 1
