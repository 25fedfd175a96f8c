from __future__ import annotations

import json
import math

import pandas as pd
import pytest

from cxai_runner.evaluation.results import Table
from cxai_runner.report.document import ROWS_KEPT, Document
from cxai_runner.report.html import render_html


def test_a_document_comes_back_as_it_was(document: Document) -> None:
    text = document.to_json()
    back = Document.from_json(text)
    assert back.to_json() == text
    assert render_html(back) == render_html(document)
    assert back.metrics["held_out"][0] == document.metrics["held_out"][0]
    assert back.dropped == document.dropped
    assert back.quality == document.quality
    assert back.figures[0].shade == (1.5, 2.5)
    assert back.figures[2].reference == {"y": 1.5}


def test_it_is_plain_json(document: Document) -> None:
    def refuse(name: str) -> float:
        raise AssertionError(f"{name} is no JSON")

    assert json.loads(document.to_json(), parse_constant=refuse)["version"] == 1


def test_values_keep_their_types(document: Document) -> None:
    mixed = Document.from_json(document.to_json()).tables[0].frame
    assert mixed["segment"].isna().tolist() == [False, True, False]
    assert mixed["n"].dtype == "int64"
    assert mixed["maybe"].isna().tolist() == [False, True, False]
    assert mixed["share"].iloc[2] == math.inf
    assert math.isnan(mixed["share"].iloc[1])
    assert mixed["member"].tolist() == [True, False, True]
    assert mixed["joined"].iloc[0] == pd.Timestamp("2017-03-01")


def test_a_long_table_is_kept_in_part_and_says_so(document: Document) -> None:
    back = Document.from_json(document.to_json())
    assert len(back.tables[1].frame) == ROWS_KEPT
    assert back.rows_of(back.tables[1]) == 2469
    assert Document.from_json(back.to_json()).rows_of(back.tables[1]) == 2469


def test_numpy_scalars_are_numbers() -> None:
    import numpy as np

    table = Table("t", "T", pd.DataFrame({"a": np.array([1.5], dtype="float32"), "b": np.array([2], dtype="int32")}))
    document = Document("t", "?", "!", tables=(table,), seconds={"fit": np.float64(0.25)})
    assert json.loads(document.to_json())["seconds"] == {"fit": 0.25}
    assert Document.from_json(document.to_json()).tables[0].frame["a"].tolist() == [1.5]


def test_held_out_rows_lead_where_there_are_any(document: Document) -> None:
    assert document.headline_part == "held_out"
    assert Document("t", "?", "!").headline_part == ""


def test_another_version_is_refused(document: Document) -> None:
    text = json.dumps(json.loads(document.to_json()) | {"version": 99})
    with pytest.raises(ValueError, match="another version"):
        Document.from_json(text)


def test_a_report_from_before_there_was_an_account_of_the_data_is_read(document: Document) -> None:
    plain = json.loads(document.to_json())
    del plain["quality"]
    assert Document.from_json(json.dumps(plain)).quality == ()
