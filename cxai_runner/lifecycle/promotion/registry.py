"""A registered model in MLflow's own registry: its versions, its two aliases, and how a run becomes a version.

Nothing is kept beside MLflow: its pages and any of its clients see the same versions and the same aliases.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from cxai_runner.config.problems import Problem, UserError, did_you_mean
from cxai_runner.lifecycle.promotion.names import CHALLENGER, CHAMPION
from cxai_runner.tracking.quiet import import_mlflow

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

    from cxai_runner.lifecycle.promotion.candidate import Candidate
    from cxai_runner.tracking.store import Store

TASK: Final = "cxai.task"
_ABSENT: Final = "RESOURCE_DOES_NOT_EXIST"
_THERE: Final = "RESOURCE_ALREADY_EXISTS"


@dataclass(frozen=True)
class Version:
    """One version of a registered model.

    Parameters
    ----------
    name, number
        Which.
    run_id
        The run that made it; empty for one that was registered by other means without.
    model_id
        The logged model that it is; empty where MLflow does not know.
    tags
        As in the registry.
    """

    name: str
    number: str
    run_id: str
    model_id: str = ""
    tags: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def uri(self) -> str:
        """Where any MLflow client finds it."""
        return f"models:/{self.name}/{self.number}"

    def __str__(self) -> str:
        return f"v{self.number}"


@dataclass(frozen=True, eq=False)
class Registry:
    """The versions of one registered model.

    Parameters
    ----------
    store
        The store, which is the registry too.
    name
        The registered model, which may not exist yet.
    """

    store: Store
    name: str

    @property
    def exists(self) -> bool:
        """Whether there is a registered model of this name."""
        return self._asked(self.store.client.get_registered_model, self.name) is not None

    def names(self) -> list[str]:
        """The registered models that there are."""
        return [str(one.name) for one in self.store.retry(self.store.client.search_registered_models)]

    def demand(self) -> None:
        """Refuse a name that is not registered; raises `UserError` with the nearest."""
        if not self.exists:
            remedy = did_you_mean(self.name, self.names()) or "register a run: cxai promote RUN --model NAME"
            raise UserError([Problem("NAME", "no such registered model", self.name, remedy)])

    def alias(self, alias: str) -> Version | None:
        """The version that an alias names; None where it names none."""
        found = self._asked(self.store.client.get_model_version_by_alias, self.name, alias)
        return None if found is None else _version(found)

    @property
    def champion(self) -> Version | None:
        """The version in charge; None before the first."""
        return self.alias(CHAMPION)

    def version(self, number: str) -> Version | None:
        """A version by its number, with or without a ``v`` in front; None where there is none."""
        digits = number.strip().removeprefix("v")
        if not digits.isdecimal():
            return None
        found = self._asked(self.store.client.get_model_version, self.name, digits)
        return None if found is None else _version(found)

    def versions(self) -> list[Version]:
        """Every version, the oldest first."""
        found: list[ModelVersion] = []
        token: str | None = None
        while True:
            page = self.store.retry(
                self.store.client.search_model_versions, f"name = '{self.name}'", page_token=token, max_results=200
            )
            found += page
            token = page.token
            if not token:
                return sorted(map(_version, found), key=lambda one: int(one.number))

    def of_run(self, run_id: str) -> Version | None:
        """The version that a run was registered as; the first, where somebody registered it twice by other means."""
        found = self.store.retry(self.store.client.search_model_versions, f"run_id = '{run_id}'")
        mine = sorted((_version(one) for one in found if one.name == self.name), key=lambda one: int(one.number))
        return mine[0] if mine else None

    def register(self, candidate: Candidate) -> tuple[Version, bool]:
        """Make a run's model a version, unless it is one.

        Logged: the registered model with what it answers, the version with headline and metrics as its description,
        and tags with model, data, identity and what it was fitted on.

        Returns
        -------
        version, is_new
        """
        known = self.of_run(candidate.run_id)
        if known is not None:
            return known, False
        client, retry = self.store.client, self.store.retry
        import_mlflow()
        from mlflow.exceptions import MlflowException

        try:
            about, task = candidate.about(self.name), {TASK: candidate.task}
            retry(client.create_registered_model, self.name, tags=task, description=about)
        except MlflowException as error:
            if error.error_code != _THERE:
                raise
        logged = retry(client.get_logged_model, candidate.model_id)
        made = retry(
            client.create_model_version,
            self.name,
            logged.artifact_location,
            run_id=candidate.run_id,
            model_id=candidate.model_id,
            tags=dict(candidate.tags()),
            description=candidate.description(),
        )
        return _version(made), True

    def point(self, alias: str, version: Version) -> None:
        """Let an alias name a version."""
        self.store.retry(self.store.client.set_registered_model_alias, self.name, alias, version.number)

    def crown(self, version: Version) -> None:
        """Put a version in charge; it is no challenger any more."""
        self.point(CHAMPION, version)
        if self.alias(CHALLENGER) == version:
            self.store.retry(self.store.client.delete_registered_model_alias, self.name, CHALLENGER)

    def _asked(self, question: Any, *arguments: Any) -> Any:
        """What the registry answers; None where there is no such thing."""
        import_mlflow()
        from mlflow.exceptions import MlflowException

        try:
            return self.store.retry(question, *arguments)
        except MlflowException as error:
            # MLflow words a missing alias as an invalid value.
            if error.error_code in {_ABSENT, "INVALID_PARAMETER_VALUE"}:
                return None
            raise


def _version(found: ModelVersion) -> Version:
    return Version(
        str(found.name), str(found.version), str(found.run_id or ""), str(found.model_id or ""), dict(found.tags)
    )
