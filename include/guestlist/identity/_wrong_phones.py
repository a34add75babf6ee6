"""Wrong ways to write a phone before it is hashed."""

from __future__ import annotations

import re
from collections.abc import Callable

import phonenumbers
from phonenumbers import PhoneNumberFormat

from guestlist.identity._mistake import Case, Mistake
from guestlist.identity._wrong_texts import changed, replaced

_E164 = "write it in E.164: country code and number, digits only, with or without the plus sign as the platform asks"


def _phone(name: str, what: str, text: Callable[[Case], str | None], mend: str = _E164) -> Mistake:
    return replaced(name, f"the number was {what}", mend, text)


def _code(case: Case) -> str:
    return str(case.number.country_code)


def _significant(case: Case) -> str:
    return str(phonenumbers.national_significant_number(case.number))


def _formatted(case: Case, form: int) -> str:
    return str(phonenumbers.format_number(case.number, form))


def _national(case: Case) -> str:
    return _formatted(case, PhoneNumberFormat.NATIONAL)


def _grouped(case: Case, between: str) -> str:
    return between.join(re.findall(r"\d+", _national(case)))


PHONES = (
    changed(
        "plus_missing",
        "the plus sign is missing",
        "put a plus sign before the country code",
        lambda text: text.removeprefix("+") if text.startswith("+") else None,
    ),
    changed(
        "plus_added",
        "there is a plus sign that does not belong there",
        "take the plus sign away",
        lambda text: None if text.startswith("+") else f"+{text}",
    ),
    _phone("national_digits", "written as at home, without its country code", lambda case: _grouped(case, "")),
    _phone("country_code_missing", "written without country code and without the zero dialled at home", _significant),
    _phone(
        "trunk_zero_kept",
        "written with the zero dialled at home behind +country code",
        lambda c: f"+{_code(c)}0{_significant(c)}",
    ),
    _phone(
        "trunk_zero_in_brackets", "written with (0) behind +country code", lambda case: f"+{_code(case)}(0){_significant(case)}"
    ),
    _phone("prefix_00", "written with 00 in place of the plus sign", lambda case: f"00{_code(case)}{_significant(case)}"),
    _phone("prefix_011", "written with 011 in place of the plus sign", lambda case: f"011{_code(case)}{_significant(case)}"),
    _phone("national_format", "written as at home, punctuation and all", _national),
    _phone("national_hyphens", "written as at home, with hyphens", lambda case: _grouped(case, "-")),
    _phone("national_dots", "written as at home, with dots", lambda case: _grouped(case, ".")),
    _phone("national_spaces", "written as at home, with spaces", lambda case: _grouped(case, " ")),
    _phone(
        "international_format", "written with spaces or hyphens in it", lambda c: _formatted(c, PhoneNumberFormat.INTERNATIONAL)
    ),
    _phone("tel_uri", "written as an address, tel:", lambda case: _formatted(case, PhoneNumberFormat.RFC3966)),
    _phone("digits_as_typed", "reduced to the digits that were typed, without a look at its country", lambda case: case.digits),
    _phone("plus_before_typed", "given a plus sign before the digits that were typed", lambda case: f"+{case.digits}"),
    _phone("country_code_twice", "given its country code twice", lambda case: f"+{_code(case) * 2}{_significant(case)}"),
    _phone("country_code_1", "given the country code 1 of North America", lambda case: f"+1{_significant(case)}"),
    _phone(
        "phone_leading_zeros_lost",
        "stored as a number, which lost its leading zeros",
        lambda case: case.digits.lstrip("0"),
        "keep phones as text",
    ),
    _phone(
        "phone_decimal",
        "stored as a decimal number",
        lambda case: f"{case.right.removeprefix('+')}.0",
        "keep phones as text",
    ),
    _phone(
        "phone_scientific",
        "shortened by a spreadsheet",
        lambda case: f"{int(case.right.removeprefix('+')):.5E}",
        "keep phones as text: digits are lost",
    ),
)
