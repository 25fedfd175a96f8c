"""What README and docs show is what happens: every command in them runs, and prints the lines shown.

Numbers are compared as numbers only in `tests/reference/`; here a figure may differ in its digits, never in its words.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
# Commands that set up, serve, or never end; their words are checked elsewhere.
NOT_RUN = ("make ", "pip ", "git ", "python -m venv", "cxai ui", "mlflow ", "eval ")


@dataclass(frozen=True)
class Shown:
    """One command of a page and the lines that it is shown to print."""

    page: str
    command: str
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page}: {self.command}"


def shown() -> Iterator[Shown]:
    for page in PAGES:
        for block in BLOCK.findall(page.read_text(encoding="utf-8")):
            command, lines = "", []
            for line in [*block.replace("\\\n", " ").splitlines(), "$ "]:
                if line.startswith("$ "):
                    if command and not command.startswith(NOT_RUN):
                        yield Shown(page.relative_to(ROOT).as_posix(), command, tuple(lines))
                    command, lines = line[2:].strip(), []
                else:
                    lines.append(line)


def words(line: str) -> str:
    """The line without its digits, ids and widths."""
    line = re.sub(r"\b[0-9a-f]{6,32}\b", "ID", line)
    line = re.sub(r"[−-]?[0-9]*[.,]?[0-9][0-9,.]*", "0", line)
    return " ".join(line.split())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like a user's: the examples, and nothing else yet."""
    home = tmp_path_factory.mktemp("docs")
    (home / "examples").symlink_to(ROOT / "examples")
    return home


def marked() -> Iterator[object]:
    """The README's commands with the fast tests; the other pages, which fit more, with the slow ones."""
    for example in shown():
        yield pytest.param(example, marks=[] if example.page == "README.md" else pytest.mark.slow, id=str(example))


@pytest.mark.parametrize("example", list(marked()))
def test_a_command_prints_what_is_shown(example: Shown, folder: Path, request: pytest.FixtureRequest) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW")}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    environment["COLUMNS"] = "120"
    if "$CANDY_BARS" in example.command:
        shared_data: Callable[[str], Path] = request.getfixturevalue("shared_data")
        environment["CANDY_BARS"] = str(shared_data("candy_bars"))
    done = subprocess.run(
        ["bash", "-c", example.command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    printed = {words(line) for line in (done.stdout + done.stderr).splitlines()}
    missing = [line for line in example.lines if line.strip() not in {"", "…"} and words(line) not in printed]
    assert not missing, f"{shlex.quote(example.command)} printed\n{done.stdout}{done.stderr}"
