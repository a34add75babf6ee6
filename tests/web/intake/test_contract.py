"""Schemathesis asks the intake what its own OpenAPI allows, and what it does not: no answer breaks the contract."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from web.intake.rig import Desk, csv_of

from guestlist.cli.components import free_port
from guestlist.web.app import app

pytestmark = pytest.mark.slow
CONFORMANCE = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
EXAMPLES = settings(max_examples=20, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture
def address(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The app on loopback."""
    monkeypatch.setenv("GUESTLIST_INTAKE_REQUESTS", "100000")
    port = free_port(0)
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.05)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_the_contract_is_kept(address: str, desk: Desk, mode: GenerationMode) -> None:
    there = desk.create("VIPs", csv_of(range(3))).json()["id"]
    headers = {"Authorization": desk.client.headers["Authorization"]}
    schema = schemathesis.openapi.from_dict(app.openapi()).include(tag="intake")
    operations = [one.ok() for one in schema.get_all_operations()]
    assert len(operations) == 10
    if mode is GenerationMode.NEGATIVE:  # of others nothing can be wrong: any text may be an id
        operations = [one for one in operations if one.query or "json" in str(one.get_request_payload_content_types())]
    for operation in operations:

        @EXAMPLES
        @given(case=operation.as_strategy(mode))
        def ask(case: Case) -> None:
            if "audience_id" in (case.path_parameters or {}):
                case.path_parameters["audience_id"] = there
            case.call_and_validate(base_url=address, headers=headers, checks=[not_a_server_error, *CONFORMANCE])

        ask()
