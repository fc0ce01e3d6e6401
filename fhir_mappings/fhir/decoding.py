"""From JSON to the structs of resources, and the way a broken resource still counts.

A resource that does not fit its struct, because a vendor sends a string for a CodeableConcept or a number for a date,
is salvaged element by element: each element that can be read is kept, the others are dropped, and the resource says
that it was not read whole.
"""

from __future__ import annotations

from typing import Any, TypeVar, get_args, get_origin

import msgspec

from fhir_mappings.fhir.datatypes import Annotation, CodeableConcept, Coding, FhirStruct, Reference
from fhir_mappings.fhir.resources import RESOURCE_TYPES, Resource

R = TypeVar("R", bound=FhirStruct)

_DECODERS = {name: msgspec.json.Decoder(cls) for name, cls in RESOURCE_TYPES.items()}


class _Head(msgspec.Struct, rename="camel", gc=False):
    resource_type: object = None


_HEAD = msgspec.json.Decoder(_Head)


def resource_type_of(raw: bytes | msgspec.Raw) -> str:
    """Return the resourceType of a JSON value, empty where it has none."""
    try:
        name = _HEAD.decode(raw).resource_type
    except msgspec.DecodeError:
        return ""
    return name if isinstance(name, str) else ""


def decode_resource(raw: bytes | msgspec.Raw, expected: str) -> Resource | None:
    """Return the resource in a JSON value, or None where it is of a type that no criterion reads.

    `expected` is the type most likely found here; it saves a second look at the text and decides nothing else.
    """
    usual = decode_if(raw, expected)
    if usual is not None:
        return usual
    name = resource_type_of(raw)
    if name not in _DECODERS:
        return None
    try:
        return _DECODERS[name].decode(raw)
    except msgspec.ValidationError:
        return salvage(RESOURCE_TYPES[name], msgspec.json.decode(raw))


def decode_if(raw: bytes | msgspec.Raw, expected: str) -> Resource | None:
    """Return the resource in a JSON value if it is of the expected type and fits as it is."""
    decoder = _DECODERS.get(expected)
    if decoder is None:
        return None
    try:
        resource = decoder.decode(raw)
    except msgspec.ValidationError:
        return None
    return resource if resource.resource_type == expected else None


def convert_resource(plain: object) -> Resource | None:
    """Return the resource in decoded JSON (a contained one, or one from the order's Bundle), as `decode_resource`."""
    name = plain.get("resourceType") if isinstance(plain, dict) else None
    cls = RESOURCE_TYPES.get(name) if isinstance(name, str) else None
    return None if cls is None else convert(cls, plain)


def convert(cls: type[R], plain: Any) -> R:
    """Build a struct from decoded JSON: as it is where it fits, and else from what can be read of it."""
    try:
        return msgspec.convert(plain, cls, strict=False)
    except msgspec.ValidationError:
        return salvage(cls, plain)


def salvage(cls: type[R], plain: Any) -> R:
    """Build a struct from the elements that can be read, dropping the others; a resource says if any was dropped."""
    return _Salvage().struct(cls, plain)


class _Salvage:
    """One rescue of one resource; it remembers whether anything was lost."""

    def __init__(self) -> None:
        self.lost = False

    def struct(self, cls: type[R], plain: Any) -> R:
        """Return a struct of the elements that can be read."""
        found: dict[str, Any] = {}
        if not isinstance(plain, dict):
            self.lost = True
            return cls()
        for field in msgspec.structs.fields(cls):
            given = plain.get(field.encode_name)
            if given is not None:
                value = self.element(field.type, given)
                if value is not None:
                    found[field.name] = value
        if issubclass(cls, Resource) and self.lost:
            found["read_whole"] = False
        return cls(**found)

    def element(self, kind: Any, value: Any) -> Any:
        """Return one element as its declared type, or None if nothing of it can be read."""
        option = (
            next(option for option in (*get_args(kind), kind) if option is not type(None)) if _is_union(kind) else kind
        )
        inner = get_args(option)
        if get_origin(option) is list:
            items = value if isinstance(value, list) else [value]
            return [read for read in (self.element(inner[0], item) for item in items) if read is not None]
        if option is str and isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        try:
            return msgspec.convert(value, option, strict=False)
        except msgspec.ValidationError:
            read = self.nested(option, value) if isinstance(option, type) and issubclass(option, FhirStruct) else None
            self.lost = self.lost or read is None
            return read

    def nested(self, cls: type[FhirStruct], value: object) -> FhirStruct | None:
        """Return a nested struct; a bare string stands for a code and its text, a note, or a reference's target."""
        if isinstance(value, str):
            if cls is CodeableConcept:
                return CodeableConcept(coding=[Coding(code=value)], text=value)
            if cls is Annotation:
                return Annotation(text=value)
            return Reference(reference=value) if cls is Reference else None
        if isinstance(value, list) and value and cls is not Coding:
            self.lost = self.lost or len(value) > 1
            return self.nested(cls, value[0])
        return self.struct(cls, value) if isinstance(value, dict) else None


def _is_union(kind: object) -> bool:
    return type(None) in get_args(kind)
