"""What a person reads when a fault ends a run: a part of the error's sentence, in which no value of a row may ever stand."""

from __future__ import annotations

from collections.abc import Mapping

from faults.endings import LOST_ROWS, PROTOCOL, SILENCE, Ending
from faults.matrix import Cell
from faults.points import Kind
from faults.trouble import (
    BROKEN,
    BUSY_SILENT,
    DAY,
    DELETED,
    DOWN,
    EXPIRED,
    FAILURES,
    PERMISSION,
    REFUSED,
    RESET_BEFORE,
    REVOKED,
    STUCK,
    TERMS,
    WRONG_TYPE,
    Fault,
)

BY_ENDING: Mapping[Ending, str] = {
    PROTOCOL: "of the kind that its documentation promises",
    LOST_ROWS: "not every audience is in step: c is rejected",
    SILENCE: "has not said within",
}
GENERAL: Mapping[tuple[Fault, Kind | None], str] = {
    (REFUSED, None): "cannot be reached",
    (DOWN, Kind.SIGN_IN): "the platform gives no access token at the moment",
    **dict.fromkeys(((fault, Kind.ONCE) for fault in (RESET_BEFORE, DOWN, *FAILURES)), "it will be tried again"),
}
_TIKTOK: Mapping[Fault, str] = {
    **dict.fromkeys((*FAILURES, DOWN), "TikTok failed"),
    **dict.fromkeys((EXPIRED, REVOKED), "TikTok does not accept the access token: authorise the app again for a new one"),
    PERMISSION: "the app or its token may not do this for the advertiser: look at scopes, Business Center and allow-list",
    DELETED: "TikTok has no such audience",
}
_JOBS = "the account or credential may not do this: check access, login_customer_id and terms"
_META_TOKEN = "the access token is not accepted, or the account is blocked: make a new one"


def _plain(title: str) -> dict[Fault, str]:
    """Platforms that tell no more than a status."""
    refused = f"{title} does not accept the credential, or it may not do this"
    return {DOWN: f"{title} answered 503 with something that is no success of its kind", REVOKED: refused, PERMISSION: refused}


OWN: Mapping[str, Mapping[Fault, str]] = {
    "google_ads-data_manager": {
        DOWN: "Google failed with 503",
        REVOKED: "Google does not accept the credential: consent again with the datamanager scope",
        **dict.fromkeys(
            (PERMISSION, TERMS), "the account may not do this, or the list is not there: check access, terms and the list"
        ),
        DAY: "Google's quota IngestionMutateRequestsPerDayPerProject is used up",
        DELETED: "the list is not there, or does not fit what this segment uploads",
    },
    "google_ads-google_ads": {
        DOWN: "the connection to the Google Ads API broke",
        **dict.fromkeys((REVOKED, PERMISSION, TERMS), _JOBS),
        **dict.fromkeys((BUSY_SILENT, DAY), "the Google Ads API's quota is used up"),
        DELETED: "the list does not fit what this segment uploads",
    },
    "meta": {
        DOWN: "Meta answered 503 with something that is not its JSON",
        **dict.fromkeys((EXPIRED, REVOKED), _META_TOKEN),
        PERMISSION: "the access token lacks ads_management on the ad account: make a new one",
        TERMS: "the Custom Audience terms are not accepted for this account",
        DELETED: "the audience or account is not there, or the token's user does not see it",
    },
    "tiktok_ads-streaming": _TIKTOK,
    "tiktok_ads-file": _TIKTOK,
    "snapchat_ads": {
        DOWN: "Snapchat failed",
        REVOKED: "Snapchat does not accept the access token: sign in anew for a refresh token",
        PERMISSION: "the user of the refresh token lacks a role on the ad account: make it data manager or admin",
        DELETED: "the segment or ad account is not there, or the token's user does not see it",
    },
    "klaviyo": {
        DOWN: "Klaviyo answered 503 without an answer that can be used",
        REVOKED: "the private API key is not accepted",
        PERMISSION: "the private API key lacks one of the scopes lists and profiles, read and write",
        DAY: "Klaviyo's rate limit is reached",
        STUCK: "Klaviyo still works on imports; people are taken off when they are done",
        DELETED: "Klaviyo does not know a list, a job or a profile of the request (any more)",
    },
    "edgetag": {
        **_plain("EdgeTag"),
        **dict.fromkeys((REVOKED, PERMISSION), "what stands before EdgeTag refuses: see authorization and extra_headers"),
    },
    "topsort": _plain("Topsort"),
    "pitchtarget": {
        **_plain("PitchTarget"),
        TERMS: "PitchTarget refuses the request: are Facebook's Custom Audience terms accepted for the ad account?",
    },
    "whop": {**_plain("Whop"), STUCK: "Whop has not finished with the uploaded file; it will be uploaded again"},
    "commbox": {**_plain("CommBox"), DELETED: "CommBox refuses the request"},
}
AT_A_POINT: Mapping[tuple[str, str, Fault], str] = {
    **{
        (door, "sign in", REVOKED): "Google does not give an access token: the refresh token is revoked or the client is wrong"
        for door in ("google_ads-data_manager", "google_ads-google_ads")
    },
    ("snapchat_ads", "sign in", REVOKED): "Snapchat does not accept the refresh token or the OAuth app: sign in anew",
    ("pitchtarget", "sign in", REVOKED): "PitchTarget does not accept username, password and client_id",
    **{
        ("google_ads-google_ads", "create the audience", fault): "Google created a list and did not name it"
        for fault in (BROKEN[1], WRONG_TYPE)
    },
    ("edgetag", "add people", WRONG_TYPE): "EdgeTag's answer does not say `success`",
    ("topsort", "create a job", DOWN): "nobody knows whether it acted",
    **{(door, "put the file into the storage", DOWN): "the storage for uploads answered 503" for door in ("topsort", "whop")},
}


def message_of(cell: Cell) -> str:
    """What an error says; empty in a green run."""
    door, point, fault, ending = cell.door, cell.point, cell.fault, cell.ending
    if not ending.error:
        return ""
    at_point = AT_A_POINT.get((door, point.name, fault))
    general = BY_ENDING.get(ending) or GENERAL.get((fault, point.kind)) or GENERAL.get((fault, None))
    return at_point or general or OWN[door][fault]
