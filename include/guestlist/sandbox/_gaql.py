"""A small honest parser of the Google Ads query language: SELECT, FROM, WHERE with AND, ORDER BY, LIMIT.

https://developers.google.com/google-ads/api/docs/query/grammar
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_TOKEN = re.compile(r"""\s*(?:("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|([A-Za-z_][\w.]*)|(-?\d+(?:\.\d+)?)|(!=|<=|>=|[=<>(),]))""")
_KEYWORDS = {
    "SELECT",
    "FROM",
    "WHERE",
    "AND",
    "ORDER",
    "BY",
    "LIMIT",
    "PARAMETERS",
    "IN",
    "NOT",
    "LIKE",
    "IS",
    "NULL",
    "ASC",
    "DESC",
}
Value = str | int | float | bool | None


class GaqlError(Exception):
    """The query is wrong; ``code`` is a name of QueryErrorEnum."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Condition:
    """One term of WHERE. ``operator`` is in upper case, such as ``NOT IN``."""

    field: str
    operator: str
    values: tuple[Value, ...]


@dataclass(slots=True)
class Query:
    """A parsed query."""

    fields: list[str] = field(default_factory=list)
    resource: str = ""
    conditions: list[Condition] = field(default_factory=list)
    order: list[tuple[str, bool]] = field(default_factory=list)
    """Field, and whether it goes down."""
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str

    @property
    def word(self) -> str:
        return self.text.upper() if self.kind == "name" else self.text


def _tokens(text: str) -> list[_Token]:
    found, place = [], 0
    while text[place:].strip():
        match = _TOKEN.match(text, place)
        if match is None:
            start = text[place:].lstrip()
            code = "STRING_NOT_TERMINATED" if start[0] in "\"'" else "BAD_SYMBOL"
            raise GaqlError(code, f"unexpected input near position {place}")
        kind = ("", "string", "name", "number", "symbol")[match.lastindex or 0]
        found.append(_Token(kind, match[match.lastindex or 0]))
        place = match.end()
    return found


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._place = 0

    def _peek(self) -> str:
        return self._tokens[self._place].word if self._place < len(self._tokens) else ""

    def _next(self) -> _Token:
        if self._place >= len(self._tokens):
            raise GaqlError("UNEXPECTED_END_OF_QUERY", "the query ends too early")
        self._place += 1
        return self._tokens[self._place - 1]

    def _expect(self, word: str, code: str) -> None:
        if self._peek() != word:
            raise GaqlError(code, f"expected {word}")
        self._place += 1

    def _take(self, word: str) -> bool:
        if self._peek() == word:
            self._place += 1
            return True
        return False

    def parse(self) -> Query:
        query = Query()
        self._expect("SELECT", "EXPECTED_SELECT")
        query.fields.append(self._name())
        while self._take(","):
            query.fields.append(self._name())
        self._expect("FROM", "EXPECTED_FROM")
        query.resource = self._name()
        if self._take("WHERE"):
            query.conditions.append(self._condition())
            while self._take("AND"):
                query.conditions.append(self._condition())
        if self._take("ORDER"):
            self._expect("BY", "EXPECTED_BY")
            query.order.append(self._ordering())
            while self._take(","):
                query.order.append(self._ordering())
        if self._take("LIMIT"):
            query.limit = self._limit()
        if self._take("PARAMETERS"):
            self._place = len(self._tokens)
        if self._place < len(self._tokens):
            raise GaqlError("UNEXPECTED_INPUT", f"unexpected {self._peek()}")
        return query

    def _name(self) -> str:
        token = self._next()
        if token.kind != "name" or token.word in _KEYWORDS:
            raise GaqlError("BAD_FIELD_NAME", f"expected a name, found {token.text}")
        return token.text

    def _ordering(self) -> tuple[str, bool]:
        name = self._name()
        down = self._take("DESC")
        if not down:
            self._take("ASC")
        return name, down

    def _limit(self) -> int:
        token = self._next()
        if token.kind != "number" or not token.text.isdigit():
            raise GaqlError("BAD_LIMIT_VALUE", "LIMIT takes a positive integer")
        if int(token.text) < 1:
            raise GaqlError("LIMIT_VALUE_TOO_LOW", "LIMIT takes a positive integer")
        return int(token.text)

    def _condition(self) -> Condition:
        name = self._name()
        if self._take("IS"):
            operator = "IS NOT NULL" if self._take("NOT") else "IS NULL"
            self._expect("NULL", "BAD_OPERATOR")
            return Condition(name, operator, ())
        negated = "NOT " if self._take("NOT") else ""
        operator = negated + self._next().word
        if operator in ("IN", "NOT IN"):
            return Condition(name, operator, self._list())
        if operator not in ("=", "!=", "<", ">", "<=", ">=", "LIKE", "NOT LIKE"):
            raise GaqlError("BAD_OPERATOR", f"the sandbox does not know the operator {operator}")
        return Condition(name, operator, (self._value(),))

    def _list(self) -> tuple[Value, ...]:
        self._expect("(", "EXPECTED_LIST")
        if self._peek() == ")":
            raise GaqlError("PROHIBITED_EMPTY_LIST_IN_CONDITION", "IN takes at least one value")
        values = [self._value()]
        while self._take(","):
            values.append(self._value())
        self._expect(")", "EXPECTED_LIST")
        return tuple(values)

    def _value(self) -> Value:
        token = self._next()
        if token.kind == "string":
            return re.sub(r"\\(.)", r"\1", token.text[1:-1])
        if token.kind == "number":
            return float(token.text) if "." in token.text else int(token.text)
        if token.kind == "name":
            return {"TRUE": True, "FALSE": False}.get(token.word, token.text)
        raise GaqlError("BAD_VALUE", f"expected a value, found {token.text}")


def parse(text: str) -> Query:
    """Parse a query; raises `GaqlError`."""
    return _Parser(text).parse()


def run(query: Query, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The rows that WHERE lets through, ordered and limited. A row holds every field by its full name; None is null."""
    found = [row for row in rows if all(_holds(row[condition.field], condition) for condition in query.conditions)]
    for name, down in reversed(query.order):
        found.sort(key=lambda row: (row[name] is not None, row[name]), reverse=down)
    return found[: query.limit]


def _holds(actual: Any, condition: Condition) -> bool:
    if condition.operator.startswith("IS"):
        return (actual is None) == (condition.operator == "IS NULL")
    negated = condition.operator.startswith("NOT ")
    operator = condition.operator.removeprefix("NOT ")
    values = [_like_type(value, actual) for value in condition.values]
    if operator == "IN":
        return (actual in values) != negated
    if operator == "LIKE":
        return (re.fullmatch(_like(str(values[0])), str(actual or ""), re.DOTALL) is not None) != negated
    return _COMPARE[operator](actual, values[0])


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda left, right: bool(left == right),
    "!=": lambda left, right: bool(left != right),
    "<": lambda left, right: left is not None and left < right,
    ">": lambda left, right: left is not None and left > right,
    "<=": lambda left, right: left is not None and left <= right,
    ">=": lambda left, right: left is not None and left >= right,
}


def _like_type(value: Value, actual: Any) -> Any:
    """A literal as the field's type; numbers may be quoted."""
    if isinstance(actual, bool) or actual is None:
        return value
    try:
        return type(actual)(value) if isinstance(actual, int | float) and isinstance(value, str) else value
    except ValueError:
        raise GaqlError("BAD_NUMBER", "the field is a number") from None


def _like(pattern: str) -> str:
    """``%`` is any text, ``_`` one character, ``[_]`` the character itself."""
    parts = re.findall(r"\[.\]|.", pattern, re.DOTALL)
    return "".join(
        ".*" if part == "%" else "." if part == "_" else re.escape(part[1] if len(part) == 3 else part) for part in parts
    )
