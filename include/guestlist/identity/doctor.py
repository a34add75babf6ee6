"""The hash doctor: which mistake made this hash of that value? Everything is tried here, offline; nothing is kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

import polars as pl

from guestlist.identity._mistake import Case
from guestlist.identity._wrong_digests import DIGESTS, ENCODINGS, FORMS
from guestlist.identity._wrong_texts import WORDS
from guestlist.identity.mistakes import Wrong, outcome, wrong_recipes
from guestlist.identity.recipes import normalise_frame, recipe
from guestlist.model.vocabulary import Field


class Verdict(StrEnum):
    """What a hash is to a recipe."""

    RIGHT = "right"
    WRONG = "wrong"
    """A mistake, or two, explain it."""
    UNKNOWN = "unknown"
    """No recipe of the table gives it."""
    UNHASHED = "unhashed"
    """The platform takes the value as it is."""
    DROPPED = "dropped"
    """The recipe makes no key of the value."""


@dataclass(frozen=True)
class Diagnosis:
    """What a hash is to one recipe: its mistakes where it is wrong, the recipe's reason where it drops the value."""

    recipe: str
    verdict: Verdict
    mistakes: Wrong = ()
    reason: str | None = None


def diagnose(field: Field, value: str, region: str | None, found: str, recipes: Iterable[str]) -> dict[str, Diagnosis]:
    """What ``found``, said to be the hash of ``value``, is to each recipe. ``region``: the person's country, as in a source."""
    return {name: _diagnosed(field, value, region, found, name) for name in recipes}


def _diagnosed(field: Field, value: str, region: str | None, found: str, name: str) -> Diagnosis:
    one = recipe(name)
    if not one.hashed:
        return Diagnosis(name, Verdict.UNHASHED)
    frame = pl.DataFrame({"value": [value], "region": [region]}, schema={"value": pl.String, "region": pl.String})
    right, hashed, reason, _ = normalise_frame(frame, one).row(0)
    if right is None:
        return Diagnosis(name, Verdict.DROPPED, reason=reason)
    if found == hashed:
        return Diagnosis(name, Verdict.RIGHT)
    case = Case(value, right)
    made = next((wrong for wrong in wrong_recipes(field) if outcome(wrong, case) == found), None)
    return Diagnosis(name, Verdict.UNKNOWN) if made is None else Diagnosis(name, Verdict.WRONG, made)


@cache
def known_constants() -> Mapping[str, Wrong]:
    """The hashes of texts that stand for nothing, also hashed in other ways -> how they were made."""
    nobody = Case("", "")
    ways: tuple[Wrong, ...] = ((), *((one,) for one in (*ENCODINGS, *DIGESTS, *FORMS)))
    made = {outcome((word, *way), nobody): (word, *way) for way in reversed(ways) for word in reversed(WORDS)}
    return {text: wrong for text, wrong in made.items() if text}


@cache
def digests_of_nothing() -> frozenset[str]:
    """Those of them that look like any other SHA-256: 64 lower-case hex digits."""
    return frozenset(text for text in known_constants() if re.fullmatch("[0-9a-f]{64}", text))


_SHAPES = (
    (r"[0-9a-f]{64}", "64 lower-case hex digits, as SHA-256 has to be written", True),
    (r"[0-9a-fA-F]{64}", "64 hex digits with capitals: write them in lower case", False),
    (r"[0-9a-fA-F]{32}", "32 hex digits: an MD5, or a SHA-256 that was cut; hash by SHA-256 and keep all 64 digits", False),
    (r"[0-9a-fA-F]{40}", "40 hex digits: a SHA-1, or a SHA-256 that was cut; hash by SHA-256 and keep all 64 digits", False),
    (r"[0-9a-fA-F]{56}", "56 hex digits: a SHA-224; hash by SHA-256", False),
    (r"[0-9a-fA-F]{96}", "96 hex digits: a SHA-384; hash by SHA-256", False),
    (r"[0-9a-fA-F]{128}", "128 hex digits: a SHA-512, or the hex of a hex text; hash by SHA-256", False),
    (r"[0-9a-fA-F]{8,}", "hex digits, but not 64 of them: some were lost or added on the way", False),
    (r"\$\w+\$.*", "a password hash, which has a salt and matches nothing; hash by SHA-256", False),
    (r"[A-Za-z0-9+/_-]{43}=?", "a SHA-256 in base64, by its length: write it as 64 hex digits", False),
    (
        r"[A-Za-z0-9+/_-]{86}(==)?",
        "64 bytes in base64: a SHA-512, or hex digits in base64; write a SHA-256 as 64 hex digits",
        False,
    ),
    (r"[^@\s]+@[^@\s]+", "an email in plain text, no hash", False),
    (r"\+?[\d ()./-]{5,20}", "a number in plain text, no hash", False),
)


@dataclass(frozen=True)
class Shape:
    """What a text looks like, whatever was hashed; ``right`` is whether a SHA-256 may look so."""

    what: str
    right: bool = False


def shape_of(found: str) -> Shape:
    """What a hash looks like, by its length and letters."""
    if found != found.strip():
        return Shape("there is white space around it: take it away")
    if bare := re.fullmatch(r"""(?:0x|\\x|sha256:|b?['"])([0-9a-fA-F]{64})['"]?""", found):
        return Shape(f"64 hex digits with {len(found) - len(bare[1])} characters around them: write the digits alone")
    for pattern, what, right in _SHAPES:
        if re.fullmatch(pattern, found):
            return Shape(what, right)
    return Shape(f"{len(found)} characters, which are neither hex digits nor base64: no SHA-256")
