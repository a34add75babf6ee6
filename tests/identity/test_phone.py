"""parse_phones against libphonenumber itself: every answer must be the library's."""

from __future__ import annotations

import random
import re

import phonenumbers
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from identity.messy_phones import messy_phones
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType, ValidationResult
from phonenumbers.phonemetadata import PhoneMetadata, PhoneNumberDesc

from guestlist.identity import _phone_lengths, _phone_metadata, _phone_text
from guestlist.identity.phone import RESULT, fast_path_share, parse_phones, phone_expr

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
INVISIBLE = re.compile("[\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060\ufeff]")
LEADING_PLUS = re.compile(r"[^+\uff0b\d]*[+\uff0b]")
REASONS = {
    ValidationResult.IS_POSSIBLE: None,
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "local_only",
    ValidationResult.INVALID_COUNTRY_CODE: "invalid_country_code",
    ValidationResult.TOO_SHORT: "too_short",
    ValidationResult.TOO_LONG: "too_long",
    ValidationResult.INVALID_LENGTH: "invalid_length",
}


def by_library(text, region):
    """The rules of design section 10 on top of the library, one number at a time."""
    text = INVISIBLE.sub("", text or "")
    region = (region or "").strip().upper()
    if not text.strip():
        return None, "blank", None
    try:
        number = phonenumbers.parse(text, region if region in phonenumbers.SUPPORTED_REGIONS else None)
    except NumberParseException as error:
        has_plus = LEADING_PLUS.match(text) or ";phone-context=+" in text
        if error.error_type != NumberParseException.INVALID_COUNTRY_CODE or has_plus or region in REGIONS:
            return None, "not_a_number", None
        return None, "unknown_region" if region else "no_region", None
    reason = REASONS[phonenumbers.is_possible_number_with_reason(number)]
    e164 = None if reason else phonenumbers.format_number(number, PhoneNumberFormat.E164)
    return e164, reason, phonenumbers.is_valid_number(number)


def differences(pairs):
    numbers = pl.Series([number for number, _ in pairs], dtype=pl.String)
    regions = pl.Series([region for _, region in pairs], dtype=pl.String)
    answers = parse_phones(numbers, regions).rows()
    assert len(answers) == len(pairs)
    expected = ((pair, by_library(*pair)) for pair in pairs)
    return [(pair, got, want) for got, (pair, want) in zip(answers, expected, strict=True) if got != want]


def examples():
    """Every example number of the metadata, and one invalid number for each region, with the region it is from."""
    for region in REGIONS:
        kinds = [phonenumbers.example_number_for_type(region, kind) for kind in PhoneNumberType.values()]
        yield from ((region, number) for number in (*kinds, phonenumbers.invalid_example_number(region)) if number)
    for code in sorted(phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS):
        yield "FR", phonenumbers.example_number_for_non_geo_entity(code)


FULL_WIDTH = str.maketrans("0123456789+", "".join(map(chr, range(0xFF10, 0xFF1A))) + "\uff0b")
ARABIC_INDIC = str.maketrans("0123456789", "".join(map(chr, range(0x0660, 0x066A))))


def ways_to_write(number, region):
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    national = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    abroad = phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
    significant = phonenumbers.national_significant_number(number)
    trunk = PhoneMetadata.metadata_for_region(region).national_prefix or "0"
    code = str(number.country_code)
    return (
        *(e164, abroad, national, significant, f"{trunk}{significant}"),
        *(f"00{e164[1:]}", phonenumbers.format_out_of_country_calling_number(number, region), e164[1:]),
        *(f"+{code} (0) {significant}", f"+{code}{trunk}{significant}", f"+00{e164[1:]}", f"{code}{e164[1:]}"),
        *(abroad.replace(" ", "."), national.replace(" ", "-"), " ".join(significant), national.replace(" ", "\u00a0")),
        *(f"{national} ext. 12", f"{national}x9", f"{abroad} #44", f"{abroad};ext=3", f"{national} доб. 7"),
        *(abroad.translate(FULL_WIDTH), national.translate(ARABIC_INDIC)),
        *(f"Tel: {national} (home)", f"  {abroad} / ", f"tel:{abroad}", f"{national} / x{significant}"),
        *(significant[:-1], f"{significant}1", significant[:4], significant[-7:], significant[-6:], significant[-5:]),
    )


def test_every_example_number_in_every_writing():
    rng = random.Random(20)
    pairs = [
        (text, home)
        for region, number in examples()
        for text in ways_to_write(number, region)
        for home in (region, None, rng.choice(REGIONS))
    ]
    assert len(pairs) > 100_000
    assert differences(pairs) == []


def test_messy_numbers():
    numbers, regions = messy_phones(50_000, seed=11)
    assert differences(list(zip(numbers, regions, strict=True))) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 104))
def test_a_million_messy_numbers(seed):
    numbers, regions = messy_phones(250_000, seed=seed)
    assert differences(list(zip(numbers, regions, strict=True))) == []


def test_messy_numbers_hardly_ever_need_the_library():
    assert fast_path_share(*messy_phones(20_000, seed=12)) > 0.99


def test_the_generator_is_seeded_and_wide():
    numbers, regions = messy_phones(5_000, seed=3)
    again, _ = messy_phones(5_000, seed=3)
    assert numbers.equals(again)
    assert regions.n_unique() > 30


PIECES = (
    *("0", "00", "011", "+", "+", "44", "+44", "1", "39", "7", "800", "(0)", "2070313000", "650", "253", "0000"),
    *(" ", "-", "(", ")", ".", "/", "\\", " x", "x", "X", "~", "#", ",", ",,", ";", ":", "*", "_", "\u00a0", "\u3000"),
    *("ext", "Ext.", "extension", "extensión", "anexo", "int", "доб", "ДОБ", "xtn", ";ext=", ";isub=", "tel:"),
    *(
        ";phone-context=",
        ";phone-context=+1",
        ";phone-context=example.com",
        "FLOWERS",
        "abc",
        "o",
        "é",
        "½",
        "\u017f",
        "\u0130",
    ),
    *("\uff15", "\uff0b", "٣", "४", "\u200b", "\u00ad", "\t", "\n", "\u2011", "\u2212", "中", "ー", "'", "\u0301"),
    *("\uff45\uff58\uff54", "\uff58", "\uff03", "\u260e", "№", "\u202f", "ő", "א", "٤", "Σ", "ς", "\u212a"),
)
texts = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=9).map("".join),
    st.text(alphabet="0123456789+ -().x#,", max_size=24),
    st.text(max_size=12),
)
homes = st.sampled_from((None, "", " gb ", "GB", "US", "IT", "AR", "BR", "RU", "SM", "JP", "AQ", "ZZ", "001", "Germany"))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(texts, homes), min_size=1, max_size=60))
def test_any_text_at_all(pairs):
    assert differences(pairs) == []


digit_strings = st.text(alphabet="0123456789", min_size=1, max_size=20)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(REGIONS), st.sampled_from(("", "+")), digit_strings), min_size=1, max_size=40))
def test_any_digits_in_any_region(calls):
    assert differences([(plus + digits, region) for region, plus, digits in calls]) == []


@pytest.mark.parametrize("region", REGIONS)
def test_trunk_prefixes_that_rewrite_or_stop_short(region):
    """The prefix itself, doubled, and cut off anywhere in a good number: where the plans are most unlike each other."""
    plan = PhoneMetadata.metadata_for_region(region)
    good = phonenumbers.national_significant_number(phonenumbers.example_number(region))
    code = str(plan.country_code)
    starts = {"", "0", "00", "8", "1", "9", "06", "15", "90", code, code * 2, f"{code}0", plan.national_prefix or ""}
    tails = [good, f"{good}0", *(good[cut:] for cut in range(1, len(good)))]
    assert differences([(start + tail, region) for start in starts for tail in tails if start + tail]) == []


@pytest.mark.parametrize(
    ("number", "region", "expected"),
    [
        ("020 7031 3000", "GB", ("+442070313000", None, True)),
        ("+44 (0)20 7031 3000 ext 5", None, ("+442070313000", None, True)),
        ("+44 20 7031 3000", None, ("+442070313000", None, True)),
        ("00 44 20 7031 3000", "FR", ("+442070313000", None, True)),
        ("00 44 20 7031 3000", None, (None, "no_region", None)),
        ("00 44 20 7031 3000", "  ", (None, "no_region", None)),
        ("020 7031 3000", "AQ", (None, "unknown_region", None)),
        ("+44 20 7031 3000", "AQ", ("+442070313000", None, True)),
        ("020\u200b 7031\t3000\u202c", " gb ", ("+442070313000", None, True)),
        ("06 698 12345", "IT", ("+390669812345", None, True)),  # the zero is part of an Italian number
        ("+1 555 123 4567", "US", ("+15551234567", None, False)),  # possible is enough to be kept
        ("253 0000", "US", (None, "local_only", False)),
        ("+44 20", "GB", (None, "too_short", False)),
        ("+44 20 7031 3000 9999", "GB", (None, "too_long", False)),
        ("+999 20 7031 3000", "GB", (None, "not_a_number", None)),
        ("1-800-FLOWERS", "US", ("+18003569377", None, True)),
        ("n/a", None, (None, "not_a_number", None)),
        ("\u200b \u00a0", "GB", (None, "blank", None)),
        (None, "GB", (None, "blank", None)),
        ("0" * 251, "GB", (None, "not_a_number", None)),
        ("+800 1234 5678", None, ("+80012345678", None, True)),
    ],
)
def test_the_rules_of_guestlist(number, region, expected):
    assert parse_phones(pl.Series([number], dtype=pl.String), region).row(0) == expected
    assert by_library(number, region) == expected


@pytest.mark.parametrize(
    ("number", "region"),
    [
        ("\uff11 8\uff100 FLOWERS", "US"),  # dialled by letters, the library loses digits of other scripts
        ("+\uff11 800 FLOWERS", None),
        ("611831891641234", "CX"),  # a calling code in front: Australia's carrier codes count, not Christmas Island's
        ("44 0 20 7031 3000", "GB"),
        ("0 11 15 2345 6789", "AR"),  # 15 behind the area becomes 9 before it
        ("0 15 11 98765 4321", "BR"),  # carrier code 15
        ("886 1234", "SM"),
        ("+39 0549 886123", "SM"),
        ("12345\ttel:+1 650 253 0000;phone-context=+44", "GB"),
        ("(530) 583-6985 x302/x2303", "US"),
        ("650 253 0000 - 503#", "US"),
        ("15", "GB"),
        ("1 5", "GB"),
        ("+15", "GB"),
        ("++44 20 7031 3000", None),
        ("44+20 7031 3000", "GB"),
    ],
)
def test_oddities_are_the_library_s(number, region):
    assert differences([(number, region)]) == []


def test_shape_of_the_answer():
    empty = parse_phones(pl.Series([], dtype=pl.String), "GB")
    assert empty.schema == {"e164": pl.String, "reason": pl.String, "valid": pl.Boolean}
    nulls = parse_phones(pl.Series([None, None]), pl.Series([None, "GB"]))
    assert nulls["reason"].to_list() == ["blank", "blank"]
    assert fast_path_share(pl.Series([], dtype=pl.String), None) == 1.0


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
@pytest.mark.parametrize("count", [0, 300, 3_000])
def test_as_an_expression(engine, count):
    """Few numbers are read by the library alone."""
    numbers, regions = messy_phones(count, seed=4)
    frame = pl.LazyFrame({"number": numbers, "region": regions})
    answer = frame.select(
        by_row=phone_expr(pl.col("number"), pl.col("region")),
        fixed=phone_expr(pl.col("number"), pl.lit("DE")),
        without=phone_expr(pl.col("number"), None),
    )
    assert answer.collect_schema()["by_row"] == RESULT
    found = answer.collect(engine=engine)
    assert found["by_row"].struct.unnest().equals(parse_phones(numbers, regions))
    assert found["fixed"].struct.unnest().equals(parse_phones(numbers, "DE"))
    assert found["without"].struct.unnest().equals(parse_phones(numbers, None))


def readable_characters():
    everything = pl.Series([chr(point) for point in range(0x30000) if not 0xD800 <= point <= 0xDFFF])
    return everything.filter(everything.str.contains(_phone_text._READABLE)).to_list()


def test_python_and_rust_agree_on_every_character_that_is_read_without_the_library():
    """Word or not, digit or not, and which other characters are its other case: that is all the patterns use."""
    readable = pl.Series(readable_characters())
    assert len(readable) > 400
    letters = readable.str.contains(rf"[0-9{_phone_text._LETTERS}{_phone_text._FOREIGN_DIGITS}]")
    assert letters.to_list() == [re.fullmatch(r"[^\W_]", sign) is not None for sign in readable]
    decimal = readable.str.contains(rf"[0-9{_phone_text._FOREIGN_DIGITS}]")
    assert decimal.to_list() == [re.fullmatch(r"\d", sign) is not None for sign in readable]
    for letter in "aeinostxzAEXK\u0430\u0431\u0434\u043e\u00f3~#\uff45\uff58\uff54":
        in_rust = readable.str.contains(f"(?i){letter}").to_list()
        assert in_rust == [re.search(letter, sign, re.IGNORECASE) is not None for sign in readable], letter


def test_what_is_read_as_an_integer_is_nothing_but_digits_and_a_plus():
    signs = [chr(point) for point in range(0x30000) if not 0xD800 <= point <= 0xDFFF]
    texts = pl.Series([text for sign in signs for text in (f"{sign}4915", f"49{sign}15", f"4915{sign}", f"{sign}+4915")])
    found = texts.filter(texts.to_frame("text").select(_phone_text.is_bare(pl.col("text"))).to_series())
    assert set(found) >= {"+4915", "04915", "49915"}
    assert [text for text in found if not re.fullmatch(r"\+?[0-9]{3,}", text)] == []


def test_plans_are_cached_and_cover_every_calling_code():
    assert _phone_metadata.plan_of_region("GB") is _phone_metadata.plan_of_region("GB")
    for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
        assert all(plan.calling_code == code for plan in _phone_metadata.plans_of_code(code))
        assert _phone_metadata.calling_code_by_prefix()[int(str(code).ljust(3, "5"))] == code


def test_lengths_that_a_pattern_can_match():
    assert _phone_lengths.matched_lengths(r"[1-357-9]\d{9}|[18]\d{8}|8\d{6}") == {7, 9, 10}
    assert _phone_lengths.matched_lengths(r"8\d{5}(?:\d{2,4})?|0(?:1|23)4?") == {2, 3, 4, 6, 8, 9, 10}
    with pytest.raises(ValueError, match="unknown form"):
        _phone_lengths.matched_lengths(r"0\d+")


@pytest.mark.parametrize("region", REGIONS)
def test_lengths_of_real_patterns_are_those_of_the_metadata(region):
    """Two independent sources: the pattern of a plan's numbers, and the list of lengths beside it."""
    general = PhoneMetadata.metadata_for_region(region).general_desc
    assert set(general.possible_length) <= _phone_lengths.matched_lengths(general.national_number_pattern)


def test_a_kind_whose_pattern_is_laxer_than_its_lengths_keeps_them():
    """No plan of today's metadata is so; tomorrow's may be."""
    lax = PhoneNumberDesc(national_number_pattern=r"8\d{5,9}", possible_length=(6, 10))
    strict = PhoneNumberDesc(national_number_pattern=r"[67]\d{8}", possible_length=(9,))
    metadata = PhoneMetadata("QX", mobile=strict, voip=strict, toll_free=lax, register=False)
    kinds = {kind.lengths: kind.pattern for kind in _phone_metadata._kinds(metadata)}
    assert kinds == {(6, 10): "^(?:8[0-9]{5,9})$", None: "^(?:[67][0-9]{8}|[67][0-9]{8})$"}
