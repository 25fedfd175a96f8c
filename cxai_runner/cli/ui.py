"""`cxai ui`: MLflow's pages over the tracking store, reachable from this machine only."""

from __future__ import annotations

import click

from cxai_runner.cli.output import note


@click.command(epilog="Example:  cxai ui --port 5001")
@click.option("--port", default=5000, show_default=True, type=click.IntRange(1, 65535), help="Port on 127.0.0.1.")
@click.option("--uri", help="Tracking store; by default the one of this folder, or MLFLOW_TRACKING_URI.")
def command(port: int, uri: str | None) -> int:
    """Open MLflow's pages on 127.0.0.1."""
    import socket
    import subprocess
    import sys
    from pathlib import Path

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
    note(f"MLflow on http://127.0.0.1:{port}  (Ctrl-C ends it)")
    server = [sys.executable, "-m", "mlflow", "ui", "--host", "127.0.0.1", "--port", str(port)]
    try:
        return subprocess.call([*server, "--backend-store-uri", store.uri])
    except KeyboardInterrupt:
        return 0
