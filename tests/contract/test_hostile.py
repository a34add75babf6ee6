"""What no platform should answer, judged by every platform's file: redirects are no success, and numbers have no end."""

from __future__ import annotations

import pytest
from contract.doors import EVERY_DOOR
from contract.rig import Door
from contract.test_judgement import CALL, destination_of

from guestlist.model.conversation import Reply
from guestlist.model.errors import GuestlistError


@EVERY_DOOR
@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_an_answer_that_leads_elsewhere_is_no_success(door: Door, status: int) -> None:
    for body, malformed in (({}, False), ([], False), (None, True), (None, False), ({"data": {"id": "1"}}, False)):
        verdict = destination_of(door).judge(CALL, Reply(status, body, {}, None, malformed))
        assert isinstance(verdict.error, GuestlistError), body


@EVERY_DOOR
def test_numbers_without_an_end_and_odd_texts_break_nothing(door: Door) -> None:
    odd = "\x1b[31m\ud800" + "x" * 10_000
    place = f"events.audience_members[{'9' * 5000}]"
    for value in (10**4000, -(10**400), float("inf"), odd, place, [[[]]]):
        error = {"code": value, "error_subcode": value, "status": value, "message": value, "fbtrace_id": value, "type": value}
        details = [{"fieldViolations": [{"field": value, "reason": value}], "requestId": value, "reason": value}]
        for body in ({"error": {**error, "details": details}}, {"errors": [error], "code": value, "request_id": value}):
            told = destination_of(door).judge(CALL, Reply(400, body, {"retry-after": str(value)[:5000]}, odd)).error
            assert isinstance(told, GuestlistError)
            assert str(told).isprintable()
            assert len(str(told)) < 2000
