from __future__ import annotations

import pandas as pd
import pytest

from cxai_runner.config.problems import UserError
from cxai_runner.tracking.pseudonyms import Privacy


def test_pseudonyms_need_a_key() -> None:
    with pytest.raises(UserError) as told:
        Privacy(pseudonymise=True)
    (problem,) = told.value.problems
    assert problem.key == "privacy.key"
    assert "${oc.env:CXAI_PRIVACY_KEY}" in problem.remedy


def test_the_key_decides_the_pseudonym() -> None:
    one, other = Privacy(True, "one key"), Privacy(True, "other key")
    assert one.pseudonym(17) == one.pseudonym("17") == Privacy(True, "one key").pseudonym(17)
    assert one.pseudonym(17) != other.pseudonym(17)
    assert one.pseudonym(17) != one.pseudonym(18)
    assert len(one.pseudonym(17)) == 32


def test_ids_in_columns_and_index_are_replaced_and_nothing_else() -> None:
    privacy = Privacy(True, "a key")
    frame = pd.DataFrame({"customer_id": [3, 1, 3], "spent": [1.0, 2.0, 3.0]})
    hidden = privacy.frame(frame)
    assert hidden["customer_id"].tolist() == [privacy.pseudonym(i) for i in (3, 1, 3)]
    assert hidden["spent"].tolist() == [1.0, 2.0, 3.0]
    assert frame["customer_id"].tolist() == [3, 1, 3], "the frame itself stays"
    indexed = privacy.frame(frame.set_index("customer_id"))
    assert indexed.index.tolist() == hidden["customer_id"].tolist()
    assert indexed.index.name == "customer_id"


def test_a_missing_id_stays_missing() -> None:
    hidden = Privacy(True, "a key").frame(pd.DataFrame({"customer_id": ["a", None]}))
    assert hidden["customer_id"].isna().tolist() == [False, True]


def test_without_privacy_frames_are_left_alone() -> None:
    frame = pd.DataFrame({"customer_id": [1]})
    assert Privacy().frame(frame) is frame


def test_an_invented_example_has_the_types_and_no_row() -> None:
    frame = pd.DataFrame(
        {
            "customer_id": ["ann", "bob", "cid"],
            "visits": [3, 8, 1],
            "spent": [123.456, 7.891, 55.123],
            "segment": pd.Categorical(["new", "new", "old"]),
            "member": [True, True, False],
            "joined": pd.to_datetime(["2017-03-01", "2017-04-01", "2017-05-01"]),
            "empty": [float("nan")] * 3,
        }
    )
    example = Privacy(True, "a key").example(frame)
    assert example.dtypes.equals(frame.dtypes)
    assert len(example) == 3
    first = example.iloc[0]
    assert (first["customer_id"], first["visits"], first["spent"], first["segment"]) == ("customer", 3, 60.0, "new")
    assert first["joined"] == pd.Timestamp(2000, 1, 1)
    assert pd.isna(first["empty"])


def test_no_list_of_a_customer_is_an_example() -> None:
    frame = pd.DataFrame(
        {"items": ['["tea","soap"]', "[]"], "days": ["[3,1]", "[]"], "weights": ["[]", "[]"], "note": ["[no list", "x"]}
    ).astype("str")
    example = Privacy(True, "secret").example(frame, rows=2)
    assert example["items"].tolist() == ['["item"]'] * 2
    assert example["days"].tolist() == ["[1]"] * 2
    assert example["weights"].tolist() == ["[]"] * 2
    assert example["note"].iloc[0] in ("[no list", "x")
