"""What is read is bounded, and what was not read is said."""

from __future__ import annotations

import datetime as dt
import gzip
import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cxai_runner.config.problems import UserError
from cxai_runner.inspection import describe, look_at_table, sample


class Counting(io.BytesIO):
    """A stream that knows how much was read of it."""

    taken = 0

    def read(self, size: int | None = -1) -> bytes:
        found = super().read(size)
        self.taken += len(found)
        return found


def test_only_the_beginning_of_a_text_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample, "BYTES", 10_000)
    stream = Counting(b"id,amount\n" + b"".join(b"%d,1.5\n" % n for n in range(100_000)))
    taken = sample.of_text(stream, None)
    assert stream.taken <= 10_001
    assert not taken.whole
    assert taken.of is None
    assert 500 < taken.looked < 10_000


@pytest.mark.parametrize("rows", [100, 101, 500])
def test_rows_are_bounded_and_all_of_them_are_known_when_read(rows: int) -> None:
    text = b"id,amount\n" + b"".join(b"%d,1.5\n" % n for n in range(101))
    taken = sample.of_text(io.BytesIO(text), None, rows)
    assert (taken.looked, taken.of) == ((101, 101) if rows >= 101 else (100, None))


def test_gzip_is_known_by_its_first_bytes_and_may_come_in_parts() -> None:
    text = gzip.compress(b"id,amount\n1,2\n") + gzip.compress(b"3,4\n")
    taken = sample.of_text(io.BytesIO(text), None)
    assert (taken.looked, taken.written.compressed, taken.whole) == (2, True, True)


def test_a_broken_gzip_is_told() -> None:
    with pytest.raises(UserError, match="begins like a gzip and is none"):
        sample.of_text(io.BytesIO(b"\x1f\x8b" + b"no gzip at all" * 10), None)


@pytest.mark.parametrize("missing", [1, 8, 9, 40])
def test_a_gzip_that_breaks_off_is_told(missing: int) -> None:
    text = "id,amount\n" + "".join(f"{i},{i * i % 97}\n" for i in range(200))
    packed = gzip.compress(b"id,amount\n1,2\n") + gzip.compress(text.encode())
    with pytest.raises(UserError, match="breaks off"):
        sample.of_text(io.BytesIO(packed[:-missing]), None)
    with pytest.raises(UserError, match="breaks off"):
        sample.of_text(io.BytesIO(b"\x1f\x8b"), None)


def test_lines_with_other_numbers_of_values_are_counted() -> None:
    rows = b"".join(b"%d,2\n" % n for n in range(60))
    taken = sample.of_text(io.BytesIO(b"id,amount\n" + rows + b"7,8,9\n"), None)
    assert taken.looked == 60
    assert taken.odd == ("1 line has another number of values than 2; the first has 3",)


def test_parquet_knows_its_rows_and_ranges(tmp_path: Path) -> None:
    path = tmp_path / "orders.parquet"
    pq.write_table(pa.table({"amount": list(range(1000))}), path, row_group_size=100)
    with path.open("rb") as stream:
        taken = sample.of_parquet(stream, path.stat().st_size, rows=150)
    assert (taken.looked, taken.of, taken.ranges["amount"]) == (150, 1000, (0, 999))


def test_instants_with_a_zone_are_looked_at_in_utc_and_spans_of_time_as_text(tmp_path: Path) -> None:
    path = tmp_path / "visits.parquet"
    zone = dt.timezone(dt.timedelta(hours=2))
    begun = [dt.datetime(2017, 1, 1, 1, 30, tzinfo=zone), None, dt.datetime(2017, 3, 1, tzinfo=zone)]
    lasted = [dt.timedelta(minutes=5), None, dt.timedelta(days=1)]
    pq.write_table(pa.table({"begun": pa.array(begun, pa.timestamp("us", "Europe/Berlin")), "lasted": lasted}), path)
    with path.open("rb") as stream:
        found = describe.describe(sample.of_parquet(stream, None).table)
    facts = {one.name: one for one in found}
    assert (facts["begun"].type, facts["begun"].missing) == ("dates", 1)
    assert facts["begun"].low == dt.datetime(2016, 12, 31, 23, 30)
    assert facts["begun"].high == dt.datetime(2017, 2, 28, 22)
    assert facts["lasted"].type == "text"
    assert {value for value, _ in facts["lasted"].values} == {"0:05:00", "1 day, 0:00:00"}


def test_any_ibis_table_can_be_looked_at() -> None:
    import ibis

    table = ibis.memtable(
        {"client": [1, 1, 2, 2], "sold": ["2015-01-01", "2015-02-01"] * 2, "paid": [1.5, 2.5, 3.0, 9.0]}
    )
    found = look_at_table(table.filter(table["paid"] > 1), "orders")
    assert found.guess.table == "transactions"
    assert found.guess.roles["client"].name == "customer_id"
    assert found.sample.whole
