"""What a FHIR server says of itself, and whether it takes the token that was given."""

from __future__ import annotations

import base64
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import msgspec

from cds_service.cli.connection.check import Check, failed, passed, skipped
from fhir_mappings.fhir.needs import DATA_NEEDS
from fhir_mappings.fhir_client.transport import FhirRequest, TransportError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from fhir_mappings.fhir_client.transport import FhirResponse, Transport

PATIENCE: Final = 10.0  # seconds, much more than a hook call has: how late is worth knowing
_REASONS: Final = {
    "timeout": f"no answer within {PATIENCE:.0f} s",
    "refused": "the rules of this client forbid it",
    "too-large": "an answer larger than fhir.max_bytes",
    "connection": "no connection, or one that broke",
    "open": "it has failed before",
}
_LONGEST: Final = 120
_GONE: Final = ("there is no such patient", "Name another with --patient.")
_REFUSALS: Final[dict[int, tuple[str, str]]] = {
    401: ("the server does not take the token", "Get a new one, made for this server."),
    403: (
        "the token does not cover the patient",
        "Have the client granted the scopes that `lumbar-cds client-sheet` lists.",
    ),
    404: _GONE,
    410: _GONE,
}


class _Statement(msgspec.Struct, rename="camel"):
    resource_type: str = ""
    fhir_version: str = ""
    software: Any = None
    rest: list[dict[str, Any]] = []


def metadata_checks(base: str, transport: Transport) -> Iterator[Check]:
    """Yield the checks of `/metadata`: version, the types that the criteria read, and how it is protected."""
    answer = _asked(transport, FhirRequest(f"{base}/metadata"))
    if isinstance(answer, str):
        yield failed("fhir.metadata", base, answer, "Correct fhir.bases, or look at the server and the way to it.")
        return
    if answer.status != HTTPStatus.OK:
        yield failed("fhir.metadata", base, f"HTTP {answer.status}", "Correct fhir.bases: /metadata is below each.")
        return
    try:
        statement = msgspec.json.decode(answer.body, type=_Statement)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        statement = _Statement()
    if statement.resource_type != "CapabilityStatement":
        yield failed(
            "fhir.metadata", base, "no CapabilityStatement in JSON", "Correct fhir.bases: this is no FHIR API."
        )
        return
    yield _version(base, statement)
    rest = next((one for one in statement.rest if one.get("mode") == "server"), {})
    yield _types(base, rest)
    yield _security(base, rest)


def _version(base: str, statement: _Statement) -> Check:
    name = statement.software.get("name") if isinstance(statement.software, dict) else None
    says = f"FHIR {statement.fhir_version or '(version not said)'}, {_short(name or 'software not named')}"
    if statement.fhir_version.startswith(("4.0", "4.3")):
        return passed("fhir.metadata", base, says, fhir_version=statement.fhir_version)
    return failed("fhir.metadata", base, says, "The service reads FHIR R4; name the R4 base of the server.")


def _types(base: str, rest: dict[str, Any]) -> Check:
    listed = {one.get("type") for one in rest.get("resource") or () if isinstance(one, dict)}
    wanted = dict.fromkeys(need.resource_type for need in DATA_NEEDS)
    lacking = [name for name in wanted if name not in listed]
    if not lacking:
        return passed("fhir.types", base, f"offers all {len(wanted)} types that the criteria read", lacking=[])
    must = [need.resource_type for need in DATA_NEEDS if need.required and need.resource_type in lacking]
    says = f"does not list {', '.join(lacking)}"
    if must:
        remedy = f"Without {' and '.join(must)} there is no advice: have them sent as prefetch."
        return failed("fhir.types", base, says, remedy, lacking=lacking)
    remedy = "List what it has as `sources` of the client, so that the rest is neither asked for nor missed."
    return passed("fhir.types", base, says, remedy, lacking=lacking)


def _security(base: str, rest: dict[str, Any]) -> Check:
    security = rest.get("security")
    services = security.get("service") if isinstance(security, dict) else None
    codes = [
        coding["code"]
        for service in services or ()
        for coding in (service.get("coding") or () if isinstance(service, dict) else ())
        if isinstance(coding, dict) and isinstance(coding.get("code"), str)
    ]
    says = f"says that it is protected by {', '.join(map(_short, codes))}" if codes else "says nothing of protection"
    return passed("fhir.security", base, says, services=codes)


def token_check(base: str, transport: Transport, token: str | None, patient: str | None, now: datetime) -> Check:
    """Return the check of an access token, by reading a patient with it; neither is told."""
    if token is None:
        return skipped("fhir.token", base, "no token was given", "Give one with --token-file.")
    if ended := _ended(token, now):
        return failed("fhir.token", base, ended, "Get a new one; an EHR hands out one for each call.")
    if patient is None:
        return skipped("fhir.token", base, "a token is tried by reading a patient", "Name one with --patient.")
    answer = _asked(transport, FhirRequest(f"{base}/Patient/{quote(patient, safe='')}", token=token))
    if isinstance(answer, str):
        return failed("fhir.token", base, answer, "Look at the server and the way to it.")
    if answer.status == HTTPStatus.OK:
        return passed("fhir.token", base, "the token lets the patient be read")
    meaning, remedy = _REFUSALS.get(answer.status, ("not an answer", "Ask whoever runs the server what it means."))
    return failed("fhir.token", base, f"HTTP {answer.status}: {meaning}", remedy)


def _ended(token: str, now: datetime) -> str | None:
    """Return that a token has ended, where it is one that can be read; most servers' cannot."""
    parts = token.split(".")
    if len(parts) != 3:  # noqa: PLR2004 - header, claims and signature
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        ends = float(claims["exp"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    late = now.timestamp() - ends
    return f"the token ended {late:.0f} s ago" if late > 0 else None


def _asked(transport: Transport, request: FhirRequest) -> FhirResponse | str:
    """Return an answer of any status, or why there is none."""
    try:
        return transport.send(request, PATIENCE)
    except TransportError as error:
        return _REASONS.get(error.reason, error.reason)


def _short(text: object) -> str:
    return str(text)[:_LONGEST]
