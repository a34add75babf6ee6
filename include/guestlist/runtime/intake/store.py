"""Files that go straight to the store in which the lake lies: it signs their address, and what has come is taken in here.

_uploads/<id>/announced<ending>    as it was sent, encrypted by the store; a minute later it is a piece like any other, and gone
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import Row
from upath import UPath

from guestlist.model.errors import BusyError, DataError
from guestlist.runtime import clock
from guestlist.runtime.intake.audiences import columns_of, find_intake, most_bytes
from guestlist.runtime.intake.examine import examine
from guestlist.runtime.intake.kept import UPLOADS, ending_of
from guestlist.runtime.intake.tokens import Announced
from guestlist.runtime.wiring import Workspace

_NAME = "announced"
_BLOCK = 1 << 20
_S3 = ("s3", "s3a")
_ENCRYPTED = {"x-amz-server-side-encryption": "AES256"}


class InStore(NamedTuple):
    """Where to put a file, and with which headers."""

    url: str
    headers: Mapping[str, str]


def address_in_store(root: UPath, announced: Announced, holds: timedelta) -> InStore | None:
    """An address that S3 or Google Cloud Storage takes one file at; None where the lake lies elsewhere."""
    path, seconds = str(root / f"{UPLOADS}/{announced.upload_id}/{_NAME}{announced.ending}"), int(holds.total_seconds())
    if root.protocol in _S3:
        url = root.fs.sign(path, expiration=seconds, client_method="put_object", ServerSideEncryption="AES256")
        return InStore(url, _ENCRYPTED)
    if root.protocol in ("gs", "gcs"):
        return InStore(root.fs.sign(path, expiration=seconds, method="PUT", version="v4"), {})
    return None


def adopt(workspace: Workspace) -> int:
    """Take in all files that have come to the store. Returns how many."""
    if workspace.lake.root.protocol not in (*_S3, "gs", "gcs"):
        return 0
    return sum(_adopt(workspace, upload) for upload in workspace.ledger.waiting_uploads())


def _adopt(workspace: Workspace, upload: Row[Any]) -> bool:
    folder = workspace.lake.root / f"{UPLOADS}/{upload.id}"
    files = list(folder.glob(f"{_NAME}.*"))
    for file in files:
        try:
            _take(workspace, upload, file)
        except (DataError, BusyError) as error:
            ended = {"state": "ended", "outcome": "failed", "told": error.message, "ended_at": clock.now()}
            workspace.ledger.set_upload(upload.id, **ended)
        file.unlink()
    return bool(files)


def _take(workspace: Workspace, upload: Row[Any], file: UPath) -> None:
    audience = workspace.ledger.pushed_audience(upload.audience_id)
    if audience is None:
        return
    intake = find_intake(workspace, audience.intake)
    piece = workspace.keeper.keep(upload.id, 1, ending_of(file.name), _blocks(file), most_bytes(intake))
    try:
        examine(workspace.keeper, [piece], columns_of(intake, audience.identifiers, audience.key_column))
        workspace.ledger.add_pieces(upload.id, [piece])
    except (DataError, BusyError):
        workspace.keeper.remove(piece.path)
        raise


def _blocks(file: UPath) -> Iterator[bytes]:
    with file.open("rb") as raw:
        while block := raw.read(_BLOCK):
            yield block
