"""MLflow is imported without a word, and what silences it is said once."""

from __future__ import annotations

import warnings

from tqdm import TqdmWarning

from cxai_runner.tracking.quiet import UNHEARD, import_mlflow


def test_what_says_nothing_to_a_user_is_not_shown_whatever_its_kind() -> None:
    with warnings.catch_warnings(record=True) as shown:
        warnings.resetwarnings()
        import_mlflow()
        warnings.warn("IProgress not found. Please update jupyter", TqdmWarning, stacklevel=1)
        warnings.warn("the schema contains integer column(s)", UserWarning, stacklevel=1)
        warnings.warn("something else", UserWarning, stacklevel=1)
    assert [str(one.message) for one in shown] == ["something else"]


def test_filters_are_added_once() -> None:
    with warnings.catch_warnings():
        import_mlflow()
        before = list(warnings.filters)
        import_mlflow()
        assert warnings.filters == before
        assert len(UNHEARD) == 2
