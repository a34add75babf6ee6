"""What all dialects do: a key names one intake, files come, an audience is entered under a free name, and its run begins."""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import Row

from guestlist.model.errors import BusyError, ConfigError, printable
from guestlist.model.segment import Segment
from guestlist.model.source import ROW_KEY
from guestlist.model.vocabulary import Field
from guestlist.runtime.intake.audiences import Kind, Wish, audience_values, columns_of, find_intake, most_bytes, served
from guestlist.runtime.intake.examine import examine
from guestlist.runtime.intake.kept import UPLOADS, new_upload_id
from guestlist.runtime.intake.state import AudienceState, state_of
from guestlist.runtime.ledger.intake import Piece
from guestlist.runtime.wiring import Workspace
from guestlist.web.intake.access import pusher_of
from guestlist.web.intake.desk import receive, the_workspace

_LONGEST_NAME = 200
_ONE_INTAKE = "this key is for {0} intakes: here one is needed that is for exactly one (`guestlist keys create ... --segment`)"


@dataclass(frozen=True)
class Push:
    """Somebody who pushes to the one intake that the key is for."""

    workspace: Workspace
    intake: Segment
    who: str

    @property
    def most_bytes(self) -> int:
        """Of one upload."""
        return most_bytes(self.intake)

    def identifiers(
        self,
        columns: Mapping[Field, str],
        *,
        region: str | None = None,
        hashed: Collection[Field] = (),
        labels: Sequence[str] = (),
    ) -> dict[str, Any]:
        """Columns of a file as the identifiers of an audience.

        Left out are fields that the intake does not take, and those that are hashed where one of the destinations (all, where
        no ``labels`` are given) takes them in plain text alone. A phone number's region is the given one, else the country
        that the intake's file names, else the column that holds the country, where the intake's file has one.

        Raises:
            ConfigError: nothing is left.
        """
        plain = self._plain(labels)
        taken = [one for one in columns if one in self.intake.identifiers and not (one in hashed and one in plain)]
        if not taken:
            told = f"nobody can be found by {', '.join(columns.values())} here: this intake or its platforms do not take it so"
            raise ConfigError(told, segment=self.intake.name)
        found: dict[str, Any] = {one.value: {"columns": [columns[one]], "hashed": one in hashed} for one in taken}
        phone = self.intake.identifiers.get(Field.PHONE)
        if region is None and phone is not None and phone.region is not None:
            region = phone.fixed_region or columns.get(Field.COUNTRY)
        if Field.PHONE in taken and Field.PHONE not in hashed:
            found[Field.PHONE.value]["region"] = region
        return found

    def _plain(self, labels: Sequence[str]) -> set[Field]:
        """What one of the destinations takes in plain text alone."""
        can = self.workspace.capabilities(self.intake)
        return {key.field for label in labels or can for key in can[label].keys if key.plain}

    def needed(self, identifiers: Mapping[str, Any]) -> tuple[str, ...]:
        """The columns that a file has to have, the intake's own among them."""
        return columns_of(self.intake, identifiers, ROW_KEY)

    def examine(self, pieces: Iterable[Piece], identifiers: Mapping[str, Any]) -> None:
        """`DataError` where a file is broken, or lacks what identifies people or what else the intake needs."""
        examine(self.workspace.keeper, pieces, self.needed(identifiers))

    def enter_piece(self, upload_id: str, piece: Piece, enter: Callable[[], object]) -> None:
        """Enter a piece, unless it has come before; what is not entered is removed.

        Raises:
            BusyError: another one has come in its place.
        """
        ledger = self.workspace.ledger
        try:
            known = {one.sequence: one.digest for one in ledger.pieces(upload_id)}
            if known.get(piece.sequence, piece.digest) != piece.digest:
                raise BusyError("something else has come in its place before")
            if piece.sequence not in known:
                enter()
        finally:
            if piece.path not in {one.path for one in ledger.pieces(upload_id)}:
                self.workspace.keeper.remove(piece.path)

    def enter(self, wish: Wish, upload: Mapping[str, Any], pieces: Sequence[Piece] = ()) -> Row[Any]:
        """Enter an audience with its first upload, and return that; a name that is taken is given a number."""
        return self.named_freely(wish, lambda audience: self._enter(audience, upload, pieces))

    def _enter(self, audience: Mapping[str, Any], upload: Mapping[str, Any], pieces: Sequence[Piece]) -> Row[Any]:
        values = {"kind": "replace", **upload, "audience_id": audience["id"], "pushed_by": self.who}
        return self.workspace.ledger.enter_upload(values, pieces, audience=audience)

    def enter_next(self, audience: Row[Any], kind: Kind, upload_id: str = "", pieces: Sequence[Piece] = ()) -> Row[Any]:
        """Enter the next upload of an audience.

        Raises:
            ConfigError: one of its destinations cannot do that. BusyError: the audience is being deleted.
        """
        served(self.workspace, self.intake, audience.destinations, kind)
        values = {"id": upload_id or new_upload_id(), "audience_id": audience.id, "kind": kind, "pushed_by": self.who}
        return self.workspace.ledger.enter_upload({**values, "pieces": len(pieces)}, pieces)

    def named_freely(self, wish: Wish, enter: Callable[[Mapping[str, Any]], Row[Any]]) -> Row[Any]:
        """Enter an audience under its name, or ``name (2)`` and so on: the APIs of the dialects allow repeats."""
        values = audience_values(self.workspace, self.intake, wish, self.who)
        number = 1
        while True:
            ending = f" ({number})" if number > 1 else ""
            name = printable(wish.name)[: _LONGEST_NAME - len(ending)] + ending
            number += 1
            if self._is_taken(name):
                continue
            try:
                return enter({**values, "name": name})
            except BusyError:
                if not self._is_taken(name):
                    raise

    def _is_taken(self, name: str) -> bool:
        return self.workspace.ledger.pushed_audience_named(self.intake.name, name) is not None

    def state(self, audience: Row[Any]) -> AudienceState:
        """How an audience is."""
        platforms = {target.label: target.platform for target in self.intake.destinations}
        return state_of(self.workspace.ledger, audience, platforms)

    def audience(self, audience_id: str) -> Row[Any]:
        """A live audience of this intake; 404 if there is none."""
        found = self.workspace.ledger.pushed_audience(audience_id)
        if found is None or found.intake != self.intake.name or found.deleted_at is not None:
            raise HTTPException(404, "there is no such audience")
        return found

    @asynccontextmanager
    async def upload(self) -> AsyncIterator[NewUpload]:
        """An upload whose files come now; they are removed again if anything goes wrong before it is entered."""
        upload = NewUpload(self)
        try:
            yield upload
        except BaseException:
            await run_in_threadpool(self.workspace.lake.remove, f"{UPLOADS}/{upload.id}")
            raise


@dataclass
class NewUpload:
    """Files that come with one request."""

    push: Push
    id: str = field(default_factory=new_upload_id)
    pieces: list[Piece] = field(default_factory=list)

    async def keep(self, ending: str, chunks: AsyncIterator[bytes]) -> None:
        """Keep a file, in the order in which they come."""
        number = len(self.pieces) + 1
        self.pieces.append(await receive(self.push.workspace, self.id, number, ending, chunks, self.push.most_bytes))

    def enter_next(self, audience: Row[Any], kind: Kind) -> Row[Any]:
        """Enter the upload as the next one of an audience."""
        self.push.examine(self.pieces, audience.identifiers)
        return self.push.enter_next(audience, kind, self.id, self.pieces)

    def enter(self, wish: Wish, **more: Any) -> Row[Any]:
        """Enter the upload as the first one of a new audience."""
        self.push.examine(self.pieces, wish.identifiers)
        return self.push.enter(wish, {"id": self.id, **more}, self.pieces)


def bearer(request: Request) -> str:
    """The key of ``Authorization: Bearer <key>``."""
    return _after("bearer", request)


def oauth(request: Request) -> str:
    """The key of ``Authorization: OAuth <key>``."""
    return _after("oauth", request)


def any_key(request: Request) -> str:
    """The key wherever a deployment may be told to send it: Bearer, Basic (as the password), or ``X-API-Key``."""
    try:
        basic = base64.b64decode(_after("basic", request), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        basic = ""
    return _after("bearer", request) or basic.partition(":")[2] or request.headers.get("x-api-key", "")


def _after(scheme: str, request: Request) -> str:
    given, _, key = request.headers.get("authorization", "").partition(" ")
    return key.strip() if given.lower() == scheme else ""


def push_with(key_of: Callable[[Request], str]) -> Callable[..., Any]:
    """The dependency that finds out who pushes, by the key that ``key_of`` finds in the request."""

    async def push(request: Request, workspace: Annotated[Workspace, Depends(the_workspace)]) -> Push:
        who = await pusher_of(key_of(request))
        if len(who.segments) != 1:
            raise HTTPException(403, _ONE_INTAKE.format(len(who.segments)))
        return Push(workspace, await run_in_threadpool(find_intake, workspace, who.segments[0]), who.id)

    return push
