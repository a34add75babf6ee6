"""The published OpenAPI documents of platforms, beside the tests that hold both sides to them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

_FOLDER = Path(__file__).with_name("schemas")
Json = Any


class OpenApi:
    """One document. Validation raises `jsonschema.ValidationError`; what is not documented raises `KeyError`."""

    def __init__(self, platform: str) -> None:
        self.document: dict[str, Any] = json.loads((_FOLDER / f"{platform}.json").read_text(encoding="utf-8"))

    def check_request(self, method: str, path: str, body: Json, query: dict[str, Any] | None = None) -> None:
        operation = self.document["paths"][path][method.lower()]
        self._check(operation["requestBody"]["content"]["application/json"]["schema"], body)
        known = {parameter["name"]: parameter for parameter in operation["parameters"]}
        for name, value in (query or {}).items():
            self._check(known[name]["schema"], value)

    def check_answer(self, method: str, path: str, status: int, body: Json) -> None:
        answer = self.document["paths"][path][method.lower()]["responses"][str(status)]
        if "$ref" in answer:
            answer = self.document["components"]["responses"][answer["$ref"].rpartition("/")[2]]
        self._check(answer["content"]["application/json"]["schema"], body)

    def _check(self, schema: dict[str, Any], value: Json) -> None:
        whole = {**schema, "components": self.document["components"]}
        Draft202012Validator(whole, format_checker=FormatChecker()).validate(value)
