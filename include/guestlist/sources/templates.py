"""The text of a query: from a file of the project or as written, its Jinja template rendered in a process of its own."""

from __future__ import annotations

import datetime as dt
import json
import pickle
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guestlist.model.errors import ConfigError
from guestlist.model.source import Source
from guestlist.sources.confined import Exceeded, confined
from guestlist.sources.places import check_place, local_path

_LONGEST = 1 << 20
_MEMORY, _SECONDS = 1 << 30, 10
_TEMPLATE = re.compile(r"\{[{%#]")
_PARTITION = re.compile(r"\{[{%][^{}]*\bpartition\b")
_HARMLESS = re.compile(r"(?!.*--)[A-Za-z0-9_.:+@/-]*")
"""What cannot end a quoted text, begin a comment or be a second word, wherever in a query it stands."""


@dataclass(frozen=True)
class _Withheld:
    """Stands for a variable's text that could change the query."""

    name: str


def query_text(written: str, base: Path, roots: Sequence[Path] = ()) -> str:
    """The text of the .sql file that ``written`` names, or else ``written`` itself.

    Raises:
        ConfigError: there is no such file, it lies where nothing may be read, or is no text of at most 1 MiB.
    """
    name = written.strip()
    if not name.endswith(".sql"):
        return written
    path = local_path(name, base)
    check_place(path, f"the query file {name}", base, roots)
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(_LONGEST + 1)
    except UnicodeDecodeError:
        raise ConfigError(f"the query file {path} is not UTF-8") from None
    except OSError:
        raise ConfigError(f"there is no query file {path}") from None
    if len(text) > _LONGEST:
        raise ConfigError(f"the query file {path} is larger than {_LONGEST >> 20} MiB")
    return text


def partition_problem(source: Source, text: str) -> str | None:
    """What is wrong where a source has partitions, and its query does not tell them apart."""
    if source.partitions is None or _PARTITION.search(text):
        return None
    return "the query does not say {{ partition }}, so that every partition would be all of it: pick the rows of one with it"


def template_problem(text: str) -> str | None:
    """What is wrong with a query's template as far as that shows without rendering it."""
    import jinja2
    from jinja2.sandbox import SandboxedEnvironment

    try:
        SandboxedEnvironment().parse(text)
    except jinja2.TemplateSyntaxError as error:
        return f"the query's template is broken in line {error.lineno}: {error.message}"
    except RecursionError:
        return "the query's template is nested too deeply"
    return None


def rendered(text: str, variables: Mapping[str, Any]) -> str:
    """The query. Its template sees ``variables`` and nothing else: no attributes, no files, no configuration, no secrets.

    Texts among them that could change the query (a run's id or params, which people type) cannot be used.

    Raises:
        ConfigError: it cannot be rendered, or not within its bounds (1 GiB of memory, 10 s, 1 MiB of text).
    """
    if not _TEMPLATE.search(text):
        return text
    given = pickle.dumps((text, {name: _harmless(name, value) for name, value in variables.items()}))
    try:
        told = json.loads(confined(__name__, "", (given,), memory=_MEMORY, seconds=_SECONDS))
    except Exceeded:
        raise ConfigError(f"the query's template cannot be rendered within {_SECONDS} s: is there a loop in it?") from None
    if "problem" in told:
        raise ConfigError(f"the query's template cannot be rendered: {told['problem']}")
    return str(told["text"])


def _harmless(name: str, value: Any) -> Any:
    """Plain values only, of which every text is harmless."""
    if isinstance(value, Mapping):
        return {str(key): _harmless(f"{name}.{key}", inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_harmless(f"{name}.{index}", inner) for index, inner in enumerate(value)]
    plain = value is None or isinstance(value, bool | int | float | dt.date)
    return value if plain or (isinstance(value, str) and _HARMLESS.fullmatch(value)) else _Withheld(name)


def work(_argument: str, content: bytes) -> bytes:
    """Render, in the process that may do nothing else; JSON with ``text`` or ``problem``."""
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    text, variables = pickle.loads(content)  # noqa: S301 - what `rendered` has written
    environment = ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined)
    try:
        query = environment.from_string(text).render({name: _undefined(value) for name, value in variables.items()})
    except jinja2.TemplateError as error:
        return json.dumps({"problem": str(error)}).encode()
    except Exception as error:  # noqa: BLE001 - a template may raise anything
        return json.dumps({"problem": f"{type(error).__name__}: {error}"[:300]}).encode()
    too_long = {"problem": f"it gives more than {_LONGEST >> 20} MiB of text"}
    return json.dumps(too_long if len(query) > _LONGEST else {"text": query}).encode()


def _undefined(value: Any) -> Any:
    """The variable as the template sees it: what is withheld raises as soon as it is used."""
    import jinja2

    if isinstance(value, dict):
        return {name: _undefined(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_undefined(inner) for inner in value]
    if isinstance(value, _Withheld):
        hint = f"{value.name} holds more than letters, digits and _ . : + @ / -, which could change the query"
        return jinja2.StrictUndefined(hint=hint)
    return value
