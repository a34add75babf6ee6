"""The hash doctor names the mistake in a hash, for every mistake of its table and for any two of them."""

from __future__ import annotations

import hashlib
import unicodedata
from functools import partial

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from identity import mistaken
from identity.mistaken import DIGITS, EVERY, GOOGLE_EMAIL, META_EMAIL, PLUS, Made, sha

from guestlist.identity._mistake import Case
from guestlist.identity.doctor import Verdict, diagnose, digests_of_nothing, known_constants, shape_of
from guestlist.identity.mistakes import mistakes_of, outcome, wrong_recipes
from guestlist.identity.recipes import normalise_frame, recipe
from guestlist.model.vocabulary import Field


def named(made: Made) -> list[str]:
    """The mistakes that are found, in their order."""
    one = diagnose(made.field, made.raw, made.region, made.found, [made.recipe])[made.recipe]
    assert one.verdict is Verdict.WRONG
    return [mistake.name for mistake in one.mistakes]


@pytest.mark.parametrize("name", EVERY)
def test_a_mistake_is_named(name: str) -> None:
    assert named(EVERY[name]) == [name]


def test_every_mistake_of_the_table_is_made_by_hand() -> None:
    there = {mistake.name for field in Field for mistake in mistakes_of(field)}
    assert there == set(EVERY)
    assert len(there) == sum(map(len, (mistaken.TEXTS, mistaken.PHONES, mistaken.WORDS))) + sum(
        map(len, (mistaken.ENCODINGS, mistaken.DIGESTS, mistaken.FORMS))
    )


MD5, SHA1 = (partial(hashlib.new, algorithm, usedforsecurity=False) for algorithm in ("md5", "sha1"))
AT_HOME = {"raw": "0151 12345678", "field": Field.PHONE, "region": "DE"}
TWO = {
    "a trailing newline, MD5": (Made(MD5(b"dana@example.com\n").hexdigest()), ["trailing_newline", "md5"]),
    "capitals, UTF-16": (Made(sha("DANA@EXAMPLE.COM".encode("utf-16-le"))), ["upper_case", "utf_16_le"]),
    "capitals and a space": (Made(sha(b"DANA@EXAMPLE.COM ")), ["upper_case", "trailing_space"]),
    "SHA-1 in capitals": (Made(SHA1(b"dana@example.com").hexdigest().upper()), ["sha1", "upper_case_hex"]),
    "HASHBYTES of SQL Server": (Made("0x" + sha(b"dana@example.com").upper()), ["upper_case_hex", "prefix_0x"]),
    "an empty text, hashed twice": (Made(sha(sha(b"").encode())), ["text_empty", "double_hash"]),
    "no plus, trunk zero": (Made(sha(b"49015112345678"), recipe=PLUS, **AT_HOME), ["trunk_zero_kept", "plus_missing"]),
    "at home, SHA-512": (
        Made(hashlib.sha512(b"015112345678").hexdigest(), recipe=DIGITS, **AT_HOME),
        ["national_digits", "sha512"],
    ),
}


@pytest.mark.parametrize("what", TWO)
def test_two_mistakes_are_named(what: str) -> None:
    made, names = TWO[what]
    assert named(made) == names


def test_what_is_right_for_one_platform_is_told_apart() -> None:
    found = sha(b"dana.smith@gmail.com")
    all_ = diagnose(Field.EMAIL, " Dana.Smith@Gmail.com", None, found, [META_EMAIL, GOOGLE_EMAIL, "email.plain.v1"])
    assert {name: one.verdict for name, one in all_.items()} == {
        META_EMAIL: Verdict.RIGHT,
        GOOGLE_EMAIL: Verdict.WRONG,
        "email.plain.v1": Verdict.UNHASHED,
    }
    assert [mistake.name for mistake in all_[GOOGLE_EMAIL].mistakes] == ["gmail_not_folded"]
    assert all_[META_EMAIL].mistakes == ()


@pytest.mark.parametrize(
    "found",
    [
        sha(b"salt" + b"dana@example.com"),
        sha(b"dana@example.com" + b"salt"),
        sha(b"somebody.else@example.com"),
        hashlib.pbkdf2_hmac("sha256", b"dana@example.com", b"", 1).hex(),
        "",
        "no hash at all",
    ],
)
def test_a_salt_or_another_person_is_unknown(found: str) -> None:
    one = diagnose(Field.EMAIL, "dana@example.com", None, found, [META_EMAIL])[META_EMAIL]
    assert (one.verdict, one.mistakes) == (Verdict.UNKNOWN, ())


def test_a_value_without_a_key_is_told_with_the_recipes_reason() -> None:
    found = diagnose(Field.PHONE, "0151 12345678", None, "0" * 64, [PLUS])[PLUS]
    assert (found.verdict, found.reason) == (Verdict.DROPPED, "no_region")


def test_nothing_personal_is_shown() -> None:
    case = Case("Dana@Example.com", "dana@example.com")
    one = diagnose(Field.EMAIL, case.raw, None, sha(b"DANA@EXAMPLE.COM\n"), [META_EMAIL])
    for text in (repr(case), str(case), repr(one)):
        assert "dana" not in text.lower()


# any person, any wrong recipe

LOCAL = st.text("abcXYZ.+-_\u00e9\u00df9", min_size=1, max_size=8).filter(lambda text: text[0] not in ".+-_")
DOMAIN = st.sampled_from(["example.com", "Example.org", "gmail.com", "GoogleMail.com", "b\u00fccher.example"])
SPACE = st.sampled_from(["", "", " ", "\t"])
ADDRESS = st.builds("{}{}@{}{}".format, SPACE, LOCAL, DOMAIN, SPACE)
NUMBER = st.builds(
    "{}{:08d}".format, st.sampled_from(["0151 ", "+49 151 ", "0049151", "+49(0)151-"]), st.integers(0, 10**8 - 1)
)
NAME = st.text("abcXYZ '-\u00e9\u0152", min_size=1, max_size=10).filter(lambda text: any(map(str.isalpha, text)))
PEOPLE = st.one_of(
    st.tuples(st.just(Field.EMAIL), ADDRESS, st.none(), st.sampled_from([META_EMAIL, GOOGLE_EMAIL, "email.tiktok.v1"])),
    st.tuples(st.just(Field.PHONE), NUMBER, st.just("DE"), st.sampled_from([PLUS, DIGITS, "phone.snapchat.v1"])),
    st.tuples(st.just(Field.LAST_NAME), NAME, st.none(), st.sampled_from(["name.google.v1", "name.meta.v1", "name.lower.v1"])),
    st.tuples(st.just(Field.COUNTRY), st.sampled_from(["de", "USA", "Brazil"]), st.none(), st.just("country.meta.v1")),
    st.tuples(st.just(Field.POSTAL_CODE), st.sampled_from(["01067", "SW1A 1AA"]), st.none(), st.just("postal_code.meta.v1")),
)


@pytest.mark.slow
@settings(database=None, deadline=None, max_examples=150)
@given(person=PEOPLE, data=st.data())
def test_any_wrong_recipe_on_anybody_is_named_or_an_equal_one(
    person: tuple[Field, str, str | None, str], data: st.DataObject
) -> None:
    field, raw, region, name = person
    wrong = data.draw(st.sampled_from(wrong_recipes(field)))
    right = right_text(raw, region, name)
    assume(right is not None)
    case = Case(raw, str(right))
    found = outcome(wrong, case)
    assume(found is not None)
    one = diagnose(field, raw, region, str(found), [name])[name]
    if found == sha(case.right.encode()):
        assert (one.verdict, one.mistakes) == (Verdict.RIGHT, ())
    else:
        assert one.verdict is Verdict.WRONG
        assert outcome(one.mistakes, case) == found, "the same bytes"
        assert 0 < len(one.mistakes) <= len(wrong), "no more mistakes than were made"


def right_text(raw: str, region: str | None, name: str) -> str | None:
    frame = pl.DataFrame({"value": [raw], "region": [region]}, schema={"value": pl.String, "region": pl.String})
    return normalise_frame(frame, recipe(name))["normalised"].item()  # type: ignore[no-any-return]


@pytest.mark.parametrize("field", Field)
def test_no_two_mistakes_of_a_field_share_a_name(field: Field) -> None:
    names = [mistake.name for mistake in mistakes_of(field)]
    assert len(names) == len(set(names))
    assert len(wrong_recipes(field)) > 200
    assert {len(wrong) for wrong in wrong_recipes(field)} == {1, 2}


@pytest.mark.parametrize("field", Field)
def test_every_mistake_says_what_and_how_to_mend_it(field: Field) -> None:
    for mistake in mistakes_of(field):
        for text in (mistake.what, mistake.mend):
            assert text.strip() == text != ""
            assert text[0] != text[0].upper() or text.startswith(("Gmail", "UTF")) or not text[0].isalpha()


# a hash by itself

CONSTANTS = {
    sha(b""): ["text_empty"],
    hashlib.md5(b"", usedforsecurity=False).hexdigest(): ["text_empty", "md5"],
    hashlib.sha1(b"", usedforsecurity=False).hexdigest(): ["text_empty", "sha1"],
    sha(b"null"): ["text_null"],
    sha(b"None"): ["text_none_python"],
    sha(b"n/a"): ["text_na_slash"],
    sha(sha(b"").encode()): ["text_empty", "double_hash"],
    sha(b"").upper(): ["text_empty", "upper_case_hex"],
    sha(b"\\N"): ["text_null_mysql"],
    sha(b"\xef\xbb\xbf"): ["text_empty", "utf_8_bom"],
}


@pytest.mark.parametrize("found", CONSTANTS)
def test_known_constants(found: str) -> None:
    assert [mistake.name for mistake in known_constants()[found]] == CONSTANTS[found]


def test_hashes_of_people_are_no_constants() -> None:
    assert sha(b"dana@example.com") not in known_constants()
    assert sha(b"") in digests_of_nothing()
    assert sha(b"").upper() not in digests_of_nothing()


SHAPES = {
    sha(b"x"): "64 lower-case hex digits",
    sha(b"x").upper(): "with capitals",
    "a" * 32: "an MD5",
    "a" * 40: "a SHA-1",
    "a" * 56: "a SHA-224",
    "a" * 96: "a SHA-384",
    "a" * 128: "a SHA-512",
    "a" * 63: "not 64 of them",
    "a" * 65: "not 64 of them",
    " " + "a" * 64: "white space around it",
    "0x" + "a" * 64: "with 2 characters around them",
    "'" + "a" * 64 + "'": "with 2 characters around them",
    "b'" + "a" * 64 + "'": "with 3 characters around them",
    "\\x" + "a" * 64: "with 2 characters around them",
    "$2b$12$" + "a" * 53: "a password hash",
    "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA": "a password hash",
    "z" * 43 + "=": "in base64",
    "z" * 43: "in base64",
    "z" * 86 + "==": "64 bytes in base64",
    "dana@example.com": "an email in plain text",
    "+49 151 12345678": "a number in plain text",
    "what": "4 characters",
    "": "0 characters",
}


@pytest.mark.parametrize("found", SHAPES)
def test_the_shape_of_a_hash(found: str) -> None:
    shape = shape_of(found)
    assert SHAPES[found] in shape.what
    assert shape.right == (found == sha(b"x"))
    assert not found or found not in shape.what or found == "what"


@given(st.text(max_size=80))
def test_any_text_has_a_shape(found: str) -> None:
    assert shape_of(found).what
    assert shape_of(found).right == (len(found) == 64 and set(found) <= set("0123456789abcdef"))


def test_the_bytes_by_hand_are_what_unicode_says() -> None:
    """So that a slip in a table of this test's own does not hide a slip in the doctor's."""
    assert unicodedata.normalize("NFD", "jos\u00e9").encode() == b"jose\xcc\x81"
    assert "dana@ex.de".encode("utf-16-le") == mistaken.UTF_16_LE
    assert hashlib.sha256(mistaken.LEADING_ZERO.encode()).hexdigest()[0] == "0"
