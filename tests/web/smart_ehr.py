"""An EHR with a SMART login in front of a FHIR server: it lets everybody in, and can be told to behave badly.

Its login checks nothing, so that a test sees what the form itself sends and refuses; what was asked is kept.
"""

from __future__ import annotations

import base64
import hashlib
import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
import requests

from tests.loopback_server import LoopbackServer, Received, Reply, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN: Final = "token-of-this-window"
WRITES: Final = "patient/QuestionnaireResponse.c"
_CORS: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "authorization, content-type, accept",
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
}


@dataclass
class SmartEhr:
    """What the EHR holds and how it behaves.

    `held` are resources by type for an EHR without a server behind it; `fhir` is the base of one that has. `scope` is
    what it grants beside reading, and None where it does not say; `refuses` has it answer a create with 403.
    `sends_back` changes what the browser comes back with.
    """

    patient: str
    fhir: str = ""
    held: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    context: str = ""
    scope: str | None = WRITES
    refuses: bool = False
    second: bool = True
    pkce: bool = True
    sends_back: dict[str, str] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    traded: list[dict[str, str]] = field(default_factory=list)
    authorized: list[str] = field(default_factory=list)
    written: list[dict[str, Any]] = field(default_factory=list)
    base: str = ""

    def answer(self, request: Received) -> Reply:
        """Answer a request."""
        path = urlsplit(request.path).path
        if request.method == "OPTIONS":
            return Reply(204, b"", _CORS)
        if path == "/fhir/.well-known/smart-configuration":
            return _json(self._configuration())
        if path == "/authorize":
            return self._authorize(dict(parse_qsl(urlsplit(request.path).query)))
        if path == "/token":
            return self._token(dict(parse_qsl(request.body.decode())))
        return self._fhir(request)

    def _configuration(self) -> dict[str, Any]:
        origin = self.base.removesuffix("/fhir")
        return {
            "authorization_endpoint": f"{origin}/authorize",
            "token_endpoint": f"{origin}/token",
            "capabilities": ["launch-ehr", "permission-v2" if self.second else "permission-v1"],
            "code_challenge_methods_supported": ["S256"] if self.pkce else [],
        }

    def _authorize(self, asked: dict[str, str]) -> Reply:
        self.asked.append(asked)
        back = {"code": "one-code", "state": asked["state"]} | self.sends_back
        return Reply(302, b"", {"Location": f"{asked['redirect_uri']}?{urlencode(back)}"})

    def _token(self, form: dict[str, str]) -> Reply:
        self.traded.append(form)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=")
        if challenge.decode() != self.asked[-1]["code_challenge"]:
            return _json({"error": "invalid_grant"}, 400)
        user = jwt.encode({"fhirUser": f"{self.base}/Practitioner/doc-1"}, "k" * 32, "HS256")
        granted = {
            "access_token": TOKEN,
            "token_type": "Bearer",
            "expires_in": 600,
            "patient": self.patient,
            "id_token": user,
        }
        if self.scope is not None:
            granted["scope"] = f"launch openid fhirUser {self.scope}"
        return _json(granted | ({"appContext": self.context} if self.context else {}))

    def _fhir(self, request: Received) -> Reply:
        self.authorized.append(request.headers.get("authorization", ""))
        if request.method == "POST":
            if self.refuses:
                return _json({"resourceType": "OperationOutcome", "issue": []}, 403)
            self.written.append(json.loads(request.body))
        if self.fhir:
            return self._passed_on(request)
        if request.method == "POST":
            return _json(json.loads(request.body) | {"id": "written-1"}, 201)
        resource_type, _, resource_id = urlsplit(request.path).path.removeprefix("/fhir/").partition("/")
        found = self.held.get(resource_type, [])
        if resource_id:
            named = next((resource for resource in found if resource["id"] == resource_id), None)
            return _json(named) if named else _json({"resourceType": "OperationOutcome", "issue": []}, 404)
        entries = [{"resource": resource} for resource in found]
        return _json({"resourceType": "Bundle", "type": "searchset", "total": len(entries), "entry": entries})

    def _passed_on(self, request: Received) -> Reply:
        headers = {"Content-Type": "application/fhir+json", "Accept": "application/fhir+json"}
        url = self.fhir + request.path.removeprefix("/fhir")
        answer = requests.request(request.method, url, data=request.body or None, headers=headers, timeout=30)
        return Reply(answer.status_code, answer.content, _CORS | {"Content-Type": "application/fhir+json"})


def _json(document: Any, status: int = 200) -> Reply:
    return Reply(status, json.dumps(document).encode(), _CORS | {"Content-Type": "application/json"})


@contextmanager
def running_ehr(ehr: SmartEhr) -> Iterator[LoopbackServer]:
    """Run an EHR while the block runs."""
    with serving(ehr.answer) as server:
        ehr.base = f"http://127.0.0.1:{server.port}/fhir"
        yield server
