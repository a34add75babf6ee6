"""Holds a conversation by hand: gives it the replies of a script, and remembers its calls."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import msgspec

from guestlist.model.conversation import Call, Content, Conversation, Form, Reply
from guestlist.model.errors import GuestlistError


def answered(body: Any, **headers: str) -> Reply:
    return Reply(200, body, headers, "request-1")


def readable(call: Call) -> Call:
    """With a JSON body of which no part is text that is written already."""
    if isinstance(call.body, Form | Content):
        return call
    return dataclasses.replace(call, body=msgspec.json.decode(msgspec.json.encode(call.body)))


def ask(conversation: Conversation[Any]) -> Call:
    """Its first call."""
    call = next(conversation)
    conversation.close()
    return readable(call)


class Script:
    """A conversation that was held with these replies and errors; ``calls`` has one more where it wanted to go on."""

    def __init__(self, conversation: Conversation[Any], *answers: Reply | GuestlistError) -> None:
        self.calls: list[Call] = []
        self.result: Any = None
        self.error: GuestlistError | None = None
        try:
            self.calls.append(readable(next(conversation)))
            for answer in answers:
                said = conversation.throw(answer) if isinstance(answer, GuestlistError) else conversation.send(answer)
                self.calls.append(readable(said))
        except StopIteration as end:
            self.result = end.value
        except GuestlistError as error:
            self.error = error
        else:
            conversation.close()


def identifiers(body: Mapping[str, Any]) -> list[list[dict[str, Any]]]:
    """The identifiers of every member or operation of a Google request."""
    members = body.get("audienceMembers") or [next(iter(operation.values())) for operation in body["operations"]]
    return [
        member["userIdentifiers"] if "userIdentifiers" in member else member["compositeData"]["userData"]["userIdentifiers"]
        for member in members
    ]
