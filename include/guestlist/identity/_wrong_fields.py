"""Wrong texts to hash of a field of its own: emails, names, countries, numbers written as text."""

from __future__ import annotations

from collections.abc import Callable

import pycountry

from guestlist.identity._mistake import Case
from guestlist.identity._wrong_texts import CLEAN, LEAVE, changed, replaced

_AT_HOME = ("@gmail.com", "@googlemail.com")
_FOLD = "fold as the platform asks: Google takes dots and '+tag' out of Gmail's addresses, all others keep both"
_DO_NOT_FOLD = "keep dots and '+tag': this platform does not fold addresses"


def _parts(address: str) -> tuple[str, str]:
    local, _, domain = address.rpartition("@")
    return local, domain


def _refolded(*, dots: bool, tag: bool, anywhere: bool = False) -> Callable[[Case], str | None]:
    def address(case: Case) -> str | None:
        if not (anywhere or case.lowered.endswith(_AT_HOME)):
            return None
        local, domain = _parts(case.lowered)
        local = local.partition("+")[0] if tag else local
        return f"{local.replace('.', '') if dots else local}@{domain}"

    return address


def _not_folded(case: Case) -> str | None:
    return case.lowered if case.lowered.endswith(_AT_HOME) and case.lowered != case.right else None


def _punycode(text: str) -> str | None:
    local, domain = _parts(text)
    try:
        return f"{local}@{domain.encode('idna').decode()}"
    except UnicodeError:
        return None


EMAILS = (
    replaced("gmail_not_folded", "Gmail's dots or '+tag' were kept", _FOLD, _not_folded),
    replaced("gmail_folded", "Gmail's dots and '+tag' were taken out", _FOLD, _refolded(dots=True, tag=True)),
    replaced("gmail_dots_dropped", "Gmail's dots were taken out, '+tag' was kept", _FOLD, _refolded(dots=True, tag=False)),
    replaced("gmail_tag_dropped", "Gmail's '+tag' was taken out, dots were kept", _FOLD, _refolded(dots=False, tag=True)),
    replaced(
        "folded_everywhere",
        "dots and '+tag' were taken out, though it is not Gmail's",
        _DO_NOT_FOLD,
        _refolded(dots=True, tag=True, anywhere=True),
    ),
    replaced(
        "dots_dropped",
        "dots were taken out, though it is not Gmail's",
        _DO_NOT_FOLD,
        _refolded(dots=True, tag=False, anywhere=True),
    ),
    replaced(
        "tag_dropped",
        "'+tag' was taken out, though it is not Gmail's",
        _DO_NOT_FOLD,
        _refolded(dots=False, tag=True, anywhere=True),
    ),
    changed(
        "googlemail_renamed",
        "googlemail.com was turned into gmail.com",
        LEAVE,
        lambda text: text.replace("@googlemail.com", "@gmail.com"),
    ),
    changed(
        "gmail_renamed",
        "gmail.com was turned into googlemail.com",
        LEAVE,
        lambda text: text.replace("@gmail.com", "@googlemail.com"),
    ),
    changed("local_part_only", "only the part before the @ was hashed", CLEAN, lambda text: _parts(text)[0]),
    changed("domain_only", "only the part behind the @ was hashed", CLEAN, lambda text: _parts(text)[1]),
    changed("mailto", "'mailto:' was hashed with it", CLEAN, lambda text: f"mailto:{text}"),
    changed("angle_brackets", "angle brackets were hashed with it", CLEAN, lambda text: f"<{text}>"),
    changed("space_at_the_at", "there was a space before the @", CLEAN, lambda text: text.replace("@", " @")),
    changed("trailing_dot", "there was a dot behind it", CLEAN, lambda text: f"{text}."),
    changed("punycode", "its domain was written in punycode", "keep the domain as it is written", _punycode),
)


NAMES = (
    changed("hyphen_as_space", "a hyphen became a space", LEAVE, lambda text: text.replace("-", " ")),
    changed("initial_only", "only the first letter was hashed", CLEAN, lambda text: text[:1]),
    changed("first_word_only", "only the first word was hashed", CLEAN, lambda text: text.split(" ")[0]),
)


def _listed(case: Case, name: str) -> str | None:
    found = pycountry.countries.get(alpha_2=case.right.upper())
    return getattr(found, name).lower() if found else None


_ALPHA_2 = "use the country's code of two letters"
COUNTRIES = (
    replaced("alpha_3", "the country was a code of three letters", _ALPHA_2, lambda case: _listed(case, "alpha_3")),
    replaced("country_name", "the country was written out", _ALPHA_2, lambda case: _listed(case, "name")),
)
NUMBERS = (
    changed("leading_zeros_lost", "leading zeros were lost", "keep it as text, zeros and all", lambda text: text.lstrip("0")),
)
