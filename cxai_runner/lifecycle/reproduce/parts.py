"""What went into the stages of a run and what came out of them, as it kept them in ``keys.json``, beside another's.

Every stage has a key, and a key says that something differs and not what. So the parts of two keys are compared: data,
config, seed, threads, the source of modules, the versions of packages. What no key holds and yet moves the last bits
(Python, the CPU's kernels, packages behind packages) is compared too, and named only where numbers differ.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from cxai_runner.kept.held import Held, text_of
from cxai_runner.tracking.record import KEYS

Kind = Literal["data", "config", "seed", "threads", "code", "library", "machine", "chance"]
KEYED: Final = ("data", "features", "fit", "evaluate")
"""Stages in their order; the key of each is made of the one before."""
STAGES: Final = (*KEYED, "report")


@dataclass(frozen=True)
class Cause:
    """Why a stage may come to something else than before.

    Parameters
    ----------
    stage
        The first stage that it enters.
    kind
        What it is; ``chance`` where everything that is known is the same.
    said
        In words, with what was before and what is now.
    """

    stage: str
    kind: Kind
    said: str

    def __str__(self) -> str:
        return f"{self.kind} of {self.stage}: {self.said}" if self.kind != "chance" else self.said


@dataclass(frozen=True)
class Parts:
    """What one run kept; make it with `Parts.of`.

    Parameters
    ----------
    data
        Digest of each table.
    keys
        The key of each stage that has one.
    stages
        What each key is made of; nothing of a run that was made before this was kept.
    outputs
        Digests of what each stage came to, by stage and name.
    machine
        Python, system and kernels.
    environment
        Version of every package that was installed.
    params
        The config, flat.
    code
        The repositories and their commits.
    columns
        The columns that each digest is of.
    """

    data: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    stages: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    machine: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    code: tuple[Mapping[str, Any], ...] = ()
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, run: Held) -> Parts:
        """Read what a run kept."""
        found: dict[str, Any] = json.loads(text_of(run, KEYS) or "{}")
        tags, tables = run.facts["tags"], found.get("data", {})
        stages = found.get("stages", {})
        keys = {name: stages.get(name, {}).get("key") or tags.get(f"cxai.key.{name}", "") for name in KEYED[1:]}
        return cls(
            data={name: one["digest"] for name, one in tables.items()},
            keys={name: key for name, key in keys.items() if key},
            stages=stages,
            outputs=found.get("outputs", {}),
            machine=found.get("machine", {}),
            environment=_versions(text_of(run, "environment.txt") or ""),
            params=run.facts["params"],
            code=tuple(found.get("code", ())),
            columns={name: tuple(one["columns"]) for name, one in tables.items()},
        )


def causes(then: Parts, now: Parts) -> list[Cause]:
    """Return why stages have other keys, in the order of the stages; each cause once, at the first that it enters."""
    found: dict[tuple[str, str], Cause] = {}
    for cause in _every(then, now):
        found.setdefault((cause.kind, cause.said), cause)
    return list(found.values())


def unkeyed(then: Parts, now: Parts) -> list[Cause]:
    """Return what differs and is part of no key: the machine, and packages behind those that the keys name."""
    found = [
        Cause("the run", "machine", f"{name} {then.machine[name]} then, {now.machine[name]} now")
        for name in then.machine
        if now.machine.get(name) not in (None, then.machine[name])
    ]
    said = {f"{name} {before} then, {after} now" for name, before, after in _changed(then.environment, now.environment)}
    if then.environment and now.environment:
        found += [Cause("the run", "library", one) for one in sorted(said)]
    return found


def _every(then: Parts, now: Parts) -> Iterator[Cause]:
    yield from changed_data(then, now.data)
    for name in KEYED[1:]:
        before, after = then.stages.get(name), now.stages.get(name)
        if not before or not after:
            continue
        for part, old, new in _changed(before["config"], after["config"]):
            if part in ("seed", "threads"):
                yield Cause(name, part, f"{old} then, {new} now")  # type: ignore[arg-type]  # both are kinds
            else:
                yield Cause(name, "config", _settings(part, then.params, now.params))
        for module, old, new in _changed(before["sources"], after["sources"]):
            how = "changed" if old and new else "is new" if new else "is gone"
            yield Cause(name, "code", f"module {module} {how}")
        for package, old, new in _changed(before["packages"], after["packages"]):
            yield Cause(name, "library", f"{package} {old or 'unknown'} then, {new or 'not needed'} now")


def changed_data(then: Parts, now: Mapping[str, str]) -> Iterator[Cause]:
    """Yield the tables that hold something else, by their digests now."""
    for table, old, new in _changed(then.data, now) if then.data else ():
        if old is None or new is None:
            yield Cause("data", "data", f"table {table} {'was not read then' if new else 'is not read now'}")
            continue
        by, rows, _ = _digest(old)
        by_now, rows_now, _ = _digest(new)
        if by != by_now:
            yield Cause("data", "library", f"digests of {table} do not compare: by {by} then, by {by_now} now")
        else:
            counted = f"{rows} rows then, {rows_now} now" if rows != rows_now else f"{rows} rows then as now"
            yield Cause("data", "data", f"table {table}: {counted}; digest …{old[-8:]} then, …{new[-8:]} now")


def others(then: Parts, now: Parts, stage: str) -> list[str] | None:
    """Return which outputs of a stage differ, and in what; None where one of the two runs kept none."""
    before, after = then.outputs.get(stage), now.outputs.get(stage)
    if before is None or after is None:
        return None
    return [f"{name}: {_difference(old, new)}" for name, old, new in _changed(before, after)]


def _difference(old: Any, new: Any) -> str:
    if old is None or new is None:
        return "is new" if old is None else "is gone"
    if not isinstance(old, dict) or not isinstance(new, dict):
        return "changed"
    if old["rows"] != new["rows"]:
        return f"{old['rows']:,} rows then, {new['rows']:,} now"
    if old["unordered"] == new["unordered"]:
        return "the same rows in another order"
    columns = [name for name, *_ in _changed(old["columns"], new["columns"])]
    if not columns:
        return "the same columns in another order"
    more = f" and {len(columns) - 3} more" if len(columns) > 3 else ""
    return f"column{'s' * (len(columns) > 1)} {', '.join(columns[:3])}{more}"


def _settings(part: str, then: Mapping[str, str], now: Mapping[str, str]) -> str:
    """Which keys of a part of the config are others."""
    top = "features.transformers" if part == "transformers" else part
    found = [
        f"{key} {old} then, {new} now"
        for key, old, new in _changed(then, now)
        if key == top or key.startswith(f"{top}.")
    ]
    return ", ".join(found) or f"{top}, where it refers to the environment"


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Yield what differs between two mappings, with None for what is not there."""
    for name in dict.fromkeys([*old, *new]):
        if old.get(name) != new.get(name):
            yield name, old.get(name), new.get(name)


def _digest(digest: str) -> tuple[str, str, str]:
    """Who counted, how many rows, and the rest of a digest."""
    by, rows, rest = digest.split(":", 2) if digest.count(":") >= 2 else ("", "", digest)
    return by, f"{int(rows):,}" if rows.isdigit() else rows, rest


def _versions(environment: str) -> dict[str, str]:
    lines = [line.partition("==") for line in environment.splitlines() if "==" in line and not line.startswith("#")]
    return {name: version for name, _, version in lines}
