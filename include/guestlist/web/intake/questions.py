"""What may be asked of the intake, as JSON or as the fields of a form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from fastapi import HTTPException
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from guestlist.model.segment import Segment, dotted
from guestlist.model.source import IdentifierSpec
from guestlist.model.vocabulary import Field as Known
from guestlist.runtime.intake.audiences import Wish

_NEVER_HASHED = frozenset({Known.COUNTRY, Known.POSTAL_CODE})
"""What lists of hashes have in plain text: Google takes them so, others have them hashed here."""
Given = TypeVar("Given", bound="Question")


def _from_json(value: Any) -> Any:
    """A form's field holds JSON."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        raise ValueError("no JSON") from None


def _from_commas(value: Any) -> Any:
    """A form's field holds labels with commas between."""
    return [label.strip() for label in value.split(",") if label.strip()] if isinstance(value, str) else value


class Question(BaseModel):
    """Fields that nobody knows are typing mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Nothing(Question):
    """A file says all."""


class NewUpload(Question):
    """A file that will come by an address of its own."""

    filename: Annotated[str, Field(min_length=1, max_length=255)]
    """What the file is called; its ending tells the format: .csv, .tsv, .ndjson (also with .gz), .parquet or .xlsx."""


class Columns(Question):
    """What is said of a file's columns."""

    intake: str | None = None
    """The segment that takes it; need not be said by who may push to a single one."""
    columns: Annotated[dict[Known, IdentifierSpec], BeforeValidator(_from_json)] = Field(default_factory=dict)
    """Identifier -> column, or `{"columns": [...], "region": ..., "hashed": ...}`; those of the intake where it is left out."""
    hashed: bool = False
    """The columns hold SHA-256 already; country and postal code are never hashed."""
    key: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    """The column that names a person; all identifiers together where there is none."""
    destinations: Annotated[list[str], BeforeValidator(_from_commas)] = Field(default_factory=list)
    """Labels of the intake's destinations; all of them where it is left out."""

    def identifiers(self, intake: Segment) -> dict[str, Any]:
        """As a segment file has them; empty for those of the intake as they are."""
        chosen = self.columns or (intake.identifiers if self.hashed else {})
        return {
            field.value: {**one.model_dump(mode="json"), "hashed": one.hashed or (self.hashed and field not in _NEVER_HASHED)}
            for field, one in chosen.items()
        }


class Look(Columns):
    """A file to be looked at."""

    cut: bool = False
    """It is the beginning of a larger one: its last row is left out, which may be cut in two."""


class NewAudience(Columns):
    """An audience with its first people."""

    name: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
    """No two live audiences of an intake share it."""
    mode: Literal["replace", "append"] = "replace"
    """Whether the file is all who belong on the audience, or adds to it."""

    def wish(self, intake: Segment) -> Wish:
        """The same as the intake's core has it."""
        return Wish(self.name, tuple(self.destinations), self.identifiers(intake), self.key)


class NewAudienceByAddress(NewAudience, NewUpload):
    """An audience whose file will come by an address of its own."""


def understood(model: type[Given], values: Mapping[str, Any]) -> Given:
    """What was asked.

    Raises:
        HTTPException: 422, it tells every problem, and repeats no value.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        problems = [f"{dotted(item['loc'])}: {item['msg']}" for item in error.errors(include_input=False, include_url=False)]
        raise HTTPException(422, "; ".join(problems)) from None


def body(form: type[Question], written: type[Question]) -> dict[str, Any]:
    """What a route that reads its request as a stream takes, for OpenAPI: a form with a file, or JSON."""
    taken = body_of_form(form)
    taken["requestBody"]["content"]["application/json"] = {"schema": _in_one(written.model_json_schema())}
    return taken


def body_of_form(form: type[Question]) -> dict[str, Any]:
    """The same for a form alone."""
    schema = _in_one(form.model_json_schema())
    for name in schema["properties"].keys() & {"columns", "destinations"}:
        told = "JSON" if name == "columns" else "labels with commas between"
        schema["properties"][name] = {"type": "string", "description": f"{told}; {schema['properties'][name]['description']}"}
    told = "CSV, TSV, NDJSON (also with .gz), Parquet or .xlsx"
    schema["properties"]["file"] = {"type": "string", "format": "binary", "description": told}
    schema["required"] = [*schema.get("required", ()), "file"]
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


def _in_one(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema with what it refers to in the places of the references: the names stand in no part of the document."""
    known = schema.pop("$defs", {})

    def whole(part: Any) -> Any:
        if isinstance(part, list):
            return [whole(one) for one in part]
        if not isinstance(part, dict):
            return part
        if reference := part.get("$ref"):
            return whole(known[reference.rpartition("/")[2]])
        return {name: whole(one) for name, one in part.items()}

    found: dict[str, Any] = whole(schema)
    return found
