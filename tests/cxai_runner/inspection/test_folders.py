"""Published data: what each folder is taken for, and that what is proposed of it can be run."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from cxai_runner.inspection import look
from cxai_runner.inspection.feeds import feeds
from cxai_runner.inspection.looking import Inspection
from cxai_runner.inspection.propose import propose
from cxai_runner.inspection.save import places, save
from cxai_runner.inspection.wording import command, heading, no_table, rows

Call = Callable[..., "subprocess.CompletedProcess[str]"]

# Folder → what each of its files is taken for.
KINDS = {
    "audiobooks": ["customers"],
    "candy_bars": ["customers", "panel"],
    "cdnow": ["transactions"],
    "choice_panels": ["panel", "panel", "long panel", "panel", "panel"],
    "geolift": ["places over time", "places over time"],
    "hillstrom": ["campaign"],
    "lastfm_asia": ["edges of a network"],
    "meridian": ["media", "media"],
    "movielens_100k": ["interactions", "products", "customers"],
    "online_retail_2009": ["transactions"],
    "restaurant_discount": ["units over time"],
    "retail_orders": ["transactions"],
    "robyn_weekly": ["media"],
    "telco_churn": ["customers"],
}
# Folder → the roles that matter, by the file's own names or the columns' numbers.
ROLES = {
    "audiobooks": {"column_1": "customer_id", "column_12": "outcome"},
    "cdnow": {
        "column_1": "customer_id", "column_2": "customer, again", "column_3": "timestamp", "column_4": "quantity",
        "column_5": "revenue",
    },
    "hillstrom": {"segment": "arm", "visit": "outcome", "conversion": "outcome", "spend": "outcome"},
    "lastfm_asia": {"column_1": "from", "column_2": "to"},
    "online_retail_2009": {
        "Customer ID": "customer_id", "Invoice": "order_id", "InvoiceDate": "timestamp", "StockCode": "product_id",
        "Quantity": "quantity", "Price": "unit_price",
    },
    "restaurant_discount": {"rest_id": "unit", "day": "time", "sales": "result", "discounts": "treatment"},
    "retail_orders": {"column_1": "customer_id", "column_2": "revenue", "column_3": "timestamp"},
    "telco_churn": {"rownames": "customer_id", "churn": "outcome"},
}  # fmt: skip
# Folder → the tasks that what is proposed of it feeds.
FED = {
    "audiobooks": {"conversion", "explore", "segmentation"},
    # Its two files are of different customers, so that none of the one describes the other's: not for `explore`.
    "candy_bars": {"brand_choice", "price_response", "purchase_incidence", "purchase_quantity", "segmentation"},
    "cdnow": {"churn", "explore", "managerial_segments", "segmentation"},
    "choice_panels": {"brand_choice", "explore"},
    "hillstrom": {"conversion", "explore", "segmentation"},
    "movielens_100k": {"explore", "recommendation", "segmentation"},
    "online_retail_2009": {"churn", "explore", "managerial_segments", "recommendation", "segmentation"},
    "retail_orders": {"churn", "explore", "managerial_segments", "segmentation"},
    "telco_churn": {"churn", "conversion", "explore", "segmentation"},
}
QUICK = {"segmentation": ("task.resamples=2", "model.n_clusters=3", "model.n_init=2")}
# Folder → how its file is written, where that is not a comma and a header.
WRITTEN = {
    "audiobooks": (",", False, "CRLF"),
    "cdnow": (None, False, "CRLF"),
    "lastfm_asia": (";", False, "CRLF"),
    "retail_orders": ("\t", False, "CRLF"),
}


@pytest.fixture(scope="module")
def found(shared_data: Callable[[str], Path]) -> Callable[[str], Inspection]:
    known: dict[str, Inspection] = {}

    def one(folder: str) -> Inspection:
        if folder not in known:
            known[folder] = look(str(shared_data(folder)))
        return known[folder]

    return one


@pytest.mark.parametrize("folder", KINDS)
def test_a_folder_is_taken_for_what_it_is(folder: str, found: Callable[[str], Inspection]) -> None:
    tables = found(folder).tables
    assert [one.guess.kind for one in tables] == KINDS[folder]
    if folder in ROLES:
        assert {name: role.name for name, role in tables[0].guess.roles.items()} == ROLES[folder]
    if folder in WRITTEN:
        how = tables[0].sample.written
        assert (how.delimiter, how.header, how.line_ends) == WRITTEN[folder]


@pytest.mark.parametrize("folder", KINDS)
def test_nothing_of_a_person_is_shown(folder: str, found: Callable[[str], Inspection]) -> None:
    ids = {"customer_id", "order_id", "product_id", "from", "to"}
    for one in found(folder).tables:
        assert heading(one)
        for row in rows(one):
            if row[-1].partition(" — ")[0] in ids:
                assert row[4] == "not shown", row


@pytest.mark.slow
@pytest.mark.parametrize("folder", KINDS)
def test_what_is_proposed_can_be_run(
    folder: str, found: Callable[[str], Inspection], tmp_path: Path, cxai: Call
) -> None:
    proposals = propose(found(folder))
    paths = places(proposals, tmp_path / "my" / "data") if proposals else []
    save(proposals, paths)
    fed = set()
    for one in proposals:
        for feed in feeds(one):
            if not feed.ready:
                assert feed.lacks
                assert not any("cannot be tried" in lack for lack in feed.lacks)
                continue
            words = shlex.split(command(feed, one.name, "my"))[1:]
            done = cxai(*words, "--dry-run", cwd=tmp_path)
            assert done.returncode == 0, done.stderr
            assert "all checks passed" in done.stdout
            done = cxai(*words, "evaluation.resamples=100", *QUICK.get(feed.task, ()), "--json", cwd=tmp_path)
            assert done.returncode == 0, done.stderr
            told = json.loads(done.stdout)
            assert told["status"] == "FINISHED"
            assert not [one for one in told["caveats"] if "warned" in one]
            assert "Warning" not in done.stderr
            fed.add(feed.task)
    assert fed == FED.get(folder, set())


@pytest.mark.parametrize("folder", sorted(set(KINDS) - set(FED)))
def test_a_folder_without_a_config_says_why(folder: str, found: Callable[[str], Inspection]) -> None:
    assert propose(found(folder)) == []
    for one in found(folder).tables:
        assert f"looks like {one.guess.kind}: there is no standard table for such" in no_table(one)


def test_what_a_person_has_to_decide_is_said(found: Callable[[str], Inspection]) -> None:
    catsup, heating, mode_canada, train, tuna = propose(found("choice_panels"))
    assert any("promotion" in what for what in catsup.decide)
    assert any("is the price" in what for what in heating.decide)
    assert mode_canada.settings["tables"]["panel"]["long"] == {"alternative": "alt", "chosen": "choice"}
    assert train.settings["tables"]["panel"]["columns"]["occasion"] == "choiceid"
    assert tuna.settings["tables"]["panel"]["columns"]["customer_id"] == "Tuna.hid"
    (retail,) = propose(found("retail_orders"))
    assert any("no order id" in note for note in retail.notes)
    (candy,) = propose(found("candy_bars"))
    assert any("no customer of customers.csv and purchases.csv is in both" in note for note in candy.notes)
    (online,) = propose(found("online_retail_2009"))
    columns = online.settings["tables"]["transactions"]["columns"]
    assert columns["revenue"] == {"product_of": ["Quantity", "Price"]}
    assert columns["cancelled"] == {"starts_with": {"Invoice": "C"}}
    where = {"cancelled": {"ne": True}, "quantity": {"gt": 0}, "Price": {"gt": 0}}  # as the worked example has it
    assert online.settings["tables"]["transactions"]["where"] == where
    told = " · ".join(online.notes)
    for what in ("returns", "begins with C", "without Customer ID", "Price 0", "copies of another row", "looked at"):
        assert what in told
    assert any("begins with A" in what for what in online.decide)
