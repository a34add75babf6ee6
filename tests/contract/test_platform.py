"""What every platform's file owes, whatever it is: its data, its models, its judgement; no network in sight."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from contract.doors import EVERY_DOOR, all_doors
from contract.rig import Door
from contract.variants import Variant, all_variants
from pydantic import SecretStr, ValidationError

from guestlist import destinations
from guestlist.identity.recipes import RECIPES, normalise
from guestlist.model.connection import Connection
from guestlist.model.errors import ConfigError
from guestlist.model.vocabulary import Field

INCLUDE = Path(__file__).resolve().parents[2] / "include"
EVERY_VARIANT = pytest.mark.parametrize("variant", all_variants(), ids=lambda variant: variant.id)
SAMPLES = {
    "email": ("person@example.com", None),
    "phone": ("+12015550123", "US"),
    "name": ("Zoë", None),
    "initial": ("zoë", None),
    "city": ("São Paulo", None),
    "state": ("California", "US"),
    "postal_code": ("90210", "US"),
    "country": ("DE", None),
    "gender": ("female", None),
    "birth_year": ("1990", None),
    "birth_month": ("2", None),
    "birth_day": ("7", None),
    "mobile_ad_id": ("AEBE52E7-03EE-455A-B3C4-E57283966239", None),
    "external_id": ("AbC-1", None),
    "text": ("anything", None),
}


@EVERY_VARIANT
def test_the_file_names_the_platform(variant: Variant) -> None:
    assert variant.capabilities.platform == variant.platform
    assert variant.cls.__module__ == f"guestlist.destinations.{variant.platform}"
    assert variant.platform == variant.platform.lower()


@EVERY_VARIANT
def test_capabilities_are_whole(variant: Variant) -> None:
    found = variant.capabilities
    assert found.title
    assert found.docs.startswith("https://")
    assert found.modes
    assert len(set(found.modes)) == len(found.modes)
    assert len({key.field for key in found.keys}) == len(found.keys) > 0
    assert all(key.wire for key in found.keys)
    limits = dataclasses.asdict(found.limits)
    assert found.limits.rows_per_batch > 0
    assert found.limits.parallel_batches > 0
    assert all(rate["requests"] > 0 and rate["seconds"] > 0 for rate in limits.pop("rates"))
    assert all(value is None or value >= 0 for value in limits.values())
    counted = {name: value for name, value in limits.items() if not isinstance(value, bool)}
    assert all(counted[name] is None or counted[name] > 0 for name in counted if name.endswith(("_batch", "_row", "_days")))
    assert (
        found.plain_text
        or not all(key.plain for key in found.keys if key.field in (Field.EMAIL, Field.PHONE))
        or not (found.key(Field.EMAIL) or found.key(Field.PHONE))
    )


@EVERY_VARIANT
def test_composites_are_made_of_its_own_fields(variant: Variant) -> None:
    taken = {key.field for key in variant.capabilities.keys}
    for composite in variant.capabilities.composites:
        assert composite.required
        assert set(composite.parts) <= taken
        assert len(set(composite.parts)) == len(composite.parts)


@EVERY_VARIANT
def test_waits_between_questions_grow_and_end(variant: Variant) -> None:
    polling = variant.capabilities.polling
    if polling is None:
        return
    waits = [polling.wait(attempt) for attempt in range(50)]
    assert 0 < waits[0] == polling.first
    assert waits == sorted(waits)
    assert waits[-1] == polling.longest < polling.give_up


@EVERY_VARIANT
def test_every_key_has_its_recipe_and_agrees_with_it_on_hashing(variant: Variant) -> None:
    for key in variant.capabilities.keys:
        assert RECIPES[key.recipe].hashed is not key.plain, key


@EVERY_VARIANT
def test_normalising_twice_changes_nothing(variant: Variant) -> None:
    for key in variant.capabilities.keys:
        sample, region = SAMPLES[key.recipe.split(".")[0]]
        rule = RECIPES[key.recipe]
        frame = pl.DataFrame({"raw": [sample], "region": [region]}, schema={"raw": pl.String, "region": pl.String})
        where = pl.col("region") if rule.needs_region else None
        once = frame.select(made=normalise(rule, pl.col("raw"), where)).unnest("made")
        assert once["value"].item(), key
        again = once.with_columns(region=frame["region"]).select(made=normalise(rule, pl.col("value"), where)).unnest("made")
        assert again["value"].item() == once["value"].item(), key


@EVERY_VARIANT
def test_options_refuse_what_nobody_knows_and_cannot_be_changed(variant: Variant) -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        variant.cls.Options(nobody_knows_this=1)
    for name in variant.cls.Options.model_fields:
        with pytest.raises(ValidationError, match="frozen"):
            setattr(variant.options, name, None)


def test_every_platform_has_a_door_into_the_sandbox() -> None:
    assert {door.platform for door in all_doors()} == set(destinations.names())
    for variant in all_variants():
        apis = variant.capabilities.apis
        mine = [door for door in all_doors() if door.platform == variant.platform]
        assert len(mine) >= max(len(apis), 1)


@EVERY_DOOR
def test_settings_refuse_what_nobody_knows_and_never_repeat_a_value(door: Door) -> None:
    settings_class = destinations.destination_class(door.platform).Settings
    wrong = {**door.extra, "nobody_knows_this": "canary-value", door.secrets[0]: {"canary-secret": 1}}
    with pytest.raises(ConfigError) as caught:
        settings_class.of(Connection("c", "guestlist", extra=wrong))
    told = f"{caught.value!r} {caught.value} {caught.value.__cause__!r} {caught.value.__suppress_context__}"
    assert "nobody_knows_this" in told
    assert door.secrets[0] in told
    assert "canary" not in told
    assert "True" in told  # pydantic's own error, which repeats values, is no context of ours


@EVERY_DOOR
def test_settings_hide_their_secrets(door: Door) -> None:
    extra = {**door.extra, **{name: f"canary-{name}" for name in door.secrets}}
    found = destinations.destination_class(door.platform).Settings.of(Connection("c", "guestlist", extra=extra))
    for name in door.secrets:
        assert isinstance(getattr(found, name), SecretStr)
        assert getattr(found, name).get_secret_value() == f"canary-{name}"
    assert "canary" not in f"{found!r} {found!s} {found.model_dump()} {found.model_dump_json()}"
    assert "canary" not in repr(Connection("c", "guestlist", password="canary", extra=extra))


@EVERY_DOOR
def test_anything_under_a_secret_name_is_a_secret(door: Door) -> None:
    fields = destinations.destination_class(door.platform).Settings.model_fields
    for name, field in fields.items():
        if any(word in name for word in ("secret", "password", "private_key")) or name.endswith(("token", "api_key")):
            assert "SecretStr" in str(field.annotation), name


def test_importing_all_platforms_loads_neither_polars_nor_a_vendors_sdk() -> None:
    program = (
        "import sys; from guestlist import destinations; destinations.platforms()\n"
        "bad = {'polars', 'httpx', 'requests', 'grpc', 'google', 'facebook_business', 'airflow', 'numpy', 'pyarrow'}\n"
        "print(sorted(bad & {name.split('.')[0] for name in sys.modules}))"
    )
    environment = {"PYTHONPATH": str(INCLUDE), "PATH": ""}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == "[]"


def test_an_unknown_platform_is_answered_with_those_that_there_are() -> None:
    with pytest.raises(ConfigError, match=r"no platform is called 'google'; there are: commbox, .*google_ads, .*whop"):
        destinations.destination_class("google")
    with pytest.raises(ConfigError, match="no platform is called '_google'"):
        destinations.destination_class("_google")
