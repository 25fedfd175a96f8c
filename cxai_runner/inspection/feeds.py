"""Which tasks a proposed config can feed, and what is missing for the others.

No task is known by name here: the options of `conf/` are composed with the proposal, built, and asked what they need.
Where the whole table was looked at, the checks of a dry run are made too.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxai_runner.config.problems import Problem, UserError
from cxai_runner.data.tables.standard import STANDARD
from cxai_runner.inspection.names import bare, says
from cxai_runner.inspection.propose import Proposal
from cxai_runner.inspection.yaml_text import Entry, write

if TYPE_CHECKING:
    from cxai_runner.config.compose import Composed
    from cxai_runner.data.tables.needs import Needs
    from cxai_runner.data.tables.opened import Tables
    from cxai_runner.inspection.looking import Looked
    from cxai_runner.preflight import Experiment

SMALL = 64 * 2**20
"""Bytes of files up to which the checks of a dry run are made, which read every row."""


@dataclass(frozen=True)
class Feed:
    """One task, and what came of trying it.

    Parameters
    ----------
    task
        Its name in ``conf/task``.
    overrides
        What to put behind ``data=…``.
    lacks
        What is missing, in words; nothing where it can be run.
    checked
        Whether all that a dry run checks was checked, and not the columns alone.
    """

    task: str
    overrides: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    checked: bool = False

    @property
    def ready(self) -> bool:
        """Whether the task can be run."""
        return not self.lacks


def feeds(proposal: Proposal, config_dirs: Sequence[Path] = ()) -> list[Feed]:
    """Return what becomes of each task with ``proposal`` as its data, in the order of their names."""
    from cxai_runner.config.catalogue import catalogue

    with tempfile.TemporaryDirectory(prefix="cxai-") as folder:
        home = Path(folder)
        (home / "data").mkdir()
        (home / "data" / f"{proposal.name}.yaml").write_text(_standing_in(proposal, home), encoding="utf-8")
        trial = _Trial(proposal, [*config_dirs, home])
        with _lent(proposal.environment):
            return [trial.feed(entry.name) for entry in catalogue("task", config_dirs)]


def _small(one: Looked) -> bool:
    """Whether a table was looked at as a whole, and its files may be read as a whole."""
    return one.sample.whole and (one.sample.size or 0) <= SMALL


def _standing_in(proposal: Proposal, home: Path) -> str:
    """The config, with a few rows in place of what would be copied or read as a whole to be opened."""
    settings = proposal.settings
    root = Path(settings.pop("root", "."))
    for name, one in proposal.tables.items():
        table, place = settings["tables"][name], home / f"{name}.rows"
        if one.sample.written.format == "table":
            continue
        if one.sample.written.format == "parquet" and not one.place.files:
            import pyarrow.parquet as pq

            pq.write_table(one.sample.table.limit(1000).to_pyarrow(), place)
            table |= {"path": str(place), "format": "parquet"}
        elif one.sample.written.format != "parquet" and not _small(one):
            place.write_bytes(one.sample.beginning)
            table["path"] = str(place)
        else:
            table["path"] = str(root.expanduser().absolute() / table["path"])
    return write([Entry(key, value) for key, value in settings.items()])


@contextmanager
def _lent(variables: Mapping[str, str]) -> Iterator[None]:
    """Set variables that are not set, for as long as something is tried."""
    mine = {name: value for name, value in variables.items() if name not in os.environ}
    os.environ.update(mine)
    try:
        yield
    finally:
        for name in mine:
            del os.environ[name]


class _Trial:
    """Trying a proposal on the tasks."""

    def __init__(self, proposal: Proposal, dirs: Sequence[Path]) -> None:
        self.proposal, self.dirs = proposal, dirs
        self.small = all(_small(one) for one in proposal.tables.values())
        self._known: dict[tuple[str, ...], Composed | UserError] = {}
        self._builders: dict[str, tuple[str, str | None]] = {}

    def feed(self, task: str) -> Feed:
        """The first way to feed ``task``, or what comes nearest to one: a way that uses a table that is there."""
        tried: list[tuple[bool, int, Feed]] = []
        short: set[str] = set()
        for overrides in self._ways(task, short):
            feed, uses, starved = self._tried(task, overrides)
            if feed.ready:
                return feed
            tried.append((not uses, len(tried), feed))
            short |= starved
        return min(tried, key=lambda one: one[:2])[2]

    def _ways(self, task: str, short: Set[str]) -> Iterator[tuple[str, ...]]:
        """The task's own features, then every other builder of the table that it works on.

        Composing takes most of the time that trying does: of builders of a class in ``short``, which lacked tables
        already, no other is composed.
        """
        from cxai_runner.config.catalogue import catalogue

        composed = self._composed(task, ())
        if isinstance(composed, UserError):
            yield ()
            return
        default, wanted = composed.choices.get("features"), _works_on(composed)
        yield self._completed(task, (), wanted)
        for entry in catalogue("features", self.dirs[:-1]):
            if entry.name == default:
                continue
            kind, makes = self._builder(task, entry.name)
            if kind in short or makes not in (None, wanted):
                continue
            overrides = self._completed(task, (f"features={entry.name}",), wanted)
            if self._makes(task, overrides) == wanted:
                yield overrides

    def _completed(self, task: str, overrides: tuple[str, ...], wanted: str) -> tuple[str, ...]:
        """Set what the builder leaves to its user: which table, which columns are no inputs, which category."""
        composed = self._composed(task, overrides)
        keys: dict[str, Any] = {} if isinstance(composed, UserError) else composed.plain["features"]
        made = list(overrides)
        if "table" in keys and keys["table"] != self._makes(task, overrides):  # where a builder finds what it makes
            tables = self.proposal.tables
            others = [one for one in tables if self._makes(task, (*overrides, f"features.table={one}"))]
            if others and keys["table"] not in tables:
                made.append(f"features.table={others[0]}")
                roles = tables[others[0]].guess.roles.values()
                if not any(one.name == "timestamp" for one in roles):
                    made.append("split=random_holdout")
                    if not isinstance(composed, UserError) and composed.plain["task"].get("repeats") is True:
                        made.append("task.repeats=false")  # all of an item is on one side: nothing comes again
        elif "table" in keys and wanted:
            made += [f"features.table={wanted}"] if keys["table"] != wanted else []
            made += ["features.transformers=[]"] if wanted == "panel" else []
            outcomes = _outcomes(self.proposal, wanted)
            asked = "" if isinstance(composed, UserError) else _asked(composed, self.proposal, wanted)
            if asked:  # a task that predicts an outcome takes columns of any type, but for what came of customers
                outcomes = list(dict.fromkeys([*outcomes, *_told(self.proposal, wanted)]))
                made.append(f"task.outcome={asked}")
            if asked and not isinstance(composed, UserError) and composed.choices.get("split") != "customers":
                made.append("split=customers")  # a table that is ready made has no dates to divide by
            made += [f"features.exclude=[{','.join(outcomes)}]"] if outcomes else []
        if "category" in keys and (category := _category(self.proposal)):
            made.append(f"features.category={_worded(category)}")
        return tuple(made)

    def _builder(self, task: str, features: str) -> tuple[str, str | None]:
        """A builder's class, and what it makes for any task; None where that is the table that it is told to work on.

        Asked once, and not for every task.
        """
        if features not in self._builders:
            overrides = (f"features={features}",)
            composed = self._composed(task, overrides)
            makes = self._makes(task, overrides)
            if isinstance(composed, UserError) or not makes:
                return "", None
            keys = composed.plain["features"]
            self._builders[features] = (str(keys["_target_"]), None if keys.get("table") == makes else makes)
        return self._builders[features]

    def _makes(self, task: str, overrides: tuple[str, ...]) -> str:
        from cxai_runner.config.targets import build

        composed = self._composed(task, overrides)
        if isinstance(composed, UserError):
            return ""
        try:
            return str(build(composed.plain["features"], "features", composed).makes)
        except UserError:
            return ""

    def _tried(self, task: str, overrides: tuple[str, ...]) -> tuple[Feed, bool, set[str]]:
        """What came of one way, whether it reads any table of the proposal, and its builder's class if it lacks one."""
        from cxai_runner.preflight import assemble, preflight

        uses, starved = True, set[str]()
        try:
            composed = self._composed(task, overrides)
            if isinstance(composed, UserError):
                raise composed
            experiment = assemble(composed)
            needed = experiment.features.needs().required
            uses = any(name in self.proposal.tables for name in needed)
            if not set(needed) <= set(self.proposal.tables):
                starved = {str(composed.plain["features"]["_target_"])}
            lacks = list(_lacking(experiment))
            if not lacks and self.small:
                preflight(experiment)
        except UserError as error:
            lacks = [_in_words(problem) for problem in error.problems]
        except Exception as error:  # a builder that fails on these tables is not fed by them, and not ours to mend
            lacks = [f"it cannot be tried: {type(error).__name__}"]
        return Feed(task, overrides, tuple(dict.fromkeys(lacks)), checked=self.small and not lacks), uses, starved

    def _composed(self, task: str, overrides: tuple[str, ...]) -> Composed | UserError:
        from cxai_runner.config.compose import compose

        if (task, *overrides) not in self._known:
            try:
                found: Composed | UserError = compose(
                    [f"task={task}", f"data={self.proposal.name}", *overrides], self.dirs
                )
            except UserError as error:
                found = error
            self._known[(task, *overrides)] = found
        return self._known[(task, *overrides)]


def _outcomes(proposal: Proposal, wanted: str) -> list[str]:
    """Numbers that are no inputs, by their names after mapping: what became of customers, who and where they are."""
    one = proposal.tables.get(wanted)
    if one is None or wanted == "panel":
        return []
    left_out = [
        facts.name
        for facts in one.facts
        if (facts.numeric or facts.type == "true/false")
        and (facts.name in one.guess.outcomes or facts.personal or facts.odd or says(facts.name, "place"))
    ]
    return [_worded(bare(name)) for name in left_out if name not in one.guess.roles or name in one.guess.outcomes]


def _asked(composed: Composed, proposal: Proposal, wanted: str) -> str:
    """The column that a task could predict, of those that say what became of customers; nothing where none fits.

    Whoever asks for customers that leave is not served by those who buy again.
    """
    own = composed.plain["task"].get("outcome")
    one = proposal.tables.get(wanted)
    if not own or one is None:
        return ""
    found = [facts.name for facts in one.facts if facts.name in one.guess.outcomes and facts.binary]
    if says(str(own), "leaving"):
        found = [name for name in found if says(name, "leaving")]
    return _worded(bare(found[0])) if found else ""


def _told(proposal: Proposal, wanted: str) -> list[str]:
    """Every column that says what became of customers, and not the numbers alone."""
    one = proposal.tables[wanted]
    return [_worded(bare(facts.name)) for facts in one.facts if facts.name in one.guess.outcomes and facts.binary]


def _category(proposal: Proposal) -> str:
    """The category with most products."""
    products = proposal.tables.get("products")
    own = products and next((own for own, role in products.guess.roles.items() if role.name == "category"), None)
    if not products or not own:
        return ""
    table = products.sample.table
    rows = table.group_by(category=table[own]).aggregate(often=table.count()).to_pyarrow().to_pylist()
    rows = [row for row in rows if row["category"]]
    return str(max(rows, key=lambda row: (row["often"], str(row["category"])))["category"]) if rows else ""


def _worded(text: str) -> str:
    """Return a text as the command line's grammar takes it."""
    if re.fullmatch(r"[A-Za-z_][\w.\- ]*", text) and text == text.strip():
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _works_on(composed: Composed) -> str:
    from cxai_runner.config.targets import build

    try:
        task = build(composed.plain["task"], "task", composed)
    except UserError:
        return ""
    return str(next(iter(task.needs.required), ""))


def _lacking(experiment: Experiment) -> Iterator[str]:
    """What the features miss of the source, and the task of the features, told from columns alone."""
    tables = experiment.source.open()
    features, task = experiment.features, experiment.task
    yield from _unmet(features.needs(), tables)
    (wanted,) = task.needs.required
    if features.makes != wanted:
        yield f"a table {wanted} ({STANDARD[wanted].about}); these features make {features.makes}"
        return
    missing = task.needs.missing(wanted, features.provides(tables))
    if missing and not list(_unmet(features.needs(), tables)):
        yield f"{wanted}: " + ", ".join(f"`{column}`" for column in missing)


def _unmet(needs: Needs, tables: Tables) -> Iterator[str]:
    for name in needs.required:
        if name not in tables:
            yield f"a table {name} ({STANDARD[name].about})"
        elif missing := needs.missing(name, tables.columns(name)):
            yield f"{name}: " + ", ".join(f"`{column}`" for column in missing)


def _in_words(problem: Problem) -> str:
    """A problem in a line; an example of a value, which could be a person's, is left out."""
    message = re.sub(r", such as `[^`]*`", "", problem.message)
    shown = message == problem.message and problem.remedy
    return f"{problem.key}: {message}" + (f"; {problem.remedy}" if shown else "")
