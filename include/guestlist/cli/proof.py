"""The proof of a run: the keys in the sandbox's own books against those of the segment, read from its source anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from guestlist.destinations.base import Settings
from guestlist.identity.hashing import sha256_hex
from guestlist.model.conversation import Call
from guestlist.model.segment import Segment
from guestlist.model.vocabulary import Mode
from guestlist.pipeline.audience import KEYS, with_keys
from guestlist.runtime.carriers.http import HttpCarrier
from guestlist.runtime.erasure.listed import erased_of
from guestlist.runtime.preparation import prepare_into
from guestlist.runtime.sync.plan import wanted_members
from guestlist.runtime.wiring import Workspace
from guestlist.sandbox.server import platform_classes

_PAGE = 100_000
"""Keys at once: an answer may have 16 MiB."""


@dataclass(frozen=True)
class Proof:
    """One audience: how many keys the segment wants, how many the platform's books hold, and how the two differ."""

    label: str
    kind: str
    wanted: int
    held: int
    missing: int
    extra: int

    @property
    def holds(self) -> bool:
        """Whether books and segment are the same set."""
        return not (self.missing or self.extra)


def prove(workspace: Workspace, segment: Segment, sandbox_url: str, scratch: str) -> list[Proof]:
    """Compare every destination of a segment, kind of key by kind of key.

    The segment's keys come from its source, prepared again into ``scratch``: neither the ledger nor any plan has a say. An
    audience that is only appended to may hold more.
    """
    lake = workspace.lake_for(segment, scratch)
    erased = erased_of(workspace, segment.name)
    prepared = prepare_into(workspace, segment, lake, f"{segment.name}/proof", lambda _rows: None, erased)
    carrier = HttpCarrier(Settings(endpoint=sandbox_url))
    proofs = []
    for target in segment.destinations:
        capabilities = workspace.capabilities(segment)[target.label]
        frame = with_keys(wanted_members(lake, prepared.path, segment, capabilities), capabilities)
        key = pl.col(KEYS)
        if capabilities.plain_text:  # the sandbox's books keep digests
            digest = sha256_hex(key.str.replace(r"^[a-z_]+\|", ""))
            key = pl.concat_str(key.str.extract(r"^([a-z_]+\|)"), digest)
        keys = set(frame.select(KEYS).explode(KEYS).drop_nulls().select(key).collect().to_series())
        audience = workspace.ledger.audience(segment.name, target.label)
        held = _held(carrier, _book(target.platform), audience.id) if audience else set()
        for kind in sorted({key.split("|", 1)[0] for key in keys | held}):
            mine = {key for key in keys if key.startswith(f"{kind}|")}
            theirs = {key for key in held if key.startswith(f"{kind}|")}
            extra = 0 if target.mode is Mode.APPEND else len(theirs - mine)
            proofs.append(Proof(target.label, kind, len(mine), len(theirs), len(mine - theirs), extra))
    carrier.close()
    return proofs


def _book(platform: str) -> str:
    """The book of a platform; both of Google's doors keep one."""
    return next(found.book_name for found in platform_classes() if found.name == platform)


def _held(carrier: HttpCarrier, book: str, audience: str) -> set[str]:
    held: set[str] = set()
    after = ""
    while True:
        page = {"limit": str(_PAGE), "after": after}
        reply = carrier.send(Call("http", "GET", f"/admin/books/{book}/{audience}", query=page))
        keys = reply.body["keys"] if reply.status == 200 else {}
        if not keys:
            return held
        held |= {f"{kind}|{value}" for kind, values in keys.items() for value in values}
        last = max(keys)
        after = f"{last}:{keys[last][-1]}"


def requests_summaries(sandbox_url: str) -> dict[str, dict[str, Any]]:
    """What the sandbox counted at each door since it was last asked to forget."""
    carrier = HttpCarrier(Settings(endpoint=sandbox_url))
    doors = carrier.send(Call("http", "GET", "/admin/health")).body["platforms"]
    found = {door: dict(carrier.send(Call("http", "GET", f"/admin/requests/{door}/summary")).body) for door in doors}
    carrier.close()
    return found
