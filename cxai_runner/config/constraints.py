"""scikit-learn's declared constraints, checked one parameter at a time and worded as everything else is.

scikit-learn stops at the first parameter that is wrong, and only when fitting. Its declarations are richer than
annotations and kept right by its own tests, so they are used as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le, Lt

from cxai_runner.config.describe import describe
from cxai_runner.config.problems import Problem, nearest


def constrained(declared: Sequence[Any], value: Any, key: str) -> tuple[Any, list[Problem]]:
    """Check ``value`` against what scikit-learn declares for a parameter.

    Returns
    -------
    value, problems
        The value, as a tuple where scikit-learn takes no list; and a problem where nothing declared allows it.
    """
    from sklearn.utils._param_validation import make_constraint

    constraints = [make_constraint(entry) for entry in declared if not _is_free(entry)]
    if any(_is_free(entry) for entry in declared) or any(c.is_satisfied_by(value) for c in constraints):
        return value, []
    if isinstance(value, list) and any(c.is_satisfied_by(tuple(value)) for c in constraints):
        return tuple(value), []
    names = [name for c in constraints if not c.hidden for name in _names(c)]
    close = nearest(value, names) if isinstance(value, str) else None
    message = wanted(declared) or "not a value that this parameter takes from a config"
    return value, [Problem(key, message, value=value, remedy=f"did you mean `{close}`?" if close else "")]


def wanted(declared: Sequence[Any]) -> str:
    """Say what scikit-learn declares a parameter to be; empty where it is nothing that a config can write down."""
    from sklearn.utils._param_validation import make_constraint

    constraints = [make_constraint(entry) for entry in declared if not _is_free(entry)]
    return " or ".join(dict.fromkeys(phrase for c in constraints if not c.hidden and (phrase := _phrase(c))))


def _is_free(entry: Any) -> bool:
    return isinstance(entry, str) and entry == "no_validation"


def _names(constraint: Any) -> list[str]:
    return sorted(str(option) for option in getattr(constraint, "options", ()) if isinstance(option, str))


def _phrase(constraint: Any) -> str:  # noqa: PLR0911 - one line for each sort of constraint
    """Word one constraint; empty for what a config cannot write down (a function, an array in memory)."""
    if hasattr(constraint, "options"):
        return describe(Literal[tuple(sorted(constraint.options, key=str))])
    if hasattr(constraint, "closed"):
        return describe(_interval(constraint))
    kind = getattr(constraint, "type", None)
    if isinstance(kind, type) and kind in (bool, int, float, str, list, tuple, dict):
        return describe(kind)
    text = str(constraint)
    if text == "None":
        return "null"
    if "bool" in text:
        return "true or false"
    if "array-like" in text:
        return "a list of numbers"
    if "random" in text.lower():
        return "a whole number (a seed)"
    if "missing" in text.lower():
        return "a marker of missing values"
    return "" if any(word in text for word in ("callable", "instance of", "sparse", "object")) else text


def _interval(constraint: Any) -> Any:
    number: Any = int if constraint.type is Integral else float
    left = {"left": Ge, "both": Ge}.get(constraint.closed, Gt)
    right = {"right": Le, "both": Le}.get(constraint.closed, Lt)
    limits: list[Any] = []
    if constraint.left is not None:
        limits.append(left(constraint.left))
    if constraint.right is not None:
        limits.append(right(constraint.right))
    for limit in limits:
        number = Annotated[number, limit]
    return number
