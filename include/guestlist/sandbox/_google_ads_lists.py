"""UserListService of the Google Ads API: customer lists made, changed and removed.

https://developers.google.com/google-ads/api/reference/rpc/v26/UserListService
"""

from __future__ import annotations

import re
from typing import Any

from guestlist.sandbox import _google_lists as lists
from guestlist.sandbox._google_ads_errors import Problem, at_operation
from guestlist.sandbox.core import Audience

LIST_NAME = re.compile(r"customers/(\d{10})/userLists/(\d+)")
KEY_TYPES = {2: lists.CONTACT, 3: lists.USER, 4: lists.MOBILE}
"""Numbers of CustomerMatchUploadKeyTypeEnum: CONTACT_INFO, CRM_ID, MOBILE_ADVERTISING_ID."""
_STATUS = {0: "OPEN", 2: "OPEN", 3: "CLOSED"}
_FIRST_PARTY = (0, 2)
_LONGEST_NAME = 255
_CHANGEABLE = ("name", "description", "membership_status", "membership_life_span", "integration_code")


class ListError(Exception):
    """An operation on a list that is refused."""

    def __init__(self, code: str, *path: str) -> None:
        super().__init__(code)
        self.code = code
        self.path = path


class ListChanges:
    """Carries out the operations of MutateUserLists for one customer."""

    def __init__(self, found: lists.Lists, customer: str) -> None:
        self._lists = found
        self._customer = customer

    def act(self, operation: Any, place: int) -> str | Problem:
        """The resource name of the list that was made, changed or removed, or why not."""
        which = operation.WhichOneof("operation")
        try:
            audience = self._carry_out(which, operation)
        except ListError as error:
            return Problem(error.code, path=at_operation(place, *((which,) if which else ()), *error.path))
        return f"customers/{self._customer}/userLists/{audience.id}"

    def _carry_out(self, which: str | None, operation: Any) -> Audience:
        if which == "create":
            return self._create(operation.create)
        if which == "update":
            return self._update(operation.update, operation.update_mask.paths)
        if which != "remove":
            raise ListError("request_error.OPERATION_REQUIRED")
        audience = self._find(operation.remove)
        self._lists.book.delete(audience)
        return audience

    def _find(self, name: str) -> Audience:
        match = LIST_NAME.fullmatch(name)
        if match is None:
            raise ListError("request_error.RESOURCE_NAME_MALFORMED", "resource_name")
        if match[1] != self._customer:
            raise ListError("authorization_error.USER_PERMISSION_DENIED", "resource_name")
        if (found := self._lists.of(self._customer, match[2])) is None:
            raise ListError("request_error.RESOURCE_NOT_FOUND", "resource_name")
        return found

    def _create(self, wanted: Any) -> Audience:
        if wanted.WhichOneof("user_list") != "crm_based_user_list":
            raise ListError("user_list_error.CONCRETE_TYPE_REQUIRED")
        crm = wanted.crm_based_user_list
        if crm.upload_key_type not in KEY_TYPES:
            raise ListError("field_error.REQUIRED", "crm_based_user_list", "upload_key_type")
        kind = KEY_TYPES[crm.upload_key_type]
        if kind == lists.MOBILE and not crm.app_id:
            raise ListError("user_list_error.APP_ID_NOT_SET", "crm_based_user_list", "app_id")
        if kind != lists.MOBILE and crm.app_id:
            raise ListError("user_list_error.APP_ID_NOT_ALLOWED", "crm_based_user_list", "app_id")
        if crm.data_source_type not in _FIRST_PARTY:
            raise ListError("user_list_error.ADVERTISER_NOT_ON_ALLOWLIST_FOR_USING_UPLOADED_DATA", "crm_based_user_list")
        data = {
            "description": _description(wanted),
            "status": _status(wanted),
            "days": _days(wanted) if wanted.HasField("membership_life_span") else lists.MAX_DAYS,
            "integration_code": wanted.integration_code,
        }
        if kind == lists.MOBILE:
            data |= {"app_id": crm.app_id, "key_space": "IOS" if crm.app_id.isdigit() else "ANDROID"}
        return self._lists.create(self._customer, self._name(wanted, None), kind, **data)

    def _update(self, wanted: Any, mask: list[str]) -> Audience:
        audience = self._find(wanted.resource_name)
        if not mask:
            raise ListError("field_error.REQUIRED", "update_mask")
        for path in mask:
            if path not in _CHANGEABLE:
                raise ListError("field_error.IMMUTABLE_FIELD", *path.split("."))
        if "name" in mask:
            audience.name = self._name(wanted, audience)
        if "integration_code" in mask:
            audience.reference = wanted.integration_code
        if "description" in mask:
            audience.data["description"] = _description(wanted)
        if "membership_status" in mask:
            audience.data["status"] = _status(wanted)
        if "membership_life_span" in mask:
            audience.data["days"] = _days(wanted)
        self._lists.book.save(audience)
        return audience

    def _name(self, wanted: Any, owner: Audience | None) -> str:
        name: str = wanted.name
        if not name:
            raise ListError("field_error.REQUIRED", "name")
        if not name.strip() or len(name) > _LONGEST_NAME:
            raise ListError("user_list_error.INVALID_NAME", "name")
        found = self._lists.named(self._customer, name)
        if found is not None and (owner is None or owner.id != found.id):
            raise ListError("user_list_error.NAME_ALREADY_USED", "name")
        return name


def _description(wanted: Any) -> str:
    if not wanted.description.strip():
        raise ListError("user_list_error.INVALID_DESCRIPTION", "description")
    return str(wanted.description)


def _status(wanted: Any) -> str:
    if wanted.membership_status not in _STATUS:
        raise ListError("request_error.INVALID_ENUM_VALUE", "membership_status")
    return _STATUS[wanted.membership_status]


def _days(wanted: Any) -> int:
    days = int(wanted.membership_life_span)
    if days > lists.MAX_DAYS:
        raise ListError("range_error.TOO_HIGH", "membership_life_span")
    if days < 0:
        raise ListError("range_error.TOO_LOW", "membership_life_span")
    return days
