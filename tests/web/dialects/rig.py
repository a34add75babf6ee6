"""A real server with the dialects and our own API, a ledger, a lake and the sandbox; runs begin as Airflow would begin them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import httpx
import pytest
import uvicorn
import yaml
from airflow.api_fastapi.app import create_auth_manager
from contract.rig import Door, World
from fastapi import FastAPI

from guestlist.model.connection import Connection
from guestlist.model.errors import ConfigError, GuestlistError
from guestlist.runtime import clock
from guestlist.runtime.driver import Retries
from guestlist.runtime.intake import work
from guestlist.runtime.intake.audiences import find_intake, segment_of_upload
from guestlist.runtime.intake.keys import create_key
from guestlist.runtime.intake.state import AudienceState, state_of
from guestlist.runtime.sync.report import report_run
from guestlist.runtime.sync.run import RunOptions, run_segment
from guestlist.runtime.wiring import Workspace
from guestlist.web import books, dialects, intake
from guestlist.web.intake.desk import the_workspace
from guestlist.web.intake.router import router as own

APIS = (dialects, intake)

IDENTIFIERS = {
    "email": "email",
    "phone": "phone",
    "first_name": "first_name",
    "last_name": "last_name",
    "country": "country",
    "postal_code": "zip",
}


@pytest.fixture
def station(world: World) -> Iterator[Station]:
    with Station.opened(world) as found:
        yield found


class Station:
    """An API server and an installation. What is accepted is delivered by `settle`, or as soon as it is begun."""

    def __init__(self, world: World, url: str) -> None:
        self.world, self.url = world, url
        self.http = httpx.Client(base_url=url, timeout=60)
        self.doors: dict[str, Door] = {}
        self.approved_by: str | None = "tests"
        self._lock = threading.Lock()
        self.workspace = Workspace(
            world.config, resolve=self._connection, retries=Retries(attempts=3, seconds=120), sleep=world.sleep
        )

    @classmethod
    @contextmanager
    def opened(cls, world: World) -> Iterator[Station]:
        create_auth_manager()  # knows no user; it looks at whatever is no key
        app = FastAPI()
        for router in dialects.routers():
            app.include_router(router, prefix="/guestlist")
        app.include_router(own, prefix="/guestlist")
        with _listening(app) as url, pytest.MonkeyPatch.context() as patch:
            for name, value in {
                "GUESTLIST_HOME": str(world.config.home),
                "GUESTLIST_SEGMENTS": str(world.config.segments),
                "GUESTLIST_LEDGER": world.config.ledger,
                "GUESTLIST_LAKE": world.config.lake,
            }.items():
                patch.setenv(name, value)
            books.the_ledger.cache_clear()
            books.the_shelf.cache_clear()
            station = cls(world, url)
            app.dependency_overrides[the_workspace] = lambda: station.workspace
            for module in (
                import_module(f"{one.__name__}.{found.name}") for one in APIS for found in iter_modules(one.__path__)
            ):
                if hasattr(module, "begin"):
                    patch.setattr(module, "begin", lambda _workspace: station.settle())
            yield station
            station.http.close()
            books.the_ledger.cache_clear()
            books.the_shelf.cache_clear()

    def _connection(self, name: str) -> Connection:
        if name not in self.doors:
            raise ConfigError(f"there is no connection {name!r}")
        return Connection(name, "guestlist", extra=self.world.extra_of(self.doors[name]))

    def intake(self, *doors: Door, identifiers: Any = None, **more: Any) -> str:
        """The file of an intake with a destination at each door, which is called as its platform."""
        name = self.world.name("pushed")
        for door in doors:
            self.doors[door.platform] = door
            if door.settings:
                self.world.settings(door, **door.settings)
        data = {
            "name": name,
            "source": {"intake": {}},
            "identifiers": identifiers or IDENTIFIERS,
            "guards": {"max_removed": "100%", "max_added": "100000%", "min_members": 0},
            "destinations": [
                {
                    "platform": door.platform,
                    "connection": door.platform,
                    "mode": str(door.mode),
                    "audience": "{audience}",
                    **door.options,
                }
                for door in doors
            ],
            **more,
        }
        self.world.file_of(name).write_text(yaml.safe_dump(data), encoding="utf-8")
        return name

    def key(self, *intakes: str, days: int = 1) -> str:
        """A key for some intakes."""
        return create_key(self.workspace.ledger, "tests", intakes, clock.now() + timedelta(days=days))[1]

    def settle(self) -> int:
        """What Airflow would do: a run for everything that is due, one after the other. Returns how many there were."""
        with self._lock:
            due = work.due(self.workspace)
            for run in due:
                segment = segment_of_upload(self.workspace, find_intake(self.workspace, run.dag_id), run.params["upload"])
                work.begun(self.workspace, segment, run.run_id)
                options = RunOptions(labels=run.params["destinations"], approved_by=self.approved_by)
                errors = []
                try:
                    report = run_segment(self.workspace, segment, run.run_id, options)
                except GuestlistError as error:
                    errors.append(str(error))
                    report = report_run(self.workspace, segment, run.run_id, labels=options.labels)
                work.ended(self.workspace, segment, report, errors)
            return len(due)

    def audiences(self, intake: str) -> list[Any]:
        """What was pushed to an intake, the oldest first."""
        return list(reversed(self.workspace.ledger.pushed_audiences([intake], 100)))

    def state(self, audience: Any) -> AudienceState:
        platforms = {target.label: target.platform for target in find_intake(self.workspace, audience.intake).destinations}
        return state_of(self.workspace.ledger, audience, platforms)

    def held(self, audience: Any, label: str) -> dict[str, set[str]]:
        """What a platform's books hold of an audience."""
        [target] = [one for one in self.state(audience).destinations if one.label == label]
        return self.world.held(self.doors[label], target.platform_id or "")


@contextmanager
def _listening(app: FastAPI) -> Iterator[str]:
    """The app on a port of its own."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
