"""Reading one prefetch value: what arrived, and how far it can be relied on.

Clients send Bundles, bare resources, null, OperationOutcomes, wrapped responses and plain nonsense under a prefetch
key. The difference between "nothing recorded" and "could not be read" decides whether a card may lean on absence, so
each value becomes the resources that can be read plus one of four states.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from fhir_mappings.resources import Resource, decode_resource, resource_type_of

_FAILURES = frozenset({"error", "fatal"})


class SourceState(StrEnum):
    """How far a source of data can be relied on."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    UNAVAILABLE = "unavailable"
    NOT_PROVIDED = "not-provided"


@dataclass(frozen=True, slots=True)
class SourceReading:
    """The resources found under one prefetch key, and its state."""

    state: SourceState
    resources: tuple[Resource, ...] = ()


class _Link(msgspec.Struct, gc=False):
    relation: object = None


class _Search(msgspec.Struct, gc=False):
    mode: object = None


class _Entry(msgspec.Struct, gc=False):
    resource: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    search: _Search | None = None


class _Bundle(msgspec.Struct, gc=False):
    total: object = None
    link: list[_Link] | None = None
    entry: list[_Entry] | None = None


class _LooseBundle(msgspec.Struct, gc=False):
    total: object = None
    link: object = None
    entry: list[msgspec.Raw] | None = None


class _Issue(msgspec.Struct, gc=False):
    severity: object = None


class _Outcome(msgspec.Struct, gc=False):
    issue: list[_Issue] | None = None


class _Wrapped(msgspec.Struct, gc=False):
    resource: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_BUNDLE = msgspec.json.Decoder(_Bundle)
_LOOSE_BUNDLE = msgspec.json.Decoder(_LooseBundle)
_ENTRY = msgspec.json.Decoder(_Entry)
_OUTCOME = msgspec.json.Decoder(_Outcome)
_WRAPPED = msgspec.json.Decoder(_Wrapped)
_LIST = msgspec.json.Decoder(list[msgspec.Raw])

NOT_PROVIDED = SourceReading(SourceState.NOT_PROVIDED)
EMPTY = SourceReading(SourceState.COMPLETE)
FAILED = SourceReading(SourceState.UNAVAILABLE)


def read_source(raw: msgspec.Raw | bytes | None, expected: str) -> SourceReading:
    """Read one prefetch value that should hold resources of a type; None is a key that was not sent."""
    text = b"" if raw is None else bytes(raw).strip()
    if text == b"null":
        return EMPTY
    if text.startswith(b"["):
        return _read_list(text, expected)
    return _read_object(text, expected) if text.startswith(b"{") else NOT_PROVIDED


def _read_object(text: bytes, expected: str) -> SourceReading:
    name = resource_type_of(text)
    if name == "Bundle":
        return _read_bundle(text, expected)
    if name == "OperationOutcome":
        return FAILED
    if name:
        resource = decode_resource(text, expected)
        return NOT_PROVIDED if resource is None else SourceReading(SourceState.COMPLETE, (resource,))
    wrapped = _WRAPPED.decode(text).resource
    return NOT_PROVIDED if isinstance(wrapped, msgspec.UnsetType) else read_source(bytes(wrapped), expected)


def _read_list(text: bytes, expected: str) -> SourceReading:
    """A bare array of resources is no form of the specification; what it holds still counts, its end is not known."""
    found = tuple(
        resource
        for item in _LIST.decode(text)
        if bytes(item).startswith(b"{") and (resource := decode_resource(item, expected)) is not None
    )
    return SourceReading(SourceState.PARTIAL, found) if found else NOT_PROVIDED


def _read_bundle(text: bytes, expected: str) -> SourceReading:
    try:
        bundle = _BUNDLE.decode(text)
    except msgspec.ValidationError:
        return _read_loose_bundle(text, expected)
    more = any(link.relation == "next" for link in bundle.link or ())
    return _collect(bundle.entry or (), expected, bundle.total, whole=not more)


def _read_loose_bundle(text: bytes, expected: str) -> SourceReading:
    """Read a Bundle with a broken part: what can be read counts, and the whole is not complete."""
    try:
        bundle = _LOOSE_BUNDLE.decode(text)
    except msgspec.ValidationError:
        return FAILED
    entries = []
    for raw in bundle.entry or ():
        try:
            entries.append(_ENTRY.decode(raw))
        except msgspec.ValidationError:
            continue
    return _collect(entries, expected, bundle.total, whole=False)


def _collect(entries: list[_Entry] | tuple[()], expected: str, total: object, *, whole: bool) -> SourceReading:
    found: list[Resource] = []
    matches, failed = 0, False
    for entry, text in _resource_texts(entries):
        name = resource_type_of(text)
        if name == "OperationOutcome":
            failed = failed or _is_failure(text)
            continue
        resource = decode_resource(text, expected)
        if resource is not None:
            found.append(resource)
            matches += not (entry.search and entry.search.mode == "include")
    if failed:
        return SourceReading(SourceState.PARTIAL if found else SourceState.UNAVAILABLE, tuple(found))
    short = isinstance(total, int) and total > matches
    return SourceReading(SourceState.COMPLETE if whole and not short else SourceState.PARTIAL, tuple(found))


def _resource_texts(entries: list[_Entry] | tuple[()]) -> Iterator[tuple[_Entry, bytes]]:
    for entry in entries:
        if not isinstance(entry.resource, msgspec.UnsetType):
            text = bytes(entry.resource).strip()
            if text.startswith(b"{"):
                yield entry, text


def _is_failure(text: bytes) -> bool:
    """Whether an OperationOutcome reports a failure; information beside the matches is no failure."""
    try:
        issues = _OUTCOME.decode(text).issue
    except msgspec.ValidationError:
        return True
    return issues is None or any(issue.severity in _FAILURES for issue in issues)
