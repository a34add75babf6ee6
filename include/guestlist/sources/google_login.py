"""Google's credentials from an Airflow connection, with the fields of Airflow's Google provider."""

from __future__ import annotations

import json
from typing import Any

from guestlist.model.connection import Connection
from guestlist.model.errors import AuthError, ConfigError, TransientError


def google_credentials(connection: Connection, scope: str) -> Any:
    """A `google.auth` credential that holds a token: the connection's service account, or else what this machine has.

    Raises:
        ConfigError: there is none, or it is no key. AuthError: Google refuses it. TransientError: Google cannot be reached.
    """
    import google.auth
    from google.auth import exceptions
    from google.auth.transport.requests import Request
    from google.oauth2.service_account import Credentials

    where = f"connection {connection.id!r}"
    key, path = google_setting(connection, "keyfile_dict"), google_setting(connection, "key_path")
    try:
        if key:
            credentials = Credentials.from_service_account_info(
                json.loads(key) if isinstance(key, str) else key, scopes=[scope]
            )
        elif path:
            credentials = Credentials.from_service_account_file(path, scopes=[scope])
        else:
            credentials, _ = google.auth.default(scopes=[scope])
        credentials.refresh(Request())
    except (ValueError, OSError, exceptions.DefaultCredentialsError):
        raise ConfigError(f"{where}: its keyfile_dict or key_path is no key of a service account, or there is none") from None
    except exceptions.RefreshError:
        raise AuthError(f"{where}: Google refuses the login of its service account; is its key still valid?") from None
    except exceptions.TransportError:
        raise TransientError(f"{where}: Google cannot be reached now to log in") from None
    return credentials


def google_setting(connection: Connection, name: str) -> Any:
    """A key of extra; older versions of Airflow's provider wrote it with a prefix."""
    return connection.extra.get(name) or connection.extra.get(f"extra__google_cloud_platform__{name}")
