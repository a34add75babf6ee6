"""PitchTarget's connection and options: a Facebook ad account and a way in, and the one kind of user that an audience holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

import pydantic
from pydantic import BeforeValidator, SecretStr

from guestlist.destinations._reading import text
from guestlist.destinations.base import Options, Settings
from guestlist.model.conversation import Call, Conversation, Token
from guestlist.model.errors import AuthError

HELP = "https://github.com/pitchtarget/pitchtarget.github.io"
UserType = Literal["email_hash", "phone_hash", "custom_audience_third_party_id", "mobile_advertiser_id"]


class PitchTargetSettings(Settings):
    """A Facebook ad account, and a way in: an ``access_token``, or user, password and client to get one with.

    ``subtype`` and ``id_in_path`` are for the later of the two revisions of the API.
    """

    home: ClassVar[str] = "https://api.pitchtarget.com"
    fb_ad_account_id: Annotated[str, BeforeValidator(str), pydantic.Field(pattern=r"^[0-9]+$")]
    access_token: SecretStr | None = None
    username: str | None = None
    password: SecretStr | None = None
    client_id: str | None = None
    subtype: str | None = None
    id_in_path: Literal["id", "fb_id"] = "id"

    @pydantic.model_validator(mode="after")
    def _one_way_in(self) -> Self:
        login = (self.username, self.password, self.client_id)
        if (self.access_token is None) is (login == (None, None, None)) or (self.access_token is None and None in login):
            raise ValueError("give either access_token, or username, password and client_id")
        return self

    def headers(self, token: str) -> Mapping[str, str]:
        """The scheme is OAuth, not Bearer."""
        given = self.access_token.get_secret_value() if self.access_token else token
        return {"authorization": f"OAuth {given}", "accept": "application/json"}

    def sign_in(self) -> Conversation[Token] | None:
        """A password for a token; nothing says how long it holds."""
        return self._by_password(self.password.get_secret_value()) if self.password else None

    def _by_password(self, password: str) -> Conversation[Token]:
        body = {"username": self.username, "password": password, "grant_type": "password", "client_id": self.client_id}
        reply = yield Call("http", "POST", "oauth/authorize", body, signed=False)
        if reply.status >= 400:
            raise AuthError("PitchTarget does not accept username, password and client_id", help_url=HELP)
        return Token(text(reply.body, "access_token"))


class PitchTargetOptions(Options):
    """``user_type`` is the one kind of user that the audience holds, and so which identifier of the segment is sent."""

    user_type: UserType = "email_hash"
    opt_out_link: str | None = pydantic.Field(None, pattern=r"^https?://\S+$")
