"""What PitchTarget's forms hold, and how it refuses: the pages show no error bodies, these are Rails' own."""

from __future__ import annotations

from collections.abc import Mapping

from guestlist.sandbox.core import SHA256_HEX, UUID_TEXT, Answer, Refused, Request, Upload

KINDS = {
    "email_hash": "email",
    "phone_hash": "phone",
    "custom_audience_third_party_id": "external_id",
    "mobile_advertiser_id": "mobile_ad_id",
}
_HASHED = ("email_hash", "phone_hash")


def _is_of(user_type: str, line: str) -> bool:
    """Whether Facebook can match a line as this type: the wrong type is no error, it matches nobody."""
    if user_type in _HASHED:
        return SHA256_HEX.fullmatch(line) is not None
    return user_type != "mobile_advertiser_id" or UUID_TEXT.fullmatch(line) is not None


def refused(status: int, error: str) -> Refused:
    """A refusal as a whole."""
    return Refused(Answer(status, {"error": error}))


def invalid(name: str, problem: str) -> Refused:
    """A parameter that is not as it must be."""
    return Refused(Answer(422, {"errors": {name: [problem]}}))


def terms() -> Refused:
    """Facebook's terms are not accepted."""
    return invalid("base", "the Custom Audience terms have not been accepted")


def form_of(request: Request, known: set[str]) -> Mapping[str, str | Upload]:
    """The parts of a multipart form; one that no page lists is refused."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise refused(415, "multipart/form-data is expected")
    if unknown := sorted(set(request.form) - known):
        raise invalid(unknown[0], "is not documented")
    return request.form


def required(form: Mapping[str, str | Upload], name: str) -> str:
    """A text that must be there."""
    value = form.get(name)
    if not isinstance(value, str) or not value.strip():
        raise invalid(name, "can't be blank")
    return value


def account_of(form: Mapping[str, str | Upload]) -> str:
    """Facebook's number of the ad account."""
    account = required(form, "fb_ad_account_id")
    if not (account.isascii() and account.isdigit()):
        raise invalid("fb_ad_account_id", "is not a number")
    return account


def user_type_of(form: Mapping[str, str | Upload]) -> str:
    """What kind of users the file holds."""
    user_type = required(form, "user_type")
    if user_type not in KINDS:
        raise invalid("user_type", "is not included in the list")
    return user_type


def users_of(request: Request, form: Mapping[str, str | Upload], user_type: str) -> list[tuple[str, str]]:
    """The users of the file that are of its type: one a line, no header."""
    file = form.get("file")
    if not isinstance(file, Upload):
        raise invalid("file", "can't be blank")
    if file.type.partition(";")[0] != "text/plain":
        raise invalid("file", "is not text/plain")
    try:
        lines = [line.strip() for line in file.content.decode("utf-8").split("\n")]
    except UnicodeDecodeError:
        raise invalid("file", "is not UTF-8") from None
    lines = [line for line in lines if line]
    request.rows = len(lines)
    if not lines:
        raise invalid("file", "is empty")
    return [(KINDS[user_type], line) for line in lines if _is_of(user_type, line)]
