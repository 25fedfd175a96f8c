"""What a run would have written, carried to whoever writes it.

A worker of a sweep computes and never talks to the store: it would have to import MLflow, and many writers on one
database wait for each other. To the flow a courier is a tracker like any other; what it was told is a `Parcel`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType

from cxai_runner.tracking.pseudonyms import Privacy
from cxai_runner.tracking.record import Level, Record
from cxai_runner.tracking.run import Ending


@dataclass(eq=False)
class Parcel:
    """One run as it is to be written.

    Parameters
    ----------
    name, tags, opening
        As `Tracker.start` takes them.
    record
        What it holds; None for one that did not finish.
    level
        How much that is.
    ending
        How it ended, where it did not finish.
    """

    name: str
    tags: Mapping[str, str] = field(default_factory=dict)
    opening: Record = field(default_factory=Record)
    record: Record | None = None
    level: Level = "child"
    ending: Ending | None = None


class Courier:
    """A `Tracker` that writes nothing.

    Parameters
    ----------
    privacy
        Whether customer ids are kept from the store.

    Attributes
    ----------
    parcel
        The run that was started; None before.
    """

    def __init__(self, privacy: Privacy) -> None:
        self.privacy = privacy
        self.parcel: Parcel | None = None

    def start(self, name: str, tags: Mapping[str, str] | None = None, opening: Record | None = None) -> CarriedRun:
        """Return a run to enter with ``with``, as `Tracker.start` does."""
        self.parcel = Parcel(name, dict(tags or {}), opening or Record())
        return CarriedRun(self.parcel)


class CarriedRun:
    """A `TrackedRun` that is written elsewhere: entered, finished and left in the same way."""

    def __init__(self, parcel: Parcel) -> None:
        self._parcel = parcel
        self.run_id = ""
        self.artifact_uri = ""
        self.status = "RUNNING"

    def __enter__(self) -> CarriedRun:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.status == "RUNNING":
            self._parcel.ending = Ending.of(error)
            self.status = self._parcel.ending.status

    def finish(self, record: Record, level: Level = "full") -> None:
        """Take everything that the run holds."""
        self._parcel.record, self._parcel.level = record, level
        self.status = "FINISHED"
