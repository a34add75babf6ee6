"""No value is ever shown whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestlist.identity.masking import masked
from guestlist.model.vocabulary import Field


@pytest.mark.parametrize(
    ("value", "field", "shown"),
    [
        ("dana@example.com", Field.EMAIL, "d***@e***.com"),
        ("d@e.com", Field.EMAIL, "***@***.com"),
        ("dana@localhost", Field.EMAIL, "d***@l***"),
        ("dana", Field.EMAIL, "d***"),
        ("+4915112345689", Field.PHONE, "+4…89"),
        ("12345678", Field.PHONE, "***"),
        ("Dana", Field.FIRST_NAME, "D***"),
        ("f", Field.GENDER, "***"),
        ("a" * 64, Field.EMAIL, "aaaaaaaa…"),
        (None, Field.EMAIL, "-"),
        ("  ", Field.EMAIL, "(blank)"),
        ("\x1b[31mDana", None, "[***"),
    ],
)
def test_masks(value: str | None, field: Field | None, shown: str) -> None:
    assert masked(value, field) == shown


@given(st.text(min_size=1), st.sampled_from([None, *Field]))
def test_nothing_is_shown_whole(value: str, field: Field | None) -> None:
    shown = masked(value, field)
    if value.strip() and len(value.strip()) > 3:
        assert value.strip() not in shown
    assert all(letter.isprintable() for letter in shown)


@given(st.emails(domains=st.sampled_from(["example.com", "a.org", "mail.example.org"])))
def test_neither_side_of_an_address_is_shown_whole(value: str) -> None:
    local, domain = value.rsplit("@", 1)
    left, right = masked(value, Field.EMAIL).rsplit("@", 1)
    assert left in (f"{local[0]}***", "***")
    assert left != local
    assert not right.startswith(domain.split(".", maxsplit=1)[0] + ".")
