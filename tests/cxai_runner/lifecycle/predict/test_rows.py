"""What does not fit between a file of new rows and a model is told by the file's own keys, before a row is read."""

from __future__ import annotations

from pathlib import Path

from cxai_runner.data import FileSource
from cxai_runner.features.table import Table
from cxai_runner.lifecycle.predict.rows import _of_other_type

ROWS = "customer_id,occasion,price_a,segment,income\n1,1,2.5,3,high\n1,2,2.0,3,low\n"
INPUTS = {"price_a": "double", "segment": "string", "income": "double", "absent": "string"}


def test_numbers_where_the_model_takes_text_and_the_reverse(tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text(ROWS)
    tables = {"panel": {"path": "new.csv"}}
    source = FileSource(root=str(tmp_path), tables=tables)  # type: ignore[arg-type]
    text, number = _of_other_type(Table(table="panel"), source.open(), INPUTS)
    assert (text.key, text.message) == (
        "data.tables.panel.types.segment",
        "`segment` holds numbers, and the model takes text",
    )
    assert text.remedy == "if they are names: data.tables.panel.types.segment=text"
    assert (number.key, number.remedy) == (
        "data.tables.panel.types.income",
        "if they are numbers: data.tables.panel.types.income=number",
    )
    tables["panel"] |= {"types": {"segment": "text"}}
    source = FileSource(root=str(tmp_path), tables=tables)  # type: ignore[arg-type]
    (only,) = _of_other_type(Table(table="panel"), source.open(), INPUTS)
    assert only.key.endswith("income")
