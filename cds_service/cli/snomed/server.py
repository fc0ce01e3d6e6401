"""The descendants of concepts as a terminology server tells them, by `ValueSet/$expand`, page by page.

The filter `is-a` is FHIR's own and taken by every server that knows SNOMED CT; where a server takes no ValueSet that is
sent to it, the implicit one of an ECL expression is asked for. A part of an answer is never taken for the whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import msgspec

from cds_service.egress.addresses import EgressError
from cds_service.egress.destinations import read_base
from cds_service.egress.http import Call, Limits
from cds_service.egress.network import Network
from fhir_mappings.fhir_client.transport import TransportError
from fhir_mappings.terminology.code_systems import SNOMED_CT

if TYPE_CHECKING:
    from cds_service.egress.http import Fetched, HttpClient

# The address was typed by whoever runs the command, so it may be anywhere; plain http is for this machine only.
_ANYWHERE: Final = Network((ip_network("0.0.0.0/0"), ip_network("::/0")), loopback=True)
_LIMITS: Final = Limits(120.0, 10.0, 110.0, 64 * 1024 * 1024)
_FHIR_JSON: Final = "application/fhir+json"
_PAGE: Final = 1000
_MOST_PAGES: Final = 1000
_NOT_TAKEN: Final = frozenset({400, 404, 405, 415, 422, 501})
_REASONS: Final = {
    "timeout": "no answer within two minutes",
    "refused": "it must not be connected to: plain http is for this machine only",
    "too-large": "a page of more than 64 MiB",
    "connection": "no connection, or one that is not trusted",
}


class ServerError(Exception):
    """A server that does not tell the descendants of a concept, and why; it holds no token."""


class _Contained(msgspec.Struct):
    code: str = ""
    display: str = ""
    system: str = ""
    inactive: bool = False
    abstract: bool = False
    contains: list[Any] = []


class _Expansion(msgspec.Struct):
    total: int | None = None
    contains: list[_Contained] = []
    parameter: list[dict[str, Any]] = []


class _ValueSet(msgspec.Struct, rename="camel"):
    resource_type: str = ""
    expansion: _Expansion | None = None


@dataclass
class TerminologyServer:
    """Asks one server; `version` is what it says its answers were made of."""

    base: str
    http: HttpClient
    token: str | None = None
    version: str = ""
    by_ecl: bool = False

    def __post_init__(self) -> None:
        """Read the address; ServerError when it is none."""
        try:
            self.base = read_base(self.base, _ANYWHERE).url
        except EgressError as error:
            raise ServerError(f"the address of the server {error.sentence}") from None

    def descendants(self, root: str) -> dict[str, str]:
        """Return the active concepts below one, by code, with their displays; ServerError unless all of them came."""
        found: dict[str, str] = {}
        seen: set[str] = set()
        for _ in range(_MOST_PAGES):
            expansion = self._page(root, len(seen))
            self._note_version(expansion)
            page, total = expansion.contains, expansion.total
            if any(one.contains for one in page):
                raise ServerError(f"{root}: the answer is a tree, and not a list")
            new = {one.code for one in page} - seen
            seen |= new
            found |= {one.code: one.display for one in page if one.code and not one.inactive}
            if (total is None and len(page) != _PAGE) or (total is not None and len(seen) >= total):
                found.pop(root, None)
                return found
            if not new:
                break
        raise ServerError(f"{root}: only {len(seen)} concepts came; the server does not page on")

    def _page(self, root: str, offset: int) -> _Expansion:
        answer = self._send(root, offset)
        if answer.status in _NOT_TAKEN and not self.by_ecl and offset == 0:
            by_filter = answer
            self.by_ecl = True
            answer = self._send(root, offset)
            if answer.status != HTTPStatus.OK:
                self.by_ecl = False
                raise ServerError(f"{root}: {_said(by_filter)}; and for ECL, {_said(answer)}")
        if answer.status != HTTPStatus.OK:
            raise ServerError(f"{root}: {_said(answer)}")
        try:
            expansion = msgspec.json.decode(answer.body, type=_ValueSet).expansion
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            expansion = None
        if expansion is None:
            raise ServerError(f"{root}: {_said(answer)}, and no expansion of a ValueSet")
        return expansion

    def _send(self, root: str, offset: int) -> Fetched:
        headers = {"Accept": _FHIR_JSON} | ({"Authorization": f"Bearer {self.token}"} if self.token else {})
        if self.by_ecl:
            implicit = quote(f"{SNOMED_CT}?fhir_vs=ecl/<{root}", safe="")
            url = f"{self.base}/ValueSet/$expand?url={implicit}&offset={offset}&count={_PAGE}&activeOnly=true"
            call = Call(url, _ANYWHERE, _LIMITS, headers)
        else:
            body, headers = _parameters(root, offset), headers | {"Content-Type": _FHIR_JSON}
            call = Call(f"{self.base}/ValueSet/$expand", _ANYWHERE, _LIMITS, headers, "POST", body)
        try:
            return self.http.send(call)
        except TransportError as error:
            raise ServerError(f"{root}: {_REASONS[error.reason]}") from None

    def _note_version(self, expansion: _Expansion) -> None:
        for one in expansion.parameter:
            told = one.get("valueUri") or one.get("valueString")
            if one.get("name") in ("version", "used-codesystem") and isinstance(told, str) and not self.version:
                self.version = told.rpartition("|")[2][:200]


def _parameters(root: str, offset: int) -> bytes:
    condition = {"property": "concept", "op": "is-a", "value": root}
    value_set = {
        "resourceType": "ValueSet",
        "status": "active",
        "compose": {"include": [{"system": SNOMED_CT, "filter": [condition]}]},
    }
    parameters = [
        {"name": "valueSet", "resource": value_set},
        {"name": "offset", "valueInteger": offset},
        {"name": "count", "valueInteger": _PAGE},
        {"name": "activeOnly", "valueBoolean": True},
    ]
    return msgspec.json.encode({"resourceType": "Parameters", "parameter": parameters})


def _said(answer: Fetched) -> str:
    """Return what an answer says went wrong, in its own words where it is an OperationOutcome."""
    try:
        issue = msgspec.json.decode(answer.body, type=dict[str, Any])["issue"][0]
        words = issue.get("diagnostics") or (issue.get("details") or {}).get("text") or ""
        return f"HTTP {answer.status}, {issue.get('code')}" + (f": {str(words)[:200]}" if words else "")
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, IndexError, TypeError, AttributeError):
        return f"HTTP {answer.status}"
