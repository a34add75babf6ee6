"""From what a segment writes in ``file:`` (path, glob, object-store address) to files that can be opened."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

from guestlist.model.connection import Connection
from guestlist.model.errors import AuthError, ConfigError, DataError, GuestlistError, TransientError
from guestlist.sources.formats.stores import STORES, open_store
from guestlist.sources.places import check_place, local_path

_ADDRESS = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?:[^/@]*@)?(?P<rest>[^?#]*)")
_GLOB = re.compile(r"[*?\[]")
_STORE_CODE = re.compile(r"AWS Error ([A-Z_]+)")
_LOGIN_CODES = re.compile(r"ACCESS|SIGNATURE|TOKEN|CREDENTIAL|AUTHENTICATION|OPT_IN")
_COMPRESSED = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2"}
_SCHEMES = (*STORES, "file", "memory")
"""Servers of files and this machine. Web servers are not read: an address would make this machine ask its own network."""


@dataclass(frozen=True)
class DataFile:
    """One file, wherever it lies. ``name`` is for messages and holds no secret."""

    name: str
    path: str
    filesystem: Any = field(repr=False)

    @property
    def compression(self) -> str | None:
        """Arrow's name of the compression that the file's ending tells."""
        return _COMPRESSED.get(Path(self.path).suffix.lower())

    @property
    def ending(self) -> str:
        """``.csv`` of ``people.CSV.gz``."""
        path = Path(self.path)
        return (Path(path.stem) if self.compression else path).suffix.lower()

    def open(self) -> BinaryIO:
        """The bytes as they lie there, still compressed.

        Raises:
            DataError: it cannot be read; AuthError or TransientError where the object store says so.
        """
        try:
            return cast("BinaryIO", self.filesystem.open(self.path, "rb"))
        except OSError as error:
            raise _refused(f"{self.name} cannot be opened", error) from None


def locate(address: str, base: Path, roots: Sequence[Path] = (), connection: Connection | None = None) -> list[DataFile]:
    """The file, or the files that a glob matches in the order of their names; relative paths start from ``base``.

    ``connection`` has the credential for a store; without it the machine's own is used. On this machine only what
    lies below ``base`` or one of ``roots`` is read, or anything where there are none.

    Raises:
        DataError: there is no such file; AuthError or TransientError where the object store says so.
        ConfigError: nothing here can read this kind of address, or may read this place.
    """
    filesystem, path = _filesystem(address, base, connection)
    shown = shown_address(address)
    _check_place(filesystem, path, shown, base, roots)
    try:
        kind = _kind(filesystem, path)
        globbed = kind is None and _GLOB.search(path)
        found = sorted(match for match in filesystem.glob(path) if _kind(filesystem, match) == "file") if globbed else []
    except OSError as error:
        raise _refused(f"file {shown} cannot be looked up", error) from None
    if not found and kind != "file":
        raise _nothing_there(shown, path, folder=kind == "directory")
    for match in found:
        _check_place(filesystem, match, shown, base, roots)
    if kind == "file":
        return [DataFile(f"file {shown}", path, filesystem)]
    return [DataFile(f"file {match} (of {shown})", match, filesystem) for match in found]


def _check_place(filesystem: Any, path: str, shown: str, base: Path, roots: Sequence[Path]) -> None:
    from fsspec.implementations.local import LocalFileSystem

    if isinstance(filesystem, LocalFileSystem):
        check_place(Path(path), f"file {shown}", base, roots)


def shown_address(address: str) -> str:
    """The address without a login, a query or a fragment: signed addresses carry secrets there."""
    match = _ADDRESS.match(address)
    return f"{match['scheme']}://{match['rest']}" if match else address


def _kind(filesystem: Any, path: str) -> str | None:
    """``file``, ``directory`` or None; unlike fsspec's isfile it does not take a refusal for an absence."""
    try:
        return str(filesystem.info(path)["type"])
    except FileNotFoundError:
        return None


def _refused(what: str, error: OSError) -> GuestlistError:
    """Sort an object store's refusal by its code; the rest of its message may hold a signed address."""
    if (code := _STORE_CODE.search(str(error))) is None:
        return DataError(f"{what}: {error.strerror or type(error).__name__}")
    if _LOGIN_CODES.search(code[1]):
        return AuthError(f"{what}: {code[1]}; mend the credential that this machine has for the store, or its permissions")
    return TransientError(f"{what}: {code[1]}")


def _nothing_there(shown: str, path: str, *, folder: bool) -> DataError:
    if folder:
        return DataError(f"{shown} is a folder; name the files in it, such as {shown.rstrip('/')}/*.parquet")
    if _GLOB.search(path):
        return DataError(f"no file matches {shown} (looked for {path}); is the path right, and has the export run?")
    return DataError(f"there is no file {shown} (looked for {path}); is the path right, and has the export run?")


def _filesystem(address: str, base: Path, connection: Connection | None) -> tuple[Any, str]:
    """An fsspec file system and the path on it."""
    import fsspec
    from fsspec.implementations.local import LocalFileSystem

    match = _ADDRESS.match(address)
    if "\0" in address:
        raise ConfigError(f"{shown_address(address)} is no address")
    if match is None:
        return LocalFileSystem(), str(local_path(address, base))
    scheme, shown = match["scheme"].lower(), shown_address(address)
    if scheme not in _SCHEMES or "::" in address:
        raise ConfigError(f"nothing here reads {scheme}:// addresses ({shown}); try s3, gs, az, sftp, file or a path")
    if scheme in STORES:
        return open_store(scheme, address, shown, connection)
    try:
        filesystem, path = fsspec.core.url_to_fs(address)
    except ValueError:
        raise ConfigError(f"{shown} is no {scheme}:// address") from None
    return filesystem, path
