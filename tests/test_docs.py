"""What README and docs show is what happens: every command in them runs, and prints the lines shown; all Python runs.

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

Cxai = Callable[..., subprocess.CompletedProcess[str]]

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)#:\s]+)(#[^)\s]*)?\)")
# Commands that set up, serve, or never end; their words are checked elsewhere.
STORY = "From runs to a model in charge"
"""The section of the README whose commands are slow tests: a dozen runs."""
CALL = re.compile(r"cxai [^|;&<>`()]*")
"""A command that is one call of `cxai` and nothing else."""
NOT_RUN = ("make ", "pip ", "git ", "python -m venv", "cxai ui", "mlflow ", "eval ")


@dataclass(frozen=True)
class Shown:
    """One command of a page and the lines that it is shown to print."""

    page: str
    command: str
    lines: tuple[str, ...]
    slow: bool = False

    def __str__(self) -> str:
        return f"{self.page}: {self.command}"


def shown() -> Iterator[Shown]:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for found in BLOCK.finditer(text):
            block, before = found[1], text[: found.start()]
            slow = page.parent != ROOT or before.rpartition("\n## ")[2].startswith(STORY)
            command, lines = "", []
            for line in [*block.replace("\\\n", " ").splitlines(), "$ "]:
                if line.startswith("$ "):
                    if command and not command.startswith(NOT_RUN):
                        yield Shown(page.relative_to(ROOT).as_posix(), command, tuple(lines), slow)
                    command, lines = line[2:].strip(), []
                else:
                    lines.append(line)


@dataclass(frozen=True)
class Python:
    """The Python of a page: its blocks in order, which share their names."""

    page: str
    text: str
    slow: bool = True

    def __str__(self) -> str:
        return f"{self.page}: python"


def python() -> Iterator[Python]:
    for page in PAGES:
        kept, inside = [], False
        for line in page.read_text(encoding="utf-8").splitlines():
            fence = line.startswith("```")
            inside = line == "```python" if fence else inside
            # A line stays where it is on the page, so that a traceback names the page's line.
            kept.append(line if inside and not fence else "")
        if any(kept):
            yield Python(page.relative_to(ROOT).as_posix(), "\n".join(kept))


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


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    """A user's shell: `cxai` and its Python on the path, nothing set for MLflow."""
    variables = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW")}
    variables["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{variables['PATH']}"
    variables["COLUMNS"] = "120"
    return variables


def with_data(environment: dict[str, str], text: str, request: pytest.FixtureRequest) -> dict[str, str]:
    """The environment with the folders of published data that ``text`` names; skips where they are not here."""
    if "CANDY_BARS" not in text:
        return environment
    shared_data: Callable[[str], Path] = request.getfixturevalue("shared_data")
    return environment | {"CANDY_BARS": str(shared_data("candy_bars"))}


def marked() -> Iterator[object]:
    """Page by page, commands then Python; the README's are fast tests, but for its story; the others are slow."""
    examples: list[Shown | Python] = [*shown(), *python()]
    pages = [page.relative_to(ROOT).as_posix() for page in PAGES]
    for example in sorted(examples, key=lambda one: pages.index(one.page)):
        marks = pytest.mark.slow if example.slow else []
        yield pytest.param(example, marks=marks, id=str(example))


@pytest.mark.parametrize("example", list(marked()))
def test_what_a_page_shows_happens(
    example: Shown | Python, folder: Path, environment: dict[str, str], cxai: Cxai, request: pytest.FixtureRequest
) -> None:
    if isinstance(example, Python):
        check_python(example, folder, with_data(environment, example.text, request))
    else:
        check_command(example, folder, with_data(environment, example.command, request), cxai)


def check_command(example: Shown, folder: Path, environment: dict[str, str], cxai: Cxai) -> None:
    if example.slow and CALL.fullmatch(example.command):
        done = cxai(*arguments(example.command, folder, environment), cwd=folder, env=environment)
    else:
        done = in_a_shell(example.command, folder, environment)
    printed = {words(line) for line in (done.stdout + done.stderr).splitlines()}
    missing = [line for line in example.lines if line.strip() not in {"", "…"} and words(line) not in printed]
    assert not missing, f"{shlex.quote(example.command)} printed\n{done.stdout}{done.stderr}"


def in_a_shell(command: str, folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def arguments(command: str, folder: Path, environment: dict[str, str]) -> list[str]:
    """What a shell hands to `cxai`: a hundred processes that each import everything would take ten minutes."""
    told = in_a_shell(f"cxai() {{ printf '%s\\0' \"$@\"; }}\n{command}", folder, environment)
    return told.stdout.split("\0")[:-1]


def check_python(example: Python, folder: Path, environment: dict[str, str]) -> None:
    script = folder / f"{example.page.replace('/', '_')}.py"
    script.write_text(example.text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, script.name], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_pages_point_at_what_exists() -> None:
    broken = []
    for page in PAGES:
        for target, anchor in LINK.findall(page.read_text(encoding="utf-8")):
            place = (page.parent / target).resolve()
            heads = re.findall(r"^#+ (.*)$", place.read_text(encoding="utf-8"), re.MULTILINE) if anchor else []
            known = {"#" + re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}
            if not place.exists() or (anchor and anchor not in known):
                broken.append(f"{page.relative_to(ROOT)}: {target}{anchor}")
    assert not broken


def test_the_index_lists_every_page() -> None:
    index = ROOT / "docs" / "README.md"
    listed = {(index.parent / target).resolve() for target, _ in LINK.findall(index.read_text(encoding="utf-8"))}
    there = {*index.parent.rglob("*.md"), *index.parent.rglob("*.ipynb")} - {index}
    assert sorted(there - listed) == []


def test_the_config_reference_says_what_the_code_says() -> None:
    from cxai_runner.config.reference import reference

    page = (ROOT / "docs" / "config.md").read_text(encoding="utf-8")
    assert page == reference(), "docs/config.md is stale: make docs"
