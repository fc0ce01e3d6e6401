"""The resources of a file, one a line or in Bundles, each with its place and whose it is; and what cannot be read."""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from cds_service.replay.export.lines import Line, blocks_of, lines_of
from fhir_mappings.fhir.datatypes import id_in
from fhir_mappings.fhir.surrogates import without_lone_surrogates
from fhir_mappings.orders.contents import objects, references

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cds_service.replay.export.files import ExportFile

_LARGEST_DOCUMENT: Final = 1024 * 1024 * 1024
_URN: Final = re.compile(rb'"(urn:(?:uuid|oid):[^"]{1,200})"')
_BOM: Final = b"\xef\xbb\xbf"


class Found(msgspec.Struct, gc=False):
    """A resource, or why there is none: its type, its id and its patient as far as they can be told.

    `number` is that of its line, `entry` that in a Bundle, 0 where the line is the resource itself; `offset` is where
    the line begins, `size` its length. A blank line has neither a type nor a fault, and counts as a line.
    """

    number: int
    offset: int
    line: bytes
    type: str = ""
    id: str = ""
    patient: str = ""
    fault: str = ""
    entry: int = 0
    size: int = 0


class _Target(msgspec.Struct, gc=False):
    reference: str | None = None


class _UsualHead(msgspec.Struct, rename="camel", gc=False):
    resource_type: str = ""
    id: str = ""
    subject: _Target | None = None
    patient: _Target | None = None


class Head(msgspec.Struct, rename="camel", gc=False):
    """What tells whose a resource is."""

    resource_type: object = None
    id: object = None
    subject: object = None
    patient: object = None


class _Actors(msgspec.Struct, gc=False):
    participant: object = None


class _Entry(msgspec.Struct, rename="camel", gc=False):
    full_url: object = None
    resource: msgspec.Raw = msgspec.Raw()
    request: object = None


class _Bundle(msgspec.Struct, rename="camel", gc=False):
    resource_type: object = None
    entry: list[_Entry] = []


_USUAL: Final = msgspec.json.Decoder(_UsualHead)
_HEAD: Final = msgspec.json.Decoder(Head)
# How nearly every reference to a patient is written.
_PATIENT: Final = "Patient/"
_ACTORS: Final = msgspec.json.Decoder(_Actors)
_BUNDLE: Final = msgspec.json.Decoder(_Bundle)


def resources_of(file: ExportFile, start: int = 0, end: int | None = None) -> Iterator[Found]:
    """Yield every resource of a part of a file, and for each line that holds none the reason."""
    if is_document(file):
        yield from _of_document(file)
        return
    yield from resources_in(lines_of(file, start, end))


def is_document(file: ExportFile) -> bool:
    """Whether a file is called one JSON document; what is called lines is never one."""
    return file.path.name.endswith(".json") or ".json." in file.path.name


def resources_in(lines: Iterable[Line]) -> Iterator[Found]:
    """Yield every resource of some lines, and for each line that holds none the reason."""
    for line in lines:
        if line.text[:1] != b"{" or (found := read_head(line.text, line.number, line.offset)).type == "Bundle":
            yield from _of_line(line)
        else:
            found.size = len(line.text)
            yield found


def _of_line(line: Line) -> Iterator[Found]:
    if line.fault:
        yield Found(line.number, line.offset, b"", fault=line.fault)
        return
    yield from in_line(line.text, line.number, line.offset)


def in_line(text: bytes, number: int = 1, offset: int = 0) -> Iterator[Found]:
    """Yield what a line holds: one resource nearly always."""
    stripped = text.strip()
    if not stripped:
        yield Found(number, offset, b"")
        return
    found = read_head(stripped, number, offset)
    found.size = len(text)
    if found.type == "Bundle":
        yield from _of_bundle(stripped, found)
    else:
        yield found


def _of_document(file: ExportFile) -> Iterator[Found]:
    """Read a `.json` file: one resource, mostly a Bundle, however it is laid out; some are lines all the same."""
    if _is_of_lines(next(_guarded(file), b"")):
        for line in lines_of(file):
            yield from _of_line(line)
        return
    parts: list[bytes] = []
    size = 0
    for block in _guarded(file):
        if not block:
            yield Found(1, 0, b"", fault="file-cut-short")
            return
        parts.append(block)
        size += len(block)
        if size > _LARGEST_DOCUMENT:
            yield Found(1, 0, b"", fault="file-too-large")
            return
    yield from _of_line(Line(1, 0, b"".join(parts).removeprefix(_BOM)))


def in_document(text: bytes) -> Iterator[Found]:
    """Yield what a whole `.json` file holds."""
    text = text.removeprefix(_BOM)
    lines = text.split(b"\n") if _is_of_lines(text) else [text]
    for number, line in enumerate(lines, start=1):
        yield from in_line(line, number)


def _is_of_lines(start: bytes) -> bool:
    """Whether a file that begins so is NDJSON, whatever it is called."""
    first, separator, rest = start.removeprefix(_BOM).lstrip().partition(b"\n")
    return bool(separator) and rest.lstrip().startswith(b"{") and bool(read_head(first.strip()).type)


def _guarded(file: ExportFile) -> Iterator[bytes]:
    """Yield the blocks of a file, and an empty one where it is cut short."""
    try:
        yield from blocks_of(file)
    except (OSError, EOFError, zlib.error):
        yield b""


def _of_bundle(text: bytes, whole: Found) -> Iterator[Found]:
    """Yield the resources of a Bundle; references by their entries' temporary addresses become relative ones."""
    number, offset, size = whole.number, whole.offset, whole.size
    try:
        bundle = _BUNDLE.decode(without_lone_surrogates(text))
    except msgspec.DecodeError:
        yield Found(number, offset, b"", fault="not-a-bundle", size=size)
        return
    names = dict(_named_entries(bundle))

    def written(found: re.Match[bytes]) -> bytes:
        name = names.get(found[1])
        return b'"' + name + b'"' if name else found[0]

    for position, entry in enumerate(bundle.entry, start=1):
        if isinstance(entry.request, dict) and entry.request.get("method") == "DELETE":
            yield Found(number, offset, b"", "Deleted", str(entry.request.get("url") or ""), "", "", position, size)
        elif line := bytes(entry.resource):
            found = read_head(_URN.sub(written, line) if names else line, number, offset)
            found.entry, found.size = position, size
            yield found


def _named_entries(bundle: _Bundle) -> Iterator[tuple[bytes, bytes]]:
    for entry in bundle.entry:
        if not bytes(entry.resource) or not isinstance(entry.full_url, str) or not entry.full_url.startswith("urn:"):
            continue
        try:
            head = _HEAD.decode(entry.resource)
        except msgspec.DecodeError:
            continue
        if isinstance(head.resource_type, str) and isinstance(head.id, str):
            yield entry.full_url.encode(), f"{head.resource_type}/{head.id}".encode()


class Usual(NamedTuple):
    """Lines of which each is a resource of one type, with a patient: the type, and each patient in their order."""

    type: str
    patients: list[str]


def read_usual(texts: Sequence[bytes]) -> Usual | None:
    """Return what `read_head` says of some lines; None unless all are of a type and written as nearly all are."""
    try:
        for text in texts:
            if not text.isascii():
                text.decode()
        heads = list(map(_USUAL.decode, texts))
    except (UnicodeDecodeError, msgspec.DecodeError, RecursionError):
        return None
    kinds = {head.resource_type for head in heads}
    if len(kinds) != 1:
        return None
    (kind,) = kinds
    targets = [head.subject or head.patient for head in heads]
    if kind == "Patient" and not any(targets):
        patients = [head.id for head in heads]
    else:
        named = [target.reference if target else None for target in targets]
        known = {reference: _usual_patient(reference) for reference in set(named)}
        patients = [known[reference] for reference in named]
    return Usual(kind, patients) if kind and kind != "Bundle" and all(patients) else None


def _usual_patient(reference: str | None) -> str:
    """Return the id of a patient, where a reference is written as nearly all are."""
    if reference and reference.startswith(_PATIENT) and reference.count("/") == 1 and "|" not in reference:
        return reference[len(_PATIENT) :]
    return ""


def read_head(text: bytes, number: int = 1, offset: int = 0) -> Found:
    """Return whose a resource is; a fault where it is none.

    A resource of a type that belongs to nobody has no patient; so has one that does not say to whom it belongs.
    """
    if not text.isascii():
        try:
            text.decode()
        except UnicodeDecodeError:
            return Found(number, offset, b"", fault="not-utf-8")
    try:
        head = _USUAL.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return _unusual(text, number, offset)
    kind, name = head.resource_type, head.id
    target = head.subject or head.patient
    if patient := _usual_patient(target.reference if target else None):
        return Found(number, offset, text, kind, name, patient)
    if kind == "Patient":
        return Found(number, offset, text, kind, name, name)
    return Found(number, offset, text, kind, name) if kind in _OF_NOBODY else _unusual(text, number, offset)


# Types of which nothing needs to be asked further.
_OF_NOBODY: Final = frozenset({"Location", "Medication", "Organization", "Practitioner", "PractitionerRole"})


def _unusual(text: bytes, number: int, offset: int) -> Found:
    """Read the head of what does not look as it usually does."""
    try:
        head = _HEAD.decode(text)
    except msgspec.ValidationError:
        return Found(number, offset, b"", fault="no-resource")
    except msgspec.DecodeError:
        repaired = without_lone_surrogates(text)
        return Found(number, offset, b"", fault="not-json") if repaired is text else read_head(repaired, number, offset)
    except RecursionError:
        return Found(number, offset, b"", fault="nested-too-deeply")
    kind = head.resource_type
    if not isinstance(kind, str) or not kind:
        return Found(number, offset, b"", fault="no-resource")
    name = head.id if isinstance(head.id, str) else ""
    return Found(number, offset, text, kind, name, name if kind == "Patient" else _patient_of(text, head))


def _patient_of(text: bytes, head: Head) -> str:
    for named in (head.subject, head.patient):
        for reference in references(named):
            if reference.startswith("urn:uuid:"):
                return reference.removeprefix("urn:uuid:")
            if patient := id_in(reference, "Patient"):
                return patient
    if head.resource_type == "Appointment":
        actors = [part.get("actor") for part in objects(_ACTORS.decode(text).participant)]
        return next((found for name in references(actors) if (found := id_in(name, "Patient"))), "")
    return ""
