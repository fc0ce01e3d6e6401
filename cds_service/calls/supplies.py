"""What prefetch brought: which of our keys came, were empty, failed or were cut, and what else was sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Final

import msgspec

from cds_service.calls.judged import Finding
from cds_service.calls.observed import KEYS
from fhir_mappings.fhir.needs import DATA_NEEDS

_LOOKED_AT: Final = 20  # entries of a Bundle
_OUTCOME: Final = "OperationOutcome"


class _Resource(msgspec.Struct, gc=False):
    resourceType: object = None  # noqa: N815 - FHIR's name
    total: object = None
    link: object = None
    entry: list[msgspec.Raw] | None = None


class _Typed(msgspec.Struct, gc=False):
    resourceType: object = None  # noqa: N815 - FHIR's name


class _Entry(msgspec.Struct, gc=False):
    resource: _Typed | None = None
    search: dict[str, object] | None = None


_VALUE: Final = msgspec.json.Decoder(_Resource)
_ENTRY: Final = msgspec.json.Decoder(_Entry)


def arrivals(prefetch: Mapping[str, msgspec.Raw]) -> dict[str, str]:
    """Return how each of our keys arrived: `data`, `empty`, `failed`, `cut`, `another type` or `unreadable`."""
    return {key: _arrival(bytes(raw), KEYS[key]) for key, raw in prefetch.items() if key in KEYS}


def _arrival(text: bytes, expected: str) -> str:
    if text.strip() == b"null":
        return "empty"
    try:
        value = _VALUE.decode(text)
        if value.resourceType == _OUTCOME:
            return "failed"
        if value.resourceType != "Bundle":
            return "data" if value.resourceType == expected else "another type"
        return _bundle(value, expected)
    except msgspec.DecodeError:
        return "unreadable"


def _bundle(value: _Resource, expected: str) -> str:
    entries = [_ENTRY.decode(raw) for raw in (value.entry or ())[:_LOOKED_AT]]
    types = [entry.resource.resourceType for entry in entries if entry.resource is not None]
    matches = [name for name in types if name != _OUTCOME]
    if not matches:
        return "failed" if types and value.total not in (0, None) else "empty"
    if expected not in matches:
        return "another type"
    links = value.link if isinstance(value.link, list) else []
    if any(isinstance(link, dict) and link.get("relation") == "next" for link in links):
        return "cut"
    short = isinstance(value.total, int) and len(value.entry or ()) < value.total
    return "cut" if short else "data"


def prefetch_findings(sent: Mapping[str, Any], came: Mapping[str, str]) -> Iterator[Finding]:
    """Yield how prefetch fits the templates; `sent` are all its keys, `came` is how ours arrived."""
    foreign = [key for key in sent if key not in KEYS]
    if sent:
        near = {guess for key in foreign for guess in get_close_matches(key, KEYS, n=1)} - sent.keys()
        seen = f"{len(foreign)} {'key' if len(foreign) == 1 else 'keys'} that this service does not list"
        # The names of foreign keys are the caller's own words, so only ours are repeated.
        seen += f"; {', '.join(sorted(near))} may have been meant." if near else "."
        yield Finding("PRE-KEYS", "fail" if near else "warn" if foreign else "pass", seen if foreign else "")
    for check, state, words in (
        ("PRE-FAILED", "warn", ("failed", "unreadable")),
        ("PRE-TYPE", "fail", ("another type",)),
        ("PRE-WHOLE", "warn", ("cut",)),
    ):
        keys = [key for key, word in came.items() if word in words]
        if came:
            yield Finding(check, state if keys else "pass", f"{', '.join(keys)}." if keys else "")  # type: ignore[arg-type]


def required_findings(came: Mapping[str, str], sources: Mapping[str, str], status: int) -> Iterator[Finding]:
    """Yield whether the data came that every answer needs; of a call that nobody had to answer, nothing."""
    lacking = [
        need.key for need in DATA_NEEDS if need.required and came.get(need.key, "failed") in ("failed", "unreadable")
    ]
    fetched = [key for key in lacking if sources.get(key, "").startswith("fetched:")]
    if status == PRECONDITION_FAILED:
        yield Finding("PRE-REQUIRED", "fail", f"Not to be had: {', '.join(lacking) or 'what the answer names'}.")
    elif lacking and len(fetched) == len(lacking):
        yield Finding("PRE-REQUIRED", "warn", f"Fetched, which takes longer: {', '.join(lacking)}.")
    elif lacking:
        yield Finding("PRE-REQUIRED", "warn", f"Not sent: {', '.join(lacking)}. A lumbar MRI order would bring a 412.")
    else:
        yield Finding("PRE-REQUIRED", "pass")


PRECONDITION_FAILED: Final = 412
