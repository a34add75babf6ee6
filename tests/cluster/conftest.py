"""One cluster of processes for all tests of this folder: what docker-compose.yaml says, with the sandbox."""

import os
import tempfile
from pathlib import Path

import pytest

from guestlist.cli.cluster.cluster import Cluster
from guestlist.cli.cluster.dotenv import filled, variables

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def secrets():
    return variables(filled((PROJECT / ".env.example").read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def cluster(secrets):
    quick = {"TASK_HEARTBEAT_TIMEOUT": "20", "TASK_QUEUED_TIMEOUT": "40", "PATH": os.environ["PATH"]}
    with (
        tempfile.TemporaryDirectory(prefix="gl-") as folder,  # a short name: PostgreSQL's socket lies in it
        Cluster(PROJECT / "docker-compose.yaml", Path(folder), {**secrets, **quick}, profiles=("sandbox",)) as running,
    ):
        yield running
