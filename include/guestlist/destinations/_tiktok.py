"""What both of TikTok's doors share: settings, options, and the calls by which one advertiser's audiences are found."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import ClassVar, Literal

import pydantic
from pydantic import SecretStr

from guestlist.destinations._reading import count, each, inside, listed, text
from guestlist.destinations._tiktok_errors import HELP, MISSING
from guestlist.destinations.base import Options, Settings
from guestlist.model.audiences import AudienceRef
from guestlist.model.capabilities import MatchKey
from guestlist.model.conversation import Call, Conversation, Json, Repeat
from guestlist.model.errors import ConfigError
from guestlist.model.vocabulary import Field

_PAGE = 100
_KIND = {"streaming": "partner", "file": "file"}
"""How the type of an audience is told apart, as TikTok shows it: "Partner" and "Customer File Audience"."""
_LONGEST_NAME = {"streaming": 70, "file": 128}


class TikTokSettings(Settings):
    """An advertiser account, and the long-lived token of an app that the account has authorised."""

    home: ClassVar[str] = "https://business-api.tiktok.com/open_api/v1.3"
    advertiser_id: str = pydantic.Field(pattern=r"^[0-9]+$", coerce_numbers_to_str=True)
    access_token: SecretStr

    def headers(self, token: str) -> Mapping[str, str]:
        """The token of the connection: it does not expire, and cannot be refreshed."""
        return {"Access-Token": self.access_token.get_secret_value()}


class TikTokOptions(Options):
    """``api`` chooses the door, and with it the kind of audience.

    ``mobile_ids`` says which advertising ids the segment has, ``phones`` how numbers are hashed: with or without their plus.
    ``rows_per_request`` is for streaming; TikTok publishes no limit.
    """

    api: Literal["streaming", "file"] = "streaming"
    mobile_ids: Literal["idfa", "aaid"] = "idfa"
    phones: Literal["plus", "digits"] = "plus"
    rows_per_request: int = pydantic.Field(1000, ge=1, le=10_000)

    @property
    def keys(self) -> tuple[MatchKey, ...]:
        """Fields with the names that streaming has for them."""
        return (
            MatchKey(Field.EMAIL, "email.tiktok.v1", "EMAIL_SHA256"),
            MatchKey(Field.PHONE, f"phone.e164_{self.phones}.v1", "PHONE_SHA256"),
            MatchKey(Field.MOBILE_AD_ID, "mobile_ad_id.hashed.v1", f"{self.mobile_ids.upper()}_SHA256"),
        )


class Account:
    """One advertiser's audiences of one kind."""

    def __init__(self, settings: TikTokSettings, options: TikTokOptions) -> None:
        """Record the advertiser and the kind of audience."""
        self.advertiser = settings.advertiser_id
        self._api = options.api

    def shown(self, name: str) -> str:
        """A name as TikTok keeps it: a streaming audience's is cut to 67 characters and three dots.

        Raises:
            ConfigError: a file audience's name is too long.
        """
        most = _LONGEST_NAME[self._api]
        if len(name) <= most:
            return name
        if self._api == "file":
            raise ConfigError(f"TikTok takes names of up to {most} characters: shorten `audience`")
        return f"{name[: most - 3]}..."

    def reference(self, audience: str, name: str) -> AudienceRef:
        """An audience, and the page that lists it."""
        return AudienceRef(audience, name, f"https://ads.tiktok.com/i18n/audience/list?aadvid={self.advertiser}")

    def find(self, name: str, known: str = "") -> Conversation[list[str]]:
        """The audience that is known, then those of that name. Those that others share with the advertiser do not count."""
        shown = self.shown(name)
        named: list[str] = []
        page = 1
        while True:
            reply = yield self.get("dmp/custom_audience/list/", page=page, page_size=_PAGE)
            data = inside(reply.body, "data")
            found = listed(data, "list", required=True)
            for item in found:
                if _KIND[self._api] not in str(item.get("audience_type")).casefold() or item.get("is_creator") is False:
                    continue
                if known and item.get("audience_id") == known:
                    named.insert(0, known)
                elif item.get("name") == shown:
                    named.append(text(item, "audience_id"))
            pages = count(inside(data, "page_info"), "total_page")
            if not found or (len(found) < _PAGE and page >= pages):
                return named
            page += 1

    def details(self, audience: str) -> Conversation[tuple[dict[str, Json], list[dict[str, Json]]] | None]:
        """What TikTok tells of an audience, and its history; None where it has none of that id."""
        try:
            reply = yield self.get("dmp/custom_audience/get/", custom_audience_ids=json.dumps([audience]))
        except ConfigError as error:
            if error.code in MISSING:
                return None
            raise
        for item in listed(inside(reply.body, "data"), "list", required=True):
            details = inside(item, "audience_details")
            if details.get("audience_id") == audience:
                return details, [*each(item.get("audience_history"))]
        return None

    def get(self, path: str, **query: Json) -> Call:
        """A question about the advertiser; arrays in ``query`` are JSON text."""
        return Call("http", "GET", path, query={"advertiser_id": self.advertiser, **query})

    def post(self, path: str, body: Mapping[str, Json], *, repeat: Repeat = Repeat.SAFE) -> Call:
        """A change to what the advertiser has."""
        return Call("http", "POST", path, {"advertiser_id": self.advertiser, **body}, repeat=repeat)


def gone() -> ConfigError:
    """The audience was there and is not any more."""
    return ConfigError("TikTok has no such audience any more: run again, and it is made anew", help_url=HELP)
