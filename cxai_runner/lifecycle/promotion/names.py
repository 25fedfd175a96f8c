"""What a registered model may be called, and how the two that matter are found."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from cxai_runner.config.problems import Problem

CHAMPION: Final = "champion"
"""The alias of the model in charge."""
CHALLENGER: Final = "challenger"
"""The alias of the one that was registered last and is not in charge."""
LONGEST: Final = 200

_ODD: Final = re.compile(r"""[/:@?#%\\'"`\x00-\x1f\x7f]""")


def problems_of(name: str, key: str = "--model") -> Iterator[Problem]:
    """Yield why a registered model cannot be called so.

    MLflow refuses ``/`` and ``:`` itself. The others would break the address that it is found by later
    (``models:/NAME@champion``) or the search for it.
    """
    if not name.strip():
        yield Problem(key, "a model has to have a name", name, "such as purchase_incidence")
        return
    odd = sorted(set(_ODD.findall(name)))
    if odd:
        shown = " ".join(repr(one)[1:-1] for one in odd)
        plain = re.sub(r"[^\w.-]+", "_", name).strip("._") or "purchase_incidence"
        told = f"a name that models:/NAME@{CHAMPION} can hold, without {shown}"
        yield Problem(key, told, name, f"such as {plain}")
    elif name != name.strip() or name in {".", ".."}:
        yield Problem(key, "a name without blanks around it, and no path", name, "leave them out")
    if len(name) > LONGEST:
        yield Problem(key, f"a name of at most {LONGEST} characters", f"{name[:20]}…", "take a shorter one")
