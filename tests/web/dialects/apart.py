"""An API server in a process of its own on a station's ledger and lake, as loud as it can be; no Airflow begins its runs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
from web.dialects.rig import Station
from web.intake.rig import until

from guestlist.cli.components import free_port

_SERVER = """
import logging, sys, uvicorn
from airflow.api_fastapi.app import create_auth_manager
from fastapi import FastAPI
from guestlist.web.app import app
create_auth_manager()
logging.basicConfig(level=logging.DEBUG)
root = FastAPI()
root.mount("/guestlist", app)
uvicorn.run(root, port=int(sys.argv[1]), log_level="trace")
"""


@contextmanager
def server_apart(station: Station, home: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Its address and its process; ``home`` gets its log."""
    config, port = station.world.config, free_port(0)
    environment = {
        "AIRFLOW_HOME": str(home),
        "GUESTLIST_HOME": str(config.home),
        "GUESTLIST_SEGMENTS": str(config.segments),
        "GUESTLIST_LEDGER": config.ledger,
        "GUESTLIST_LAKE": config.lake,
        "GUESTLIST_VAULT_KEY": str(config.vault_key),
    }
    with (home / "log").open("wb") as log:
        command = [sys.executable, "-W", "ignore", "-c", _SERVER, str(port)]
        process = subprocess.Popen(command, env=os.environ | environment, cwd=home, stdout=log, stderr=log)
    try:
        until(lambda: _answers(f"http://127.0.0.1:{port}"))
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.kill()
        process.wait()


def _answers(url: str) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(f"{url}/guestlist/api/v1/intakes").status_code == 401
    return False
