"""A logged model is served by MLflow as it is, and a prediction that is cut off from outside leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxai_runner.kept.run import Kept, kept
from tests.conftest import user_environment

pytestmark = pytest.mark.slow

Call = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def done(cxai: Call, own_panel: list[str], tmp_path_factory: pytest.TempPathFactory) -> Kept:
    home = tmp_path_factory.mktemp("outside")
    finished = cxai("run", *own_panel, "--json", cwd=home)
    assert finished.returncode == 0, finished.stderr
    return kept(f"sqlite:///{home}/mlruns/mlflow.db", json.loads(finished.stdout)["run_id"])


def test_mlflow_serves_it_as_it_is(done: Kept, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", f"runs:/{done.run_id}/model"]
    command += ["--env-manager", "local", "--host", "127.0.0.1", "--port", str(port)]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = user_environment({"MLFLOW_TRACKING_URI": done.store.uri, "PATH": path})
    rows = pd.DataFrame({"price_a": [1.5, 2.5], "price_b": [2.0, 2.0], "promotion_a": [0, 1], "promotion_b": [1, 0]})
    asked = json.dumps({"dataframe_split": rows.to_dict("split", index=False)}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/invocations", asked, {"Content-Type": "application/json"}
    )
    with (tmp_path / "said").open("w") as said:
        server = subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=said, stderr=said, start_new_session=True
        )
    try:
        for _ in range(240):
            assert server.poll() is None, (tmp_path / "said").read_text()
            try:
                with urllib.request.urlopen(request, timeout=20) as answer:
                    found = json.loads(answer.read())["predictions"]
                break
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.5)
        else:
            pytest.fail("the server did not answer")
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()
    from cxai_runner.kept.apart import ModelApart

    with ModelApart.of(f"runs:/{done.run_id}/model", done.store) as model:
        expected = model.predict(rows.astype({name: float for name in rows if model.inputs[name] == "double"}))
    np.testing.assert_array_equal(np.asarray(found), expected.to_numpy())


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_in_the_middle_leaves_nothing(number: signal.Signals, code: int, done: Kept, tmp_path: Path) -> None:
    clients = np.repeat(np.arange(40_000), 30)
    rng = np.random.default_rng(1)
    new = pd.DataFrame({"client": clients, "day": np.tile(np.arange(1, 31), 40_000)})
    for brand in ("a", "b"):
        new[f"Price_{brand}"] = rng.uniform(1, 3, len(new)).round(2)
        new[f"Promo_{brand}"] = rng.integers(0, 2, len(new))
    new.to_csv(tmp_path / "new.csv", index=False)
    out = tmp_path / "out"
    out.mkdir()
    command = [sys.executable, "-m", "cxai_runner.cli", "predict", done.run_id, f"data.path={tmp_path}/new.csv"]
    child = subprocess.Popen(
        [*command, "--to", str(out / "scores.parquet"), "--uri", done.store.uri],
        cwd=tmp_path,
        env=user_environment(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    for _ in range(1200):
        if any(path.stat().st_size > 1000 for path in out.glob(".*.part")):
            break
        assert child.poll() is None, child.communicate()[1]
        time.sleep(0.05)
    os.killpg(child.pid, number)  # as a terminal does: the model's process hears it too
    child.communicate(timeout=120)
    assert child.returncode == code
    assert list(out.iterdir()) == []
