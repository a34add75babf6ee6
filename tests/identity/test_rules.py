"""What each rule does beyond the contracts' vectors: slips, other scripts, and the lines that it does not cross."""

import polars as pl
import pytest

from guestlist.identity.countries import country_alpha2
from guestlist.identity.recipes import normalise_frame, recipe


def result(name, value, region=None):
    """The normalised value, or the reason in angle brackets."""
    frame = pl.DataFrame({"value": [value], "region": [region]}, schema={"value": pl.String, "region": pl.String})
    row = normalise_frame(frame, recipe(name)).row(0, named=True)
    return row["normalised"] or f"<{row['reason']}>"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("\ufeffDana@Example.com\u200e", "dana@example.com"),
        ("da\u00adna@exam\u200bple.com", "dana@example.com"),
        ("dana\u00a0@example.com", "<inner_space>"),
        ("dana@exa\tmple.com", "<inner_space>"),
        ("dana quinn", "<not_an_email>"),
        ("@example.com", "<empty_local_part>"),
        ("dana@", "<not_an_email>"),
        ("dana@localhost", "<not_an_email>"),
        ("dana@example..com", "<not_an_email>"),
        ("dana@example.com.", "<not_an_email>"),
        ("<dana@example.com>", "<not_an_email>"),
        ("mailto:dana@example.com", "<not_an_email>"),
        ("dana@example.com;", "<not_an_email>"),
        ("dana@m\u00fcnchen.example.com", "dana@m\u00fcnchen.example.com"),
        ("J\u030cOE@example.com", "\u01f0oe@example.com"),
        ("o'neil_{x}/y!#$%&*=?^`|~@example.com", "o'neil_{x}/y!#$%&*=?^`|~@example.com"),
    ],
)
@pytest.mark.parametrize("name", ["google", "lower", "plain"])
def test_emails(name, raw, expected):
    assert result(f"email.{name}.v1", raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("a.b@gmail.com.example.com", "a.b@gmail.com.example.com"),
        ("a.b@notgmail.com", "a.b@notgmail.com"),
        ("a.b@mail.gmail.com", "a.b@mail.gmail.com"),
        ("A.B+c+d@GoogleMail.com", "ab@googlemail.com"),
        ("j\u00f6.b+c@gmail.com", "j\u00f6b@gmail.com"),
        ("+@googlemail.com", "<empty_local_part>"),
        ("+tag@example.com", "+tag@example.com"),
    ],
)
def test_google_folds_its_own_domains_only(raw, expected):
    assert result("email.google.v1", raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("Dr", "dr"),
        ("Dr.", "dr."),
        ("Jr.", "jr."),
        ("Mr. Dr. Dana", "dana"),
        ("Mr.Dana", "dana"),
        ("Prof Dr Mary  Ann", "mary ann"),
        ("Drew", "drew"),
        ("Missy Ann", "missy ann"),
        ("Quinn, Jr.", "quinn"),
        ("Quinn III", "quinn"),
        ("Quinn Ph.D., M.D.", "quinn"),
        ("Dana Sr., Jr", "dana"),
        ("Md Rahman", "md rahman"),
        ("Iv", "iv"),
        ("Quinniv", "quinniv"),
        ("Smith-Jr", "smith-jr"),
        ("Dr, Jr", "dr"),
        ("Mr. 7", "mr. 7"),
        ("Dana F.", "dana f."),
        ("\u674e", "\u674e"),
        ("42", "<no_letters>"),
        ("-", "<no_letters>"),
    ],
)
def test_google_names_lose_honorifics_and_never_everything(raw, expected):
    assert result("name.google.v1", raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("Mary - Ann", "mary ann"),
        ("Mary\u00a0\u2003Ann", "mary ann"),
        ("Dana \U0001f389 2nd", "dana nd"),
        ("O\u2019Neil", "oneil"),
        ("\u0130pek", "i\u0307pek"),
        ("\u0627\u0644\u0639\u0631\u0628\u064a\u0629", "\u0627\u0644\u0639\u0631\u0628\u064a\u0629"),
        ("42", "<no_letters>"),
        ("...", "<no_letters>"),
    ],
)
def test_meta_names(raw, expected):
    assert result("name.meta.v1", raw) == expected


@pytest.mark.parametrize(
    ("raw", "initial"), [("'t Hooft", "t"), ("\u00c9lodie", "\u00e9"), ("E\u0301lodie", "\u00e9"), ("7", "<no_letters>")]
)
def test_initials(raw, initial):
    assert result("initial.meta.v1", raw) == initial


@pytest.mark.parametrize(
    ("raw", "region", "expected"),
    [
        ("NEW YORK", "USA", "ny"),
        ("US-NY", None, "ny"),
        ("D.C.", "United States", "dc"),
        ("District of Columbia", "US", "dc"),
        ("California", "MX", "california"),
        ("California", "nowhere", "ca"),
        ("Qu\u00e9bec", "CA", "quebec"),
        ("Ontario", None, "ontario"),
        ("12", "US", "<no_letters>"),
    ],
)
def test_states(raw, region, expected):
    assert result("state.meta.v1", raw, region) == expected


@pytest.mark.parametrize(
    ("raw", "region", "expected"),
    [
        ("902101234", "US", "90210"),
        ("90210 1234", "us", "90210"),
        ("9021", "US", "<not_a_postal_code>"),
        ("M1 1AE", "US", "<not_a_postal_code>"),
        ("90210-1234", None, "90210"),
        ("90210-1234", "IR", "902101234"),
        ("K1A 0B1", "CA", "k1a0b1"),
        ("\uff11\uff10\uff10\u2212\uff10\uff10\uff10\uff11", "JP", "1000001"),
        ("1010\u2013AB", "NL", "1010ab"),
        ("-", None, "<not_a_postal_code>"),
    ],
)
def test_postal_codes_for_meta(raw, region, expected):
    assert result("postal_code.meta.v1", raw, region) == expected


@pytest.mark.parametrize(
    ("raw", "region", "expected"),
    [
        (" 94045 ", "US", "94045"),
        ("94045-1234", "USA", "94045-1234"),
        ("9404", "US", "<not_a_postal_code>"),
        ("wc2h 8lg", "US", "<not_a_postal_code>"),
        ("WC2H 8LG", "GB", "WC2H 8LG"),
        ("9404", None, "9404"),
    ],
)
def test_postal_codes_for_google(raw, region, expected):
    assert result("postal_code.google.v1", raw, region) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("US", "US"),
        ("us", "US"),
        (" us\u200b", "US"),
        ("U.S.A.", "US"),
        ("DEU", "DE"),
        ("United States of America", "US"),
        ("THE NETHERLANDS", "NL"),
        ("Cote d'Ivoire", "CI"),
        ("C\u00f4te d\u2019Ivoire", "CI"),
        ("T\u00fcrkiye", "TR"),
        ("Turkey", "TR"),
        ("Russia", "RU"),
        ("South Korea", "KR"),
        ("Republic of Korea", "KR"),
        ("Niger", "NE"),
        ("Nigeria", "NG"),
        ("British Virgin Islands", "VG"),
        ("Virgin Islands", None),
        ("Korea", None),
        ("UK", None),
        ("XX", None),
        ("840", None),
        ("\u65e5\u672c JP", None),
        ("", None),
        (None, None),
    ],
)
def test_countries_from_codes_and_english_names(raw, expected):
    frame = pl.DataFrame({"country": [raw]}, schema={"country": pl.String})

    assert frame.select(country_alpha2(pl.col("country"))).item() == expected


def test_every_country_is_found_by_what_iso_calls_it(iso_countries):
    found = iso_countries.with_columns(found=country_alpha2(pl.col("written")))

    assert found.filter(pl.col("found").ne_missing(pl.col("code"))).rows() == []


@pytest.fixture(scope="module")
def iso_countries():
    import pycountry

    written = [
        (text, country.alpha_2)
        for country in pycountry.countries
        for text in (country.alpha_2.lower(), country.alpha_3, country.name, getattr(country, "common_name", None))
        if text
    ]
    return pl.DataFrame(written, schema=["written", "code"], orient="row")


@pytest.mark.parametrize(
    ("name", "raw", "expected"),
    [
        ("gender.meta.v1", "WOMAN", "f"),
        ("gender.meta.v1", "m.", "m"),
        ("gender.meta.v1", "mujer", "<unknown_gender>"),
        ("birth_year.meta.v1", "1900", "1900"),
        ("birth_year.meta.v1", "1899", "<out_of_range>"),
        ("birth_year.meta.v1", "1997.0", "<not_a_year>"),
        ("birth_month.meta.v1", "0", "<out_of_range>"),
        ("birth_month.meta.v1", "12", "12"),
        ("birth_month.meta.v1", "May", "<not_a_month>"),
        ("birth_month.meta.v1", "-1", "<not_a_month>"),
        ("birth_day.meta.v1", "31", "31"),
        ("birth_day.meta.v1", "32", "<out_of_range>"),
        ("birth_day.meta.v1", "99999999999999999999", "<out_of_range>"),
        ("birth_day.meta.v1", "1st", "<not_a_day>"),
        ("mobile_ad_id.google.v1", "00000000-0000-0000-0000-000000000000", "<all_zero>"),
        ("mobile_ad_id.lower.v1", "AEBE52E703EE455AB3C4E57283966239", "aebe52e7-03ee-455a-b3c4-e57283966239"),
        ("mobile_ad_id.lower.v1", "AEBE52E703EE-455AB3C4E57283966239", "<not_an_ad_id>"),
        ("external_id.v1", "  Ab C-1\u00a0", "Ab C-1"),
        ("sha256.v1", " " + "AB" * 32, "ab" * 32),
        ("sha256.v1", "ab" * 31, "<not_a_sha256>"),
        ("sha256.v1", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "<hash_of_nothing>"),
        ("city.meta.v1", "\u6771\u4eac", "<no_letters>"),
    ],
)
def test_other_fields(name, raw, expected):
    assert result(name, raw) == expected


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        ("GB", "442079460958"),
        ("gbr", "442079460958"),
        ("United Kingdom", "442079460958"),
        ("UK", "<unknown_region>"),
        ("", "<no_region>"),
        (None, "<no_region>"),
    ],
)
def test_the_phones_region_is_a_country_in_any_form_and_never_guessed(region, expected):
    assert result("phone.e164_digits.v1", "020 7946 0958", region) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("442079460958", "+442079460958"),
        (" 44 (20) 7946-0958", "+442079460958"),
        ("+442079460958", "+442079460958"),
        ("4915112345678", "+4915112345678"),  # read in Germany this would be a national number
        ("020 7946 0958", "<not_a_number>"),
        ("00442079460958", "<not_a_number>"),
        ("", "<blank>"),
    ],
)
def test_numbers_that_begin_with_their_country_code_need_no_plus_where_the_region_says_so(raw, expected):
    assert result("phone.e164_plus.v1", raw, "+") == expected


def test_validity_is_told_for_phones_only():
    phones = pl.DataFrame({"value": ["+1 (555) 987-6543", "+1 800 555 0100", "abc"], "region": [None] * 3}).cast(pl.String)

    assert normalise_frame(phones, recipe("phone.e164_plus.v1"))["valid"].to_list() == [False, True, None]
    assert normalise_frame(phones, recipe("external_id.v1"))["valid"].to_list() == [None] * 3
