"""`cxai completion`, and what the shell offers after `cxai run`."""

from __future__ import annotations

import re
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from cxai_runner.config.catalogue import CONF, catalogue, groups
from cxai_runner.config.overrides import APART

_SHELLS = ("bash", "zsh", "fish")
_ADDRESSES = ("s3://", "gs://", "https://", "postgresql://", "sqlite:///", "duckdb:///")
_SWEEP = "sweep"
_TOP_LEVEL = ("seed=", "threads=", "name=", "evaluation.resamples=", "tracking.uri=", "tracking.experiment=")


@click.command(epilog="Example:  echo 'eval \"$(cxai completion bash)\"' >> ~/.bashrc")
@click.argument("shell", type=click.Choice(_SHELLS))
def command(shell: str) -> None:
    """Print the completion script for SHELL, to be evaluated by it."""
    from click.shell_completion import get_completion_class

    from cxai_runner.cli import cxai

    completer = get_completion_class(shell)
    if completer is None:  # pragma: no cover - the choice above holds only shells that click knows
        raise click.UsageError(f"no completion for {shell}")
    click.echo(completer(cxai, {}, "cxai", "_CXAI_COMPLETE").source())


def complete_override(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer config groups, their options, and the keys of the default options.

    Bash hands over what stands behind ``=`` as a word of its own; zsh and fish keep the whole.
    """
    dirs = [Path(folder) for folder in ctx.params.get("config_dirs") or ()]
    typed: list[str] = [word for word in ctx.params.get("overrides") or () if word != "="]
    if "=" in incomplete:
        key, _, start = incomplete.partition("=")
        return [CompletionItem(f"{key}={name}", help=about) for name, about in _options(key, typed, dirs, start)]
    if typed and typed[-1] in groups(dirs):
        return [CompletionItem(name, help=about) for name, about in _options(typed[-1], typed, dirs, incomplete)]
    known = [group for group in groups(dirs) if group not in APART or group == ctx.info_name]
    keys = [f"{group}=" for group in known] + list(_TOP_LEVEL) + _keys(typed) + _of_sweeps(ctx)
    return [CompletionItem(key) for key in keys if key.startswith(incomplete)]


def complete_location(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer files and folders, which the shell knows best, or the beginnings of addresses once it looks like one."""
    if ":" in incomplete:
        return [CompletionItem(one) for one in _ADDRESSES if one.startswith(incomplete)]
    return [CompletionItem(incomplete, type="file")]


def _options(group: str, typed: list[str], dirs: list[Path], start: str) -> list[tuple[str, str]]:
    options = [(entry.name, entry.about) for entry in catalogue(group, dirs)]
    if group == "model":
        task = _choice("task", typed)
        mine = [(name.partition("/")[2], about) for name, about in options if name.startswith(f"{task}/")]
        options = mine + options
    return [(name, about) for name, about in options if name.startswith(start)]


def _choice(group: str, typed: list[str]) -> str | None:
    for word in reversed(typed):
        if word.startswith(f"{group}="):
            return word.partition("=")[2]
    found = re.search(rf"^\s*- {group}: (\S+)", (CONF / "config.yaml").read_text(encoding="utf-8"), re.MULTILINE)
    return found.group(1) if found else None


def _of_sweeps(ctx: click.Context) -> list[str]:
    """A sweep's own keys, where a sweep is typed; read as text, since the shell waits."""
    if ctx.info_name != _SWEEP:
        return []
    text = (CONF.parent / "cxai_runner" / _SWEEP / "settings.py").read_text(encoding="utf-8")
    body = text.partition("class Settings:")[2].partition("@dataclass")[0]
    return [f"{_SWEEP}.{key}=" for key in re.findall(r"^    (\w+): .+ =", body, re.MULTILINE)]


def _keys(typed: list[str]) -> list[str]:
    """The top keys of the data, features, split and model that the task names, as `features.category=`."""
    task = _choice("task", typed)
    path = CONF / "task" / f"{task}.yaml"
    if task is None or not path.is_file():
        return []
    chosen = dict(re.findall(r"^\s*- /(\w+): (\S+)", path.read_text(encoding="utf-8"), re.MULTILINE))
    keys = []
    for group, option in chosen.items():
        file = CONF / group / f"{option}.yaml"
        text = file.read_text(encoding="utf-8") if file.is_file() else ""
        keys += [f"{group}.{key}=" for key in re.findall(r"^([a-z]\w*):", text, re.MULTILINE)]
    return keys
