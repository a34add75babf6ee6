"""SHA-256 of columns, held against the standard library."""

import hashlib
import hmac

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guestlist.identity import hashing
from guestlist.identity.hashing import hmac_sha256_hex, is_sha256, sha256_hex

HASH_OF_NOTHING = hashlib.sha256(b"").hexdigest()
TEXTS = st.lists(st.none() | st.text(), max_size=30)


@pytest.fixture(params=["native", "fallback"])
def implementation(request, monkeypatch):
    """Both ways: with polars-hash, and as on a machine that has no wheel of it."""
    if request.param == "fallback":
        monkeypatch.setattr(hashing, "polars_hash", None)


def hashed(texts):
    return pl.DataFrame({"text": texts}, schema={"text": pl.String}).select(sha256_hex(pl.col("text")))["text"].to_list()


@pytest.mark.usefixtures("implementation")
def test_a_published_digest():
    assert hashed(["mary@example.com"]) == ["f1904cf1a9d73a55fa5de0ac823c4403ded71afd4c3248d00bdcd0866552bb79"]


@settings(database=None, deadline=None)
@given(texts=TEXTS)
def test_any_text_is_hashed_as_the_standard_library_does(texts):
    assert hashed(texts) == [hashlib.sha256(text.encode()).hexdigest() if text else None for text in texts]


@pytest.mark.usefixtures("implementation")
def test_both_ways_give_the_same_bytes():
    texts = ["dana@example.com", "Jos\u00e9", "\uc815", "\U0001f600", "x" * 10_000, "\x00", " "]

    assert hashed(texts) == [hashlib.sha256(text.encode()).hexdigest() for text in texts]


@pytest.mark.usefixtures("implementation")
def test_nothing_is_never_hashed():
    assert hashed(["", None]) == [None, None]


@pytest.mark.usefixtures("implementation")
def test_no_rows():
    assert hashed([]) == []


@pytest.mark.usefixtures("implementation")
def test_works_inside_lists():
    people = pl.DataFrame({"emails": [["dana@example.com", "", None], [], None]})

    digests = people.select(pl.col("emails").list.eval(sha256_hex(pl.element())))["emails"].to_list()

    assert digests == [[hashlib.sha256(b"dana@example.com").hexdigest(), None, None], [], None]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HASH_OF_NOTHING, True),
        (HASH_OF_NOTHING.upper(), False),
        (HASH_OF_NOTHING[1:], False),
        (HASH_OF_NOTHING + "0", False),
        (HASH_OF_NOTHING + "\n", False),
        ("g" * 64, False),
        ("", False),
        (None, None),
    ],
)
def test_what_looks_like_a_digest(text, expected):
    frame = pl.DataFrame({"text": [text]}, schema={"text": pl.String})

    assert frame.select(is_sha256(pl.col("text"))).item() is expected


@pytest.mark.usefixtures("implementation")
def test_keyed_digests_are_those_of_the_standard_library():
    texts = ["c-1", "", "\u00e9", None]
    found = pl.DataFrame({"text": texts}).select(hmac_sha256_hex(pl.col("text"), "spring"))["text"].to_list()

    assert found == [hmac.new(b"spring", text.encode(), "sha256").hexdigest() if text is not None else None for text in texts]
