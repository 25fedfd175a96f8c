"""The config reference, written from what the code says: ``python -m cxai_runner.config.reference docs/config.md``.

Every key stands in a schema, a config file or a class, with its type, its constraint and its default; here they are
only laid out. What a key means is the class's own docstring. Keys of other people's classes are listed as far as our
files set them: their meaning is their authors' to tell.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

from cxai_runner.config.catalogue import catalogue
from cxai_runner.config.classes import find, trusted
from cxai_runner.config.constraints import wanted
from cxai_runner.config.describe import describe, spell
from cxai_runner.config.folders import Document, read
from cxai_runner.config.schema import SLOTS, Schema, defaults, own_leaves
from cxai_runner.config.targets import PLACES
from cxai_runner.config.validate import parameters

GROUPS = ("data", "features", "split", "task", "model", "tracking")
_OURS = ("cxai_runner", "tasks")
_GIVEN = "has to be given"
_SWEEP_SETTINGS = "cxai_runner.sweep.settings"
"""By name, as the classes that a config names: sweeps are built on configs, not the other way round."""
_GATES = "cxai_runner.lifecycle.promotion.settings"
_ENTRY = re.compile(r"^([\w*]+(?:, *[\w*]+)*)(?: *:.*)?$")

_FOOTNOTE = re.compile(r" \[\d+\]_")

_HEAD = """# Config reference

*Generated: `make docs` writes this page from the schema, `conf/` and the classes that it names.*

A config chooses one option of each group (`model=xgboost`) and sets keys (`seed=1`, `features.category=YOGURT`). What
an option leaves out keeps the default of its class, and any argument of that class can be set, whether or not it is
listed in its file. `cxai run … --dry-run` says what is wrong with a config before anything runs.
"""


@dataclass(frozen=True)
class Row:
    """One key as the reference shows it."""

    key: str
    takes: str
    default: str
    meaning: str


def reference() -> str:
    """Return the page."""
    parts = [_HEAD, _top_level()]
    tables: dict[type, str] = {}
    for group in GROUPS:
        parts.append(f"## {group}\n")
        for entry in catalogue(group):
            parts.append(_option(group, entry.name, entry.about, read(entry.path), tables))
        for cls, key in tables.items():
            parts.append(f"### {cls.__name__}\n\nOne of `{key}`. {_summary(cls)}\n\n{_laid_out(_of_class(cls, {}))}")
        tables.clear()
    parts += [_sweeps(), _promotions()]
    return "\n".join(parts).rstrip() + "\n"


def _sweeps() -> str:
    """The keys of a sweep, which is said apart from the runs that it makes, and our files of it."""
    settings = import_module(_SWEEP_SETTINGS).Settings
    rows = [Row(f"sweep.{row.key}", row.takes, row.default, row.meaning) for row in _of_class(settings, {})]
    head = "## sweep\n\nOf `cxai sweep` alone: `sweep=NAME` takes a file, and these are its keys.\n\n"
    files = [f"### sweep={entry.name}\n\n{entry.about}\n" for entry in catalogue("sweep")]
    return "\n".join([head + _laid_out(rows), *files])


def _promotions() -> str:
    """The keys of the gates, which are said apart from the runs that they judge, and our files of them."""
    rows = [Row(f"promotion.{row.key}", row.takes, row.default, row.meaning)
            for row in _of_class(import_module(_GATES).Gates, {})]  # fmt: skip
    head = "## promotion\n\nOf `cxai promote` alone: `--gates NAME` takes a file, and these are its keys.\n\n"
    files = []
    for entry in catalogue("promotion"):
        said = ", ".join(f"`{key}: {spell(value)}`" for key, value in read(entry.path).content.items())
        files.append(f"### gates {entry.name}\n\n{entry.about}\n\nSets {said}.\n")
    return "\n".join([head + _laid_out(rows), *files])


def meanings(cls: type) -> dict[str, str]:
    """Return what a class's docstrings, and those of its bases, say of each parameter."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if base.__module__.partition(".")[0] in _OURS:
            found |= dict(_parameters_of(inspect.cleandoc(base.__doc__ or "")))
    return found


def _parameters_of(doc: str) -> Iterator[tuple[str, str]]:
    """Yield name and text of each entry of a NumPy docstring's section of parameters."""
    _, found, section = doc.partition("Parameters\n----------\n")
    if not found:
        return
    section = re.split(r"\n\n\w[\w ]*\n-{3,}\n", section)[0]
    names: list[str] = []
    text: list[str] = []
    for line in [*section.splitlines(), "end"]:
        entry = _ENTRY.match(line)
        if entry is None:
            text.append(line.strip())
            continue
        yield from ((name, " ".join(filter(None, text))) for name in names)
        names, text = entry[1].replace(" ", "").split(","), []


def _top_level() -> str:
    plain, said = defaults(), meanings(Schema)
    rows = [Row(slot, f"one option of [{slot}](#{slot})", "", said.get(slot, "")) for slot in SLOTS]
    for key, annotation in own_leaves().items():
        section, _, name = key.rpartition(".")
        value = plain[section][name] if section else plain[key]
        if section:
            holder = next(type(getattr(Schema(), one.name)) for one in fields(Schema) if one.name == section)
            said |= {f"{section}.{inner}": text for inner, text in meanings(holder).items()}
        rows.append(Row(key, describe(annotation), f"`{spell(value)}`", said.get(key, "")))
    return f"## The top level\n\n{_laid_out(rows)}"


def _option(group: str, name: str, about: str, document: Document, tables: dict[type, str]) -> str:
    """One option: what it is, the class that it names, and its keys."""
    content = document.content.get(group, {}) if group == "task" else document.content
    head = f"### {group}={name}\n\n{about}\n"
    chosen = [f"`{other}={option}`" for other, option in document.defaults.items() if option]
    if chosen:
        head += f"\nChooses {', '.join(chosen)} unless others are given.\n"
    if "_target_" not in content:
        base = ", ".join(f"`{group}={other}`" for other in _built_on(document))
        keys = ", ".join(f"`{key}: {spell(value)}`" for key, value in content.items())
        return f"{head}\nAs {base}, with {keys}.\n" if base else f"{head}\nSets {keys}.\n"
    cls = find(content["_target_"], PLACES[group].kinds, trusted(), group)
    if cls.__module__.partition(".")[0] not in _OURS:
        rows = [row for row in _of_class(cls, content) if row.key in content]
        owner = cls.__module__.partition(".")[0]
        named = f"`{content['_target_']}`; what its arguments mean, these and the others, {owner} tells"
        return f"{head}\n{named}.\n\n{_laid_out(rows, meant=False)}"
    for parameter in parameters(cls).values():
        tables |= dict.fromkeys(_tables_in(parameter.annotation), f"{group}.{parameter.name}")
    return f"{head}\n`{content['_target_']}`: {_summary(cls)}\n\n{_laid_out(_of_class(cls, content))}"


def _tables_in(annotation: Any) -> list[type]:
    """The dataclasses that an argument is made of, whose keys are keys of the config too."""
    return [inner for inner in get_args(annotation) if isinstance(inner, type) and is_dataclass(inner)]


def _of_class(cls: type, content: Mapping[str, Any]) -> list[Row]:
    said, own = meanings(cls), _defaults(cls)
    rows = []
    for name, parameter in parameters(cls).items():
        inner = _tables_in(parameter.annotation)
        links = " or ".join(f"a [{one.__name__}](#{one.__name__.lower()})" for one in inner)
        takes = f"a mapping; each value: {links}" if inner else describe(parameter.annotation)
        if parameter.constraints is not None:
            takes = wanted(parameter.constraints)
        value = content.get(name, own.get(name, MISSING))
        default = _GIVEN if value is MISSING or value == "???" else f"`{_spelt(value)}`"
        rows.append(Row(name, takes, default, said.get(name, "")))
    return rows


def _built_on(document: Document) -> list[str]:
    """The options of its own group that a file starts from."""
    import yaml

    entries = (yaml.safe_load(document.path.read_text(encoding="utf-8")) or {}).get("defaults", [])
    return [entry for entry in entries if isinstance(entry, str) and entry != "_self_"]


def _defaults(cls: type) -> dict[str, Any]:
    """What each argument is where a config does not set it."""
    if is_dataclass(cls):
        made = {one.name: one.default_factory() for one in fields(cls) if one.default_factory is not MISSING}
        return made | {one.name: one.default for one in fields(cls) if one.default is not MISSING}
    found: dict[str, Any] = {}
    for base in cls.__mro__:
        constructor = base.__dict__.get("__init__")
        if constructor is None or base is object:
            continue
        for name, item in inspect.signature(constructor).parameters.items():
            if item.default is not inspect.Parameter.empty:
                found.setdefault(name, item.default)
    return found


def _spelt(value: Any) -> str:
    """A default as a config writes it; a component by its class, a mapping of many keys by the keys."""
    if isinstance(value, Mapping) and "_target_" in value:
        given = ", ".join(f"{key}: {spell(item)}" for key, item in value.items() if key != "_target_")
        return str(value["_target_"]).rpartition(".")[2] + (f" ({given})" if given else "")
    if isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        return "[" + ", ".join(_spelt(item) for item in value) + "]"
    text = spell(value)
    return "{" + ", ".join(value) + "}" if isinstance(value, Mapping) and text.endswith("…") else text


def _summary(cls: type) -> str:
    return " ".join((inspect.cleandoc(cls.__doc__ or "").split("\n\n")[0]).split())


def _laid_out(rows: Iterable[Row], *, meant: bool = True) -> str:
    """Rows as a table of Markdown."""
    heads = ["key", "takes", "default", *(["meaning"] if meant else [])]
    lines = [heads, ["---"] * len(heads)]
    for row in rows:
        cells = [f"`{row.key}`", row.takes, row.default, _FOOTNOTE.sub("", row.meaning.replace("``", "`"))]
        lines.append([cell.replace("|", "\\|") for cell in cells[: len(heads)]])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines) if len(lines) > 2 else "No keys.\n"


def main(arguments: list[str]) -> None:
    """Write the page to the file that is named, or to standard output."""
    page = reference()
    if arguments:
        Path(arguments[0]).write_text(page, encoding="utf-8")
    else:
        sys.stdout.write(page)


if __name__ == "__main__":
    main(sys.argv[1:])
