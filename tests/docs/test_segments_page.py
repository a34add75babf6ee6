"""docs/segments.md: every segment on it parses, every key of the models is on it with its default, every reason is real."""

from __future__ import annotations

import re
from typing import Any

import polars as pl
import pytest
import yaml
from docs.pages import Block, blocks, section, table, text_of
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from guestlist import destinations
from guestlist.cli.variants import keys_by_platform
from guestlist.identity.recipes import normalise_frame, recipe
from guestlist.model import alerts, dbt, guards, source
from guestlist.model import segment as model
from guestlist.model.segment import Segment
from guestlist.model.segment_file import SegmentError, parse_segment
from guestlist.model.vocabulary import MULTI_VALUED, Field, Mode
from guestlist.pipeline.erasure import Erased
from guestlist.pipeline.prepare import Preparer

PAGE = text_of("segments.md")
PLATFORM_PAGES = ("platforms/google_ads.md", "platforms/meta.md")
BASE: dict[str, Any] = {
    "name": "base",
    "source": {"file": "people.csv"},
    "key": "id",
    "identifiers": {"email": "email", "phone": "phone", "mobile_ad_id": "idfa"},
    "destinations": [{"platform": "meta", "connection": "meta_main", "audience": "Base"}],
}


def _parsed(document: dict[str, Any]) -> Segment:
    text = yaml.safe_dump(document, sort_keys=False)
    return parse_segment(text, f"{document['name']}.yaml", destinations.platforms())


def _yaml_blocks() -> list[tuple[str, Block]]:
    return [(name, block) for name in ("segments.md", *PLATFORM_PAGES) for block in blocks(text_of(name), "yaml")]


@pytest.mark.parametrize(("page", "block"), _yaml_blocks(), ids=lambda value: getattr(value, "line", value))
def test_every_segment_and_every_part_of_one_is_valid(page: str, block: Block) -> None:
    document = yaml.safe_load(block.text)
    if "name" in document:
        assert parse_segment(block.text, f"{document['name']}.yaml", destinations.platforms()).name == document["name"]
    else:
        segment = _parsed(BASE | document)
        for key in document:
            assert getattr(segment, key) != getattr(_parsed(BASE), key), f"{page}: {key} changes nothing"


def test_there_is_a_whole_segment_and_a_part_for_each_key() -> None:
    documents = [yaml.safe_load(block.text) for name, block in _yaml_blocks() if name == "segments.md"]
    assert any("name" in document for document in documents)
    shown = {key for document in documents for key in document}
    assert shown >= {
        "schedule",
        "source",
        "identifiers",
        "value",
        "consent",
        "suppress",
        "holdout",
        "guards",
        "alerts",
        "destinations",
    }


def test_each_kind_of_source_has_an_example() -> None:
    sources = [yaml.safe_load(block.text).get("source") for _, block in _yaml_blocks()]
    endings = {str(source["file"]).partition("?")[0].rsplit(".", 1)[1] for source in sources if source and "file" in source}
    assert endings == {"csv", "tsv", "parquet", "ndjson", "xlsx"}
    assert any(source and "table" in source for source in sources)


def test_the_broken_file_gives_the_problems_that_are_shown() -> None:
    (broken,) = blocks(PAGE, "yaml broken")
    shown = next(block.text for block in blocks(PAGE, "text") if block.line > broken.line)
    with pytest.raises(SegmentError) as caught:
        parse_segment(broken.text, "vips.yaml", destinations.platforms())
    assert shown.splitlines()[1:] == [f"    {problem}" for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("heading", "of", "defaults"),
    [
        ("All keys", model.Segment, True),
        ("Sources", source.Source, False),
        ("Identifiers", source.Identifier, True),
        ("Value", model.Value, False),
        ("Consent", model.ConsentColumns, False),
        ("Holdout", model.Holdout, False),
        ("Guards", guards.Guards, True),
        ("Alerts", alerts.Alerts, False),
        ("Destinations", model.Destination, True),
    ],
)
def test_every_key_of_the_models_is_told_with_its_default(heading: str, of: type[BaseModel], *, defaults: bool) -> None:
    told = table(section(PAGE, heading))
    for name, field in of.model_fields.items():
        assert name in told, f"{name} is not in the table under {heading}"
        if defaults:
            _agrees(told[name][0], field.is_required(), field.get_default())


def _agrees(cell: str, required: bool, default: Any) -> None:
    written = cell.strip("`")
    if required:
        assert written == "required"
    elif default is None:
        assert written in ("none", "null", "the connection's id")
    elif isinstance(default, bool):
        assert written == str(default).lower()
    elif isinstance(default, BaseModel) and not isinstance(default, guards.Threshold):
        assert default.model_dump(exclude_defaults=True) == {}
    elif default in ("", ()):
        assert written in ("empty", "none")
    else:
        assert default is not PydanticUndefined
        assert written == str(default)


def test_no_table_tells_of_a_key_that_no_model_has() -> None:
    known = {name for kind in _models() for name in kind.model_fields}
    for heading in ("All keys", "Sources", "Value", "Consent", "Holdout", "Guards", "Alerts"):
        for name in table(section(PAGE, heading).partition("\n### ")[0]):
            assert name in known, name


def _models() -> list[type[BaseModel]]:
    there = [item for module in (model, source, guards, alerts, dbt) for item in vars(module).values()]
    return [item for item in there if isinstance(item, type) and issubclass(item, BaseModel)]


def test_every_model_is_covered() -> None:
    told = {
        "Segment",
        "Source",
        "Suppression",
        "Identifier",
        "Value",
        "ConsentColumns",
        "Holdout",
        "Guards",
        "Alerts",
        "Destination",
        "After",
        "Dbt",
        "Intake",
    }
    machinery = {"BaseModel", "Strict", "Threshold", "Upload"}
    assert {kind.__name__ for kind in _models()} == told | machinery


def test_the_schedules_presets_and_modes_are_all_told() -> None:
    schedules = section(PAGE, "Schedules")
    assert {*re.findall(r"@[a-z]+", schedules)} == {*model.PRESETS}
    assert "`after`" in schedules
    modes = table(section(PAGE, "Destinations"))
    assert {mode.value for mode in Mode} <= set(modes)


def test_the_table_of_identifiers_is_what_the_platforms_take() -> None:
    told = {name: cells for name, cells in table(section(PAGE, "Identifiers")).items() if len(cells) == 3}
    assert list(told) == [field.value for field in Field]
    for field in Field:
        columns, *platforms = told[field.value]
        assert columns == ("several" if field in MULTI_VALUED else "one")
        for platform, cell in zip(("google_ads", "meta"), platforms, strict=True):
            key = keys_by_platform()[platform].get(field)
            wanted = "-" if key is None else "plain" if key.plain else "hashed"
            assert cell.split(",")[0] == wanted, (field, platform)


# reason -> recipe, value, region that give it
KEY_REASONS = {
    "blank": ("email.lower.v1", " \u200b ", None),
    "not_an_email": ("email.lower.v1", "nobody", None),
    "inner_space": ("email.lower.v1", "da na@example.com", None),
    "empty_local_part": ("email.google.v1", "+tag@gmail.com", None),
    "no_region": ("phone.e164_plus.v1", "020 7946 0958", None),
    "unknown_region": ("phone.e164_plus.v1", "020 7946 0958", "Atlantis"),
    "not_a_number": ("phone.e164_plus.v1", "call me", "DE"),
    "too_short": ("phone.e164_plus.v1", "+1 800", None),
    "too_long": ("phone.e164_plus.v1", "+1 212 555 0100 0100", None),
    "local_only": ("phone.e164_plus.v1", "555 0100", "US"),
    "invalid_length": ("phone.e164_plus.v1", "+376 2222222", None),
    "no_letters": ("city.meta.v1", "12", None),
    "not_a_postal_code": ("postal_code.google.v1", "9404", "US"),
    "unknown_country": ("country.meta.v1", "UK", None),
    "unknown_gender": ("gender.meta.v1", "x", None),
    "not_a_year": ("birth_year.meta.v1", "87", None),
    "not_a_month": ("birth_month.meta.v1", "May", None),
    "not_a_day": ("birth_day.meta.v1", "first", None),
    "out_of_range": ("birth_day.meta.v1", "32", None),
    "not_an_ad_id": ("mobile_ad_id.lower.v1", "abc", None),
    "all_zero": ("mobile_ad_id.lower.v1", "00000000-0000-0000-0000-000000000000", None),
    "not_a_sha256": ("sha256.v1", "abc", None),
    "hash_of_nothing": ("sha256.v1", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", None),
}


def test_the_reasons_of_keys_are_those_that_the_recipes_give() -> None:
    told = set()
    for line in section(PAGE, "Identifiers").splitlines():
        if line.startswith("|") and not set(line) <= set("|- ") and line.count("|") == 3:
            told |= {*re.findall(r"`([a-z0-9_]+)`", line.split("|")[2])}
    assert told - {"strict_phones"} == {*KEY_REASONS, "invalid"}


@pytest.mark.parametrize(("reason", "given"), KEY_REASONS.items(), ids=KEY_REASONS)
def test_each_reason_of_a_key_is_given(reason: str, given: tuple[str, str, str | None]) -> None:
    name, value, region = given
    frame = pl.DataFrame({"value": [value], "region": [region]}, schema={"value": pl.String, "region": pl.String})
    assert normalise_frame(frame, recipe(name))["reason"].to_list() == [reason]


def test_the_reasons_of_rows_are_those_that_preparing_gives() -> None:
    told = table(section(PAGE, "Rows and the key"))
    segment = _parsed(BASE | {"consent": {"ad_user_data": "ok"}, "holdout": {"percent": 50, "experiment": "docs"}})
    capabilities = [destinations.destination_class("meta").capabilities_for(destinations.destination_class("meta").Options())]
    erased = Erased({Field.EMAIL: frozenset({_hash("erased@example.com")})}, frozenset())
    preparer = Preparer(segment, capabilities, {"email:email.lower.v1": pl.Series([_hash("listed@example.com")])}, erased)
    preparer.prepare(_people())
    assert {*preparer.drops.rows} | {"repeated_key"} == set(told)


def _people() -> pl.DataFrame:
    """Enough of each kind that half of them are not held out."""
    kinds = [
        ("", "a@example.com", "yes"),
        ("n{}", "b@example.com", "no"),
        ("k{}", "nobody", "yes"),
        ("s{}", "listed@example.com", "yes"),
        ("e{}", "erased@example.com", "yes"),
    ]
    rows = [(key.format(number), email, ok) for number in range(20) for key, email, ok in kinds]
    frame = pl.DataFrame(rows, schema=["id", "email", "ok"], orient="row")
    return frame.with_columns(pl.lit(None, pl.String).alias(name) for name in ("phone", "idfa"))


def _hash(email: str) -> str:
    frame = pl.DataFrame({"value": [email], "region": [None]}, schema={"value": pl.String, "region": pl.String})
    return str(normalise_frame(frame, recipe("email.lower.v1"))["sha256"].item())
