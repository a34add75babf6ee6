"""Audience APIs of others, spoken as their own pages have them: their clients push to an intake by another base address."""

from importlib import import_module
from pkgutil import iter_modules

from fastapi import APIRouter


def routers() -> list[APIRouter]:
    """One for each file here whose name has no underscore in front, mounted at ``/dialects/<name of the file>``."""
    found = []
    for name in sorted(module.name for module in iter_modules(__path__) if not module.name.startswith("_")):
        router = APIRouter(prefix=f"/dialects/{name}", include_in_schema=False)
        router.include_router(import_module(f"{__name__}.{name}").router)
        found.append(router)
    return found
