"""The JSON Schemas (2020-12) of what goes in and out, and the one sentence said about a body that breaks one.

The files beside this module are documentation for integrators too. Validators are built once, when they are first used:
building one costs two hundred times as much as using it, and most processes never use half of them. Only envelopes are
checked; FHIR resources inside them are not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from importlib import resources
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jsonschema import Draft202012Validator, FormatChecker
    from jsonschema.exceptions import ValidationError

_RFC3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)

# What is wrong, by schema keyword; whatever is not here is a value that the contract does not allow.
_SENTENCES: Final = {
    "required": ("required", "{} is missing."),
    "dependentRequired": ("required", "{} lacks a member that it needs here."),
    "anyOf": ("required", "{} lacks a member that it needs here."),
    "maxItems": ("too-costly", "{} holds more items than are taken at once."),
    "type": ("structure", "{} is not of the JSON type that the contract asks for."),
}
_MOST_PROBLEMS: Final = 20
_OTHER: Final = ("value", "{} has a value that the contract does not allow.")


def _formats() -> FormatChecker:
    from jsonschema import FormatChecker  # noqa: PLC0415 - as the validator

    formats = FormatChecker(formats=())
    formats.checks("date-time", raises=(ValueError, OverflowError))(_is_timestamp)
    return formats


def _is_timestamp(value: object) -> bool:
    """Whether a string is an RFC 3339 timestamp of a day that exists, in UTC too."""
    if not isinstance(value, str):
        return True  # its type is the business of another keyword
    return bool(_RFC3339.fullmatch(value)) and bool(datetime.fromisoformat(value.upper()).astimezone(UTC))


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a document: where, FHIR issue code, a sentence without any of its values."""

    path: str
    issue_code: str
    message: str


class Schema:
    """A schema of this folder, ready to check documents."""

    def __init__(self, name: str, *, inline: bool = False) -> None:
        """Take `<name>.schema.json`.

        Following references takes most of the time of a small document; `inline` puts definitions in their place, in a
        schema whose definitions do not refer to themselves.
        """
        self._name = name
        self._inline = inline

    @cached_property
    def document(self) -> dict[str, Any]:
        """The schema as it stands in its file."""
        text = resources.files(__name__).joinpath(f"{self._name}.schema.json").read_bytes()
        document: dict[str, Any] = msgspec.json.decode(text)
        return document

    @cached_property
    def _validator(self) -> Draft202012Validator:
        from jsonschema import Draft202012Validator  # noqa: PLC0415 - most one-off answers need no validator

        effective = _inlined(self.document, self.document["$defs"]) if self._inline else self.document
        return Draft202012Validator(effective, format_checker=_formats())

    def problems(self, instance: Any) -> list[Problem]:
        """Return everything wrong with a document, each place once, up to a number that somebody would read."""
        found: dict[str, Problem] = {}
        for error in self.violations(instance):
            for path in _missing_paths(error) or (field_path(error),):
                found.setdefault(path, _problem(error, path))
            if len(found) >= _MOST_PROBLEMS:
                break
        return list(found.values())

    def errors(self, instance: Any) -> list[str]:
        """Return everything wrong with a document, with its values: for documents without patient data."""
        return [f"{field_path(error)}: {error.message}" for error in self.violations(instance)]

    def violations(self, instance: Any) -> Iterator[ValidationError]:
        """Yield everything wrong with a document, for who words it without its values."""
        return self._validator.iter_errors(instance)


def _inlined(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """Return a schema with its definitions in the place of the references to them.

    ValueError when a definition and who refers to it set the same keyword, for then both would have to hold.
    """
    if isinstance(schema, list):
        return [_inlined(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _inlined(value, definitions) for key, value in schema.items() if key not in ("$ref", "$defs")}
    reference = schema.get("$ref")
    if reference is None:
        return found
    definition: dict[str, Any] = _inlined(definitions[reference.removeprefix("#/$defs/")], definitions)
    if clash := (definition.keys() & found.keys()) - {"description"}:
        raise ValueError(f"{reference} and its referrer both set {', '.join(sorted(clash))}")
    return definition | found


def field_path(error: ValidationError) -> str:
    """Return where an error is, as `context.draftOrders` or `feedback[1].outcome`; "" is the whole document."""
    missing = _missing_paths(error)
    return missing[0] if missing else _place(error).removeprefix(".")


def _place(error: ValidationError) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)


def _missing_paths(error: ValidationError) -> list[str]:
    """Return the members that an object lacks; the library reports each, without saying which."""
    if error.validator != "required":
        return []
    required, present = cast("list[str]", error.validator_value), cast("dict[str, Any]", error.instance)
    return [f"{_place(error)}.{name}".removeprefix(".") for name in required if name not in present]


def _problem(error: ValidationError, path: str) -> Problem:
    code, sentence = _SENTENCES.get(str(error.validator), _OTHER)
    return Problem(path, code, sentence.format(path or "The request body"))


HOOK_REQUEST: Final = Schema("hook-request", inline=True)
HOOK_RESPONSE: Final = Schema("hook-response")
FEEDBACK_REQUEST: Final = Schema("feedback-request")
DISCOVERY_RESPONSE: Final = Schema("discovery-response")
SITE: Final = Schema("site")
CLIENTS: Final = Schema("clients")
