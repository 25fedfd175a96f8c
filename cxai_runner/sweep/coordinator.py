"""The flow of a sweep: plan → what is done → for each point that is not { run → write } → table and best.

Workers compute, and this process alone writes: one writer never waits for another, and what a worker takes with it when
it dies is one job. A run is created when it is done and FINISHED last of all, so whatever is cut off leaves a point
that is not done, and the same command makes it.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cxai_runner.config.problems import UserError
from cxai_runner.kept.run import Kept
from cxai_runner.sweep import best, parent, report
from cxai_runner.sweep.executors import Executor, Lost, executor
from cxai_runner.sweep.ledger import Entry, Ledger
from cxai_runner.sweep.objectives import costs, unheard
from cxai_runner.sweep.points import Point, Trial
from cxai_runner.sweep.standing import Failure, Sweep
from cxai_runner.sweep.work import Job, Outcome, in_a_line
from cxai_runner.tracking.run import Tracker
from cxai_runner.tracking.signals import terminated_as_exception

if TYPE_CHECKING:
    from cxai_runner.sweep.plan import Plan
    from cxai_runner.sweep.progress import Teller
    from cxai_runner.tracking.run import TrackedRun

_PATIENCE: Final = 3600.0


@dataclass(frozen=True)
class Order:
    """How a sweep is to be gone about.

    Parameters
    ----------
    jobs
        How many runs are made at once; None for as many as a cluster has room for.
    rerun
        Make every run again, whatever is done.
    failed_only
        Make only those again that failed.
    max_failures
        Begin no more runs once so many have failed.
    """

    jobs: int | None = 1
    rerun: bool = False
    failed_only: bool = False
    max_failures: int | None = None


def sweep(plan: Plan, order: Order, teller: Teller) -> Sweep:
    """Run a planned sweep, or what is not done of it.

    Raises
    ------
    UserError
        The store cannot be opened, or the same sweep is running.
    """
    tracker, closed = Tracker.open(plan.to)
    for run_id in closed:
        teller.note(f"run {run_id[:8]} had been cut off; it is closed as KILLED")
    ledger = Ledger(tracker.store, tracker.store.experiment_id(tracker.experiment))
    ledger.read()
    return _Coordinator(plan, order, teller, tracker, ledger).run()


@dataclass(eq=False)
class _Coordinator:
    """One start of one sweep."""

    plan: Plan
    order: Order
    teller: Teller
    tracker: Tracker
    ledger: Ledger
    sweep: Sweep = field(init=False)
    own: TrackedRun = field(init=False)
    _waiting: deque[Point] = field(default_factory=deque)
    _running: dict[str, Point] = field(default_factory=dict)
    _began: dict[str, float] = field(default_factory=dict)
    _twins: dict[str, list[Point]] = field(default_factory=dict)
    _open: dict[int, set[str]] = field(default_factory=dict)
    _tries: dict[str, int] = field(default_factory=dict)
    _failed_before: frozenset[str] = frozenset()
    _courses: Mapping[int, str] = field(default_factory=dict)

    def run(self) -> Sweep:
        """Make the runs that are not done; a sweep of which all is done is only looked at."""
        self.sweep, begun = Sweep(self.plan), time.perf_counter()
        with ExitStack() as stack:
            # Who comes second finds the run of who came first.
            with parent.alone(self.tracker.store, self.plan.key) as holds:
                before = None if self.order.rerun else parent.before(self.ledger, self.plan.key)
                self._remember(before)
                if before is not None and before.status == "FINISHED" and self._all_done():
                    self.sweep.run_id, self.sweep.artifacts = before.run_id, before.artifacts
                    self.sweep.document = Kept(self.tracker.store, before.run_id).document
                    return self.sweep
                again = before.run_id if before is not None and before.status != "FINISHED" else None
                holds()
                started = self.tracker.start(parent.name(self.plan), parent.tags(self.plan), again=again)
                self.own = stack.enter_context(started)
            stack.enter_context(terminated_as_exception())
            places = stack.enter_context(executor(self.plan.asked.settings, self.order.jobs, self.plan.threads))
            self.sweep.run_id, self.sweep.artifacts = self.own.run_id, self.own.artifact_uri
            self.own.keep(parent.opening(self.plan))
            self.teller.begin(self._total(), self._ended(), places.places)
            self._go(places)
            self._take_in_the_rest()
            self.sweep.seconds = time.perf_counter() - begun
            self.sweep.document = report.document(self.sweep, best.scores(self.tracker.store))
            best.honour(self.ledger, self.sweep)
            status = "FINISHED" if self.sweep.is_whole else "FAILED"
            self.own.finish(parent.record(self.sweep), "sweep", status)
        return self.sweep

    def _go(self, places: Executor) -> None:
        """Keep every place busy until nothing is left; what has ended is written while the next is made."""
        while True:
            while len(places.busy) < places.places and (point := self._next()) is not None:
                self._running[point.label], self._began[point.label] = point, time.time()
                places.submit(self._job(point), self.plan.search.watch(point.trial))
                self.teller.started(point.label, point.name)
            if not places.busy:
                return
            for ended in places.ended(_PATIENCE):
                self._take(ended)

    def _take_in_the_rest(self) -> None:
        """List the points that were not begun, because too many failed: those that are done all the same are linked."""
        if self.plan.points:
            for trial in iter(self.plan.search.next, None):
                self._ask(trial)
        while self._waiting:
            self._is_to_be_run(self._waiting.popleft())

    def _next(self) -> Point | None:
        """The next point that has to be run; whatever turns out to be done on the way is linked."""
        limit = self.order.max_failures
        while not self.sweep.stopped and (limit is None or len(self.sweep.failures) < limit):
            if not self._waiting:
                trial = self.plan.search.next()
                if trial is None:
                    return None
                self._ask(trial)
            point = self._waiting.popleft()
            if self._is_to_be_run(point):
                return point
        return None

    def _ask(self, trial: Trial) -> None:
        """Take a trial's points in."""
        asked = self.plan.of(trial)
        self.sweep.points += asked
        self._waiting += asked
        self._open[trial.number] = {point.label for point in asked}

    def _is_to_be_run(self, point: Point) -> bool:
        if point.run_id or point.label in self.sweep.given_up:
            self._close(point)
            return False
        try:
            self.plan.identify(point)
        except UserError as error:
            self._fail(point, in_a_line(error))
            return False
        assert point.keys is not None
        identity = point.keys.identity
        twin = next((one for one in self._running.values() if one.keys and one.keys.identity == identity), None)
        if twin is not None:
            self._twins.setdefault(twin.label, []).append(point)
            return False
        alike = (one for one in self.sweep.points if one.run_id and one.keys and one.keys.identity == identity)
        known = next((self.sweep.entries[one.run_id] for one in alike), None)
        if known is None and not self.order.rerun:
            known = self.ledger.look_up(identity)
        if known is not None:
            self._link(point, known)
            return False
        return not self.order.failed_only or point.label in self._failed_before

    def _job(self, point: Point) -> Job:
        folders = tuple(str(folder.absolute()) for folder in self.plan.config_dirs)
        return Job(point.label, point.lines, folders, str(Path.cwd()))

    def _take(self, ended: Outcome | Lost) -> None:
        """Write what a job came to."""
        label = ended.job.label if isinstance(ended, Lost) else ended.label
        point = self._running.pop(label)
        if isinstance(ended, Lost):
            self._tries[label] = self._tries.get(label, 0) + 1
            if ended.again and self._tries[label] <= self.plan.asked.settings.retries:
                self.teller.note(f"{point.name}: {ended.reason}; it is made again")
                self._waiting.appendleft(point)
                return
            began = self._began[label]
            ended = Outcome(label, began, time.time() - began, "", error=ended.reason, trace=ended.trace)
        entry = parent.write(self.tracker, self.own.run_id, point, ended, self.plan.search.course(point.trial))
        if ended.given_up:
            self.sweep.given_up.add(label)
            words = "given up"
        elif entry.status != "FINISHED":
            failure = Failure(point, ended.error, entry.run_id)
            self.sweep.failures.append(failure)
            words = f"failed: {failure.line or 'no reason is known'}"
        else:
            point.run_id = entry.run_id
            self.sweep.entries[entry.run_id] = entry
            self.sweep.made += 1
            self.ledger.add(entry)
            self._heed(entry)
            words = parent.in_words(self.plan.goals, entry.metrics)
        self.teller.ended(label, point.name, words, ended.seconds)
        self._close(point)
        for twin in self._twins.pop(label, []):
            if point.run_id:
                self._link(twin, entry)
            else:
                self._waiting.appendleft(twin)

    def _link(self, point: Point, entry: Entry) -> None:
        """Take a finished run as the point's."""
        point.run_id, point.is_linked = entry.run_id, True
        self.sweep.entries[entry.run_id] = entry
        self._heed(entry)
        self.own.say(tags=parent.link(point))
        self.teller.ended(point.label, point.name, f"is run {entry.run_id[:8]}", 0.0)
        self._close(point)

    def _heed(self, entry: Entry) -> None:
        """Stop where a run has ended and neither it nor any other has a metric that was named."""
        if self.plan.asked.settings.metrics and unheard(self.plan.goals, [entry.metrics]):
            others = [*self.sweep.entries.values(), *self.ledger.finished.values()]
            self.sweep.stopped = unheard(self.plan.goals, [entry.metrics, *(one.metrics for one in others)])

    def _fail(self, point: Point, reason: str) -> None:
        """Keep a point that could not even begin."""
        self._running[point.label] = point
        self._take(Outcome(point.label, time.time(), 0.0, "", error=reason))

    def _close(self, point: Point) -> None:
        """Tell the search what a trial came to, once all of its points have ended."""
        left = self._open.get(point.trial.number)
        if left is None:
            return
        left.discard(point.label)
        if not left:
            del self._open[point.trial.number]
            self._tell(point.trial)

    def _tell(self, trial: Trial) -> None:
        mine = [point for point in self.sweep.points if point.trial.number == trial.number]
        given_up = any(point.label in self.sweep.given_up for point in mine)
        metrics = [self.sweep.entries[point.run_id].metrics if point.run_id else None for point in mine]
        course = self._courses.get(trial.number, "")
        self.plan.search.told(trial, costs(metrics, self.plan.goals), given_up=given_up, course=course)

    def _remember(self, before: Entry | None) -> None:
        """Take in what an earlier start of this sweep came to, where the store alone does not say it by identity."""
        if before is None:
            if self.order.failed_only:
                raise parent.never_started()
            return
        past = parent.past(self.ledger, before)
        self._failed_before, self._courses = past.failed, past.courses
        if self.plan.points:
            return
        for trial in past.trials:
            self.plan.search.claim(trial)
            self._ask(trial)
            for point in self._waiting:
                if point.label in past.runs:
                    point.run_id, point.is_linked = past.runs[point.label].run_id, True
                    self.sweep.entries[point.run_id] = past.runs[point.label]
                elif point.label in past.given_up:
                    self.sweep.given_up.add(point.label)
            unfinished = [one for one in self._waiting if not one.run_id and one.label not in self.sweep.given_up]
            for point in [one for one in self._waiting if one not in unfinished]:
                self._close(point)
            self._waiting = deque(unfinished)

    def _all_done(self) -> bool:
        """Whether nothing is left to run of a sweep that was finished before."""
        if not self.plan.points:
            whole = len({point.trial.number for point in self.sweep.points}) == self.plan.asked.settings.trials
            return whole and not self._waiting
        for point in self.plan.points:
            assert point.keys is not None
            entry = self.ledger.finished.get(point.keys.identity)
            if entry is None:
                return False
            point.run_id, point.is_linked = entry.run_id, True
            self.sweep.entries[entry.run_id] = entry
        self.sweep.points = list(self.plan.points)
        return True

    def _total(self) -> int:
        settings = self.plan.asked.settings
        return len(self.plan.points) or (settings.trials or 0) * settings.repeats

    def _ended(self) -> int:
        return sum(bool(point.run_id) or point.label in self.sweep.given_up for point in self.sweep.points)
