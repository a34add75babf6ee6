"""One cluster of processes for all tests of this folder: what docker-compose.yaml says, with the sandbox."""

import os
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from end_to_end.api import without_schedules

from cluster.crowd import SEGMENT
from guestlist.cli.cluster.cluster import Cluster
from guestlist.cli.cluster.dotenv import filled, variables

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def secrets():
    return variables(filled((PROJECT / ".env.example").read_text(encoding="utf-8")))


def _project(folder: Path) -> Path:
    """This project with one segment more."""
    for name in ("dags", "plugins", "deploy", "docker-compose.yaml"):
        (folder / name).symlink_to(PROJECT / name)
    segments = without_schedules(folder / "include")
    (segments.parent / "guestlist").symlink_to(PROJECT / "include" / "guestlist")
    (segments / "crowd.yaml").write_text(SEGMENT, encoding="utf-8")
    return folder / "docker-compose.yaml"


@pytest.fixture(scope="package")
def cluster(secrets, tmp_path_factory):
    quick = {"TASK_HEARTBEAT_TIMEOUT": "20", "TASK_QUEUED_TIMEOUT": "40", "PATH": os.environ["PATH"]}
    file = _project(tmp_path_factory.mktemp("project"))
    with (
        tempfile.TemporaryDirectory(prefix="gl-") as folder,  # a short name: PostgreSQL's socket lies in it
        Cluster(file, Path(folder), {**secrets, **quick}, profiles=("sandbox",)) as running,
    ):
        yield running


@pytest.fixture(scope="package")
def airflow(cluster):
    """Where the API is, and who may use it."""
    return SimpleNamespace(url=cluster.url, user="admin", password=cluster.variables["AIRFLOW_ADMIN_PASSWORD"])


@pytest.fixture
def as_worker(cluster, monkeypatch):
    """This process finds ledger, lake and store as the cluster's workers do."""
    for name, value in cluster.environment("airflow-worker").items():
        if name.startswith(("GUESTLIST_", "AWS_", "AIRFLOW_CONN_")):
            monkeypatch.setenv(name, value)
