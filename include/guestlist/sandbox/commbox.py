"""CommBox's audiences: made from a file of phone numbers, replaced whole by the next one.

Accepted: API key ``sandbox-key``. Numbers come in plain text, so the books keep their digests only.
https://help.commbox.io/apidocs/create-new-audiences
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from typing import ClassVar

from guestlist.sandbox._faults import Action
from guestlist.sandbox.core import Answer, Audience, Json, Platform, Refused, Request, Upload, digest, endpoint, iso

API_KEY = "sandbox-key"
_COLUMN = "phone1"
_NUMBER = re.compile(r"[1-9]\d{3,14}")  # no page names a shortest length
_DESCRIPTIONS = {
    200: "Operation successful",
    201: "Audience created",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    429: "Too Many Requests \N{EN DASH} Rate limit exceeded",
    500: "Server Error",
}


class CommBox(Platform):
    """The API v2.07, as far as audiences need it."""

    name = "commbox"
    book_name = "commbox"
    connection: ClassVar[Mapping[str, Json]] = {"api_key": API_KEY, "endpoint": "{http}/commbox"}
    defaults: ClassVar[Mapping[str, Json]] = {"requests_per_minute": None, "dynamic_audiences": []}

    def admit(self, request: Request) -> None:
        """Key and throttling; CommBox publishes no rate."""
        if request.bearer != API_KEY or request.action.expire_token:
            raise self._refused(401)
        rate = self.settings["requests_per_minute"]
        if rate is not None and self.world.quotas.spend("commbox", 60, rate):
            raise self._refused(429)

    def unknown_path(self, request: Request) -> Answer:
        """In the platform's envelope."""
        return self._answer(404)

    def error_named(self, code: str, action: Action) -> Answer:
        """The fault ``{"error": "429"}``."""
        if not code.isdigit() or int(code) not in _DESCRIPTIONS:
            raise ValueError(f"commbox has no error {code}; it has: {', '.join(map(str, _DESCRIPTIONS))}")
        return self._answer(int(code))

    @endpoint("GET", "/audiences", "read")
    def list_audiences(self, request: Request) -> Json:
        """Every audience; here the status is text."""
        found = [self._view(audience) for audience in self.book.all()]
        return {**self._envelope(200), "status": "200", "description": "Audiences retrieved", "data": found}

    @endpoint("POST", "/audiences", "add")
    def create(self, request: Request) -> Answer:
        """Make an audience of a file; a second one of the same name is a second one."""
        name = request.form.get("name")
        if not isinstance(name, str) or not name:
            raise self._refused(400)
        numbers = self._numbers(request)
        audience = self.book.create(str(self.records.next_number(312_345)), "", name)
        self._fill(audience, numbers)
        return self._answer(201, {"id": audience.id})

    @endpoint("PUT", "/Audiences/{audience}", "replace")
    def replace(self, request: Request) -> Answer:
        """Put a file in the place of all that a static audience holds."""
        audience = self.book.get(request.params["audience"])
        if audience is None:
            raise self._refused(404)
        if set(request.form) != {"audience_file"} or self._is_dynamic(audience):
            raise self._refused(400)
        numbers = self._numbers(request)
        self.book.clear(audience)
        self._fill(audience, numbers)
        return self._answer(200, {"id": audience.id})

    def _fill(self, audience: Audience, numbers: Iterable[str]) -> None:
        self.book.add(audience, [("phone", digest(number)) for number in numbers])

    def _numbers(self, request: Request) -> list[str]:
        """The column ``phone1`` of the file in the form."""
        file = request.form.get("audience_file")
        if not isinstance(file, Upload):
            raise self._refused(400)
        try:
            rows = _excel(file) if file.filename.endswith((".xlsx", ".xls")) else _delimited(file)
        except ValueError:
            raise self._refused(400) from None
        request.rows = len(rows)
        if not all(_NUMBER.fullmatch(row) for row in rows):
            raise self._refused(400)
        return rows

    def _is_dynamic(self, audience: Audience) -> bool:
        return audience.name in self.settings["dynamic_audiences"]

    def _view(self, audience: Audience) -> dict[str, Json]:
        view: dict[str, Json] = {"id": audience.id, "name": audience.name, "created_time": iso(audience.created)}
        if self._is_dynamic(audience):
            return {**view, "type": "Dynamic"}
        return {**view, "user_count": self.book.people(audience), "type": "Static"}

    def _envelope(self, status: int) -> dict[str, Json]:
        return {"status": status, "description": _DESCRIPTIONS[status], "response_time": iso(self.clock.now())}

    def _answer(self, status: int, data: Json = None) -> Answer:
        return Answer(status, {**self._envelope(status), **({"data": data} if data else {})})

    def _refused(self, status: int) -> Refused:
        return Refused(self._answer(status))


def _delimited(file: Upload) -> list[str]:
    if not file.filename.endswith(".csv"):
        raise ValueError("neither CSV nor Excel")
    rows = csv.DictReader(io.StringIO(file.content.decode("utf-8-sig")), strict=True)
    if _COLUMN not in (rows.fieldnames or ()):
        raise ValueError("no phone1 column")
    try:
        return [row[_COLUMN] or "" for row in rows]
    except csv.Error as error:
        raise ValueError("no CSV") from error


def _excel(file: Upload) -> list[str]:
    import fastexcel

    try:
        sheet = fastexcel.read_excel(file.content).load_sheet(0, dtypes="string").to_polars()
    except fastexcel.FastExcelError as error:
        raise ValueError("no Excel") from error
    if _COLUMN not in sheet.columns:
        raise ValueError("no phone1 column")
    return [number or "" for number in sheet[_COLUMN]]


PLATFORM = CommBox
