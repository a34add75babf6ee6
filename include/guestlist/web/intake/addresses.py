"""Addresses that take one file within the hour: signed by us, or by the store where the lake lies in one."""

from __future__ import annotations

from datetime import timedelta

from airflow.configuration import conf
from fastapi import Request

from guestlist.runtime import clock
from guestlist.runtime.intake.store import address_in_store
from guestlist.runtime.intake.tokens import Announced, sign
from guestlist.runtime.wiring import Workspace
from guestlist.web.intake.answers import Address

HOLDS = timedelta(hours=1)
GRACE = timedelta(hours=1)
"""For a file that has begun to come in time."""


def announce(request: Request, workspace: Workspace, announced: Announced) -> Address:
    """Where to send a file within the hour: to the store in which the lake lies, where it signs addresses, or here."""
    until = clock.now() + HOLDS
    if in_store := address_in_store(workspace.lake.root, announced, HOLDS):
        return Address(url=in_store.url, headers=dict(in_store.headers), expires_at=until)
    token = sign(workspace.vault, announced, until)
    return Address(url=address_with(f"{base_of(request)}/guestlist", token), headers={}, expires_at=until)


def address_with(root: str, token: str) -> str:
    """The address of an upload: Airflow's access log hides what is asked for as ``token``, and shows all of a path."""
    return f"{root}/uploads?token={token}"


def base_of(request: Request) -> str:
    """Airflow's own address: as it is set, or as it was asked by."""
    told = conf.get("api", "base_url", fallback=None)
    return str(told or f"{request.url.scheme}://{request.url.netloc}").rstrip("/")
