"""What somebody who waits for a sweep sees: a line per run and the time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import Progress


class Teller:
    """Tells nobody.

    Attributes
    ----------
    total
        Points there will be.
    done
        Points that are done.
    """

    def __init__(self) -> None:
        self.total = self.done = 0

    def begin(self, total: int, done: int, places: int) -> None:
        """Hear how much there is to do."""
        self.total, self.done = total, done

    def started(self, place: str, name: str) -> None:
        """Hear that a run began."""

    def ended(self, place: str, name: str, words: str, seconds: float) -> None:
        """Hear what a run came to."""
        self.done += 1

    def note(self, text: str) -> None:
        """Hear of something else."""


class Plain(Teller):
    """One line per run, when it has ended."""

    def ended(self, place: str, name: str, words: str, seconds: float) -> None:
        """Tell what a run came to."""
        super().ended(place, name, words, seconds)
        self.note(f"[{self.done}/{self.total}] {name}  {words}  {seconds:.1f} s")

    def note(self, text: str) -> None:
        """Tell something else."""
        sys.stderr.write(text + "\n")
        sys.stderr.flush()


class Live(Teller):
    """A bar for all, and a line for each run that is being made."""

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self._progress = progress
        self._all: Any = None
        self._places: dict[str, Any] = {}

    def begin(self, total: int, done: int, places: int) -> None:
        """Draw the bar."""
        super().begin(total, done, places)
        self._all = self._progress.add_task(f"{places} at once", total=total, completed=done, count=self._count())

    def started(self, place: str, name: str) -> None:
        """Show what runs at a place."""
        self._places[place] = self._progress.add_task(f"  {name}", total=None, count="")

    def ended(self, place: str, name: str, words: str, seconds: float) -> None:
        """Move the bar on, and keep a line of what the run came to."""
        super().ended(place, name, words, seconds)
        self._progress.update(self._all, completed=self.done, count=self._count())
        if place in self._places:
            self._progress.remove_task(self._places.pop(place))
        self.note(f"{name}  {words}  {seconds:.1f} s")

    def _count(self) -> str:
        return f"{self.done}/{self.total}"

    def note(self, text: str) -> None:
        """Keep a line above the bar."""
        self._progress.console.print(text, highlight=False, markup=False)


@contextmanager
def teller(*, quiet: bool) -> Iterator[Teller]:
    """Yield who tells: nobody, plain lines, or a live view where standard error is a terminal."""
    if quiet:
        yield Teller()
    elif not sys.stderr.isatty():
        yield Plain()
    else:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[count]}"),  # of all; one run is not counted
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            yield Live(progress)
