"""Whop's files: created as a record, put to the storage in one piece or in parts, usable once they are ready.

Contract: https://docs.whop.com/developer/guides/direct-file-uploads
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from guestlist.destinations import _files as files
from guestlist.destinations._reading import count, inside, listed, table, text, word
from guestlist.destinations.base import Settings
from guestlist.model.conversation import Call, Conversation, Json, Reply
from guestlist.model.errors import ProtocolError, RejectedError, TransientError

_NAME = "guestlist.csv"
_QUESTIONS = 40
_PAUSE = 3.0
_LATER = 60.0
_NOT_YET = frozenset({"pending", "processing"})


def uploaded(settings: Settings, data: bytes, rows: int, *, parts_above: int) -> Conversation[str]:
    """Upload a private file and wait until it can be used; gives its id.

    A record to which nothing is put is a file of nothing, so creating one is simply repeated. A record whose address has
    expired before the file was through is given up for a new one, once.

    Raises (in the conversation):
        TransientError: the file is still not ready after two minutes. RejectedError: Whop cannot use it.
    """
    for last_try in (False, True):
        record = yield from _create(len(data), in_parts=len(data) > parts_above)
        try:
            yield from _put(settings, record.body, data, rows)
        except RejectedError as refused:
            if refused.code != files.EXPIRED or last_try:
                raise
        else:
            file = text(record.body, "id")
            yield from _ready(file)
            return file
    raise AssertionError("the last try has returned or raised")


def pause_of(call: Call, reply: Reply) -> float:
    """Seconds to hold back after an answer: a file that is not ready is not asked for again at once."""
    asked = call.method == "GET" and call.path.startswith("files/")
    return _PAUSE if asked and word(table(reply.body).get("upload_status")) in _NOT_YET else 0.0


def _create(size: int, *, in_parts: bool) -> Conversation[Reply]:
    body: dict[str, Json] = {"filename": _NAME, "byte_size": size, "visibility": "private"}
    reply = yield Call("http", "POST", "files", body | ({"multipart": True} if in_parts else {}))
    text(reply.body, "id")
    return reply


def _put(settings: Settings, record: Json, data: bytes, rows: int) -> Conversation[None]:
    headers = {name.lower(): text(inside(record, "upload_headers"), name) for name in inside(record, "upload_headers")}
    if not table(record).get("multipart_upload_id"):
        yield files.put(files.signed_address(record, "upload_url", settings), data, headers, rows=rows)
        return
    places = sorted(listed(record, "multipart_upload_urls", required=True), key=lambda place: count(place, "part_number"))
    size = count(record, "multipart_chunk_size")
    if size <= 0 or [count(place, "part_number") for place in places] != list(range(1, -(-len(data) // size) + 1)):
        raise ProtocolError("the platform's `multipart_upload_urls` do not add up to the file")
    parts: list[Mapping[str, Json]] = []
    for number, place in enumerate(places, 1):
        piece = data[(number - 1) * size : number * size]
        last = rows if number == len(places) else 0  # the parts are cut by bytes: the rows count with the last one
        reply = yield files.put(files.signed_address(place, "url", settings), piece, headers, rows=last)
        parts.append({"part_number": number, "etag": text(dict(reply.headers), "etag")})
    yield from _complete(record, parts)


def _complete(record: Json, parts: Sequence[Mapping[str, Json]]) -> Conversation[None]:
    body = {"multipart_upload_id": text(record, "multipart_upload_id"), "multipart_parts": list(parts)}
    try:
        yield Call("http", "POST", f"files/{text(record, 'id')}/complete", body)
    except RejectedError:
        # what was completed already is not completed again: the file itself tells
        reply = yield _question(text(record, "id"))
        if text(reply.body, "upload_status") == "pending":
            raise


def _ready(file: str) -> Conversation[None]:
    for _ in range(_QUESTIONS):
        reply = yield _question(file)
        status = text(reply.body, "upload_status")
        if status == "ready":
            return
        if status not in _NOT_YET:
            raise RejectedError("Whop could not use the uploaded file", code=status if status == "failed" else None)
    raise TransientError("Whop has not finished with the uploaded file; it will be uploaded again", retry_after=_LATER)


def _question(file: str) -> Call:
    return Call("http", "GET", f"files/{file}")
