"""SFTP servers: the login comes from a connection, and a server must prove by its key that it is the right one."""

from __future__ import annotations

import base64
import binascii
import io
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from guestlist.model.connection import Connection
from guestlist.model.errors import AuthError, ConfigError, GuestlistError, TransientError

_PORT = 22
_SECONDS = 15


def open_sftp(address: str, shown: str, connection: Connection | None) -> tuple[Any, str]:
    """An fsspec file system and the path on it; paths are absolute.

    The connection's fields are those of Airflow's SFTP provider: host, port, login, password, and in extra ``key_file`` or
    ``private_key`` with ``private_key_passphrase``, ``host_key``, and ``no_host_key_check``.

    Raises:
        ConfigError: there is no connection, the address has a login or names another host, or the server's key is not known.
        AuthError: the server refuses the login. TransientError: it cannot be reached.
    """
    parts = urlsplit(address)
    if connection is None:
        raise ConfigError(f"{shown} needs a `connection` beside it, which has the login")
    if parts.username or parts.password:
        raise ConfigError(f"{shown}: the login stands in the connection, not in the address")
    if parts.hostname and connection.host and parts.hostname != connection.host.lower():
        raise ConfigError(f"{shown} lies on another server than connection {connection.id!r} logs in to")
    return _filesystem(connection, connection.host or parts.hostname or "", parts.port), unquote(parts.path)


def _filesystem(connection: Connection, host: str, port: int | None) -> Any:
    try:
        import paramiko
        from fsspec.implementations.sftp import SFTPFileSystem
    except ImportError:
        raise ConfigError("reading sftp:// needs a package that is not installed: pip install 'guestlist[sftp]'") from None

    port = port or connection.port or _PORT
    key = _private_key(connection)

    class Checked(SFTPFileSystem):  # type: ignore[misc]
        """What fsspec has, but for the trust in any server."""

        cachable = False

        def _connect(self) -> None:
            self.client = paramiko.SSHClient()
            _trust(self.client, connection, host if port == _PORT else f"[{host}]:{port}")
            login = {"username": connection.login, "password": connection.password, "pkey": key}
            times = dict.fromkeys(("timeout", "banner_timeout", "auth_timeout"), _SECONDS)
            ambient = key is None and not connection.password
            self.client.connect(host, port, **login, **times, allow_agent=ambient, look_for_keys=ambient)
            self.ftp = self.client.open_sftp()

    try:
        return Checked(host)
    except (paramiko.SSHException, OSError) as error:
        raise _refused(error, connection, host) from None


def _trust(client: Any, connection: Connection, name: str) -> None:
    """Only the key in ``host_key`` counts; without it those of this machine's known_hosts."""
    import paramiko

    if str(connection.extra.get("no_host_key_check")).lower() == "true":
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        return
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    if written := str(connection.extra.get("host_key") or ""):
        words = written.split()
        try:
            key = paramiko.PKey.from_type_string(words[-2] if len(words) > 1 else "ssh-rsa", base64.b64decode(words[-1]))
        except (paramiko.SSHException, binascii.Error, ValueError):
            raise ConfigError(f"connection {connection.id!r}: its host_key is no line such as ssh-ed25519 AAAA...") from None
        client.get_host_keys().add(name, key.get_name(), key)
    else:
        client.load_system_host_keys()


def _private_key(connection: Connection) -> Any:
    import paramiko

    path, text = connection.extra.get("key_file"), connection.extra.get("private_key")
    if not path and not text:
        return None
    passphrase = connection.extra.get("private_key_passphrase")
    try:
        content = Path(path).expanduser().read_text(encoding="ascii") if path else text
        for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
            try:
                return kind.from_private_key(io.StringIO(content), password=passphrase)
            except paramiko.SSHException:
                continue
    except (OSError, ValueError):
        pass
    raise ConfigError(f"connection {connection.id!r}: its key_file or private_key is no key, or its passphrase is another")


def _refused(error: Exception, connection: Connection, host: str) -> GuestlistError:
    import paramiko

    where = f"connection {connection.id!r}"
    if isinstance(error, paramiko.BadHostKeyException):
        return ConfigError(f"{where}: {host} shows another key than the one that is known: is it another server?")
    if isinstance(error, paramiko.AuthenticationException):
        return AuthError(f"{where}: {host} refuses the login; mend its login, password or key")
    if "not found in known_hosts" in str(error):
        told = f"the key of {host} is not known: put it into extra, as host_key (`ssh-keyscan {host}` shows it)"
        return ConfigError(f"{where}: {told}")
    return TransientError(f"{where}: {host} cannot be reached now ({type(error).__name__})")
