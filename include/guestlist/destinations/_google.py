"""What both of Google's doors share: recipes, limits that hold for both, settings, and how identifiers become a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, SecretStr, model_validator
from pydantic import Field as Described

from guestlist.destinations._reading import text, whole, word
from guestlist.destinations.base import Options, Settings
from guestlist.model.audiences import AudienceState, Marked
from guestlist.model.capabilities import Composite, MatchKey, Sizes
from guestlist.model.conversation import Json
from guestlist.model.vocabulary import Field

HELP = "https://developers.google.com/google-ads/api/docs/remarketing/audience-segments/customer-match/get-started"
AUDIENCE_MANAGER = "https://ads.google.com/aw/audiences/management"

CONTACT_KEYS = (
    MatchKey(Field.EMAIL, "email.google.v1", "email"),
    MatchKey(Field.PHONE, "phone.e164_plus.v1", "phone"),
    MatchKey(Field.FIRST_NAME, "name.google.v1", "given name"),
    MatchKey(Field.LAST_NAME, "name.google.v1", "family name"),
    MatchKey(Field.COUNTRY, "country.google.v1", "region code", plain=True),
    MatchKey(Field.POSTAL_CODE, "postal_code.google.v1", "postal code", plain=True),
)
MOBILE_KEYS = (MatchKey(Field.MOBILE_AD_ID, "mobile_ad_id.google.v1", "mobile id", plain=True),)
USER_ID_KEYS = (MatchKey(Field.EXTERNAL_ID, "external_id.v1", "user id", plain=True),)
SIZES = Sizes(shown_from=100, lag_hours=48)
"""Nothing below a hundred people whom Google knows, then two digits, a day or two late."""
ADDRESS = Composite("address", (Field.FIRST_NAME, Field.LAST_NAME, Field.COUNTRY, Field.POSTAL_CODE))
"""All four parts, or Google refuses the request: https://developers.google.com/data-manager/api/devguides/concepts/formatting"""


def _customer_id(value: str) -> str:
    digits = value.replace("-", "")
    if len(digits) != 10 or not (digits.isascii() and digits.isdigit()):
        raise ValueError("a Google Ads customer id has ten digits")
    return digits


CustomerId = Annotated[str, BeforeValidator(str), AfterValidator(_customer_id)]


class GoogleSettings(Settings):
    """A Google Ads account and the credential for it: an OAuth client with a refresh token, or a service account's key file.

    ``login_customer_id`` is the manager account, where the credential belongs to it. ``endpoint`` overrides the Data Manager
    address, ``grpc_endpoint`` (host:port) that of the Google Ads API, whose certificate ``ca_file`` vouches for.
    """

    customer_id: CustomerId
    login_customer_id: CustomerId | None = None
    client_id: str | None = None
    client_secret: SecretStr | None = None
    refresh_token: SecretStr | None = None
    token_uri: str = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
    service_account_file: str | None = None
    grpc_endpoint: str | None = None

    @model_validator(mode="after")
    def _one_credential(self) -> GoogleSettings:
        oauth = (self.client_id, self.client_secret, self.refresh_token)
        if self.service_account_file is None and not all(oauth):
            raise ValueError("give client_id, client_secret and refresh_token, or service_account_file")
        if self.service_account_file is not None and any(oauth):
            raise ValueError("give either an OAuth client or a service account, not both")
        return self


class GoogleOptions(Options):
    """``api`` chooses the door, ``upload`` the kind of key in a list, ``membership_days`` how long people stay."""

    api: Literal["data_manager", "google_ads"] = "data_manager"
    upload: Literal["contact", "mobile_ad_id", "user_id"] = "contact"
    app_id: str | None = None
    key_space: Literal["IOS", "ANDROID"] | None = None
    membership_days: int = Described(540, ge=1, le=540)

    @model_validator(mode="after")
    def _mobile_needs_app(self) -> GoogleOptions:
        if self.upload == "mobile_ad_id" and not (self.app_id and self.key_space):
            raise ValueError("upload: mobile_ad_id needs app_id and key_space (IOS or ANDROID)")
        return self

    @property
    def keys(self) -> tuple[MatchKey, ...]:
        """The match keys of this kind of list."""
        return {"contact": CONTACT_KEYS, "mobile_ad_id": MOBILE_KEYS, "user_id": USER_ID_KEYS}[self.upload]

    @property
    def composites(self) -> tuple[Composite, ...]:
        """The address, for contact lists."""
        return (ADDRESS,) if self.upload == "contact" else ()


def list_state(found: Mapping[str, Json], size: Json, rate: int) -> AudienceState:
    """What a list says of itself, the same through both doors. ``size`` is a number or digits, None until it is computed."""
    people = whole(size)
    status, trouble = word(found.get("membershipStatus")) or None, None
    if found.get("readOnly"):
        trouble = "the list is read only for this account: give the account back the right to change it, or choose another"
    elif status == "CLOSED":
        trouble = "the list is closed, and takes nobody: open it in Audience Manager"
    return AudienceState((people, people) if people else None, f"{rate} %" if rate else None, status, trouble)


def marked_lists(found: Sequence[Mapping[str, Json]], name: str) -> list[Marked]:
    """The lists whose integration code is our reference; ``name`` is where the door has their names."""
    coded = [one for one in found if word(one.get("integrationCode")).startswith("guestlist:")]
    return [Marked(text(one, "id"), word(one.get(name)), word(one.get("integrationCode"))) for one in coded]


Row = dict[str, Json]
"""One row of a batch: a list for email, phone and mobile ids, a string or None for the other fields."""


def address_of(row: Row) -> tuple[str, str, str, str] | None:
    """First name, last name, country, postal code; None unless all are there."""
    parts = tuple(row.get(part.value) for part in ADDRESS.required)
    return parts if all(parts) else None  # type: ignore[return-value]
