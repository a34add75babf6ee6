"""Whatever fits or breaks the OpenAPI of Topsort's and Whop's pages is answered as these say."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from destinations.test_google_ads import DOORS as GOOGLE
from destinations.test_meta import DOOR as META
from destinations.test_snapchat_ads import DOORS as SNAPCHAT
from destinations.test_tiktok_ads import STREAMING as TIKTOK
from hypothesis import HealthCheck, Phase, given, settings
from sandbox.openapi import OpenApi
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation import GenerationMode
from web.dialects.rig import Station

MODES = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]


def with_answers(dialect: str, answers: dict[str, Any]) -> dict[str, Any]:
    """The document of a page, with answers that it does not name."""
    document = OpenApi(dialect).document
    [methods] = document["paths"].values()
    methods["post"]["responses"] |= answers
    return document


def hold(station: Station, dialect: str, document: dict[str, Any], key: str, mode: GenerationMode, excluded: Any = ()) -> None:
    """Send many requests to the one operation of a page, and check all that schemathesis can."""
    [path] = document["paths"]
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=f"{station.url}/guestlist/dialects/{dialect}")
    schema.config.generation.update(allow_extra_parameters=False)  # no page forbids a name that it does not know
    load_all_checks()
    wanted = [CHECKS.get_one(name) for name in CHECKS.get_all_names() if name not in excluded]

    @given(case=schema[path]["POST"].as_strategy(generation_mode=mode))
    @settings(max_examples=20, phases=(Phase.explicit, Phase.generate), suppress_health_check=list(HealthCheck), database=None)
    def ask(case: Any) -> None:
        broken = case.meta.is_negative_at(ParameterLocation.HEADER)  # a key would mend it
        case.call_and_validate(headers={} if broken else {"Authorization": f"Bearer {key}"}, checks=wanted)

    ask()


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.value)
def test_topsort(station: Station, mode: GenerationMode) -> None:
    doors = (META, TIKTOK, GOOGLE[0], SNAPCHAT[0])
    key = station.key(station.intake(*doors, identifiers={"email": "e", "phone": "p"}))
    # the page asks for a key and names no answer to those who have none
    hold(station, "topsort", with_answers("topsort", {"401": {"description": "Who are you?"}}), key, mode)


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.value)
def test_whop(station: Station, mode: GenerationMode) -> None:
    # the page names no refusal but 401; Whop's own client knows these for the operation
    document = with_answers("whop", {code: {"$ref": "#/components/responses/Unauthorized"} for code in ("400", "409")})
    # no schema can say that the file has to be there, with the columns that are mapped
    hold(station, "whop", document, station.key(station.intake(META)), mode, ["positive_data_acceptance"])
