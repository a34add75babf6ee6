"""Servers of files: an address and, where there is one, a connection with its credential -> a file system that reads there.

Object stores are read by Arrow's own clients, which are part of its wheel.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from guestlist.model.connection import Connection
from guestlist.model.errors import ConfigError
from guestlist.sources.formats.sftp import open_sftp
from guestlist.sources.google_login import google_credentials

_READ_ONLY = "https://www.googleapis.com/auth/devstorage.read_only"
_GLOB = re.compile(r"[*?\[]")


def open_store(scheme: str, address: str, shown: str, connection: Connection | None) -> tuple[Any, str]:
    """An fsspec file system and the path on it.

    Raises:
        ConfigError: the address is none, or the connection does not fit it. AuthError: the server refuses the login.
    """
    open_it = STORES[scheme]
    if open_it is open_sftp:
        return open_sftp(address, shown, connection)
    if scheme == "az" and connection is None:
        raise ConfigError(f"{shown} needs a `connection` beside it, which names the storage account")
    from fsspec.implementations.arrow import ArrowFSWrapper

    try:
        filesystem, path = _by_address(address) if connection is None else (open_it(connection), _path(address))
    except (ValueError, NotImplementedError, OSError):  # Arrow's own errors are such
        globbed = _GLOB.search(address.split("?", maxsplit=1)[0])
        raise ConfigError(f"{shown} is no address that Arrow can read{' as a glob' if globbed else ''}") from None
    return ArrowFSWrapper(filesystem), path


def _by_address(address: str) -> tuple[Any, str]:
    """With the credential that this machine has; the address may hold options, such as ``?region=eu-west-1``."""
    from pyarrow.fs import FileSystem

    found: tuple[Any, str] = FileSystem.from_uri(address)
    return found


def _path(address: str) -> str:
    """``bucket/folder/file`` of an address, which may also be written ``abfss://container@account.../folder/file``."""
    parts = urlsplit(address)
    return (parts.netloc.split("@")[0] + parts.path).rstrip("/")


def _s3(connection: Connection) -> Any:
    """Fields as Airflow's Amazon provider has them."""
    from pyarrow.fs import S3FileSystem

    extra = connection.extra
    endpoint = urlsplit(str(extra.get("endpoint_url") or ""))
    given = {
        "access_key": connection.login or extra.get("aws_access_key_id"),
        "secret_key": connection.password or extra.get("aws_secret_access_key"),
        "session_token": extra.get("aws_session_token"),
        "region": extra.get("region_name"),
        "role_arn": extra.get("role_arn"),
        "external_id": (extra.get("assume_role_kwargs") or {}).get("ExternalId"),
        "endpoint_override": endpoint.netloc,
        "scheme": endpoint.scheme,
    }
    return S3FileSystem(**{name: value for name, value in given.items() if value})


def _gcs(connection: Connection) -> Any:
    """Fields as Airflow's Google provider has them. A token is valid for an hour: no longer may one file take."""
    from pyarrow.fs import GcsFileSystem

    credentials = google_credentials(connection, _READ_ONLY)
    return GcsFileSystem(access_token=credentials.token, credential_token_expiration=credentials.expiry)


def _azure(connection: Connection) -> Any:
    """Fields as Airflow's provider for Azure's blob storage has them."""
    from pyarrow.fs import AzureFileSystem

    extra, host = connection.extra, urlsplit(connection.host or "").hostname or connection.host or ""
    tenant = extra.get("tenant_id")
    account = host.split(".")[0] if host else "" if tenant else connection.login
    if not account:
        raise ConfigError(f"connection {connection.id!r} names no storage account; put its address into host")
    if tenant:
        login = {"tenant_id": tenant, "client_id": connection.login, "client_secret": connection.password}
    elif extra.get("sas_token"):
        login = {"sas_token": extra["sas_token"]}
    else:
        login = {"account_key": connection.password}
    return AzureFileSystem(account_name=account, **login)


STORES: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(("s3",), _s3),
    **dict.fromkeys(("gs", "gcs"), _gcs),
    **dict.fromkeys(("az", "abfs", "abfss"), _azure),
    "sftp": open_sftp,
}
"""Schemes of addresses, and what opens them with a connection."""
