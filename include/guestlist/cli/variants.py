"""What a platform can do under any of its options: the choices of a segment file change its keys and modes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from guestlist import destinations
from guestlist.destinations.base import without_choices
from guestlist.model.capabilities import Capabilities, MatchKey
from guestlist.model.vocabulary import Field


def all_capabilities(platform: str) -> list[Capabilities]:
    """The capabilities with the default options first, then with each choice of each option.

    A choice may need other options to be valid in a segment; none of them is needed to tell what it could do.
    """
    cls = destinations.destination_class(platform)
    return [cls.capabilities_for(options) for options in _options(cls.Options)]


def _options(model: type[BaseModel]) -> Iterator[BaseModel]:
    yield without_choices(model)
    for name, field in model.model_fields.items():
        for choice in _choices(field.annotation):
            if choice != field.default:
                yield without_choices(model, **{name: choice})


def _choices(annotation: Any) -> tuple[Any, ...]:
    """The values of a Literal, also of one that may be None."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return tuple(choice for part in get_args(annotation) for choice in _choices(part))


@cache
def keys_by_platform() -> Mapping[str, Mapping[Field, MatchKey]]:
    """Every key that a platform takes in any kind of list, by the platform's name and by those of its APIs."""
    found: dict[str, Mapping[Field, MatchKey]] = {}
    for platform in destinations.names():
        keys: dict[Field, MatchKey] = {}
        names = {platform: None}
        for capabilities in all_capabilities(platform):
            names |= dict.fromkeys(capabilities.apis)
            for key in capabilities.keys:
                keys.setdefault(key.field, key)
        found |= dict.fromkeys(names, MappingProxyType(keys))
    return MappingProxyType(found)
