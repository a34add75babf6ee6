"""Made-up customers: names, addresses, emails, consent and the rest, with the dirt of real tables."""

from __future__ import annotations

import re
import unicodedata

import polars as pl

from guestlist.sample.dice import Dice, at, padded
from guestlist.sample.names import POOLS
from guestlist.sample.phones import add_phones
from guestlist.sample.places import COUNTRIES

_INVALID_EMAILS = (
    "n/a",
    "unknown",
    "no-at-sign.example.com",
    "@example.com",
    "two@@example.com",
    "a b@example.com",
    "x@",
    "x@example",
)
_INVISIBLE = ("\u200b", "\u00a0", "\ufeff", "\u2060", "\t")
_GENDERS = ("f", "m", "F", "M", "female", "male", "Female", "MALE")
COLUMNS = (
    *(
        "customer_id",
        "email",
        "second_email",
        "phone",
        "first_name",
        "last_name",
        "gender",
        "birth_year",
        "birth_month",
        "birth_day",
    ),
    *("city", "state", "zip", "country", "idfa", "consent_ads", "consent_personalization", "newsletter"),
)


def people(first: int, count: int, seed: int) -> pl.DataFrame:
    """Customers number ``first`` to ``first + count - 1``, one a row, with ``row`` and `COLUMNS`."""
    dice = Dice(seed)
    rows = pl.DataFrame({"row": pl.int_range(first, first + count, dtype=pl.UInt64, eager=True)})
    made = rows.with_columns(_id().alias("customer_id"), dice.happens("woman", 50).alias("woman"))
    made = _add_names(_add_places(made, dice), dice)
    made = _add_emails(add_phones(made, dice), dice).with_columns(**_particulars(dice), **_consent(dice))
    return _shared(made, dice).with_columns(_shown_country(dice), *_dirty_names(dice)).select("row", *COLUMNS)


def _id() -> pl.Expr:
    return "C" + padded(pl.col("row"), 8)


def _add_places(made: pl.DataFrame, dice: Dice) -> pl.DataFrame:
    slots = [number for number, country in enumerate(COUNTRIES) for _ in range(country.weight)]
    places = [place for country in COUNTRIES for place in country.places]
    counts = [len(country.places) for country in COUNTRIES]
    starts = [sum(counts[:number]) for number in range(len(counts))]
    country = pl.col("country_number")
    made = made.with_columns(dice.one_of("country", slots).alias("country_number"))
    place = at(starts, country) + dice.number("place", at(counts, country))
    made = made.with_columns(place.alias("place"), at([c.code for c in COUNTRIES], country).alias("country_code"))
    ends = [_filled(c.postal, dice) for c in COUNTRIES]
    groups = made.partition_by("country_number", as_dict=True).items()
    ended = pl.concat([group.with_columns(ends[int(str(number))].alias("end")) for (number,), group in groups]).sort("row")
    begin = at([p.postal for p in places], pl.col("place"))
    plus_four = pl.when((pl.col("country_code") == "US") & dice.happens("zip+4", 20)).then("-" + dice.digits("zip+4 digits", 4))
    return ended.with_columns(
        at([p.city for p in places], pl.col("place")).alias("city"),
        at([p.state for p in places], pl.col("place")).alias("state"),
        pl.concat_str(begin, "end", plus_four.otherwise(pl.lit(""))).replace("", None).alias("zip"),
    )


def _filled(pattern: str, dice: Dice) -> pl.Expr:
    """A postal code's end: ``#`` becomes a digit and ``@`` a letter."""
    signs = [
        dice.one_of(f"zip {n}", list("0123456789" if sign == "#" else "ABDEGHJLNPRSTUWXYZ")) if sign in "#@" else pl.lit(sign)
        for n, sign in enumerate(pattern)
    ]
    return pl.concat_str(signs) if signs else pl.lit("")


def _add_names(made: pl.DataFrame, dice: Dice) -> pl.DataFrame:
    pools = [POOLS[country.names] for country in COUNTRIES]

    def pick(what: str, kinds: list[tuple[str, ...]]) -> pl.Expr:
        starts = [sum(len(names) for names in kinds[:number]) for number in range(len(kinds))]
        place = at(starts, pl.col("country_number")) + dice.number(what, at([len(n) for n in kinds], pl.col("country_number")))
        return at([name for names in kinds for name in names], place)

    women, men = pick("first", [pool.women for pool in pools]), pick("first", [pool.men for pool in pools])
    return made.with_columns(
        pl.when("woman").then(women).otherwise(men).alias("first_name"),
        pick("family", [pool.family for pool in pools]).alias("last_name"),
        pl.when("woman").then(pick("first", [_latin(pool.women) for pool in pools]))
        .otherwise(pick("first", [_latin(pool.men) for pool in pools])).alias("first_latin"),
        pick("family", [_latin(pool.family) for pool in pools]).alias("last_latin"),
    )  # fmt: skip


def _latin(names: tuple[str, ...]) -> tuple[str, ...]:
    """What an email address keeps of a name: letters without accents, ``guest`` where none are left."""
    kept = (re.sub("[^a-z]", "", unicodedata.normalize("NFKD", name).lower()) for name in names)
    return tuple(name or "guest" for name in kept)


def _dirty_names(dice: Dice) -> list[pl.Expr]:
    """Capitals, spaces, titles, blanks."""
    dirty = []
    for name in ("first_name", "last_name"):
        clean = pl.col(name)
        way = dice.number(name + " dirt", 100)
        title = "Dr. " if name == "first_name" else ""
        dirty.append(
            pl.when(way < 4).then(clean.str.to_uppercase())
            .when(way < 8).then(clean.str.to_lowercase())
            .when(way < 10).then("  " + clean + " ")
            .when(way < 11).then(title + clean)
            .when(way < 12).then("\u00a0" + clean)
            .when(way < 13).then(pl.lit(""))
            .when(way < 14).then(pl.lit(None, dtype=pl.String))
            .otherwise(clean)
            .alias(name)
        )  # fmt: skip
    return dirty


def _add_emails(made: pl.DataFrame, dice: Dice) -> pl.DataFrame:
    number = padded(pl.col("row"), 6)
    domain = dice.one_of("domain", ("example.com", "example.org", "example.net", "mail.example.com"))
    plain = pl.concat_str("first_latin", pl.lit("."), "last_latin", pl.lit("."), number, pl.lit("@"), domain)
    gmail = pl.concat_str(_gmail_local(dice, number), dice.one_of("gmail", ("@gmail.com",) * 9 + ("@googlemail.com",)))
    own = pl.when(dice.happens("has gmail", 32)).then(gmail).otherwise(plain)
    second = pl.concat_str(pl.lit("second."), number, pl.lit("@example.org"))
    has_second = dice.happens("has second", 12)
    made = made.with_columns(own.alias("email"), pl.when(has_second).then(second).alias("second_email"))
    return made.with_columns(_as_typed(pl.col("email"), dice).alias("email"))


def _gmail_local(dice: Dice, number: pl.Expr) -> pl.Expr:
    """All forms of one number are one mailbox: Gmail ignores dots, capitals and what follows a plus sign."""
    dotted = dice.one_of("gmail dots", ("guestlist.sample.", "guestlistsample", "guest.list.sample.", "Guestlist.Sample."))
    tag = dice.one_of("gmail tag", ("",) * 7 + ("+news", "+shop", "+Spam.2"))
    return pl.concat_str(dotted, number, tag)


def _as_typed(email: pl.Expr, dice: Dice) -> pl.Expr:
    way = dice.number("email dirt", 1_000)
    stray = dice.one_of("invisible", _INVISIBLE)
    return (
        pl.when(way < 60).then(email.str.to_uppercase())
        .when(way < 100).then(email.str.replace("example", "Example", literal=True))
        .when(way < 140).then(" " + email + "  ")
        .when(way < 160).then(stray + email)
        .when(way < 180).then(email + stray)
        .when(way < 185).then("mailto:" + email)
        .when(way < 205).then(dice.one_of("invalid email", _INVALID_EMAILS))
        .when(way < 220).then(dice.one_of("blank email", ("", " ", "\u00a0")))
        .when(way < 260).then(pl.lit(None, dtype=pl.String))
        .otherwise(email)
    )  # fmt: skip


def _particulars(dice: Dice) -> dict[str, pl.Expr]:
    known = dice.happens("birthday known", 68)
    year = pl.when(dice.happens("odd year", 0.5)).then(pl.lit(1900)).otherwise(1940 + dice.number("year", 67).cast(pl.Int32))
    gender = at(_GENDERS, dice.number("gender form", 4) * 2 + pl.when("woman").then(0).otherwise(1))
    digits = [dice.digits(f"idfa {n}", count) for n, count in enumerate((8, 4, 3, 3))]
    idfa = pl.format("{}-{}-4{}-8{}-{}", *digits, padded(pl.col("row"), 12))
    zeros = pl.lit("00000000-0000-0000-0000-000000000000")
    return {
        "birth_year": pl.when(known).then(year),
        "birth_month": pl.when(known).then(1 + dice.number("month", 12).cast(pl.Int32)),
        "birth_day": pl.when(known).then(1 + dice.number("day", 28).cast(pl.Int32)),
        "gender": pl.when(dice.happens("gender known", 80)).then(
            pl.when(dice.happens("x", 2)).then(pl.lit("x")).otherwise(gender)
        ),
        "idfa": pl.when(dice.happens("has idfa", 18)).then(pl.when(dice.happens("no tracking", 5)).then(zeros).otherwise(idfa)),
    }


def _consent(dice: Dice) -> dict[str, pl.Expr]:
    """Asked and granted, asked and refused, or never asked; personalisation is granted by fewer."""
    answer = dice.number("consent", 100)
    ads = pl.when(answer < 82).then(pl.lit(value=True)).when(answer < 93).then(pl.lit(value=False))
    return {
        "consent_ads": ads,
        "consent_personalization": pl.when(dice.happens("personal", 93)).then(ads).otherwise(pl.lit(value=False)),
        "newsletter": dice.happens("newsletter", 45),
    }


def _shared(made: pl.DataFrame, dice: Dice) -> pl.DataFrame:
    """Couples who share a phone, families who share an address: with the customer before them, of the same country."""
    same = pl.col("country_code") == pl.col("country_code").shift(1)
    return made.with_columns(
        pl.when(same & dice.happens(f"shared {name}", 8)).then(pl.col(name).shift(1)).otherwise(name).alias(name)
        for name in ("phone", "email")
    )


def _shown_country(dice: Dice) -> pl.Expr:
    way, code = dice.number("country dirt", 1_000), pl.col("country_code")
    shown = pl.when(way < 5).then(code.str.to_lowercase()).when(way < 8).then(pl.lit("")).when(way >= 15).then(code)
    return shown.alias("country")
