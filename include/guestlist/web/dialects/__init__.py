"""Audience APIs of others, spoken as their own pages have them: their clients push to an intake by another base address."""

from importlib import import_module
from pkgutil import iter_modules

from fastapi import APIRouter

from guestlist.web.dialects._router import elsewhere


def routers() -> list[APIRouter]:
    """One for each file here whose name has no underscore in front, mounted at ``/dialects/<name of the file>``.

    A file has a ``router``, and ``refuse`` for what no route of it takes.
    """
    found = []
    for name in sorted(module.name for module in iter_modules(__path__) if not module.name.startswith("_")):
        module = import_module(f"{__name__}.{name}")
        router = APIRouter(prefix=f"/dialects/{name}", include_in_schema=False)
        router.include_router(module.router)
        for path in ("", "/{path:path}"):
            router.add_api_route(path, lambda: None, route_class_override=elsewhere(module.refuse))
        found.append(router)
    return found
