"""Reading one prefetch value: what arrived, and how far it can be relied on.

Clients send Bundles, bare resources, null, OperationOutcomes, wrapped responses and plain nonsense under a prefetch
key. The difference between "nothing recorded" and "could not be read" decides whether a card may lean on absence, so
each value becomes the resources that can be read plus one of five states.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from fhir_mappings.fhir.datatypes import Meta
from fhir_mappings.fhir.decoding import decode_if, decode_resource, resource_type_of
from fhir_mappings.fhir.resources import Resource

_FAILURES = frozenset({"error", "fatal"})
# Issue codes that say, at whatever severity, that there is more than was sent.
_SHORTENED = frozenset({"incomplete", "suppressed", "timeout", "too-costly", "throttled", "transient"})
_WITHHELD = frozenset({"suppressed"})
# Security labels and tags (HL7 v3 ObservationValue) that say that a Bundle or a resource was sent with parts left out.
_SHORTENED_LABELS = frozenset({"REDACTED", "MASKED", "SUBSETTED"})


class SourceState(StrEnum):
    """How far a source of data can be relied on."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    UNAVAILABLE = "unavailable"  # offered, and reading it failed
    NOT_PROVIDED = "not-provided"  # neither sent nor read, though the client may have it
    NOT_OFFERED = "not-offered"  # the client has no such source: nothing was kept back


@dataclass(frozen=True, slots=True)
class SourceReading:
    """The resources found under one prefetch key, its state, and whether the sender says that it held some back.

    `next_link` is where a paged Bundle says it goes on, unchecked. `sound`, `matches` and `announced` (the Bundle's
    total) tell whether the pages together are complete: nothing in this one was lost, how many matches it holds, of
    how many.
    """

    state: SourceState
    resources: tuple[Resource, ...] = ()
    withheld: bool = False
    next_link: str = field(default="", repr=False)
    sound: bool = False
    matches: int = 0
    announced: int = 0


class _Link(msgspec.Struct, gc=False):
    relation: object = None
    url: object = None


class _Search(msgspec.Struct, gc=False):
    mode: object = None


class _Status(msgspec.Struct, gc=False):
    status: object = None


class _Entry(msgspec.Struct, gc=False):
    resource: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    search: _Search | None = None
    response: _Status | None = None


class _Bundle(msgspec.Struct, gc=False):
    resource_type: object = msgspec.field(name="resourceType", default=None)
    meta: Meta | None = None
    total: object = None
    link: list[_Link] | None = None
    entry: list[_Entry] | None = None


class _LooseBundle(msgspec.Struct, gc=False):
    total: object = None
    link: object = None
    entry: list[msgspec.Raw] | None = None


class _Issue(msgspec.Struct, gc=False):
    severity: object = None
    code: object = None


class _Outcome(msgspec.Struct, gc=False):
    issue: list[_Issue] | None = None


class _Wrapped(msgspec.Struct, gc=False):
    resource: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    response: object = None


_BUNDLE = msgspec.json.Decoder(_Bundle)
_LOOSE_BUNDLE = msgspec.json.Decoder(_LooseBundle)
_ENTRY = msgspec.json.Decoder(_Entry)
_OUTCOME = msgspec.json.Decoder(_Outcome)
_WRAPPED = msgspec.json.Decoder(_Wrapped)
_LIST = msgspec.json.Decoder(list[msgspec.Raw])

NOT_PROVIDED = SourceReading(SourceState.NOT_PROVIDED)
NOT_OFFERED = SourceReading(SourceState.NOT_OFFERED)
# States of a source that a prefetch held nothing of, not even a failure: a server may be asked for it.
MISSING = (SourceState.NOT_PROVIDED, SourceState.NOT_OFFERED)
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
    # Nearly every value is a Bundle: one look at its text is enough.
    bundle = _sound_bundle(text)
    if bundle is not None and bundle.resource_type == "Bundle":
        return _read_sound_bundle(bundle, expected)
    name = resource_type_of(text)
    if name == "Bundle":
        return _read_loose_bundle(text, expected)
    if name == "OperationOutcome":
        return FAILED
    if name:
        resource = decode_resource(text, expected)
        if resource is None:
            return NOT_PROVIDED
        withheld = is_shortened(resource.meta)
        state = SourceState.COMPLETE if name == expected and not withheld else SourceState.PARTIAL
        return SourceReading(state, (resource,), withheld)
    return _read_wrapped(text, expected)


def _read_wrapped(text: bytes, expected: str) -> SourceReading:
    """Read the form of old clients, {"response": …, "resource": …}: a refused response is a failed search."""
    wrapped = _WRAPPED.decode(text)
    if isinstance(wrapped.resource, msgspec.UnsetType):
        return NOT_PROVIDED
    status = wrapped.response.get("status") if isinstance(wrapped.response, dict) else None
    if status is not None and not str(status).startswith("2"):
        return FAILED
    empty = bytes(wrapped.resource).strip() == b"null"
    if empty and status is None:
        return NOT_PROVIDED
    return read_source(bytes(wrapped.resource), expected)


def _read_list(text: bytes, expected: str) -> SourceReading:
    """A bare array of resources is no form of the specification; what it holds still counts, its end is not known."""
    found = tuple(
        resource
        for item in _LIST.decode(text)
        if bytes(item).startswith(b"{") and (resource := decode_resource(item, expected)) is not None
    )
    return SourceReading(SourceState.PARTIAL, found) if found else NOT_PROVIDED


def _sound_bundle(text: bytes) -> _Bundle | None:
    """Return an object as a Bundle, whatever it is; None where it does not fit."""
    try:
        return _BUNDLE.decode(text)
    except msgspec.DecodeError:
        return None


def _read_sound_bundle(bundle: _Bundle, expected: str) -> SourceReading:
    more = [link.url for link in bundle.link or () if link.relation == "next"]
    next_link = next((url for url in more if isinstance(url, str)), "")
    collection = _Collection(expected, next_link, withheld=is_shortened(bundle.meta))
    whole = (bool(next_link) or not more) and not collection.withheld
    return collection.read(bundle.entry or (), bundle.total, whole=whole)


def is_shortened(meta: Meta | None) -> bool:
    """Whether a label says that parts were left out of what was sent."""
    if meta is None or not (meta.security or meta.tag):
        return False
    labels = (*meta.security, *meta.tag)
    return any((label.code or "").strip().upper() in _SHORTENED_LABELS for label in labels)


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
    return _Collection(expected).read(entries, bundle.total, whole=False)


@dataclass(slots=True)
class _Collection:
    """The entries of a Bundle on their way to a reading."""

    expected: str
    next_link: str = ""
    found: list[Resource] = field(default_factory=list)
    matches: int = 0
    failed: bool = False
    whole: bool = True
    withheld: bool = False

    def read(self, entries: Iterable[_Entry], total: object, *, whole: bool) -> SourceReading:
        """Return the reading of a Bundle's entries."""
        self.whole = whole
        for entry in entries:
            self._add(entry)
        if self.failed and not self.found:
            return SourceReading(SourceState.UNAVAILABLE, withheld=self.withheld)
        announced = int(total) if isinstance(total, int | str) and str(total).isdecimal() else 0
        sound = self.whole and not self.failed
        complete = sound and not self.next_link and announced <= self.matches
        state = SourceState.COMPLETE if complete else SourceState.PARTIAL
        return SourceReading(state, tuple(self.found), self.withheld, self.next_link, sound, self.matches, announced)

    def _add(self, entry: _Entry) -> None:
        """Take one entry; one that holds nothing readable leaves the Bundle incomplete."""
        included = entry.search is not None and entry.search.mode in ("include", "outcome")
        if entry.response is not None and not str(entry.response.status or "200").startswith("2"):
            self.failed = True
        if not isinstance(entry.resource, msgspec.UnsetType):
            # Nearly every entry is what was asked for: one look at its text is enough.
            usual = decode_if(entry.resource, self.expected)
            if usual is not None:
                self._keep(usual)
                self.matches += not included
                return
        text = b"" if isinstance(entry.resource, msgspec.UnsetType) else bytes(entry.resource).strip()
        name = resource_type_of(text) if text.startswith(b"{") else ""
        if name == "OperationOutcome":
            self._weigh(text)
        elif name == "Bundle":
            self._nested(text)
        elif (resource := decode_resource(text, self.expected) if name else None) is not None:
            self._keep(resource)
            self.matches += not included
            self.whole = self.whole and (included or name in (self.expected, "Medication"))
        elif not included:
            self.whole = False

    def _keep(self, resource: Resource) -> None:
        self.found.append(resource)
        if resource.meta is not None and is_shortened(resource.meta):
            self.whole, self.withheld = False, True

    def _nested(self, text: bytes) -> None:
        """Take a Bundle inside the Bundle, as a batch answers."""
        inner = _read_object(text, self.expected)
        self.found += inner.resources
        self.matches += len(inner.resources)
        self.whole = self.whole and inner.state is SourceState.COMPLETE
        self.failed = self.failed or inner.state is SourceState.UNAVAILABLE

    def _weigh(self, text: bytes) -> None:
        """Weigh an OperationOutcome: information beside the matches is no failure."""
        try:
            issues = _OUTCOME.decode(text).issue
        except msgspec.ValidationError:
            issues = None
        if issues is None or any(issue.severity in _FAILURES for issue in issues):
            self.failed = True
        codes = {issue.code for issue in issues or () if isinstance(issue.code, str)}
        self.whole = self.whole and codes.isdisjoint(_SHORTENED)
        self.withheld = self.withheld or not codes.isdisjoint(_WITHHELD)
