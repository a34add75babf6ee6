"""Schemathesis asks the intake what its own OpenAPI allows, and what it does not, with a good key and with bad ones."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import schemathesis
import uvicorn
from airflow.api_fastapi.app import create_auth_manager
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

from guestlist.cli.components import free_port
from guestlist.runtime.intake.keys import key_of
from guestlist.web.app import app
from web.intake.rig import Desk, csv_of

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
    create_auth_manager()  # knows no user; it looks at whatever is no key
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


def operations_of_the_intake() -> list[Any]:
    schema = schemathesis.openapi.from_dict(app.openapi()).include(tag="intake")
    schema.config.generation.update(with_security_parameters=False)  # the tests bring their own keys
    found = [one.ok() for one in schema.get_all_operations()]
    assert len(found) == 10
    return found


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_the_contract_is_kept(address: str, desk: Desk, mode: GenerationMode) -> None:
    there = desk.create("VIPs", csv_of(range(3))).json()["id"]
    headers = {"Authorization": desk.client.headers["Authorization"]}
    operations = operations_of_the_intake()
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


OTHERS = {
    "GET /intakes": 200,
    "GET /audiences": 200,
    "POST /audiences": 403,
    "POST /audiences/preview": 403,
    "GET /audiences/{audience_id}": 404,
    "DELETE /audiences/{audience_id}": 404,
    "GET /audiences/{audience_id}/rejections": 404,
    "PUT /audiences/{audience_id}/members": 404,
    "POST /audiences/{audience_id}/members": 404,
}
"""What somebody is told whose key is for another intake: of audiences that are not his not even that they are there."""


def called(operation: Any, there: str, address: str, headers: Mapping[str, str]) -> Any:
    """A request that is in order but for its key; the answer is one of the document's."""
    path = {"audience_id": there} if "{" in operation.path else {}
    case = operation.Case(path_parameters=path)
    form: dict[str, Any] = (
        {"files": {"file": ("p.csv", csv_of(range(2)))}} if operation.method.upper() in ("POST", "PUT") else {}
    )
    if operation.path.endswith(("audiences", "preview")) and form:
        form["data"] = {"intake": "partners", **({} if "preview" in operation.path else {"name": "Others"})}
    answer = case.call(base_url=address, headers=dict(headers), **form)
    case.validate_response(answer, checks=[not_a_server_error, *CONFORMANCE[:-1]])
    return answer


def test_bad_keys_are_refused_everywhere(address: str, desk: Desk) -> None:
    there = desk.create("VIPs", csv_of(range(3))).json()["id"]
    kept, revoked = desk.kept(), desk.key()
    known = key_of(desk.ledger, revoked)
    assert known is not None
    desk.ledger.revoke_key(known.id)
    bad = {
        "none": {},
        "made up": {"Authorization": "Bearer glk_made-up"},
        "no key": {"Authorization": "Bearer x.y.z"},
        "of another scheme": {"Authorization": f"Basic {desk.key()}"},
        "expired": {"Authorization": f"Bearer {desk.key(seconds=-1)}"},
        "revoked": {"Authorization": f"Bearer {revoked}"},
        "in letters that no key has": {"Authorization": "Bearer glk_\u00e9".encode().decode("latin-1")},
    }
    others = {"Authorization": f"Bearer {desk.key(['others'])}"}
    seen = dict[str, int]()
    for operation in operations_of_the_intake():
        if operation.path == "/uploads":
            assert "security" not in operation.definition.raw, "its address is all that it takes"
            continue
        assert [*operation.definition.raw["security"]] == [{"IntakeKey": []}, {"Login": []}]
        for told, headers in bad.items():
            answer = called(operation, there, address, headers)
            assert answer.status_code == 401, f"{operation.label} {told}: {answer.text}"
            assert answer.headers["www-authenticate"] == ["Bearer"]
        answer = called(operation, there, address, others)
        seen[f"{operation.method.upper()} {operation.path.removeprefix('/api/v1')}"] = answer.status_code
    assert seen == OTHERS
    assert desk.kept() == kept
    assert [one["name"] for one in desk.ask("GET", "/audiences").json()["audiences"]] == ["VIPs"]
