"""Files of predictions are written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxai_runner.config.problems import UserError
from cxai_runner.lifecycle.predict.files import Files

ROWS = pd.DataFrame({"customer_id": [1, 2], "probability": [1 / 3, 1e-17], "model": ["m", "m"]})
BAD = pd.DataFrame({"customer_id": [3], "price": [np.nan], "reason": ["no value of price"]})


def problem(path: Path, *, overwrite: bool = False) -> str:
    with pytest.raises(UserError) as refused:
        Files(path, overwrite=overwrite)
    return " / ".join(f"{one.message} {one.remedy}" for one in refused.value.problems)


def read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)


@pytest.mark.parametrize("name", ["scores.parquet", "scores.csv"])
def test_what_is_kept_is_all_there_and_nothing_else(name: str, tmp_path: Path) -> None:
    place = Files(tmp_path / name, overwrite=False)
    place.write(ROWS)
    place.reject(BAD)
    place.write(ROWS)
    assert not (tmp_path / name).exists(), "nobody reads half of it"
    place.keep()
    place.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, name.replace(".", ".rejected.")])
    pd.testing.assert_frame_equal(read(tmp_path / name), pd.concat([ROWS, ROWS], ignore_index=True), check_exact=True)
    assert read(place.rejected)["reason"].tolist() == ["no value of price"]


@pytest.mark.parametrize("name", ["scores.parquet", "scores.csv"])
def test_what_is_not_kept_leaves_nothing(name: str, tmp_path: Path) -> None:
    place = Files(tmp_path / name, overwrite=False)
    place.write(ROWS)
    place.reject(BAD)
    place.close()
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_stays_until_it_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_text("old\n")
    (tmp_path / "scores.rejected.csv").write_text("old\n")
    assert "--overwrite" in problem(path)
    place = Files(path, overwrite=True)
    place.write(ROWS)
    place.close()
    assert path.read_text() == "old\n"
    place = Files(path, overwrite=True)
    place.write(ROWS)
    place.keep()
    place.close()
    assert len(read(path)) == 2
    assert not (tmp_path / "scores.rejected.csv").exists(), "what was rejected then is not what is rejected now"


def test_what_somebody_else_writes_meanwhile_stays(tmp_path: Path) -> None:
    place = Files(tmp_path / "scores.csv", overwrite=False)
    place.write(ROWS)
    (tmp_path / "scores.csv").write_text("theirs\n")
    with pytest.raises(UserError, match="meanwhile"):
        place.keep()
    place.close()
    assert [path.name for path in tmp_path.iterdir()] == ["scores.csv"]
    assert (tmp_path / "scores.csv").read_text() == "theirs\n"


def test_places_that_cannot_be_written_are_told_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ".parquet or .csv" in problem(tmp_path / "scores.xlsx")
    assert f"mkdir -p '{tmp_path}/two words'" in problem(tmp_path / "two words" / "scores.csv")
    for nameless in (Path(), Path("/"), Path("..")):
        assert ".parquet or .csv" in problem(nameless)
    (tmp_path / "folder.csv").mkdir()
    assert "is a folder" in problem(tmp_path / "folder.csv")
    monkeypatch.setattr("os.access", lambda *_: False)  # a user who is root may write anywhere
    assert "nothing can be written" in problem(tmp_path / "scores.csv")
