"""SFTP against a real server: paramiko's own, on loopback."""

import socket
import threading
from dataclasses import replace
from pathlib import Path

import paramiko
import pytest

from guestlist.model.connection import Connection
from guestlist.model.errors import AuthError, ConfigError, DataError, TransientError
from guestlist.model.source import Source
from guestlist.sources import open_source

PASSWORD = "hunter2-secret"


class Login(paramiko.ServerInterface):
    """Takes one password and one key."""

    def __init__(self, key):
        self.key = key

    def check_channel_request(self, kind, chanid):
        return paramiko.OPEN_SUCCEEDED

    def get_allowed_auths(self, username):
        return "password,publickey"

    def check_auth_password(self, username, password):
        return paramiko.AUTH_SUCCESSFUL if (username, password) == ("partner", PASSWORD) else paramiko.AUTH_FAILED

    def check_auth_publickey(self, username, key):
        return paramiko.AUTH_SUCCESSFUL if key == self.key else paramiko.AUTH_FAILED


class Handle(paramiko.SFTPHandle):
    """One open file."""

    def stat(self):
        return paramiko.SFTPAttributes.from_stat(Path(self.filename).stat())


class Files(paramiko.SFTPServerInterface):
    """A folder, to be read."""

    root = Path()

    def _path(self, path):
        return self.root / path.lstrip("/")

    def list_folder(self, path):
        found = []
        for file in sorted(self._path(path).iterdir()):
            attributes = paramiko.SFTPAttributes.from_stat(file.stat())
            attributes.filename = file.name
            found.append(attributes)
        return found

    def stat(self, path):
        try:
            return paramiko.SFTPAttributes.from_stat(self._path(path).stat())
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)

    lstat = stat

    def open(self, path, flags, attr):
        handle = Handle(flags)
        handle.filename = str(self._path(path))
        try:
            handle.readfile = self._path(path).open("rb")
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)
        return handle


@pytest.fixture(scope="module")
def keys():
    return paramiko.RSAKey.generate(2048), paramiko.RSAKey.generate(2048)


@pytest.fixture(scope="module")
def server(keys, tmp_path_factory):
    """The address of the server; each login has a transport of its own."""
    host_key, login_key = keys
    Files.root = tmp_path_factory.mktemp("sftp")
    (Files.root / "export").mkdir()
    (Files.root / "export" / "1.csv").write_text("id,zip\n1,01234\n")
    (Files.root / "export" / "2.csv").write_text("zip,id\n01235,2\n")
    transports = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                transport = paramiko.Transport(client)
                transport.add_server_key(host_key)
                transport.set_subsystem_handler("sftp", paramiko.SFTPServer, Files)
                transports.append(transport)
                try:
                    transport.start_server(server=Login(login_key))
                except (paramiko.SSHException, EOFError):
                    transport.close()  # a client that does not trust the key hangs up

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
    for transport in transports:
        transport.close()


@pytest.fixture
def connection(server, keys):
    known = f"{keys[0].get_name()} {keys[0].get_base64()}"
    return Connection("partner", "sftp", "127.0.0.1", server, "partner", PASSWORD, extra={"host_key": known})


def read(connection, address, *columns):
    reader = open_source(Source(file=address, connection="partner"), connection, Path())
    return [tuple(row.values()) for batch in reader.batches(columns) for row in batch.to_pylist()]


def test_files_and_globs_are_read_in_order(connection):
    assert read(connection, "sftp://127.0.0.1/export/1.csv", "zip", "id") == [("01234", "1")]
    assert read(connection, "sftp://127.0.0.1/export/*.csv", "id") == [("1",), ("2",)]


def test_a_key_logs_in_where_there_is_one(connection, keys, tmp_path):
    keys[1].write_private_key_file(str(tmp_path / "id_rsa"))
    by_key = replace(connection, password=None, extra={**connection.extra, "key_file": str(tmp_path / "id_rsa")})
    assert read(by_key, "sftp://127.0.0.1/export/1.csv", "id") == [("1",)]
    text = (tmp_path / "id_rsa").read_text()
    assert read(replace(by_key, extra={**connection.extra, "private_key": text}), "sftp:///export/1.csv", "id") == [("1",)]


def test_a_server_with_an_unknown_or_another_key_is_not_trusted(connection, keys):
    address = "sftp://127.0.0.1/export/1.csv"
    with pytest.raises(ConfigError, match=r"the key of 127\.0\.0\.1 is not known: put it into extra, as host_key"):
        read(replace(connection, extra={}), address, "id")
    other = f"{keys[1].get_name()} {keys[1].get_base64()}"
    with pytest.raises(ConfigError, match="shows another key than the one that is known"):
        read(replace(connection, extra={"host_key": other}), address, "id")
    assert read(replace(connection, extra={"no_host_key_check": "true"}), address, "id") == [("1",)]


@pytest.mark.parametrize(
    ("fields", "address", "error", "message"),
    [
        ({"password": "wrong-hunter2"}, "sftp://127.0.0.1/export/1.csv", AuthError, "refuses the login"),
        ({"port": 1}, "sftp://127.0.0.1/export/1.csv", TransientError, "cannot be reached now"),
        ({}, "sftp://127.0.0.1/export/3.csv", DataError, r"there is no file sftp://127\.0\.0\.1/export/3\.csv"),
        ({}, "sftp://me:hunter2@127.0.0.1/export/1.csv", ConfigError, "the login stands in the connection"),
        ({}, "sftp://elsewhere.example/export/1.csv", ConfigError, "lies on another server than connection 'partner'"),
    ],
)
def test_what_is_wrong_is_told_without_secrets(connection, fields, address, error, message):
    with pytest.raises(error, match=message) as caught:
        read(replace(connection, **fields), address, "id")
    assert "hunter2" not in str(caught.value)


def test_an_address_without_a_connection_is_told():
    with pytest.raises(ConfigError, match="needs a `connection` beside it"):
        list(open_source(Source(file="sftp://127.0.0.1/1.csv"), None, Path()).batches(["id"]))
