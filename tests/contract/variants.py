"""Every platform with every combination of its options, found by itself: a new platform's file joins from its first day."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError

from guestlist import destinations
from guestlist.destinations.base import Destination
from guestlist.model.capabilities import Capabilities


@dataclass(frozen=True)
class Variant:
    """A platform with options."""

    platform: str
    cls: type[Destination]
    options: BaseModel

    @property
    def id(self) -> str:
        chosen = self.options.model_dump(exclude_defaults=True)
        return "-".join([self.platform, *(str(chosen[name]) for name in sorted(chosen))])

    @property
    def capabilities(self) -> Capabilities:
        return self.cls.capabilities_for(self.options)


def all_variants() -> list[Variant]:
    found = []
    for name in destinations.names():
        cls = destinations.destination_class(name)
        found += [Variant(name, cls, options) for options in _all_options(cls.Options)]
    return found


def _all_options(model: type[BaseModel]) -> Iterator[BaseModel]:
    """One for each choice of the words that the model takes; where a choice needs more keys, every key is given."""
    words = {name: get_args(field.annotation) for name, field in model.model_fields.items() if _is_choice(field.annotation)}
    extras = {name: _sample(field.annotation) for name, field in model.model_fields.items() if name not in words}
    for choice in itertools.product(*words.values()):
        chosen = dict(zip(words, choice, strict=True))
        try:
            yield model(**chosen)
        except ValidationError:
            yield model(**chosen, **{name: value for name, value in extras.items() if value is not None})


def _is_choice(annotation: Any) -> bool:
    return get_origin(annotation) is Literal


def _sample(annotation: Any) -> Any:
    kinds = get_args(annotation) or (annotation,)
    for kind in kinds:
        if _is_choice(kind):
            return get_args(kind)[0]
    return "sample" if str in kinds else None
