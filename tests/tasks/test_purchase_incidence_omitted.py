"""Segments without a curve are named where they are few, and counted where they are many."""

from __future__ import annotations

from tasks.purchase_incidence.omitted import omitted


def test_few_are_named_one_by_one():
    left_out = [("seg a", 1, "too small"), ("seg b", 1_200, "one price only"), ("seg c", 40, "too few customers: 2")]
    assert omitted(left_out) == (
        "seg a (1 occasion: too small), seg b (1,200 occasions: one price only), seg c (40 occasions: too few "
        "customers: 2)"
    )


def test_many_are_counted():
    left_out = [(f"txt t{i}", 2, "too small") for i in range(1_080)] + [("txt big", 90, "one price only")]
    assert omitted(left_out) == (
        "1,080 segments (too small), such as txt t0 (2 occasions), txt big (90 occasions: one price only)"
    )
