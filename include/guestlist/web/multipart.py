"""Forms with files (multipart/form-data), read as they come: a file goes on piece by piece, and nothing touches a disk here."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from guestlist.model.errors import DataError

T = TypeVar("T")
Take = Callable[[str, str, AsyncIterator[bytes]], Awaitable[T]]
"""Takes a file: the name of its part, its own name, and its bytes."""
_MOST_PARTS = 100
_MOST_OF_A_FIELD = 1 << 20


class NoForm(DataError):
    """The request is of another kind."""


class BrokenForm(NoForm):
    """It is a form that cannot be read, or that was broken off."""


@dataclass(frozen=True)
class Form(Generic[T]):
    """What a form holds. Of parts of the same name the last one counts."""

    fields: dict[str, str] = field(default_factory=dict)
    files: dict[str, T] = field(default_factory=dict)
    """Name of the part -> what the function that took the file has made of it."""


class _Begin(NamedTuple):
    name: str
    filename: str | None


class _End:
    """A part is over."""


_Events = AsyncGenerator[_Begin | bytes | _End, None]


async def read_form(request: Request, take: Take[T], most: int = _MOST_OF_A_FIELD) -> Form[T]:
    """Read a form; ``take`` is called for each file when it begins. A field that is no file has at most ``most`` bytes.

    Raises:
        NoForm: it is none. BrokenForm: it cannot be read. DataError: a field is too long, or there are too many.
    """
    form: Form[T] = Form()
    events = _events(request)
    count = 0
    async for begin in events:
        count += 1
        if count > _MOST_PARTS or not isinstance(begin, _Begin):
            raise DataError(f"the form has more than {_MOST_PARTS} parts")
        content = _content(events)
        if begin.filename is None:
            form.fields[begin.name] = await _text(content, begin.name, most)
            continue
        form.files[begin.name] = await take(begin.name, begin.filename, content)
        async for _ in content:
            pass  # what nobody wanted
    return form


async def _content(events: _Events) -> AsyncIterator[bytes]:
    async for event in events:
        if isinstance(event, _End):
            return
        if isinstance(event, bytes):
            yield event


async def _text(content: AsyncIterator[bytes], name: str, most: int) -> str:
    text = bytearray()
    async for chunk in content:
        text += chunk
        if len(text) > most:
            raise DataError(f"the field {name} has more than {most} bytes")
    try:
        return text.decode()
    except UnicodeDecodeError:
        raise DataError(f"the field {name} is no text in UTF-8") from None


async def _events(request: Request) -> _Events:
    """What happens in the request's body."""
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise NoForm("the request is no form: send multipart/form-data")
    heard = _Heard()
    try:
        parser = MultipartParser(options[b"boundary"], heard.callbacks)  # type: ignore[arg-type]  # a dict, for its TypedDict
        async for chunk in request.stream():
            parser.write(chunk)
            for event in heard.taken():
                yield event
    except FormParserError:
        raise BrokenForm("the form cannot be read: its parts are not as multipart/form-data has them") from None
    if not heard.whole:
        raise BrokenForm("the form was broken off: send it again")


class _Heard:
    """What the parser has told since the last look."""

    def __init__(self) -> None:
        self.whole = False
        self._events: list[_Begin | bytes | _End] = []
        self._name, self._value, self._disposition = b"", b"", b""
        self.callbacks: dict[str, Callable[..., None]] = {
            "on_header_field": self._on_header_field,
            "on_header_value": self._on_header_value,
            "on_header_end": self._on_header_end,
            "on_headers_finished": self._on_headers_finished,
            "on_part_data": lambda data, start, end: self._events.append(data[start:end]),
            "on_part_end": lambda: self._events.append(_End()),
            "on_end": self._on_end,
        }

    def taken(self) -> list[_Begin | bytes | _End]:
        """The events, which are forgotten here."""
        events, self._events = self._events, []
        return events

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._disposition = self._value
        self._name = self._value = b""

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        if b"name" not in options:
            raise BrokenForm("a part of the form has no name")
        filename = options.get(b"filename")
        told = None if filename is None else filename.decode("utf-8", "replace")
        self._events.append(_Begin(options[b"name"].decode("utf-8", "replace"), told))
        self._disposition = b""

    def _on_end(self) -> None:
        self.whole = True
