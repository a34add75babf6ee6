"""PitchTarget's custom audiences of 2014: OAuth, a file of users for each audience, and Facebook's id when it has been made.

Accepted: user ``sandbox-user`` with ``sandbox-password`` and client ``sandbox-client``, or the access token ``sandbox-token``;
every ad account of digits exists. The pages show no error bodies and no refusals but "required" and "one of": statuses and
bodies of errors here are those of the Rails programs of its day. A file whose content is not of its ``user_type`` is taken,
and nobody of it arrives, as the page says. https://github.com/pitchtarget/pitchtarget.github.io
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import ClassVar

from guestlist.sandbox._faults import Action
from guestlist.sandbox._pitchtarget_forms import (
    KINDS,
    account_of,
    form_of,
    invalid,
    refused,
    required,
    terms,
    user_type_of,
    users_of,
)
from guestlist.sandbox.core import Answer, Audience, Job, Json, Platform, Request, endpoint

ACCESS_TOKEN = "sandbox-token"  # noqa: S105 - a constant of the sandbox, in its documentation
USER = {"username": "sandbox-user", "password": "sandbox-password", "client_id": "sandbox-client"}
_URL = re.compile(r"https?://\S+")
_PAGE = 10
_CREATING = {"fb_ad_account_id", "name", "description", "opt_out_link", "user_type", "file", "subtype"}
_ADDING = {"fb_ad_account_id", "user_type", "file"}


class PitchTarget(Platform):
    """The Audience API."""

    name = "pitchtarget"
    book_name = "pitchtarget"
    connection: ClassVar[Mapping[str, Json]] = {
        "fb_ad_account_id": "2024001",
        **USER,
        "endpoint": "{http}/pitchtarget",
    }
    defaults: ClassVar[Mapping[str, Json]] = {
        "settle_seconds": 300,
        "token_seconds": 3600,
        "password_valid": True,
        "token_valid": True,
        "terms_accepted": True,
        "subtype_required": False,
        "id_in_path": "id",
        "ad_accounts": ["2024001"],
    }

    # what surrounds every call

    def admit(self, request: Request) -> None:
        """The scheme is OAuth, not Bearer."""
        if request.operation == "token":
            return
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        static = token == ACCESS_TOKEN and self.settings["token_valid"] and not request.action.expire_token
        if scheme != "OAuth" or not (static or self.world.tokens.state(token) == "good"):
            raise refused(401, "unauthorized")

    def finish(self, request: Request, answer: Answer) -> Answer:
        """Every answer has its id."""
        answer.headers |= {"x-request-id": str(uuid.uuid4())}
        return answer

    def unknown_path(self, request: Request) -> Answer:
        """Nothing is there."""
        return refused(404, "not found").answer

    def error_named(self, code: str, action: Action) -> Answer:
        """The faults ``unauthorized`` and ``terms``."""
        known = {"unauthorized": refused(401, "unauthorized"), "terms": terms()}
        if code not in known:
            raise ValueError(f"pitchtarget has no error {code}; it has: {', '.join(known)}")
        return known[code].answer

    @endpoint("POST", "/oauth/authorize", "token")
    def authorize(self, request: Request) -> Json:
        """An access token for a password."""
        try:
            given = request.json()
        except ValueError:
            raise refused(400, "invalid_request") from None
        if given != {**USER, "grant_type": "password"} or not self.settings["password_valid"]:
            raise refused(401, "invalid_grant")
        return {"access_token": self.world.tokens.issue([], self.settings["token_seconds"])}

    @endpoint("GET", "/fb_ad_accounts", "read")
    def accounts(self, request: Request) -> Json:
        """The Facebook ad accounts that the user may work with."""
        numbers = enumerate(self.settings["ad_accounts"], 1)
        return [{"id": number, "name": f"Account {fb_id}", "currency": "EUR", "fb_id": fb_id} for number, fb_id in numbers]

    # audiences

    @endpoint("POST", "/custom_audiences", "add")
    def create(self, request: Request) -> Answer:
        """Open an audience with the users of a file; Facebook makes it later."""
        form = form_of(request, _CREATING)
        account, name = account_of(form), required(form, "name")
        user_type = user_type_of(form)
        keys = users_of(request, form, user_type)
        if (link := form.get("opt_out_link")) is not None and not _URL.fullmatch(str(link)):
            raise invalid("opt_out_link", "is not a URL")
        if self.settings["subtype_required"]:
            required(form, "subtype")
        self._require_terms()
        facts: dict[str, Json] = {"user_type": user_type, "opt_out_link": link, "subtype": form.get("subtype"), "fb_id": None}
        facts["failing"] = request.action.fail_job is True
        number = str(self.records.next_number(54))
        audience = self.book.create(number, account, name, kind=user_type, **facts)
        self.staging.put(number, keys)
        self.later(number)
        return Answer(201, {"fb_custom_audience": _view(audience)})

    @endpoint("GET", "/custom_audiences", "read")
    def list_audiences(self, request: Request) -> Json:
        """The audiences of an account, ten a page."""
        account, page = account_of(request.query), request.query.get("page", "1")
        if not page.isdigit() or page == "0":
            raise invalid("page", "is not a number")
        subtype = request.query.get("subtype")
        found = [one for one in self.book.of_account(account) if subtype in (None, one.data["subtype"])]
        first = (int(page) - 1) * _PAGE
        views = [_view(audience) for audience in found[first : first + _PAGE]]
        return {"custom_audiences": views, "meta": {"page": int(page), "total": len(found)}}

    @endpoint("PUT", "/custom_audiences", "update")
    def import_again(self, request: Request) -> Answer:
        """Read the list of audiences from Facebook again; nothing of it shows."""
        account_of(request.form)
        return Answer(204)

    @endpoint("GET", "/custom_audiences/{audience}", "read")
    def read(self, request: Request) -> Json:
        """One audience, by Facebook's id."""
        return {"fb_custom_audience": _view(self._audience(request.params["audience"], "fb_id"))}

    @endpoint("PUT", "/custom_audiences/{audience}", "add")
    def add(self, request: Request) -> Json:
        """Add the users of a file."""
        audience = self._audience(request.params["audience"], self.settings["id_in_path"])
        form = form_of(request, _ADDING)
        if account_of(form) != audience.account:
            raise refused(404, "not found")
        keys = users_of(request, form, user_type_of(form))
        self._require_terms()
        if audience.data["fb_id"] is None:
            self.staging.put(audience.id, keys)
        elif audience.data["user_type"] == form["user_type"]:
            self.book.add(audience, keys)
        return {"fb_custom_audience": _view(audience)}

    @endpoint("DELETE", "/custom_audiences/{audience}", "delete")
    def delete(self, request: Request) -> Answer:
        """Delete the audience."""
        audience = self._audience(request.params["audience"], self.settings["id_in_path"])
        self.staging.drop(audience.id)
        self.book.delete(audience)
        return Answer(204)

    def apply(self, job: Job) -> None:
        """Facebook has made the audience, or refused to: then it is gone from the list."""
        audience = self.book.get(job.owner)
        if audience is None:
            return
        if audience.data["failing"]:
            self.staging.drop(audience.id)
            self.book.delete(audience)
            return
        audience.data["fb_id"] = str(6_010_000_000_000 + int(audience.id))
        self.book.save(audience)
        for keys in self.staging.take(audience.id):
            self.book.add(audience, [key for key in keys if key[0] == KINDS[audience.data["user_type"]]])

    def _audience(self, number: str, by: str) -> Audience:
        found = [one for one in self.book.all() if number == (one.id if by == "id" else one.data["fb_id"])]
        if not found:
            raise refused(404, "not found")
        return found[0]

    def _require_terms(self) -> None:
        if not self.settings["terms_accepted"]:
            raise terms()


def _view(audience: Audience) -> dict[str, Json]:
    """The page's sample shows no description although one was sent."""
    data = audience.data
    return {
        "id": int(audience.id),
        "name": audience.name,
        "description": None,
        "opt_out_link": data["opt_out_link"],
        "user_type": data["user_type"],
        "fb_id": data["fb_id"],
    }


PLATFORM = PitchTarget
