"""A bucket behind a platform: takes one file at each signed address, as Amazon's S3 does, and refuses in its XML.

What it took stays in memory until the platform has made digests or rows of it: it may be plain text.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/PresignedUrlUploadObject.html
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping

from guestlist.sandbox.core import Answer, Platform, Refused, Request

PATH = "/storage/{object}"
_AUTHORIZED = "Only one auth mechanism allowed; the address is signed, so no Authorization header may come with it"


class Storage:
    """The objects of one platform. Addresses end at ``PATH`` below it, and expire on the sandbox's clock."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._files: dict[str, bytes] = {}

    def address(self, name: str, headers: Mapping[str, str], seconds: int = 3600) -> str:
        """An address to which an object can be put with exactly these headers."""
        signature = secrets.token_hex(32)
        facts = {"signature": signature, "headers": dict(headers), "ends": self._platform.clock.now() + seconds}
        self._platform.records.put("address", name, facts)
        self._files.pop(name, None)
        root = f"{self._platform.world.addresses.get('http', 'http://sandbox')}/{self._platform.name}"
        return f"{root}{PATH.format(object=name)}?X-Amz-Expires={seconds}&X-Amz-Signature={signature}"

    def put(self, request: Request) -> Answer:
        """Take an object; one that comes again takes its place. The answer has its ETag and no body."""
        name = request.params["object"]
        facts = self._platform.records.get("address", name)
        if facts is None or facts["signature"] != request.query.get("X-Amz-Signature"):
            raise refused(403, "AccessDenied", "Access Denied")
        if self._platform.clock.now() > facts["ends"]:
            raise refused(403, "AccessDenied", "Request has expired")
        if "authorization" in request.headers:
            raise refused(400, "InvalidArgument", _AUTHORIZED)
        if "content-length" not in request.headers:
            raise refused(411, "MissingContentLength", "You must provide the Content-Length HTTP header.")
        if any(request.headers.get(header.lower()) != value for header, value in facts["headers"].items()):
            raise refused(403, "SignatureDoesNotMatch", "The request signature we calculated does not match")
        self._files[name] = request.body
        return Answer(200, None, {"etag": _etag(request.body)})

    def get(self, name: str) -> bytes | None:
        """An object, None where none was put or a restart has lost it."""
        return self._files.get(name)

    def etag(self, name: str) -> str | None:
        """The ETag that was given for an object."""
        found = self._files.get(name)
        return None if found is None else _etag(found)

    def keep(self, name: str, content: bytes) -> None:
        """Make an object of others that were put."""
        self._files[name] = content

    def drop(self, name: str) -> None:
        """Forget an object."""
        self._files.pop(name, None)


def refused(status: int, code: str, message: str) -> Refused:
    """A refusal in S3's form."""
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Refused(Answer(status, body, {"content-type": "application/xml", "x-amz-request-id": secrets.token_hex(8).upper()}))


def _etag(content: bytes) -> str:
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
