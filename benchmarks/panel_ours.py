"""The panel or the profile of Complete Journey as a run builds it; called with which, and where to write it."""

from __future__ import annotations

import sys

import yaml

from cxai_runner.config.catalogue import CONF
from cxai_runner.data import PackagedSource
from cxai_runner.evaluation.splits import Part
from cxai_runner.features.base import Features
from cxai_runner.features.customer_profile import CustomerProfile
from cxai_runner.features.purchase_panel import PurchasePanel


def main(what: str, path: str) -> None:
    """Build the frame from all rows, and write it."""
    settings = yaml.safe_load((CONF / "data" / "complete_journey.yaml").read_text(encoding="utf-8"))
    settings.pop("_target_")
    tables = PackagedSource(**settings).open()
    features: Features = PurchasePanel(category="SOFT DRINKS") if what == "panel" else CustomerProfile()
    every = Part("train")
    features.build(tables, every, features.learn(tables, every)).frame.to_parquet(path)


if __name__ == "__main__":
    main(*sys.argv[1:])
