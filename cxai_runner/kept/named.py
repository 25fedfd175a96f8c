"""Which model is meant: a registered one by alias or version, one of a run's, or a folder."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cxai_runner.config.problems import Problem, UserError, did_you_mean

if TYPE_CHECKING:
    from mlflow.entities import LoggedModel

    from cxai_runner.kept.run import Kept
    from cxai_runner.tracking.store import Store

MODEL: Final = "model"
"""What a run calls the model that predicts."""
_REGISTERED: Final = re.compile(r"models:/(?P<name>[^/@]+)(?:@(?P<alias>[^/@]+)|/(?P<version>\d+))")
_OF_A_RUN: Final = re.compile(r"runs:/(?P<run>[^/]+)/(?P<name>.+)")


@dataclass(frozen=True)
class Named:
    """A model in a store.

    Parameters
    ----------
    name
        As it is registered, or what its run calls it.
    version
        The registered version; None for a model that was named by its run.
    run_id
        The run that made it; empty where none is known.
    uri
        What says it for good: an alias is resolved.
    place
        Folder or address of its files.
    model_id
        Of its LoggedModel; empty where the store knows none.
    """

    name: str
    version: int | None
    run_id: str
    uri: str
    place: str
    model_id: str = ""

    def __str__(self) -> str:
        return f"{self.name} v{self.version}" if self.version is not None else f"{self.name} of run {self.run_id[:8]}"


def named(store: Store, model: str) -> Named:
    """Find a model.

    Parameters
    ----------
    store
        Where to look.
    model
        ``models:/NAME@ALIAS``, ``models:/NAME/VERSION``, ``runs:/RUN/NAME``, or a run: its id, the beginning of it,
        its name, or ``last``.

    Raises
    ------
    UserError
        There is no such model, or more than one run is meant.
    """
    from cxai_runner.kept.run import Kept
    from cxai_runner.tracking.read import find

    if model.startswith("models:"):
        return _registered(store, model)
    asked = _OF_A_RUN.fullmatch(model)
    if asked is None and model.startswith("runs:"):
        raise UserError([Problem("MODEL", "no address of a model", model, "as in runs:/RUN/model")])
    run, name = (asked["run"], asked["name"]) if asked else (model, MODEL)
    found = Kept(store, str(find(store, run).info.run_id))
    model_of = _logged(found, name)
    return Named(name, None, found.run_id, f"runs:/{found.run_id}/{name}", *_place(model_of))


def place_of(kept: Kept, name: str = MODEL) -> str:
    """Return where a run's model lies; raises `UserError` where the run has no such model."""
    return _place(_logged(kept, name))[0]


def _place(model: LoggedModel) -> tuple[str, str]:
    return str(model.artifact_location), str(model.model_id)


def _models(kept: Kept) -> list[LoggedModel]:
    outputs = kept.run.outputs.model_outputs if kept.run.outputs else []
    return [kept.store.retry(kept.store.client.get_logged_model, output.model_id) for output in outputs]


def _logged(kept: Kept, name: str) -> LoggedModel:
    found = next((model for model in _models(kept) if model.name == name), None)
    if found is None:
        remedy = "only a FINISHED run holds one" if kept.facts["status"] != "FINISHED" else ""
        raise UserError([Problem("RUN", f"this run holds no model `{name}`", kept.run_id[:8], remedy)])
    return found


def _registered(store: Store, model: str) -> Named:
    from mlflow.exceptions import MlflowException

    asked = _REGISTERED.fullmatch(model)
    if asked is None:
        remedy = "as in models:/NAME@champion or models:/NAME/3"
        raise UserError([Problem("MODEL", "no address of a registered model", model, remedy)])
    client, name = store.client, asked["name"]
    try:
        if asked["alias"]:
            found = store.retry(client.get_model_version_by_alias, name, asked["alias"])
        else:
            found = store.retry(client.get_model_version, name, asked["version"])
    except MlflowException:
        raise UserError([_unknown(store, model, name, asked["alias"])]) from None
    version = int(found.version)
    try:
        source = _source(store, found)
    except MlflowException:
        told = f"v{version} is registered, and what it was made of was deleted from the store"
        raise UserError([Problem("MODEL", told, model, "name another version, or register the run again")]) from None
    return Named(name, version, str(found.run_id or ""), f"models:/{name}/{version}", *source)


def _source(store: Store, version: Any) -> tuple[str, str]:
    """Where a version's files lie, and its LoggedModel.

    MLflow's own download would write into a folder that lies here.
    """
    from cxai_runner.kept.run import Kept

    source = str(version.source)
    if (asked := _OF_A_RUN.fullmatch(source)) is not None:
        return _place(_logged(Kept(store, asked["run"]), asked["name"]))
    model_id = getattr(version, "model_id", None) or source.removeprefix("models:/")
    if model_id.startswith("m-"):
        return _place(store.retry(store.client.get_logged_model, model_id))
    return source, _id_at(store, str(version.run_id or ""), source)


def _id_at(store: Store, run_id: str, source: str) -> str:
    """The LoggedModel of a run whose files lie at ``source``; empty where it has none, or the run is gone."""
    from mlflow.exceptions import MlflowException

    from cxai_runner.kept.run import Kept

    try:
        models = _models(Kept(store, run_id)) if run_id else []
    except MlflowException:
        return ""
    return next((str(one.model_id) for one in models if str(one.artifact_location) == source), "")


def _unknown(store: Store, model: str, name: str, alias: str | None) -> Problem:
    """Say which part of the address nothing has."""
    known = [one.name for one in store.retry(store.client.search_registered_models)]
    if name not in known:
        remedy = did_you_mean(name, known) if known else "no model is registered here yet"
        return Problem("MODEL", f"no model is registered as `{name}`", model, remedy)
    if alias:
        aliases = store.retry(store.client.get_registered_model, name).aliases
        remedy = did_you_mean(alias, list(aliases)) if aliases else "none of its versions has an alias yet"
        return Problem("MODEL", f"`{name}` has no alias `{alias}`", model, remedy)
    found = store.retry(store.client.search_model_versions, f"name='{name}'")
    versions = ", ".join(sorted((str(one.version) for one in found), key=int))
    return Problem("MODEL", f"`{name}` has no such version", model, f"its versions: {versions}")
