"""The notebook in docs runs from its first cell to its last, in a kernel, and shows what it says it shows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

NOTEBOOK = Path(__file__).resolve().parents[1] / "docs" / "notebook.ipynb"


def _read() -> Any:
    import nbformat

    return nbformat.read(NOTEBOOK, as_version=4)


def test_no_output_is_committed() -> None:
    cells = [cell for cell in _read().cells if cell.cell_type == "code"]
    assert cells
    assert all(not cell.outputs and cell.execution_count is None for cell in cells)


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """The code cells with their outputs, as a kernel in an empty folder leaves them."""
    from nbclient import NotebookClient

    folder = tmp_path_factory.mktemp("notebook")
    done = NotebookClient(_read(), timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    return [cell for cell in done.cells if cell.cell_type == "code"]


def shown(cell: Any, kind: str) -> str:
    return "".join(output["data"].get(kind, "") for output in cell.outputs if "data" in output)


def printed(cells: list[Any], stream: str) -> str:
    return "".join(output["text"] for cell in cells for output in cell.outputs if output.get("name") == stream)


@pytest.mark.slow
def test_a_run_shows_itself(executed: list[Any]) -> None:
    page = shown(executed[1], "text/html")
    assert "No segments are to be seen: 2,469 customers divide no more clearly" in page
    assert page.count("<svg") > 3
    assert "silhouette" in page
    text = shown(executed[1], "text/plain")
    assert text.startswith("segmentation · frames · table · kmeans")


@pytest.mark.slow
def test_the_frames_of_the_run_are_shown_as_frames(executed: list[Any]) -> None:
    assert "baseline" in shown(executed[2], "text/html")
    assert "5 segments" in shown(executed[4], "text/html")


@pytest.mark.slow
def test_a_mistake_is_read_as_on_the_terminal(executed: list[Any]) -> None:
    told = printed(executed, "stdout")
    assert "2 problems, nothing was run" in told
    assert "no such key; did you mean `model`?" in told
    assert "not a key of split `all`" in told


@pytest.mark.slow
def test_a_loaded_run_predicts(executed: list[Any]) -> None:
    assert "Name: prediction" in shown(executed[-2], "text/plain")
    kept = shown(executed[-1], "text/plain")
    assert "No segments are to be seen" in kept
    assert "'3'" in kept
    assert "'report.html'" in kept
    assert printed(executed, "stderr") == ""


FRAME = """
import pandas as pd, cxai_runner
frame = pd.DataFrame({"customer_id": range(400), "spend": [i % 20 for i in range(400)]})
def run(*more):
    return cxai_runner.run("task=segmentation", "features=table", *more, tables={"customers": frame}, progress=True)
"""


class Session:
    """A kernel in a folder of its own, cell by cell."""

    def __init__(self, folder: Path) -> None:
        from jupyter_client.manager import start_new_kernel

        self.manager, self.client = start_new_kernel(cwd=str(folder))

    def run(self, code: str, stop_at: str = "") -> list[Any]:
        """Run a cell, and press the stop button once ``stop_at`` is printed; return what the kernel said."""
        request, said = self.client.execute(code), []
        while True:
            message = self.client.get_iopub_msg(timeout=240)
            if message["parent_header"].get("msg_id") != request:
                continue
            said.append(message["content"])
            if stop_at and stop_at in message["content"].get("text", ""):
                self.manager.interrupt_kernel()
            if message["content"].get("execution_state") == "idle":
                return said

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    kernel = Session(tmp_path_factory.mktemp("session"))
    kernel.run(FRAME)
    yield kernel
    kernel.close()


@pytest.mark.slow
def test_the_stop_button_closes_the_run_as_killed(session: Session) -> None:
    told = session.run('run("task.resamples=5000", "task.placebos=5000")', stop_at="evaluate …")
    assert any(content.get("ename") == "KeyboardInterrupt" for content in told)
    shown = session.run('print("the run is", cxai_runner.load("last").status)')
    assert "the run is KILLED\n" in [content.get("text") for content in shown]


@pytest.mark.slow
def test_a_mistake_shows_no_traceback(session: Session) -> None:
    (error,) = [content for content in session.run('run("seed=-1")') if "ename" in content]
    assert error["ename"] == "UserError"
    (row,) = error["traceback"][2:]
    assert error["traceback"][:2] == ["1 problem, nothing was run", ""]
    assert row == "  seed: -1   a whole number of at least 0   (argument)"
