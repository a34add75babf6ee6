"""libphonenumber's metadata, reshaped once for each region into what the string kernels of Polars need."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from typing import Any

import phonenumbers
from phonenumbers.phonemetadata import PhoneMetadata

from guestlist.identity._phone_lengths import matched_lengths

NON_GEOGRAPHIC = "001"  # libphonenumber's region of +800, +870, +979 and the like

# The kinds that make a number valid. `no_international_dialling` is no kind, and `mobile` may be the same as `fixed_line`.
_KINDS = (
    "premium_rate",
    "toll_free",
    "shared_cost",
    "voip",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
    "fixed_line",
    "mobile",
)


@dataclass(frozen=True)
class Kind:
    """One or more kinds of number: ``pattern`` matches the whole national number, of one of ``lengths`` (null: any)."""

    lengths: tuple[int, ...] | None
    pattern: str


@dataclass(frozen=True)
class Plan:
    """The numbering plan of one region. Patterns are in the syntax of Rust's regex crate, digits are ASCII.

    ``idd`` and ``prefix`` are anchored at the start; ``prefix`` is null where the region has no trunk prefix, and
    ``transform`` is the replacement to apply when the prefix's last group took part. ``leading`` tells the region from
    its neighbours under the same calling code.
    """

    calling_code: int
    idd: str
    prefix: str | None
    prefix_literal: str | None
    prefix_groups: int
    transform: str | None
    general: str
    possible: tuple[int, ...]
    local: tuple[int, ...]
    kinds: tuple[Kind, ...]
    leading: str | None


@cache
def regions() -> tuple[str, ...]:
    """Every region that libphonenumber knows, as upper-case ISO 3166-1 alpha-2 (plus XK, AC, TA), sorted."""
    return tuple(sorted(phonenumbers.SUPPORTED_REGIONS))


@cache
def plan_of_region(region: str) -> Plan:
    """The plan of a region; ``region`` must be one of `regions`."""
    return _plan(PhoneMetadata.metadata_for_region(region))


@cache
def plans_of_code(calling_code: int) -> tuple[Plan, ...]:
    """The plans under a calling code, in the order in which libphonenumber asks them; the first is the main one."""
    owners = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[calling_code]
    if owners == (NON_GEOGRAPHIC,):
        return (_plan(PhoneMetadata.metadata_for_nongeo_region(calling_code)),)
    return tuple(plan_of_region(region) for region in owners)


@cache
def calling_code_by_prefix() -> tuple[int, ...]:
    """For each of the prefixes 000 to 999 the calling code that it begins with, or 0."""
    known = phonenumbers.COUNTRY_CODE_TO_REGION_CODE
    return tuple(
        next((code for size in (1, 2, 3) if (code := int(prefix[:size])) in known), 0) if prefix[0] != "0" else 0
        for prefix in (f"{number:03d}" for number in range(1000))
    )


def _plan(metadata: Any) -> Plan:
    prefix = metadata.national_prefix_for_parsing or None
    transform = metadata.national_prefix_transform_rule or None
    general = metadata.general_desc
    return Plan(
        calling_code=metadata.country_code,
        idd=_at_start(metadata.international_prefix or "NonMatch"),
        prefix=_at_start(prefix) if prefix else None,
        prefix_literal=prefix if prefix and prefix.isdigit() else None,
        prefix_groups=_groups(prefix) if prefix else 0,
        transform=_replacement(transform) if transform else None,
        general=_whole(general.national_number_pattern),
        possible=tuple(general.possible_length),
        local=tuple(general.possible_length_local_only),
        kinds=_kinds(metadata),
        leading=_at_start(metadata.leading_digits) if metadata.leading_digits is not None else None,
    )


def _kinds(metadata: Any) -> tuple[Kind, ...]:
    """The kinds, joined in one pattern where the pattern itself sees to the lengths: fewer passes over the column."""
    patterns: dict[tuple[int, ...] | None, list[str]] = defaultdict(list)
    for name in _KINDS:
        if name == "mobile" and metadata.same_mobile_and_fixed_line_pattern:
            continue
        kind = getattr(metadata, name)
        if kind is not None and kind.national_number_pattern:
            lengths, pattern = tuple(kind.possible_length), kind.national_number_pattern
            patterns[None if matched_lengths(pattern).issubset(lengths) else lengths].append(pattern)
    return tuple(Kind(lengths, _whole("|".join(alike))) for lengths, alike in patterns.items())


def _whole(pattern: str) -> str:
    return rf"^(?:{ascii_digits(pattern)})$"


def _at_start(pattern: str) -> str:
    return rf"^(?:{ascii_digits(pattern)})"


def ascii_digits(pattern: str) -> str:
    r"""Rust's \d is every decimal digit of Unicode, a much larger automaton; these numbers are ASCII already.

    Inside a class this makes a nested class, which in Rust's syntax is a union: right as well.
    """
    return pattern.replace(r"\d", "[0-9]")


def _groups(pattern: str) -> int:
    """How many groups capture: those that do not begin with (?:."""
    return pattern.count("(") - pattern.count("(?:")


def _replacement(rule: str) -> str:
    r"""Python's \1 as Rust's ${1}."""
    for group in "123456789":
        rule = rule.replace(f"\\{group}", f"${{{group}}}")
    return rule
