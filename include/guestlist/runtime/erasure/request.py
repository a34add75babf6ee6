"""A request for erasure: its keys are hashed at once, the lake is asked who that is, and nobody of them is prepared again."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable, Sequence

import polars as pl

from guestlist.model.errors import SafetyStop
from guestlist.model.vocabulary import Field
from guestlist.pipeline.audience import MEMBER
from guestlist.pipeline.erasure import DIGEST, FIELD, Erased, Given, belongs, forms_of, keys_of
from guestlist.pipeline.receipts import digest_of_list
from guestlist.runtime import clock
from guestlist.runtime.erasure.listed import MEMBER_NAME, SALT, SCHEMA, list_file
from guestlist.runtime.lake import Lake
from guestlist.runtime.wiring import Workspace

KNOWN = "known"
"""The form of a key that was not given: a member who has a given one had it, and nobody else."""
_MEMBERS_PER_PERSON = 25
"""More members of one segment than this share something that names nobody, such as a switchboard's number."""


def enter(workspace: Workspace, people: Sequence[Sequence[Given]], *, approved: bool = False) -> str:
    """Enter a request for erasure of some people; returns its id. Nothing is sent yet.

    Who has one of the given keys is the person: all that is known of such a member is erased with it.

    Raises:
        SafetyStop: too many members share what was given, and nobody has ``approved`` that.
    """
    given = [(one.kind.value, form, digest) for person in people for one in person for form, digest in sorted(forms_of(one))]
    digests = _by_field((name, digest) for name, _, digest in given)
    segments = workspace.ledger.segments()
    members = {name: _members(workspace.lake, name, Erased(digests, frozenset())) for name in segments}
    for name, found in members.items():
        if len(found) > _MEMBERS_PER_PERSON * len(people) and not approved:
            told = f"{len(found):,} members share what was given, for {len(people):,} people"
            raise SafetyStop(f"nothing was erased: {told}. Leave out what names nobody, or approve", segment=name)
    rows = {
        *given,
        *((name, KNOWN, digest) for name, digest in _known(workspace.lake, members, digests)),
        *((MEMBER_NAME, name, member) for name, found in members.items() for member in found),
        (SALT, "", secrets.token_hex(32)),
    }
    listed = pl.DataFrame(sorted(rows), schema=SCHEMA, orient="row")
    erasure_id = f"er-{clock.now():%Y%m%d}-{secrets.token_hex(4)}"
    workspace.lake.write(list_file(erasure_id), listed)
    counts = Counter(one.kind.value for person in people for one in person)
    digest = digest_of_list(listed.iter_rows())
    workspace.ledger.enter_erasure(erasure_id, len(people), counts, list_file(erasure_id), digest)
    return erasure_id


def _by_field(pairs: Iterable[tuple[str, str]]) -> dict[Field, frozenset[str]]:
    found: dict[Field, set[str]] = {}
    for name, digest in pairs:
        found.setdefault(Field(name), set()).add(digest)
    return {name: frozenset(digests) for name, digests in found.items()}


def _frames(lake: Lake, segment: str) -> Iterable[pl.LazyFrame]:
    """Everything in the lake that has members of a segment: prepared, planned, sent and held, as long as it is there."""
    for path in lake.files(segment):
        frame = lake.scan(path)
        if MEMBER in frame.collect_schema():
            yield frame


def _members(lake: Lake, segment: str, erased: Erased) -> frozenset[str]:
    found: set[str] = set()
    for frame in _frames(lake, segment):
        hits = frame.filter(belongs(erased, frame.collect_schema())).select(MEMBER)
        found |= set(hits.collect(engine="streaming").get_column(MEMBER))
    return frozenset(found)


def _known(lake: Lake, members: dict[str, frozenset[str]], given: dict[Field, frozenset[str]]) -> set[tuple[str, str]]:
    """The members' other keys, without those that somebody else has: a shared phone stays the other one's."""
    theirs: set[tuple[str, str]] = set()
    for segment, found in members.items():
        if found:
            for frame in _frames(lake, segment):
                theirs |= set(keys_of(frame.filter(_is_one(found))).select(FIELD, DIGEST).collect().iter_rows())
    theirs = {(name, digest) for name, digest in theirs if digest not in given.get(Field(name), ())}
    by_field = Erased(_by_field(theirs), frozenset())
    for segment, found in members.items() if theirs else ():
        for frame in _frames(lake, segment):
            others = frame.filter(~_is_one(found) & belongs(by_field, frame.collect_schema()))
            theirs -= set(keys_of(others).select(FIELD, DIGEST).collect().iter_rows())
    return theirs


def _is_one(members: frozenset[str]) -> pl.Expr:
    return pl.col(MEMBER).is_in(pl.Series(sorted(members), dtype=pl.String).implode())
