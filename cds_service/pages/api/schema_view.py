"""A JSON Schema as a table for people: one row a member, with what it may be.

Conditions between members (`if`, `dependentRequired` and their like) have no place in a row; the page shows the schema
itself beside the table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

_COMPONENTS: Final = "#/components/schemas/"
_LIMITS: Final = {
    "maxLength": "at most {} characters",
    "minItems": "at least {} entries",
    "pattern": "like {}",
    "format": "{}",
    "minimum": "at least {}",
}


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an object: its path, whether it must be there, its type in words, and the component it leads to."""

    path: str
    required: bool
    type: str
    component: str = ""
    limits: str = ""
    description: str = ""


def component_of(schema: Mapping[str, Any]) -> str:
    """Return the name of the component that a schema refers to, or an empty string."""
    return str(schema.get("$ref", "")).removeprefix(_COMPONENTS)


def members(schema: Mapping[str, Any], prefix: str = "") -> Iterator[Member]:
    """Yield the members of an object schema; those of objects within it follow it, with dotted paths."""
    required = schema.get("required", ())
    for name, member in schema.get("properties", {}).items():
        if not isinstance(member, Mapping):
            continue  # `false`: the member is forbidden here
        path, items = f"{prefix}{name}", member.get("items", {})
        repeated = isinstance(items, Mapping) and bool(items)
        inner = items if repeated else member
        yield Member(
            path,
            name in required,
            f"list of {type_of(inner)}".rstrip() if repeated else type_of(member),
            component_of(inner),
            "; ".join(_limits(member)),
            str(member.get("description", "")),
        )
        yield from members(inner, f"{path}[]." if repeated else f"{path}.")


def type_of(schema: Mapping[str, Any]) -> str:
    """Return what a value may be, in words; nothing for a reference, which is a link of its own."""
    if "$ref" in schema:
        return ""
    if "const" in schema:
        return f"“{schema['const']}”"
    if "enum" in schema:
        return " or ".join(f"“{value}”" for value in schema["enum"])
    found = schema.get("type", "anything")
    return " or ".join(found) if isinstance(found, list) else str(found)


def _limits(schema: Mapping[str, Any]) -> Iterator[str]:
    for keyword, words in _LIMITS.items():
        if keyword in schema:
            yield words.format(schema[keyword])
