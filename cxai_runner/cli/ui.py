"""`cxai ui`: MLflow's pages over the tracking store, reachable from this machine only."""

from __future__ import annotations

import click

from cxai_runner.cli.output import note


@click.command(epilog="Example:  cxai ui --port 5001")
@click.option("--port", default=5000, show_default=True, type=click.IntRange(1, 65535), help="Port on 127.0.0.1.")
@click.option("--uri", help="Tracking store; by default the one of this folder, or MLFLOW_TRACKING_URI.")
def command(port: int, uri: str | None) -> int:
    """Open MLflow's pages on 127.0.0.1."""
    import os
    import signal
    import socket
    import subprocess
    import sys
    import time
    from pathlib import Path

    from cxai_runner.tracking.signals import terminated_as_exception
    from cxai_runner.tracking.store import Store

    store = Store.open(uri, Path.cwd(), create=False)
    if not store.is_local:
        note("the tracking store is a server; open its own address")
        return 0
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            note(f"port {port} is taken; name another: cxai ui --port {port + 1}")
            return 2
    server = [sys.executable, "-m", "mlflow", "ui", "--host", "127.0.0.1", "--port", str(port)]
    # A session of its own: MLflow starts workers, and all of them have to end with us.
    child = subprocess.Popen([*server, "--backend-store-uri", store.uri], start_new_session=True)
    try:
        with terminated_as_exception():
            while child.poll() is None and not _answers(port):
                time.sleep(0.2)
            if child.poll() is None:
                note(f"MLflow on http://127.0.0.1:{port}  (Ctrl-C ends it)")
            return child.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGTERM)
            child.wait()


def _answers(port: int) -> bool:
    import socket

    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
