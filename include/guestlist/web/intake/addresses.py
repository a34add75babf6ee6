"""Addresses that take one file within the hour: signed by us, or by the store where the lake lies in one."""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.configuration import conf
from fastapi import Request

from guestlist.runtime import clock
from guestlist.runtime.intake.tokens import Announced, sign
from guestlist.runtime.wiring import Workspace
from guestlist.web.intake.answers import Address

HOLDS = timedelta(hours=1)


def expiry() -> datetime:
    """Until when an address that is given out now takes its file."""
    return clock.now() + HOLDS


def address_of(request: Request, workspace: Workspace, announced: Announced, expires_at: datetime) -> Address:
    """Where to send a file."""
    token = sign(workspace.vault, announced, expires_at)
    return Address(url=f"{base_of(request)}/guestlist/uploads/{token}", headers={}, expires_at=expires_at)


def base_of(request: Request) -> str:
    """Airflow's own address: as it is set, or as it was asked by."""
    told = conf.get("api", "base_url", fallback=None)
    return str(told or f"{request.url.scheme}://{request.url.netloc}").rstrip("/")
