"""What somebody asked for, before anything is built: the beginning that the command line and Python share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxai_runner.config.overrides import COMMAND_LINE
from cxai_runner.config.problems import Problem, UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cxai_runner.config.compose import Composed
    from cxai_runner.data.sources.lent import Frames
    from cxai_runner.preflight import Ready
    from cxai_runner.tracking.masking import Masker
    from cxai_runner.tracking.pseudonyms import Privacy
    from cxai_runner.tracking.run import Destination

_FRAMES = "data=frames"


@dataclass(frozen=True, eq=False)
class Request:
    """A config, put together and checked as far as it can be without its components.

    Parameters
    ----------
    composed
        The config.
    masker
        Hides what is secret in it from every text.
    privacy
        Whether customer ids are kept from the store.
    """

    composed: Composed
    masker: Masker
    privacy: Privacy

    @property
    def threads(self) -> int:
        """How many threads the run is held to."""
        return int(self.composed.plain["threads"])

    def destination(self, ready: Ready) -> Destination:
        """Where the run goes, as its config and the working folder say."""
        from cxai_runner.tracking.run import Destination

        settings = ready.experiment.settings
        trusted = tuple(settings["targets"]["allow"])
        return Destination(
            settings["tracking"]["uri"], Path.cwd(), ready.experiment.name, self.masker, self.privacy, trusted
        )


def request(
    overrides: Sequence[str],
    config_dirs: Sequence[Path] = (),
    frames: Frames | None = None,
    config: Path | None = None,
) -> Request:
    """Put a config together.

    Parameters
    ----------
    overrides
        As on the command line.
    config_dirs
        The user's own config folders.
    frames
        Tables in memory, where they take the place of a source.
    config
        A file of overrides, which come before the others.

    Raises
    ------
    UserError
        With every mistake of the overrides, the files and the components.
    """
    from cxai_runner.config.compose import compose
    from cxai_runner.config.written import Written, read
    from cxai_runner.preflight import of_the_source
    from cxai_runner.tracking.masking import Masker
    from cxai_runner.tracking.pseudonyms import Privacy

    def further(composed: Composed, found: Sequence[Problem]) -> Iterator[Problem]:
        return of_the_source(_with(frames, composed), found)

    problems = [] if frames is None else list(_contradicted(overrides))
    typed = _chosen(overrides, frames)
    written = Written() if config is None else read(config).without(typed)
    origins = [*written.origins, *(COMMAND_LINE for _ in typed)]
    try:
        composed = _with(frames, compose([*written.lines, *typed], config_dirs, further=further, origins=origins))
    except UserError as error:
        raise UserError([*problems, *error.problems], error.stage) from None
    if problems:
        raise UserError(problems)
    masker = Masker.of(composed.plain, composed.raw_env_names(), [composed.plain["tracking"]["uri"] or ""])
    return Request(composed, masker, Privacy(**composed.plain["privacy"]))


def over(frames: Frames | None, changes: Sequence[str]) -> tuple[Sequence[str], Callable[[Composed], Composed]]:
    """Return the changes of a run's config that put frames in place of its data, and what describes them in it.

    Raises
    ------
    UserError
        The changes name other data too.
    """
    problems = [] if frames is None else list(_contradicted(changes))
    if problems:
        raise UserError(problems)
    return _chosen(changes, frames), lambda composed: _with(frames, composed)


def _chosen(overrides: Sequence[str], frames: Frames | None) -> Sequence[str]:
    """The overrides, the choice of data among them that frames are."""
    if frames is None:
        return overrides
    return [_FRAMES, *(line for line in overrides if not line.startswith("data="))]


def _contradicted(overrides: Sequence[str]) -> Iterator[Problem]:
    for line in overrides:
        if line.startswith("data=") and line != _FRAMES:
            told, remedy = "the tables are given as data frames", "leave this out, or the frames"
            yield Problem("data", told, remedy=remedy, origin=COMMAND_LINE, shown=line)


def _with(frames: Frames | None, composed: Composed) -> Composed:
    """The config with what it has to say of frames in memory."""
    if frames is None or not isinstance(composed.plain.get("data"), dict):
        return composed
    raw, plain = dict(composed.raw), dict(composed.plain)
    for config in (raw, plain):
        config["data"] = _described(frames, config["data"])
    return replace(composed, raw=raw, plain=plain, given={**composed.given, "data.tables": COMMAND_LINE})


def _described(frames: Frames, data: Any) -> Any:
    given = data.get("tables")
    if not isinstance(given, dict):  # its own mistake, told by whoever checks the component
        return data
    return data | {"tables": frames.described(given)}
