"""CommBox audiences: a file of phone numbers makes one, and each later file takes the place of all that it holds.

Contract: https://help.commbox.io/apidocs/create-new-audiences, .../update-static-audience and .../get-audiences
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import pydantic
from pydantic import BaseModel, SecretStr

from guestlist.destinations._reading import count, inside, listed, text
from guestlist.destinations._statuses import status_error
from guestlist.destinations.base import Destination, Options, Settings, audience_finding
from guestlist.model.audiences import AudienceRef, AudienceSpec, AudienceState, Finding
from guestlist.model.capabilities import Capabilities, Limits, MatchKey, Sizes
from guestlist.model.conversation import Call, Content, Conversation, Form, Json, Repeat, Reply, Upload, Verdict
from guestlist.model.delivery import Batch, Receipt, Session, Settlement
from guestlist.model.errors import ConfigError, OutcomeUnknown, TransientError
from guestlist.model.vocabulary import Field, Mode

PHONE = MatchKey(Field.PHONE, "phone.plain_digits.v1", "phone1", plain=True)
_HELP = "https://help.commbox.io/apidocs/create-new-audiences"
_WHERE = "https://help.commbox.io/docs/audiences"
"""CommBox tells no address of an audience; this page shows where audiences are."""


class CommBoxSettings(Settings):
    """An API key of the management console."""

    home: ClassVar[str] = "https://api.commbox.io"
    api_key: SecretStr

    def headers(self, token: str) -> Mapping[str, str]:
        """The key, which does not expire."""
        return {"authorization": f"Bearer {self.api_key.get_secret_value()}"}


class CommBoxOptions(Options):
    """``rows_per_file`` is the most that one file may hold: CommBox documents no limit, and takes no second file."""

    rows_per_file: int = pydantic.Field(1_000_000, ge=1)


class CommBox(Destination):
    """Made once, then replaced in place by each file; nothing settles later, and no row is ever named."""

    Settings: ClassVar[type[Settings]] = CommBoxSettings
    Options: ClassVar[type[BaseModel]] = CommBoxOptions
    settings: CommBoxSettings
    options: CommBoxOptions

    @classmethod
    def capabilities_for(cls, options: CommBoxOptions) -> Capabilities:
        """One whole file of phone numbers in plain text."""
        return Capabilities(
            platform="commbox",
            title="CommBox",
            modes=(Mode.SNAPSHOT,),
            keys=(PHONE,),
            limits=Limits(rows_per_batch=options.rows_per_file, one_batch=True, one_value_per_field=True),
            docs=_HELP,
            plain_text=True,
            sizes=Sizes(lag_hours=24, matched=False),
        )

    def ensure(self, spec: AudienceSpec) -> Conversation[AudienceRef]:
        """The one that an earlier run made, else the static one of that name; it is made with the first file."""
        found = yield from self._audiences()
        return AudienceRef(id=_known(found, spec) or _named(found, spec.name) or "", name=spec.name, url=_WHERE)

    def check(self, spec: AudienceSpec) -> Conversation[Sequence[Finding]]:
        """The key, and whether the name stands for an audience that takes files."""
        found = yield from self._audiences()
        accepted = Finding("the API key is accepted")
        try:
            there = _known(found, spec) or _named(found, spec.name)
        except ConfigError as error:
            return (accepted, Finding(f"audience {spec.name!r} takes files", ok=False, mend=error.message))
        return (accepted, audience_finding(spec, there=there is not None))

    def describe(self, audience: AudienceRef) -> Conversation[AudienceState]:
        """How many users it has; no size while it has not been made."""
        found = yield from self._audiences()
        mine = next((one for one in found if audience.id and str(one.get("id")) == audience.id), None)
        if mine is None:
            return AudienceState(there=False)
        users = count(mine, "user_count")
        return AudienceState((users, users) if "user_count" in mine else None)

    def _audiences(self) -> Conversation[list[dict[str, Json]]]:
        reply = yield Call("http", "GET", "audiences")
        return listed(reply.body, "data", required=True)

    def send(self, session: Session, handle: Mapping[str, Json], batch: Batch) -> Conversation[Receipt]:
        """Make the audience of the file, or let the file take the place of what it holds.

        An attempt that died may have made it: by its name it is found, and then replaced.
        """
        name, rows = session.audience.name, batch.rows.height
        form = Form({}, {"audience_file": Upload("audience.csv", Content(_csv(batch), "text/csv"))})
        audience = session.audience.id or _named((yield from self._audiences()), name)
        if not audience:
            create = Form({"name": name}, form.files)
            try:
                return _receipt((yield Call("http", "POST", "audiences", create, repeat=Repeat.LOOKUP, rows=rows)), rows)
            except OutcomeUnknown as unknown:
                audience = _named((yield from self._audiences()), name)
                if audience is None:
                    raise TransientError("the audience could not be made; it will be tried again") from unknown
        return _receipt((yield Call("http", "PUT", f"Audiences/{audience}", form, rows=rows)), rows)

    def settle(self, session: Session, handle: Mapping[str, Json], jobs: Sequence[str]) -> Conversation[Settlement]:
        """Nothing is left to wait for; a first file has given the audience its id."""
        made = AudienceRef(jobs[-1], session.audience.name, session.audience.url) if jobs else None
        return Settlement(done=True, handle=handle, audience=made)
        yield  # CommBox tells nothing of a file that it took

    def judge(self, call: Call, reply: Reply) -> Verdict:
        """By the HTTP status alone."""
        error = status_error(reply, "CommBox", help_url=_HELP)
        if error is None and not isinstance(reply.body, dict):
            error = TransientError("CommBox answered with something that is not its JSON", request_id=reply.request_id)
        return Verdict(error=error)


def _known(found: list[dict[str, Json]], spec: AudienceSpec) -> str | None:
    """The id of the audience that an earlier run made, while it is there."""
    known = spec.known.id if spec.known else ""
    return known if known and any(str(one.get("id")) == known for one in found) else None


def _named(found: list[dict[str, Json]], name: str) -> str | None:
    """The id of the static audience of that name; None where there is none.

    Raises:
        ConfigError: there are others of that name only, which take no file.
    """
    named = [one for one in found if one.get("name") == name]
    static = next((text(one, "id") for one in named if one.get("type") == "Static"), None)
    if named and static is None:
        raise ConfigError(f"audience {name!r} is a dynamic one, which takes no file: choose another name for `audience`")
    return static


def _csv(batch: Batch) -> bytes:
    """Digits only, each number once, below the header that CommBox asks for."""
    numbers = batch.rows.get_column(PHONE.field.value).drop_nulls().unique(maintain_order=True).to_list()
    return "\n".join([PHONE.wire, *numbers, ""]).encode()


def _receipt(reply: Reply, rows: int) -> Receipt:
    """CommBox does not say how many rows it took; the id of the audience is what tells that it took the file."""
    return Receipt(rows, request_id=reply.request_id, job=text(inside(reply.body, "data"), "id"))


DESTINATION = CommBox
