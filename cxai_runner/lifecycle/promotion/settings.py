"""What a run has to show before its model takes charge: a file in ``conf/promotion/``, and what is set of it now.

Gates are said apart from the runs that they judge: ``--gates NAME`` chooses a file, ``promotion.margin=0.01`` sets one
of its keys. What the file leaves out keeps its default here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_type_hints

from annotated_types import Ge, Gt, MinLen

from cxai_runner.config.folders import Document, Folders, unreadable
from cxai_runner.config.overrides import COMMAND_LINE, parse
from cxai_runner.config.problems import Problem, UserError, did_you_mean

GROUP: Final = "promotion"
DEFAULT: Final = "default"


@dataclass(frozen=True, kw_only=True)
class Gates:
    """The gates' own keys.

    Parameters
    ----------
    floors
        Metric → the worst that it may be on the rows that lead (held out, else the task's challenge): the least for one
        of which more is better, the most for one of which less is.
    baseline
        Whether the primary metric has to be told apart from the baseline's (``better``), may be as good (``not worse``)
        or anything (``any``).
    metric
        What challenger and champion are compared by; the task's primary metric where none is named.
    margin
        By how much the challenger may be worse than the champion, in units of that metric; it should be small beside
        what the champion gains over its baseline.
    proof
        What has to lie within the margin: the whole 95 % ``interval`` of the difference, or its ``value`` alone.
    fewest
        Customers that have to be left once those rows are gone that either was trained on.
    not_comparable
        What becomes of a challenger that cannot be compared with the champion on the same rows.
    slices
        Columns of the held-out rows; each of their values is a slice, and each quarter of a number.
    slice_rows
        Rows of the smallest slice that is looked at.
    slice_floors
        Metric → the worst that it may be in any slice. Where none is named, the primary metric must not be told apart
        as worse than the baseline's.
    calibration
        The largest calibration error; null for any. Noise alone raises it, so a larger one is refused where the whole
        95 % interval is above.
    schema
        Whether the model has to take and give what the champion does, unless a change is declared.
    report
        Whether the run has to hold its report.
    reproduction
        What a second run of the same has to have come to: ``identical`` to the bit, within ``tolerance``, or ``any``.
    """

    floors: Mapping[str, float] = field(default_factory=dict)
    baseline: Literal["better", "not worse", "any"] = "better"
    metric: Annotated[str, MinLen(1)] | None = None
    margin: Annotated[float, Ge(0)] = 0.001
    proof: Literal["interval", "value"] = "interval"
    fewest: Annotated[int, Ge(2)] = 30
    not_comparable: Literal["refuse", "pass"] = "refuse"
    slices: Sequence[str] = ()
    slice_rows: Annotated[int, Ge(1)] = 100
    slice_floors: Mapping[str, float] = field(default_factory=dict)
    calibration: Annotated[float, Gt(0)] | None = 0.05
    schema: Literal["unchanged", "any"] = "unchanged"
    report: bool = True
    reproduction: Literal["identical", "tolerance", "any"] = "tolerance"


@dataclass(frozen=True)
class Asked:
    """Gates as somebody asked for them.

    Parameters
    ----------
    gates
        Their keys.
    name
        The file's.
    origins
        Key → who set it: the file and its line, or the command line.
    """

    gates: Gates = field(default_factory=Gates)
    name: str = DEFAULT
    origins: Mapping[str, str] = field(default_factory=dict)

    def located(self, problem: Problem) -> Problem:
        """Return a problem with who set its key."""
        return replace(problem, origin=problem.origin or _origin(problem.key, self.origins, self.name))


def asked(name: str = DEFAULT, words: Sequence[str] = (), config_dirs: Sequence[Path] = ()) -> Asked:
    """Read the gates of a file, and what is set of them now.

    Parameters
    ----------
    name
        The file in ``conf/promotion/``, or in ``promotion/`` of a folder of the user's.
    words
        Overrides: ``promotion.margin=0.01``.
    config_dirs
        The user's own config folders.

    Raises
    ------
    UserError
        With everything that is wrong with them.
    """
    folders = Folders.of(config_dirs)
    problems = list(folders.problems())
    folders = replace(folders, added=tuple(folder for folder in folders.added if folder.is_dir()))
    document, found = _file(name, folders)
    problems += found
    values: dict[str, Any] = dict(document.content) if document is not None else {}
    origins = {key: document.origin(key) for key in document.lines} if document is not None else {}
    for word in words:
        read = _word(word)
        if isinstance(read, Problem):
            problems.append(read)
            continue
        path, value = read
        if len(path) > 1 and isinstance(values.get(path[0], {}), Mapping):
            value = dict(values.get(path[0], {})) | {".".join(path[1:]): value}
        values[path[0]] = value
        origins[".".join(path)] = COMMAND_LINE
    gates, found = _gates(values)
    problems += [replace(one, origin=one.origin or _origin(one.key, origins, name)) for one in found]
    if problems:
        raise UserError(problems)
    return Asked(gates, name, origins)


def _file(name: str, folders: Folders) -> tuple[Document | None, list[Problem]]:
    import yaml
    from omegaconf.errors import OmegaConfBaseException

    known = folders.options(GROUP)
    if name not in known:
        remedy = did_you_mean(name, known) or "put one into promotion/ of a --config-dir"
        return None, [Problem("--gates", "no such gates", name, remedy, COMMAND_LINE)]
    try:
        return folders.read(f"{GROUP}/{name}"), []
    except (yaml.YAMLError, UnicodeDecodeError, OmegaConfBaseException) as error:
        return None, [unreadable(folders.files(f"{GROUP}/{name}")[0], error)]


def _word(word: str) -> tuple[list[str], Any] | Problem:
    """The path and the value that an override sets, or why it cannot be one of a gate."""
    read = parse(word.lstrip("+"))
    if isinstance(read, Problem):
        return read
    key = str(read.key_or_group)
    top, _, rest = key.partition(".")
    if top != GROUP or not rest:
        names = [one.name for one in fields(Gates)]
        remedy = f"did you mean `{GROUP}.{key}`?" if top in names else f"such as {GROUP}.margin=0.01"
        return Problem(key, "not a key of the gates", remedy=remedy, origin=COMMAND_LINE, shown=word)
    if read.is_sweep_override() or read.is_delete():
        return Problem(key, "one value", remedy=f"write {key}=VALUE", origin=COMMAND_LINE, shown=word)
    return rest.split("."), read.value()


def _gates(values: Mapping[str, Any]) -> tuple[Gates, list[Problem]]:
    from cxai_runner.config.validate import checked

    hints = get_type_hints(Gates, include_extras=True)
    known = [one.name for one in fields(Gates)]
    problems: list[Problem] = []
    right: dict[str, Any] = {}
    for key, value in values.items():
        if key not in known:
            problems.append(Problem(f"{GROUP}.{key}", "no such key", value, did_you_mean(str(key), known)))
            continue
        right[key], found = checked(hints[key], value, f"{GROUP}.{key}")
        problems += found
    if not problems:
        problems += _contradictions(Gates(**right))
    return (Gates() if problems else Gates(**right)), problems


def _contradictions(gates: Gates) -> Iterator[Problem]:
    """Keys that say nothing together."""
    if gates.slice_floors and not gates.slices:
        remedy = f"name them: {GROUP}.slices=[segment]"
        yield Problem(f"{GROUP}.slice_floors", "floors of slices, and no slices", dict(gates.slice_floors), remedy)


def _origin(key: str, origins: Mapping[str, str], name: str) -> str:
    key = key.removeprefix(f"{GROUP}.")
    while key and key not in origins:
        key = key.rpartition(".")[0]
    return origins.get(key, f"{GROUP}/{name}.yaml" if key else "")
