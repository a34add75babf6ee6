"""The wrong recipes: every mistake by itself, and every two of them one after the other."""

from __future__ import annotations

from functools import cache
from itertools import product

from guestlist.identity._mistake import Case, Mistake, Stage
from guestlist.identity._wrong_digests import DIGESTS, ENCODINGS, FORMS
from guestlist.identity._wrong_fields import COUNTRIES, EMAILS, NAMES, NUMBERS
from guestlist.identity._wrong_phones import PHONES
from guestlist.identity._wrong_texts import COMMON, WORDS
from guestlist.identity.hashing import digest
from guestlist.model.vocabulary import Field

Wrong = tuple[Mistake, ...]
"""A wrong recipe: its mistakes in the order in which they were made; nothing for the right one."""

_OWN = {
    Field.EMAIL: EMAILS,
    Field.PHONE: PHONES,
    Field.FIRST_NAME: NAMES,
    Field.LAST_NAME: NAMES,
    Field.FIRST_INITIAL: NAMES,
    Field.COUNTRY: COUNTRIES,
}
_TWICE = (Stage.TEXT, Stage.FORM)
"""Stages of which two may follow one another; the text is encoded once, and digests of digests are mistakes of their own."""


@cache
def mistakes_of(field: Field) -> Wrong:
    """Every mistake that can be made with a field, the more telling ones of a stage first."""
    return (*_OWN.get(field, NUMBERS), *COMMON, *WORDS, *ENCODINGS, *DIGESTS, *FORMS)


@cache
def wrong_recipes(field: Field) -> tuple[Wrong, ...]:
    """Every mistake, then every two of them."""
    single = mistakes_of(field)
    pairs = ((one, two) for one, two in product(single, single) if _may_follow(one, two))
    return (*((one,) for one in single), *pairs)


def _may_follow(one: Mistake, two: Mistake) -> bool:
    if one.stage == two.stage:
        return one is not two and one.stage in _TWICE and not two.anew
    return one.stage < two.stage


def outcome(wrong: Wrong, case: Case) -> str | None:
    """What a recipe gives for a value in place of its hash; None where a mistake cannot be made with it."""
    text: str | None = case.right
    for mistake in _at(Stage.TEXT, wrong):
        text = None if text is None else mistake.apply(text, case)
    if text is None:
        return None
    data = text.encode()
    for mistake in _at(Stage.ENCODING, wrong):
        if (data := mistake.apply(text)) is None:
            return None
    hashed = digest(data)
    for mistake in _at(Stage.DIGEST, wrong):
        hashed = mistake.apply(data)
    written: str | None = hashed.hex()
    for mistake in _at(Stage.FORM, wrong):
        written = None if written is None else mistake.apply(written)
    return written


def _at(stage: Stage, wrong: Wrong) -> Wrong:
    return tuple(mistake for mistake in wrong if mistake.stage is stage)
