"""Unmistakable made-up people, the forms in which a value or a secret may be dressed, and the search for all of them.

Every canary has the same stems, letters and digits that nothing else has. A search for a stem finds any of the people, whole or
split: an email's local part and its domain, halves of a name, a number of which the last digit is missing.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import quote

from contract.rig import person

CANARIES = [
    person(
        number,
        id=f"Pfauenauge-{number}",
        email=f"Kanarien.Vogel{number}@Volierendach.Example",
        email2=f"zweitmeise{number}@schnabelpost.example",
        phone=f"+49 151 5864273{number}",
        first=f"Zwitscherkehlchen{'abc'[number % 3]}",
        last=f"Gelbschnabelfink{'abc'[number % 3]}",
        zip="80331",
        country="DE",
    )
    for number in range(6)
]
STEMS = {
    "id": ("Pfauenauge",),
    "email": ("Kanarien", "Volierendach"),
    "email2": ("zweitmeise", "schnabelpost"),
    "first": ("Zwitscher", "kehlchen"),
    "last": ("Gelbschn", "abelfink"),
    "phone": ("1515864273", "151 5864273"),
}
_BETWEEN = r"[^0-9]{0,5}"
_GROUPED = re.compile(_BETWEEN.join(STEMS["phone"][0]))
Needles = dict[str, str]
"""What to look for, without capitals -> what it means."""


def _base64s(raw: bytes) -> set[str]:
    """How bytes look within the base64 of a longer text: it depends on where in it they begin."""
    found = set()
    for offset in range(3):
        whole = base64.b64encode(b"\0" * offset + raw).decode().rstrip("=")
        inner = whole[-(-offset * 8 // 6) :]
        found.add(inner[: (len(raw) + offset) * 8 // 6 - -(-offset * 8 // 6)])
    return found | {text.translate(str.maketrans("+/", "-_")) for text in found}


def forms(text: str) -> set[str]:
    """A value as it is, and as somebody might have dressed it; without capitals, since the search makes no difference."""
    found = {text, text[::-1]}
    for spelled in (text, text.lower(), text.upper()):
        raw, wide = spelled.encode(), spelled.encode("utf-16-le")
        found |= {quote(raw), raw.hex(), "".join(f"%{byte:02x}" for byte in raw), "".join(f"\\u{byte:04x}" for byte in raw)}
        found |= {wide.decode("latin-1"), *_base64s(raw), *_base64s(wide), *_base64s(raw[::-1])}
    return {form.lower() for form in found}


@lru_cache
def people() -> Needles:
    """Every form of every stem."""
    return {form: name for name, stems in STEMS.items() for stem in stems for form in forms(stem)}


@lru_cache
def digests() -> Needles:
    """The canaries' hashes, as platforms take them: hexadecimal and base64. They may stand in the lake, and nowhere else."""
    found = {}
    for row in CANARIES:
        digits = re.sub(r"\D", "", row["phone"])
        values = {
            "email": (row["email"].lower(), row["email"]),
            "email2": (row["email2"],),
            "phone": (digits, f"+{digits}"),
            "first": (row["first"].lower(),),
            "last": (row["last"].lower(),),
            "id": (row["id"],),
        }
        for name, texts in values.items():
            for text in texts:
                raw = hashlib.sha256(text.encode()).digest()
                found |= {raw.hex(): f"hash of {name}", base64.b64encode(raw).decode().lower(): f"hash of {name}"}
    return found


def secrets(values: Iterable[str]) -> Needles:
    """Every form of secrets."""
    return {form: "secret" for value in values for form in forms(value)}


def hits(text: str, needles: Needles) -> set[str]:
    """What of it stands in the text, in capitals or not; where people are looked for, also a phone number in groups."""
    low = text.lower()
    found = {f"{name} as {form!r}" for form, name in needles.items() if form in low}
    if STEMS["phone"][0] in needles and _GROUPED.search(text):
        found.add("phone in groups")
    return found
