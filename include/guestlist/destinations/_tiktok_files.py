"""TikTok's customer files: each batch is uploaded as a file, and all of them become or change an audience in one call.

Contract: https://business-api.tiktok.com/portal/docs?id=1747012327159809
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from guestlist.destinations._reading import inside, text, whole, word
from guestlist.destinations._tiktok import Account, gone
from guestlist.destinations._tiktok_errors import BUSY, LOST_FILES, request_id
from guestlist.destinations.base import created, halving
from guestlist.model.conversation import Call, Content, Conversation, Form, Json, Repeat, Reply, Upload
from guestlist.model.delivery import Batch, JobOutcome, Receipt, Session, Settlement
from guestlist.model.errors import ConfigError, OutcomeUnknown, RateLimitedError, RejectedError, TransientError
from guestlist.model.vocabulary import Field, Operation

if TYPE_CHECKING:
    import polars as pl

_ACTION = {Operation.ADD: "APPEND", Operation.REMOVE: "REMOVE", Operation.REPLACE: "REPLACE"}
_SEVERAL = "MULTIPLE_TYPES"
_ALONE = {
    Field.EMAIL: ("EMAIL_SHA256",),
    Field.PHONE: ("PHONE_SHA256",),
    Field.MOBILE_AD_ID: ("FIRST_SHA256", "IDFA_SHA256", "GAID_SHA256"),
}
"""The types of a file with one kind of id; the first is what a new audience gets. FIRST is IDFA and GAID mixed."""
_HEADER = {Field.EMAIL: "email_sha256", Field.PHONE: "phone_sha256", Field.MOBILE_AD_ID: "maid_sha256"}
_FILES_PER_CALL = 500
_MATCHED = 1000
"""Matched people below which an audience is not ready, and a change of it fails."""


class CustomerFiles:
    """The conversations of one file audience. An audience that is not there yet is made of its first files."""

    def __init__(self, account: Account) -> None:
        """Record whose audience it is."""
        self._account = account

    def find(self, name: str, known: str = "") -> Conversation[str | None]:
        """The audience, unless it is what a failed build left behind: that takes no files any more."""
        for audience in (yield from self._account.find(name, known)):
            found = yield from self._account.details(audience)
            if found is not None and not _is_ruin(found[0]):
                return audience
        return None

    def open(self, session: Session) -> Conversation[Mapping[str, Json]]:
        """Choose the type of the files: the audience's own, where there is one."""
        if not session.audience.id:
            if session.operation is Operation.REMOVE:
                raise ConfigError("TikTok has no file audience of this name to take people out of")
            return {"calculate_type": _types(session.fields)[0]}
        found = yield from self._account.details(session.audience.id)
        if found is None:
            raise gone()
        kind = word(found[0].get("calculate_type"))
        if kind not in (*_types(session.fields), _SEVERAL):
            raise ConfigError("the audience on TikTok was made of other kinds of ids than the segment has: use another name")
        return {"calculate_type": kind}

    def send(self, session: Session, handle: Mapping[str, Json], batch: Batch) -> Conversation[Receipt]:
        """Upload a file; it changes nothing until `close` names it."""
        upload = partial(self._upload, session, str(handle["calculate_type"]), batch.sequence)
        return (yield from halving(upload, batch.rows))

    def _upload(self, session: Session, kind: str, sequence: int, rows: pl.DataFrame) -> Conversation[Receipt]:
        data = _file(kind, session.fields, rows)
        fields = {
            "advertiser_id": self._account.advertiser,
            "calculate_type": kind,
            "file_signature": hashlib.md5(data, usedforsecurity=False).hexdigest(),
        }
        file = Upload(f"guestlist-{session.id}-{sequence}.csv", Content(data, "text/csv"))
        form = Form(fields, {"file": file}, multipart=True)
        reply = yield Call("http", "POST", "dmp/custom_audience/file/upload/", form, rows=rows.height)
        path = text(inside(reply.body, "data"), "file_path")
        return Receipt(rows.height, request_id=request_id(reply), job=path)

    def close(self, session: Session, handle: Mapping[str, Json], jobs: Sequence[str]) -> Conversation[Mapping[str, Json]]:
        """Change the audience by all files at once, or make it of them; nothing to do where no file was taken.

        Where TikTok takes no change now, `settle` asks again: that may be so for a day.
        """
        paths = [path for job in jobs for path in job.split()]
        if not paths:
            return handle
        if len(paths) > _FILES_PER_CALL:
            raise RejectedError(f"TikTok takes {_FILES_PER_CALL} files at once, and this audience has {len(paths)}")
        try:
            return {**handle, **(yield from self._apply(session, str(handle["calculate_type"]), paths))}
        except RejectedError as error:
            if error.code not in LOST_FILES:
                raise
            return {**handle, "failed": True}
        except RateLimitedError as error:
            if error.code != BUSY:
                raise
            return {**handle, "waiting": True}

    def _apply(self, session: Session, kind: str, paths: list[str]) -> Conversation[Mapping[str, Json]]:
        audience = session.audience.id or (yield from self.find(session.audience.name))
        if audience is not None and (yield from self._update(session.operation, audience, paths)):
            return {"audience": audience}
        if session.operation is Operation.REMOVE:
            return {"failed": True}
        return {"audience": (yield from self._create(session.audience.name, kind, paths)), "made": True}

    def _create(self, name: str, kind: str, paths: list[str]) -> Conversation[str]:
        body = {"custom_audience_name": name, "calculate_type": kind, "file_paths": paths}
        create = self._account.post("dmp/custom_audience/create/", body, repeat=Repeat.LOOKUP)
        return (yield from created(create, _made, lambda: self.find(name)))

    def _update(self, operation: Operation, audience: str, paths: list[str]) -> Conversation[bool]:
        """Never repeated blindly: TikTok takes one replace a day, and nothing while it processes what it took before.

        False where it is what a failed build left behind, which nothing changes any more.
        """
        before = yield from self._state(audience)
        if before[-1]:
            return False
        body = {"custom_audience_id": audience, "action": _ACTION[operation], "file_paths": paths}
        try:
            yield self._account.post("dmp/custom_audience/update/", body, repeat=Repeat.LOOKUP)
        except OutcomeUnknown as unknown:
            if (yield from self._state(audience)) == before:
                raise TransientError("the audience could not be changed; it will be tried again") from unknown
        return True

    def _state(self, audience: str) -> Conversation[tuple[Json, Json, bool]]:
        """What changes when an update is taken, and whether the audience is what a failed build left behind."""
        if (found := (yield from self._account.details(audience))) is None:
            raise gone()
        details, history = found
        return details.get("is_valid"), history, _is_ruin(details)

    def settle(self, session: Session, handle: Mapping[str, Json], jobs: Sequence[str]) -> Conversation[Settlement]:
        """Done once the audience is valid and big enough; a failed change leaves it as it was, a failed build is taken away."""
        if handle.get("waiting"):
            kept = {name: value for name, value in handle.items() if name != "waiting"}
            handle = yield from self.close(session, kept, jobs)
            return Settlement(done=False, handle=handle, began="waiting" not in handle)
        audience = handle.get("audience")
        failed = Settlement(done=True, handle=handle, jobs={"": JobOutcome(failed=True)})
        if handle.get("failed"):
            return failed
        if not isinstance(audience, str):
            return Settlement(done=True, handle=handle)
        if (found := (yield from self._account.details(audience))) is None:
            return failed
        details, _ = found
        if word(details.get("error_msg")):
            if handle.get("made"):  # it has nobody, takes no files, and would be found by its name
                yield self._account.post("dmp/custom_audience/delete/", {"custom_audience_ids": [audience]})
            return failed
        if details.get("is_valid") is not True or whole(details.get("cover_num")) < _MATCHED:
            return Settlement(done=False, handle=handle)
        built = None if audience == session.audience.id else self._account.reference(audience, session.audience.name)
        return Settlement(done=True, handle=handle, jobs={"": JobOutcome()}, audience=built)


def _made(reply: Reply) -> str:
    return text(inside(reply.body, "data"), "custom_audience_id")


def _is_ruin(details: Mapping[str, Json]) -> bool:
    return bool(details.get("error_msg")) and details.get("is_valid") is not True and not whole(details.get("cover_num"))


def _types(fields: Sequence[Field]) -> tuple[str, ...]:
    return _ALONE[fields[0]] if len(fields) == 1 else (_SEVERAL,)


def _file(kind: str, fields: Sequence[Field], rows: pl.DataFrame) -> bytes:
    """Ids line by line, each once; several kinds of ids are columns with a header, empty where somebody has none."""
    columns = rows.select(name.value for name in fields).unique(maintain_order=True)
    if kind == _SEVERAL:
        return columns.rename({name.value: _HEADER[name] for name in fields}).write_csv().encode()
    return columns.drop_nulls().write_csv(include_header=False).encode()
