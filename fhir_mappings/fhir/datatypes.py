"""The FHIR data types the criteria read, as small typed structs.

Only the elements that some rule looks at are declared; everything else in a resource is skipped while decoding,
which is what keeps a large prefetch cheap. `fhir.resources` is used for what the service emits, not here.
"""

from __future__ import annotations

import re

import msgspec

_TYPE = re.compile("[A-Z][A-Za-z]+")


class FhirStruct(msgspec.Struct, rename="camel", gc=False):
    """Base of all structs: FHIR's camelCase names outside, Python's inside."""


class Coding(FhirStruct):
    """FHIR Coding."""

    system: str | None = None
    code: str | None = None
    display: str | None = None


class CodeableConcept(FhirStruct):
    """FHIR CodeableConcept."""

    coding: list[Coding] = []
    text: str | None = None

    def has_code(self, *codes: str) -> bool:
        """Whether one of its codings, of any system, has one of these codes."""
        return any(coding.code in codes for coding in self.coding)


class Meta(FhirStruct):
    """FHIR Meta, as far as it says that something was left out."""

    security: list[Coding] = []
    tag: list[Coding] = []


class Identifier(FhirStruct):
    """FHIR Identifier."""

    value: str | None = None


class Reference(FhirStruct):
    """FHIR Reference."""

    reference: str | None = None
    display: str | None = None
    identifier: Identifier | None = None


class Attachment(FhirStruct):
    """FHIR Attachment; `data` is base64."""

    content_type: str | None = None
    data: str | None = None
    title: str | None = None


class Quantity(FhirStruct):
    """FHIR Quantity, also Age and SimpleQuantity."""

    value: float | None = None
    comparator: str | None = None
    unit: str | None = None
    code: str | None = None


class Period(FhirStruct):
    """FHIR Period."""

    start: str | None = None
    end: str | None = None


class Range(FhirStruct):
    """FHIR Range."""

    low: Quantity | None = None
    high: Quantity | None = None


class Ratio(FhirStruct):
    """FHIR Ratio."""

    numerator: Quantity | None = None
    denominator: Quantity | None = None


class Annotation(FhirStruct):
    """FHIR Annotation."""

    text: str | None = None


def reference_id(reference: Reference | None, resource_type: str) -> str | None:
    """Return the bare id in a reference to a resource type, relative or absolute; None if it cannot be told."""
    return id_in(reference.reference if reference else None, resource_type)


def named_type(reference: str | None) -> str | None:
    """Return the resource type that a literal reference names, relative or absolute; None where it names none."""
    parts = (reference or "").split("|")[0].strip().split("/_history/")[0].split("/")
    return parts[-2] if len(parts) > 1 and parts[-1] and _TYPE.fullmatch(parts[-2]) else None


def id_in(reference: str | None, resource_type: str) -> str | None:
    """Return the bare id in `Type/id`, `https://…/Type/id` or `Type/id/_history/n`; None for anything else."""
    if not reference:
        return None
    named, _, found = reference.rpartition("/")
    if named == resource_type and found and "|" not in found:  # nearly all are written so
        return found.rstrip() or None
    parts = reference.split("|")[0].strip().split("/_history/")[0].split("/")
    if len(parts) > 1 and parts[-2] == resource_type and parts[-1]:
        return parts[-1]
    return None
