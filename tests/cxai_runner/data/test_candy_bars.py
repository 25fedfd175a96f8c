"""The example of data of one's own, on the files that it is about."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from cxai_runner.data import FileSource, Tables
from cxai_runner.data.quality.contracts import broken, unmet
from cxai_runner.evaluation.splits import Part
from cxai_runner.features.table import Table

EXAMPLE = Path(__file__).parents[3] / "examples" / "candy_bars" / "data"

pytestmark = pytest.mark.reference


def tables(name: str, root: Path) -> Tables:
    config = OmegaConf.load(EXAMPLE / f"{name}.yaml")
    config.root = str(root)
    settings = OmegaConf.to_container(config, resolve=True)
    assert isinstance(settings, dict)
    settings.pop("_target_")
    return FileSource(**settings).open()  # type: ignore[arg-type]


def test_customers_enter_as_they_are(shared_data: Callable[[str], Path]) -> None:
    source, features = tables("candy_customers", shared_data("candy_bars")), Table()
    assert [*unmet(features.needs(), source), *broken(features.needs(), source), *features.problems(source)] == []
    data = features.build(source, Part("train"), {})
    assert data.frame.shape == (2000, 8)
    assert len(data.roles.inputs) == 7
    assert data.dropped == ()


def test_purchases_enter_as_a_panel(shared_data: Callable[[str], Path]) -> None:
    source, features = tables("candy_purchases", shared_data("candy_bars")), Table(table="panel")
    assert [*unmet(features.needs(), source), *broken(features.needs(), source), *features.problems(source)] == []
    data = features.build(source, Part("train"), {})
    assert data.frame.shape == (58_693, 17)
    assert data.customers == 500
    assert data.roles.alternatives == ("1", "2", "3", "4", "5")
    revenue = sum(
        (data.frame[f"price_{brand}"] * data.frame["quantity"])[data.frame["brand"] == brand].sum()
        for brand in range(1, 6)
    )
    assert revenue == pytest.approx(6305.65 + 21768.31 + 6021.52 + 19040.10 + 29621.00, abs=0.005)
