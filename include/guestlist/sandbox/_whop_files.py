"""Whop's files: a record, an address for the bytes or one for each part, and a moment until they can be used.

https://docs.whop.com/developer/guides/direct-file-uploads
"""

from __future__ import annotations

import secrets
from typing import Any

from guestlist.sandbox._storage import Storage
from guestlist.sandbox._whop_errors import refused
from guestlist.sandbox.core import Answer, Json, Platform, Request, iso

_SINGLE = 5_000_000_000
_PARTS = 10_000
_CSV = {"content-type": "text/csv"}


class Files:
    """The files of all accounts; their bytes stay in memory."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._storage = Storage(platform)

    def create(self, request: Request, body: dict[str, Json]) -> Json:
        """A record and where to put the bytes."""
        filename, size = body.get("filename"), body.get("byte_size")
        if not isinstance(filename, str) or not filename.strip():
            raise refused(400, "filename is required")
        if size is not None and (not isinstance(size, int) or isinstance(size, bool) or size < 0):
            raise refused(400, "byte_size must be a whole number of bytes")
        visibility = body.get("visibility", "private")
        if visibility not in ("private", "public"):
            raise refused(400, "visibility must be private or public")
        file = f"file_{secrets.token_hex(7)}"
        in_parts = body.get("multipart", False)
        if not in_parts and size is not None and size > _SINGLE:
            raise refused(400, "files larger than 5 GB must be uploaded in parts")
        record = {
            "filename": filename,
            "visibility": visibility,
            "creator": request.bearer,
            "created": self._platform.clock.now(),
            "size": size,
            "parts": self._count_parts(size) if in_parts else 0,
            "upload": secrets.token_hex(16) if in_parts else None,
            "ready_at": None,
        }
        self._platform.records.put("file", file, record)
        return self._view(file, record) | (self._places(file, record) if in_parts else self._place(file))

    def _count_parts(self, size: int | None) -> int:
        chunk: int = self._platform.settings["multipart_chunk_size"]
        if size is None:
            raise refused(400, "byte_size is required when multipart is true")
        if size <= chunk:
            raise refused(400, "the file must be larger than one part to be uploaded in parts")
        if (parts := -(-size // chunk)) > _PARTS:
            raise refused(400, f"a file has at most {_PARTS} parts")
        return int(parts)

    def _place(self, file: str) -> dict[str, Json]:
        address = self._storage.address(file, _CSV, self._platform.settings["address_seconds"])
        return {"upload_url": address, "upload_headers": {"Content-Type": "text/csv"}}

    def _places(self, file: str, record: dict[str, Any]) -> dict[str, Json]:
        seconds = self._platform.settings["address_seconds"]
        numbers = range(1, record["parts"] + 1)
        return {
            "upload_headers": {},
            "multipart_upload_id": record["upload"],
            "multipart_chunk_size": self._platform.settings["multipart_chunk_size"],
            "multipart_upload_urls": [
                {"part_number": number, "url": self._storage.address(f"{file}.{number}", {}, seconds)} for number in numbers
            ],
        }

    def put(self, request: Request) -> Answer:
        """Bytes of a file or of one part."""
        answer = self._storage.put(request)
        file, _, part = request.params["object"].partition(".")
        if not part:
            record = self._platform.records.get("file", file)
            wait = self._platform.settings["file_seconds"]
            ends = record["ready_at"] or self._platform.clock.now() + wait
            self._platform.records.put("file", file, {**record, "size": len(request.body), "ready_at": ends})
        return answer

    def complete(self, request: Request, body: dict[str, Json]) -> Json:
        """Put the parts of a file together."""
        file, record = self._known(request)
        if record["upload"] is None or record["ready_at"] is not None or body.get("multipart_upload_id") != record["upload"]:
            raise refused(409, "there is no multipart upload of this id under way")
        names = [f"{file}.{number}" for number in range(1, record["parts"] + 1)]
        wanted = [{"part_number": number, "etag": self._storage.etag(name)} for number, name in enumerate(names, 1)]
        if body.get("multipart_parts") != wanted:
            raise refused(400, "multipart_parts must name every uploaded part and its ETag, in order")
        pieces = [self._storage.get(name) or b"" for name in names]
        chunk = self._platform.settings["multipart_chunk_size"]
        if any(len(piece) != chunk for piece in pieces[:-1]) or sum(map(len, pieces)) != record["size"]:
            raise refused(400, "every part but the last must have the size of a part, and all together byte_size")
        for name in names:
            self._storage.drop(name)
        self._storage.keep(file, b"".join(pieces))
        record["ready_at"] = self._platform.clock.now() + self._platform.settings["file_seconds"]
        self._platform.records.put("file", file, record)
        return self._view(file, record)

    def read(self, request: Request) -> Json:
        """The record; only for who created it."""
        return self._view(*self._known(request))

    def take(self, file: Json, creator: str | None) -> bytes:
        """The bytes of a file that can be used."""
        record = self._platform.records.get("file", file) if isinstance(file, str) else None
        if record is None or record["creator"] != creator:
            raise refused(400, "file_id names no file of yours")
        content = self._storage.get(str(file))
        if self._status(str(file), record) != "ready" or content is None:
            raise refused(409, "the file is not ready")
        return content

    def drop(self, file: str) -> None:
        """Forget the bytes of a file."""
        self._storage.drop(file)

    def _known(self, request: Request) -> tuple[str, dict[str, Any]]:
        file = request.params["file"]
        record = self._platform.records.get("file", file)
        if record is None or record["creator"] != request.bearer:
            raise refused(404, "there is no such file")
        return file, record

    def _status(self, file: str, record: dict[str, Any]) -> str:
        if record["ready_at"] is None:
            return "pending"
        if self._storage.get(file) is None:
            return "failed"  # the bytes are gone: they were used, or the sandbox has been restarted
        return "ready" if self._platform.clock.now() >= record["ready_at"] else "processing"

    def _view(self, file: str, record: dict[str, Any]) -> dict[str, Json]:
        status = self._status(file, record)
        return {
            "id": file,
            "object": "file",
            "filename": record["filename"],
            "content_type": "text/csv",
            "size": record["size"] if status == "ready" else None,
            "upload_status": status,
            "visibility": record["visibility"],
            "url": f"https://files.whop.invalid/{file}" if status == "ready" else None,
            "created_at": iso(record["created"]),
            "removed_by_moderation": False,
        }
