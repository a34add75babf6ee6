"""The recipes: named, versioned rules from a raw value to the match key that a platform compares.

A recipe is a base, which several platforms share, and a finish of its own. ``normalise`` does both; a caller with several
platforms computes each base once with ``normalise_base`` and then every platform's finish with ``finish``.

A released recipe never changes what it gives for a value: a better rule is a new version beside it, because the members
of every audience were sent under the old one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from types import MappingProxyType

import polars as pl

from guestlist.identity import countries, emails, ids, names, people, places
from guestlist.identity.hashing import sha256_hex
from guestlist.identity.phone import phone_expr
from guestlist.identity.text import Rule, first_reason, followed_by, nothing, visible, where
from guestlist.model.errors import ConfigError
from guestlist.model.vocabulary import PREHASHED

GOOGLE = "https://developers.google.com/data-manager/api/devguides/concepts/formatting"
META = "https://developers.facebook.com/documentation/ads-commerce/marketing-api/audiences/guides/custom-audiences"
E164 = "https://github.com/google/libphonenumber/blob/master/FAQ.md"
TIKTOK = "https://ads.tiktok.com/help/article/list-of-supported-ids-and-formats-for-a-customer-file"
SNAPCHAT = "https://developers.snap.com/api/marketing-api/Ads-API/customer-lists"
KLAVIYO = "https://developers.klaviyo.com/en/reference/bulk_import_profiles"
WHOP = "https://docs.whop.com/api-reference/audiences/create-audience"
TOPSORT = "https://docs.topsort.com/api-reference/create-offsite-audiences-job"


@dataclass(frozen=True)
class Base:
    """The part of a rule that platforms share. With ``tells_validity`` its Struct has a third field, ``valid`` (Boolean)."""

    name: str
    rule: Rule
    needs_region: bool = False
    tells_validity: bool = False


@dataclass(frozen=True)
class Recipe:
    """From a raw String column to Struct ``value``, ``reason`` (String), for phones also ``valid`` (Boolean).

    Either ``value`` or ``reason`` is null. ``finish`` goes on from the value of ``base``.
    ``source`` is the address of the platform's page.
    """

    name: str
    source: str
    finish: Rule = field(default=ids.unchanged)
    _: KW_ONLY
    base: str = "text"
    hashed: bool = True
    """SHA-256 hex goes out; False: the platform takes the value as it is."""
    finish_needs_region: bool = False
    rescue: Callable[[pl.Expr], pl.Expr] | None = None
    """What the platform's own rules say of a raw value that the base drops; two nulls: no more than the base."""

    @property
    def needs_region(self) -> bool:
        """Whether it reads the person's country: any form that `countries.country_alpha2` understands."""
        return self.finish_needs_region or BASES[self.base].needs_region

    @property
    def tells_validity(self) -> bool:
        """Whether the Struct has ``valid``."""
        return BASES[self.base].tells_validity


def recipe(name: str) -> Recipe:
    """The recipe of that name.

    Raises:
        ConfigError: there is none; the message lists those that there are.
    """
    if name not in RECIPES:
        raise ConfigError(f"There is no recipe {name!r}. Use one of: {', '.join(sorted(RECIPES))}")
    return RECIPES[name]


def normalise(recipe: Recipe, value: pl.Expr, region: pl.Expr | None) -> pl.Expr:
    """The recipe on a raw String column: Struct ``value``, ``reason`` and, for phones, ``valid``.

    Null, empty, and nothing but white space or invisible characters give the reason ``blank``. The result is called
    ``value`` whatever the column was called: give it an alias. ``region`` is a column or a literal.
    """
    return finish(recipe, normalise_base(recipe.base, value, region), region, value)


def normalise_base(name: str, value: pl.Expr, region: pl.Expr | None) -> pl.Expr:
    """A base on a raw String column, for several recipes to `finish`; the Struct has the same fields as theirs."""
    base = BASES[name]
    seen = pl.struct(value=visible(value)).struct.with_fields(reason=first_reason(("blank", pl.field("value").is_null())))
    return followed_by(seen, base.rule, region, tells_validity=base.tells_validity)


def finish(recipe: Recipe, base: pl.Expr, region: pl.Expr | None, raw: pl.Expr) -> pl.Expr:
    """What `normalise` gives, from the column that `normalise_base` made of the recipe's base out of ``raw``."""
    return followed_by(_rescued(base, recipe, raw), recipe.finish, region)


def _rescued(base: pl.Expr, recipe: Recipe, raw: pl.Expr) -> pl.Expr:
    """The base's Struct, and where it dropped the value what the recipe's ``rescue`` has to say."""
    if recipe.rescue is None:
        return base
    kept, found = pl.field("base"), pl.field("found")
    found_where = where(kept.struct.field("value").is_null(), pl.field("raw"), recipe.rescue)
    both = pl.struct(base=base, raw=raw).struct.with_fields(found=found_where)
    says = found.struct.field("value").is_not_null() | found.struct.field("reason").is_not_null()
    return both.struct.with_fields(base=pl.when(says).then(found).otherwise(kept)).struct.field("base")


def normalise_frame(frame: pl.DataFrame, recipe: Recipe) -> pl.DataFrame:
    """The recipe on the columns ``value`` and ``region`` (String; the person's country), row by row.

    Returns ``normalised``, ``sha256`` (null where the recipe sends plain values), ``reason`` (String) and ``valid``
    (Boolean; null but for phones).
    """
    rule = normalise(recipe, pl.col("value"), pl.col("region"))
    # the streaming engine uses all cores for one expression, the other one does not
    made = frame.lazy().select(made=rule).collect(engine="streaming").unnest("made")
    digest = sha256_hex(pl.col("value")) if recipe.hashed else pl.lit(None, dtype=pl.String)
    valid = pl.col("valid") if recipe.tells_validity else pl.lit(None, dtype=pl.Boolean)
    return made.select(normalised="value", sha256=digest, reason="reason", valid=valid)


def _e164(value: pl.Expr, region: pl.Expr | None) -> pl.Expr:
    """E.164 with its plus; reasons are those of `phone_expr`. Without a region only a plus tells which country is meant.

    The region ``+`` is that of numbers which begin with their country code: a plus is put before their first digit.
    """
    if region is not None:
        value = pl.when(region == "+").then(value.str.replace(r"^\s*([0-9])", "+${1}")).otherwise(value)
    return phone_expr(value, countries.phone_region(region)).struct.rename_fields(["value", "reason", "valid"])


def _without_plus(value: pl.Expr, _region: pl.Expr | None = None) -> pl.Expr:
    return ids.unchanged(value.str.strip_prefix("+"))


def _dialled_with_00(raw: pl.Expr) -> pl.Expr:
    """A number that begins with ``00`` and that its region does not read: the platform's page says that a plus is meant."""
    international = pl.lit("+") + raw.str.extract(r"^[^\p{L}\p{N}+]*00(.*)$")
    read = phone_expr(international, None).struct.rename_fields(["value", "reason", "valid"])
    # where that is no number either, the base's reason stands
    return read.struct.with_fields(reason=nothing())


BASES: Mapping[str, Base] = MappingProxyType(
    {
        base.name: base
        for base in (
            Base("text", ids.unchanged),
            Base("email", emails.email),
            Base("name", names.name),
            Base("phone.e164", _e164, needs_region=True, tells_validity=True),
        )
    }
)
"""What recipes share. Everything begins with ``text``: visible characters, trimmed."""


RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        one.name: one
        for one in (
            Recipe("email.google.v1", GOOGLE, emails.folded_by_google, base="email"),
            Recipe("email.lower.v1", META, base="email"),
            Recipe("phone.e164_plus.v1", E164, base="phone.e164"),
            Recipe("phone.e164_digits.v1", E164, _without_plus, base="phone.e164"),
            Recipe("name.google.v1", GOOGLE, names.name_for_google, base="name"),
            Recipe("name.meta.v1", META, names.name_for_meta, base="name"),
            Recipe("initial.meta.v1", META, names.initial_for_meta, base="name"),
            Recipe("city.meta.v1", META, places.city_for_meta),
            Recipe("state.meta.v1", META, places.state_for_meta, finish_needs_region=True),
            Recipe("postal_code.google.v1", GOOGLE, places.postal_code_for_google, hashed=False, finish_needs_region=True),
            Recipe("postal_code.meta.v1", META, places.postal_code_for_meta, finish_needs_region=True),
            Recipe("country.google.v1", GOOGLE, countries.country_for_google, hashed=False),
            Recipe("country.meta.v1", META, countries.country_for_meta),
            Recipe("gender.meta.v1", META, people.gender_for_meta),
            Recipe("birth_year.meta.v1", META, people.birth_year_for_meta),
            Recipe("birth_month.meta.v1", META, people.birth_month_for_meta),
            Recipe("birth_day.meta.v1", META, people.birth_day_for_meta),
            Recipe("mobile_ad_id.google.v1", GOOGLE, ids.mobile_ad_id, hashed=False),
            Recipe("mobile_ad_id.lower.v1", META, ids.mobile_ad_id_lower, hashed=False),
            Recipe("external_id.v1", GOOGLE, hashed=False),
            Recipe("email.tiktok.v1", TIKTOK, emails.email_for_tiktok, base="email", rescue=emails.without_inner_space),
            Recipe("email.plain.v1", E164, base="email", hashed=False),
            Recipe("phone.plain_plus.v1", E164, base="phone.e164", hashed=False),
            Recipe("phone.plain_digits.v1", E164, _without_plus, base="phone.e164", hashed=False),
            Recipe("phone.snapchat.v1", SNAPCHAT, _without_plus, base="phone.e164", rescue=_dialled_with_00),
            Recipe("phone.klaviyo.v1", KLAVIYO, base="phone.e164", hashed=False, rescue=_dialled_with_00),
            Recipe("name.lower.v1", TOPSORT, names.lower_case),
            Recipe("text.plain.v1", KLAVIYO, hashed=False),
            Recipe("country.alpha2.v1", WHOP, countries.country_code, hashed=False),
            Recipe("mobile_ad_id.hashed.v1", TIKTOK, ids.mobile_ad_id_lower),
            Recipe(PREHASHED, GOOGLE, ids.sha256, hashed=False),
        )
    }
)
"""Every recipe by its name."""
