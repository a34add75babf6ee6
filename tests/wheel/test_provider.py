"""The provider's forms: made of what each platform's connection takes, nothing more and nothing less."""

from __future__ import annotations

import json
from typing import Any

import pytest
from airflow._shared.secrets_masker import should_hide_value_for_key
from airflow.providers_manager import _create_provider_info_schema_validator

from guestlist import destinations
from guestlist.destinations import destination_class
from guestlist.model.connection import Connection
from guestlist.orchestration import hooks, provider
from guestlist.sandbox.server import Sandbox

FORMS = {form["connection-type"]: form for form in provider.get_provider_info()["connection-types"]}
PLATFORMS = pytest.mark.parametrize("platform", destinations.names())


def fields_of(platform: str) -> dict[str, Any]:
    return FORMS[provider.connection_type(platform)]["conn-fields"]


def test_airflow_takes_what_the_provider_says() -> None:
    _create_provider_info_schema_validator().validate(provider.get_provider_info())
    assert json.loads(json.dumps(provider.get_provider_info())) == provider.get_provider_info()


@PLATFORMS
def test_a_form_has_every_setting_and_the_required_ones_first(platform: str) -> None:
    settings = destination_class(platform).Settings.model_fields
    fields = fields_of(platform)
    assert set(fields) == set(settings)
    required = [settings[name].is_required() for name in fields]
    assert required == sorted(required, reverse=True)
    assert [field["description"] == "Has to be filled in." for field in fields.values()] == required


@PLATFORMS
def test_secrets_are_typed_blind_and_starred_by_airflow(platform: str) -> None:
    settings = destination_class(platform).Settings
    for name, field in fields_of(platform).items():
        hidden = "SecretStr" in str(settings.model_fields[name].annotation) and field["schema"]["type"] != ["object", "null"]
        assert (field["schema"].get("format") == "password") == hidden, name
        assert should_hide_value_for_key(name) or not hidden, name


@pytest.mark.slow
@PLATFORMS
def test_fields_that_are_left_empty_are_none(platform: str, sandbox: Sandbox) -> None:
    given = sandbox.connections()[platform]
    empty = dict.fromkeys(set(fields_of(platform)) - set(given), None)
    cleared = dict.fromkeys(empty, "")
    settings = destination_class(platform).Settings
    for extra in (given | empty, given | cleared):
        assert settings.of(Connection("new", "guestlist", extra=extra)) == settings.of(
            Connection("new", "generic", extra=given)
        )


@PLATFORMS
def test_each_platform_has_a_hook_of_its_type(platform: str) -> None:
    hook = getattr(hooks, platform)
    assert (hook.conn_type, hook.hook_name) == (provider.connection_type(platform), FORMS[hook.conn_type]["hook-name"])
    assert FORMS[hook.conn_type]["hook-class-name"] == f"{hook.__module__}.{hook.__name__}"


def test_no_other_hook() -> None:
    with pytest.raises(AttributeError):
        hooks.myspace  # noqa: B018
