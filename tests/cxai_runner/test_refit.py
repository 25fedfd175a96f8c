"""A model that is fitted once more on all rows is the one that is kept; the evidence stays that of the fit without."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxai_runner.config.again import recomposed
from cxai_runner.config.compose import compose
from cxai_runner.experiment import prepare, run
from cxai_runner.tracking.courier import Courier
from cxai_runner.tracking.pseudonyms import Privacy
from cxai_runner.tracking.record import Record
from cxai_runner.tracking.stages import Stages


def carried(words: list[str]) -> tuple[Any, Record]:
    """Run without a store, and return what came of it and what would have been kept."""
    courier = Courier(Privacy())
    result = run(prepare(compose([*words, "tracking.level=child", "cache.enabled=false"])), courier, Stages())
    assert courier.parcel is not None
    assert courier.parcel.record is not None
    return result, courier.parcel.record


@pytest.mark.parametrize("split", ["customers", "customer_folds"])
def test_the_kept_model_knows_all_rows_and_the_evidence_does_not(
    own_panel: list[str], panel_csv: Any, split: str
) -> None:
    words = [*own_panel, f"split={split}"]
    (plain, held), (again, kept) = carried(words), carried([*words, "refit=all"])
    assert again.document.metrics == plain.document.metrics
    pd.testing.assert_frame_equal(kept.scores["held_out"], held.scores["held_out"])
    every = len(pd.read_csv(panel_csv))
    example = kept.models["model"].example
    models = [record.models["model"].estimator for record in (held, kept)]
    # Where each customer was held out once, the last model has learned from everyone anyway.
    alike = np.allclose(models[0].predict_proba(example), models[1].predict_proba(example), rtol=0, atol=1e-9)
    assert alike is (split == "customer_folds")
    assert [held.tags["cxai.refit"], kept.tags["cxai.refit"]] == ["all" if alike else "train", "all"]
    whole, _ = carried([*own_panel, "split=all"])
    everyone = whole.fitted.pipeline.predict_proba(example)
    assert np.allclose(models[1].predict_proba(example), everyone, rtol=0, atol=1e-12)
    assert f"{every:,} rows" in whole.document.data["trained on"]
    once = f"{every:,} rows: each customer held out once"
    assert (plain.document.data["held out"] == once) is alike


def test_the_report_says_so_and_only_then(own_panel: list[str]) -> None:
    told = {words: [one.text for one in carried([*own_panel, *words])[0].document.caveats]
            for words in ((), ("refit=all",), ("refit=all", "split=all"))}  # fmt: skip
    said = {words: any("fitted once more, on all rows" in one for one in several) for words, several in told.items()}
    assert said == {(): False, ("refit=all",): True, ("refit=all", "split=all"): False}


def test_it_is_another_run_of_the_same_features(own_panel: list[str]) -> None:
    (_, plain), (_, again) = carried(own_panel), carried([*own_panel, "refit=all"])
    assert again.tags["cxai.key.features"] == plain.tags["cxai.key.features"]
    assert again.tags["cxai.key.fit"] != plain.tags["cxai.key.fit"]
    assert again.params["refit"] == "all"


def test_a_config_that_was_kept_before_there_was_a_choice_takes_the_default(own_panel: list[str]) -> None:
    composed = compose(own_panel)
    older = {key: value for key, value in composed.raw.items() if key != "refit"}
    older["evaluation"] = {}
    again = recomposed(older, composed.overrides, composed.choices)
    assert (again.plain["refit"], again.plain["evaluation"]["resamples"]) == ("train", 1000)
