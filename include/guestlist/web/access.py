"""Who asks, and what he may: Airflow's own authentication and permissions, as what the routes depend on."""

from __future__ import annotations

from enum import Enum
from functools import cached_property
from typing import Annotated, Any
from urllib.parse import urlsplit

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import AccessView, DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import GetUserDep
from airflow.configuration import conf
from airflow.models.dag import DagModel
from fastapi import Depends, HTTPException, Request

from guestlist.web.served import ServedBy


class Deed(Enum):
    """What somebody does to a segment, as what Airflow asks for when the same is done to its DAG."""

    SEE = ("GET", None)
    RUN = ("POST", DagAccessEntity.RUN)
    APPROVE = ("PUT", DagAccessEntity.HITL_DETAIL)


_TOLD = {
    Deed.SEE: "you may not see {0}: ask for the permission to read its DAG",
    Deed.RUN: "you may not run {0}: ask for the permission to trigger its DAG",
    Deed.APPROVE: "you may not decide for {0}: ask for the permission to answer the required actions of its DAG",
}


class Person:
    """A user of Airflow, for the time of one request."""

    def __init__(self, user: Any) -> None:
        self.user = user

    @property
    def name(self) -> str:
        """As the ledger keeps who decided."""
        return str(self.user.get_name())

    @cached_property
    def sees(self) -> frozenset[str]:
        """The ids of all DAGs that he may see; a segment's DAG has its name."""
        return frozenset(get_auth_manager().get_authorized_dag_ids(user=self.user, method="GET"))

    def may(self, deed: Deed, dag_id: str) -> bool:
        """Whether he may do something to a DAG, there or not."""
        method, entity = deed.value
        details = DagDetails(id=dag_id, team_name=DagModel.get_team_name(dag_id))
        return bool(get_auth_manager().is_authorized_dag(method=method, access_entity=entity, details=details, user=self.user))

    def has_to(self, deed: Deed, dag_id: str) -> None:
        """Refuse the request (403) unless he may."""
        if not self.may(deed, dag_id):
            raise HTTPException(403, _TOLD[deed].format(dag_id))


def person(user: GetUserDep) -> Person:
    """Whoever asks; 401 without a token, 403 for one who may not see Airflow's site."""
    if not get_auth_manager().is_authorized_view(access_view=AccessView.WEBSITE, user=user):
        raise HTTPException(403, "you may not see this site: ask for the permission to read the website")
    return Person(user)


Asking = Annotated[Person, Depends(person)]


def seen_audience(served: ServedBy, destination: str, asking: Asking) -> tuple[str, str]:
    """The audience that the address names: a segment that the user may see (403), and the label of a destination."""
    asking.has_to(Deed.SEE, served.dag_id)
    return served.segment, destination


Audience = Annotated[tuple[str, str], Depends(seen_audience)]


def from_here(request: Request) -> None:
    """Refuse a change (403) that another site has made a browser ask for: it would send our cookie along.

    Who sends a token of his own is no browser that was tricked.
    """
    if request.headers.get("authorization", "").lower().startswith("bearer "):
        return
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    base = conf.get("api", "base_url", fallback=None) or ""
    here = {request.headers.get("host"), urlsplit(base).netloc} - {None, ""}
    if not (site == "same-origin" if site else origin is not None and urlsplit(origin).netloc in here):
        raise HTTPException(403, "this change was asked for by another site; send a token in the header Authorization")
