"""From guesses to a `data` config: complete, commented, and made of keys that sources take.

A config has one table of each standard name. Where several files could be the same one, each gets a config of its own,
and a person chooses.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cxai_runner.data.engines.urls import engine_of
from cxai_runner.data.tables.standard import STANDARD
from cxai_runner.inspection import dates, yaml_text
from cxai_runner.inspection.facts import Facts
from cxai_runner.inspection.looking import Inspection, Looked
from cxai_runner.inspection.names import bare
from cxai_runner.inspection.yaml_text import Entry, Reference

_URL = "DATABASE_URL"


@dataclass(frozen=True, eq=False)
class Proposal:
    """A config that could be saved.

    Parameters
    ----------
    name
        What it could be called.
    tables
        Standard name → what was looked at.
    entries
        The config: keys, values and comments.
    notes
        What is good to know of it.
    decide
        What a person has to decide before its results mean anything.
    environment
        Variables that the config refers to, and what they have to hold.
    """

    name: str
    tables: Mapping[str, Looked]
    entries: tuple[Entry, ...]
    notes: tuple[str, ...] = ()
    decide: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def text(self) -> str:
        """The config as YAML."""
        tables = " and ".join(self.tables)
        head = f"# {tables[:1].upper()}{tables[1:]} of {self.name}, as proposed by cxai inspect: check every guess"
        return head + "\n" + yaml_text.write(self.entries)

    @property
    def settings(self) -> dict[str, Any]:
        """The config as plain mappings."""
        return yaml_text.plain(self.entries)


def propose(found: Inspection) -> list[Proposal]:
    """Return the configs that can be proposed of what was looked at; none where no standard table fits."""
    by_table: dict[str, list[Looked]] = {}
    for one in found.tables:
        if one.guess.table:
            by_table.setdefault(one.guess.table, []).append(one)
    together = {name: some[0] for name, some in by_table.items() if len(some) == 1}
    made = [_proposal(together, found)] if together else []
    for name, some in by_table.items():
        if len(some) > 1:
            made += [_proposal({name: one}, found) for one in some]
    return made


def _proposal(tables: Mapping[str, Looked], found: Inspection) -> Proposal:
    ordered = {name: tables[name] for name in STANDARD if name in tables}
    roots = {one.place.root for one in ordered.values()}
    keyed_as_text = {
        role for one in ordered.values() for role, column in _mapped(one).items()
        if role.endswith("_id") and column in {f.name for f in one.facts} and _is_text(one.facts_of(column))
    }  # fmt: skip
    notes, decide = [], []
    entries = [Entry("_target_", f"cxai_runner.data.{'Database' if found.is_database else 'File'}Source")]
    if found.is_database:
        entries.append(_url(found.location))
    elif roots != {""}:
        entries.append(Entry("root", roots.pop(), "from where cxai is started, unless it begins with a slash"))
    inside = []
    for name, one in ordered.items():
        keys, told = _table(name, one, keyed_as_text)
        inside.append(Entry(name, tuple(keys), _rows(one)))
        notes += [f"{name}: {note}" for note in one.guess.notes]
        if one.guess.notes and not one.sample.whole:
            notes.append(f"{name}: these counts are of the {one.sample.looked:,} rows that were looked at")
        decide += [f"{name}: {what}" for what in (*one.guess.decide, *told)]
    for one, other in found.apart:
        if one in ordered.values() and other in ordered.values():
            both = f"{one.place.shown} and {other.place.shown}"
            notes.append(f"no customer of {both} is in both: they are of different people, and cannot be joined")
    entries.append(Entry("tables", tuple(inside)))
    first = next(iter(ordered.values())) if len(ordered) == 1 else None
    lent = {_URL: found.location} if any(isinstance(one.value, Reference) for one in entries) else {}
    return Proposal(_name(found, first), ordered, tuple(entries), tuple(notes), tuple(decide), lent)


def _url(location: str) -> Entry:
    """The database's URL; one that may hold a password is left to the environment."""
    if engine_of(location) in {"sqlite", "duckdb"}:
        return Entry("url", location)
    return Entry("url", Reference(f"${{oc.env:{_URL}}}"), "the URL, with its password, is in the environment")


def _name(found: Inspection, one: Looked | None) -> str:
    """A name for the config, that a command line takes as it is: the file's or the folder's."""
    location = one.place.path if one is not None else found.location
    last = location.partition("?")[0].rstrip("/").rpartition("/")[2].lower()
    stem = re.sub(r"(\.(csv|tsv|txt|gz|parquet|pq|tab|dat|db|sqlite|duckdb))+$", "", last)
    name = re.sub(r"[^a-z0-9]+", "_", stem).strip("_") or "mine"
    return f"my_{name}" if name[0].isdigit() or name in _TAKEN else name


_TAKEN = {"csv", "parquet", "frames", "duckdb", "sqlite", "postgresql", "spark", "complete_journey", "data"}


def _table(name: str, one: Looked, keyed_as_text: set[str]) -> tuple[list[Entry], list[str]]:
    """The keys of one table, and what its file leaves open."""
    written, guess = one.sample.written, one.guess
    entries = [Entry("table" if written.format == "table" else "path", one.place.path)]
    decide: list[str] = []
    names = dict(zip(written.names, written.names, strict=True))
    if written.format == "fixed":
        entries.append(Entry("format", "fixed", written.reasons[0]))
    elif written.format == "table":
        decide += [f"which column is `{standard}`: {why}" for standard, why in guess.numbered.items()]
    elif written.format == "parquet":
        entries += [] if one.place.is_parquet else [Entry("format", "parquet")]
    else:
        entries.append(Entry("delimiter", written.delimiter))
        entries += [Entry("quote", written.quote)] if written.quote != '"' else []
    if written.format in {"csv", "fixed"}:
        entries += [Entry("encoding", written.encoding)] if written.encoding != "utf-8" else []
        entries += [Entry("skip", written.skip, "lines before the table")] if written.skip else []
        if written.header:
            entries += [Entry("header", True)] if written.format == "csv" else []
        else:
            names = _given(one)
            entries.append(Entry("header", list(names.values()), "the file has none: these names are guesses"))
        if written.format == "fixed":
            positions = {names[own]: list(place) for own, place in zip(written.names, written.positions, strict=True)}
            entries.append(Entry("positions", positions))
        found, told = _signs(one.facts, one.sample.total)
        entries += found
        decide += told
    entries += _dates(one)
    entries += _types(name, one, keyed_as_text)
    columns = _columns(name, one, names)
    if guess.long:
        entries.append(Entry("long", {key: names[own] for key, own in guess.long.items()}, "one row per alternative"))
    entries += [Entry("columns", tuple(columns))] if columns else []
    entries += _where(one)
    for role, own in _mapped(one).items():
        facts = next((f for f in one.facts if f.name == own), None)
        rule = STANDARD[name].rule(role)
        if facts is not None and facts.odd and rule is not None and rule.kind in {"number", "integer", "timestamp"}:
            what = "dates" if facts.type == "dates" else "numbers"
            decide.append(f"what {facts.odd:,} values of {own} stand for: they are no {what}; if for nothing, `nulls`")
    return entries, decide


def _given(one: Looked) -> dict[str, str]:
    """Names for the columns of a file that has none: what each may be, or its number."""
    taken = {}
    for name in one.sample.written.names:
        role = one.guess.roles.get(name)
        taken[name] = role.name if role is not None and role.standard else name
    return taken


def _mapped(one: Looked) -> dict[str, str]:
    """Standard column → the file's own."""
    roles = one.guess.roles.items()
    return {role.name: own for own, role in roles if role.standard and not role.name.endswith("_…")} | dict(
        one.guess.also
    )


def _columns(name: str, one: Looked, names: Mapping[str, str]) -> list[Entry]:
    """The mapping, each with its reason; what a file calls by a standard name and is not that gets another."""
    guess, header = one.guess, one.sample.written.header
    entries = []
    used: set[str] = set()
    made = set(guess.computed) | set(guess.numbered)
    for standard, own in sorted(_mapped(one).items(), key=lambda item: _order(name, item[0])):
        used.add(own)
        made.add(standard)
        if header or standard != names[own]:
            why = guess.roles[own].why if standard == guess.roles[own].name else "the same column"
            entries.append(Entry(standard, names[own], why))
    for standard, rule in guess.computed.items():
        why = (
            "such are cancelled, as a rule" if "starts_with" in rule else "no column has it, and it follows from these"
        )
        entries.append(Entry(standard, rule, why))
        used.update(rule.get("product_of", ()))
    for standard, why in guess.numbered.items() if one.sample.written.format != "table" else ():
        entries.append(Entry(standard, "{row}", why))
    for standard, pattern in guess.patterns.items():
        entries.append(Entry(standard, pattern, f"{standard}_… for each alternative"))
    patterned = {own for own, role in guess.roles.items() if role.name.endswith("_…")}
    standard_names = set(STANDARD[name].columns) | made
    for facts in one.facts:
        own = facts.name
        if own in used or own in patterned or own in guess.long.values():
            continue
        if own in standard_names and header:
            entries.append(Entry(f"{own}_other", own, f"not what `{own}` means here"))
        elif bare(own) != own and bare(own) not in made:
            entries.append(Entry(bare(own), own))
    return entries


def _order(name: str, standard: str) -> tuple[int, str]:
    known = list(STANDARD[name].columns)
    return (known.index(standard) if standard in known else len(known), standard)


def _dates(one: Looked) -> list[Entry]:
    """How dates are written, where not as ISO 8601."""
    time = next((one.facts_of(own) for own, role in one.guess.roles.items() if role.name == "timestamp"), None)
    time = time or next((f for f in one.facts if f.type == "dates" and f.name in _mapped(one).values()), None)
    if time is not None and time.epoch:
        return [Entry("dates", "epoch_ms" if time.epoch == "milliseconds" else "epoch", f"{time.epoch} since 1970")]
    if time is None or not time.written.tried:
        return []
    if time.written.several:
        return [Entry("dates", time.written.tried, dates.words(time.written))]
    others = [f for f in one.facts if f.type == "dates" and not f.written.tried and f.stored == "text"]
    formats = [*time.written.tried, *(["%Y-%m-%d", "%Y-%m-%d %H:%M:%S"] if others else [])]
    said = "every date can be read so" if len(time.dates) == 1 else "or as " + " or ".join(time.dates[1:3])
    return [Entry("dates", formats, said)]


def _signs(facts: Sequence[Facts], total: str) -> tuple[list[Entry], list[str]]:
    """The marks in numbers, and what stands for a missing one."""
    entries: list[Entry] = []
    decide = []
    commas = [one.name for one in facts if one.decimal]
    points = [one.name for one in facts if one.type == "numbers" and not one.decimal]
    grouped = sorted({one.thousands for one in facts if one.thousands})
    if commas:
        entries.append(Entry("decimal", ",", f"as in {commas[0]}"))
    if len(grouped) == 1:
        entries.append(Entry("thousands", grouped[0]))
    if (commas and points) or len(grouped) > 1:
        decide.append("how numbers are written: with commas in some columns and with points in others")
    nulls = sorted({text for one in facts for text in one.nulls} | ({total} if total else set()))
    why = "stand for nothing among numbers or dates" if nulls != [total] else "stands in the last row, which is a total"
    entries += [Entry("nulls", nulls, why)] if nulls else []
    return entries, decide


def _types(name: str, one: Looked, keyed_as_text: set[str]) -> list[Entry]:
    found = {}
    typed = one.sample.written.format in {"parquet", "table"}
    for standard, own in _mapped(one).items():
        facts = one.facts_of(own)
        rule = STANDARD[name].rule(standard)
        if rule is None or rule.kind != "key" or (typed and facts.stored == "text"):
            continue
        if _is_text(facts) or standard in keyed_as_text:
            found[standard] = "text"
    why = "text in one of the tables, not all of it numbers, or with zeros in front"
    return [Entry("types", dict(sorted(found.items())), why)] if found else []


def _is_text(facts: Facts) -> bool:
    return (
        facts.type == "text"
        or facts.zeros_in_front
        or (facts.odd > 0 and facts.stored == "text")
        or facts.stored == "string"
    )


def _where(one: Looked) -> list[Entry]:
    """Filters for rows that the standard table cannot have, and how many were seen."""
    entries = []
    for standard, test in one.guess.where.items():
        rule = one.guess.computed.get(standard, {})
        own = _mapped(one).get(standard) or next((f.name for f in one.facts if bare(f.name) == standard), None)
        facts = one.facts_of(own) if own else None
        seen = "rows" if one.sample.whole else "rows looked at"
        why = ""
        if "starts_with" in rule:
            ((own, start),) = rule["starts_with"].items()
            why = f"{dict(one.facts_of(own).starts)[start]:,} {seen}"
        elif facts is not None and "gt" in test:
            why = f"{facts.below + facts.zeros:,} {seen} are 0 or less"
        elif facts is not None and "ge" in test:
            why = f"{facts.below:,} {seen} are below 0"
        elif facts is not None:
            why = f"{facts.missing:,} {seen} have none"
        entries.append(Entry(standard, test, why))
    return [Entry("where", tuple(entries))] if entries else []


def _rows(one: Looked) -> str:
    if one.sample.of is None:
        return f"more than {one.sample.looked:,} rows"
    return f"{one.sample.of:,} rows"
