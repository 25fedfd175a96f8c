"""What of a stored model may be run without the user's word.

What lies in a store was written by somebody, and loading a model can run what they wrote: a pickle always, the code
that travels with a model whenever a class of it is looked up, and any module that its `MLmodel` names. So a model is
run as it is only where its seal says that this user wrote it on this machine (`tracking.seal`). Any other needs a word
of trust, unless there is nothing foreign to run: it is kept in a format that holds data (skops, XGBoost's own) and
names only classes of packages that are trusted here, and the code it carries is, file by file, what is installed here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from cxai_runner.config.problems import Problem, UserError

_REMEDY: Final = "bring its files back from where they are whole, or make the run again: cxai reproduce RUN"
CODE: Final = "code"
"""The folder beside `MLmodel` that holds the code a model carries."""


def described(folder: Path, which: str) -> dict[str, Any]:
    """What a model's `MLmodel` says.

    Parameters
    ----------
    folder
        The model's files.
    which
        The run or the model, as it is shown.

    Raises
    ------
    UserError
        It is gone, or damaged.
    """
    return read_description(description(folder, which), which)


def description(folder: Path, which: str) -> str:
    """Return the text of a model's `MLmodel`; raises `UserError` where that cannot be read."""
    try:
        return (folder / "MLmodel").read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError([Problem("model", "its files are gone: there is no MLmodel", which, _REMEDY)]) from None
    except (OSError, UnicodeDecodeError):
        raise UserError([_damaged(which)]) from None


def read_description(text: str, which: str) -> dict[str, Any]:
    """Return what an `MLmodel` says; raises `UserError` where it says nothing that MLflow writes."""
    import yaml

    try:
        found = yaml.safe_load(text)
        flavours, signature = found.get("flavors"), found.get("signature") or {}
        columns = [json.loads(signature.get(side) or "[]") for side in ("inputs", "outputs")]
    except (yaml.YAMLError, ValueError, TypeError, AttributeError):
        raise UserError([_damaged(which)]) from None
    records = list(flavours.values()) if isinstance(flavours, dict) else [None]
    if not all(isinstance(one, dict) for one in [*records, *(column for side in columns for column in side)]):
        raise UserError([_damaged(which)])
    return dict(found)


def _damaged(which: str) -> Problem:
    return Problem("model", "is damaged: what its MLmodel says cannot be read", which, _REMEDY)


def untrusted_format(said: Mapping[str, Any], which: str, remedy: str) -> Iterator[Problem]:
    """Yield why loading a model can run what was written by whoever made it.

    Parameters
    ----------
    said
        From `described`.
    which
        The run or the model, as it is shown.
    remedy
        How to say that it is trusted.
    """
    from cxai_runner.config.classes import trusted
    from cxai_runner.tracking.models import TRUSTED, is_trusted

    flavours = said.get("flavors") or {}
    loader = (flavours.get("python_function") or {}).get("loader_module")
    if loader == "mlflow.sklearn":
        flavour = flavours.get("sklearn") or {}
        if flavour.get("serialization_format") != "skops":
            yield Problem("model", "is kept as a pickle, which runs code when it is loaded", which, remedy)
            return
        classes = flavour.get("skops_trusted_types") or []
    elif loader == "mlflow.xgboost":
        classes = [(flavours.get("xgboost") or {}).get("model_class", "xgboost.core.Booster")]
    else:
        yield Problem("model", f"is loaded by {loader}, which can run code that lies in the run", which, remedy)
        return
    roots = {*TRUSTED, *trusted()}
    foreign = sorted(name for name in map(str, classes) if not is_trusted(name, roots))
    if foreign:
        yield Problem("model", f"holds what is not trusted here: {', '.join(foreign)}", which, remedy)


def foreign_code(folder: Path, said: Mapping[str, Any], which: str, remedy: str) -> Iterator[Problem]:
    """Yield that a model carries other code than is installed here, or has it in another place than we look at."""
    places = {flavour.get("code") for flavour in (said.get("flavors") or {}).values()} - {None, CODE}
    if places:
        yield Problem("model", "keeps its code where no model of ours does", which, remedy)
        return
    changed = next(other_code(folder / CODE), None)
    if changed is not None:
        told = f"carries code that is not installed here ({changed}), and was not written by you on this machine"
        yield Problem("model", told, which, remedy)


def other_code(code: Path) -> Iterator[str]:
    """Yield each file of the model's code that is not the same file of the package that is installed."""
    from cxai_runner.tracking.requirements import source_of

    for path in sorted(code.rglob("*")) if code.is_dir() else ():
        inside = path.relative_to(code)
        if path.is_dir():
            continue
        source = source_of(inside.parts[0].removesuffix(".py"))
        if source is None:
            yield str(inside)
            continue
        installed = source.parent.joinpath(*inside.parts[1:]) if len(inside.parts) > 1 else source
        if not installed.is_file() or installed.read_bytes() != path.read_bytes():
            yield str(inside)
