"""What the judge says of calls: each fault under its check, nothing of the call repeated."""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest

from cds_service.auth.verifiers.callers import Reason
from cds_service.calls.checks import CHECKS
from cds_service.calls.credentials import REASONS
from cds_service.calls.judge import judged
from cds_service.calls.judged import JudgedCall
from cds_service.calls.observed import Expected, Observed
from cds_service.clients.profile import Authentication, ClientProfile, Issuer
from cds_service.protocol.trace import Trace
from tests.protocol.builders import SELECT, SIGN, bundle, feedback_entry, hook_request, lumbar_mri, prefetch

URL = "https://cds.example.org"
CLIENTS = (
    ClientProfile("open"),
    ClientProfile(
        "signed",
        authentication=Authentication.CDS_HOOKS_JWT,
        issuers=(
            Issuer("https://ehr.example/r4", jku="https://ehr.example/keys", audiences=("https://typo.example",)),
        ),
    ),
)
CLAIMS = {"iss": "https://ehr.example/r4", "aud": f"{URL}/cds-services/{SIGN}", "exp": 2, "iat": 1, "jti": "n"}


def judge(body: Any, *, service: str = SIGN, status: int = 200, token: str = "", **known: Any) -> JudgedCall:
    """Return the judgement of a call with a body: JSON of a document, or bytes."""
    trace = Trace("r-1", service=service, hook=service.removeprefix("lumbar-mri-"), **({"client": "open"} | known))
    observed = Observed(
        trace=trace,
        kind="assessed" if status == 200 else "refused",
        at=1000.0,
        path=f"/cds-services/{service}",
        status=status,
        milliseconds=12.0,
        is_feedback=isinstance(body, dict) and "feedback" in body,
        body=body if isinstance(body, bytes | None) else json.dumps(body).encode(),
        authorization=(f"Bearer {token}",) if token else (),
    )
    return judged(observed, Expected.of(CLIENTS, URL))


def states(call: JudgedCall) -> dict[str, str]:
    """Return the state of each check that applied, but for those that passed."""
    return {finding.check: finding.state for finding in call.findings if finding.state != "pass"}


def seen(call: JudgedCall, check: str) -> str:
    """Return what was seen of a check."""
    return " ".join(finding.seen for finding in call.findings if finding.check == check)


@pytest.mark.parametrize("service", [SELECT, SIGN])
def test_good_call_passes_everything(service: str) -> None:
    """A call that keeps the contract has nothing against it."""
    call = judge(hook_request(service), service=service)
    assert states(call) == {}
    assert {finding.check for finding in call.findings} <= set(CHECKS)
    assert call.prefetch["patient"] == "data"
    assert call.prefetch["procedures"] == "empty"


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"hookInstance": "x"}, {"REQ-INSTANCE": "warn"}),
        ({"hook": "order-review"}, {"REQ-HOOK": "fail"}),
        ({"fhirServer": ""}, {"REQ-EMPTY": "warn"}),
        ({"fhirServer": "http://ehr.example/r4"}, {"REQ-SERVER": "fail"}),
        ({"fhirServer": "http://127.0.0.1:8090/fhir"}, {"REQ-SERVER": "warn"}),
        ({"fhirAuthorization": {"access_token": ""}}, {"REQ-EMPTY": "warn", "REQ-SERVER": "fail"}),
        ({"context": {"userId": None}}, {"REQ-USER": "warn"}),
        ({"context": {"patientId": "Patient/pat-1"}}, {"REQ-PATIENT": "warn"}),
        ({"context": {"patientId": "other"}}, {"REQ-SUBJECT": "fail"}),
        ({"context": {"selections": None}}, {"REQ-SELECTIONS": "warn"}),
        ({"context": {"selections": ["mri-1"]}}, {"REQ-SELECTIONS": "warn"}),
        ({"context": {"draftOrders": {"resourceType": "Bundle"}}}, {"REQ-DRAFTS": "warn", "REQ-SELECTIONS": "warn"}),
        ({"context": {"draftOrders": []}}, {"REQ-DRAFTS": "fail", "REQ-EMPTY": "warn", "REQ-SELECTIONS": "warn"}),
        ({"prefetch": None}, {"PRE-REQUIRED": "warn"}),
        ({"prefetch": {"patient": None, "condition": bundle()}}, {"PRE-KEYS": "fail", "PRE-REQUIRED": "warn"}),
        ({"prefetch": prefetch(somethingElse={})}, {"PRE-KEYS": "warn"}),
        ({"prefetch": prefetch(observations={"resourceType": "OperationOutcome"})}, {"PRE-FAILED": "warn"}),
        ({"prefetch": prefetch(observations=bundle(lumbar_mri()))}, {"PRE-TYPE": "fail"}),
        ({"prefetch": prefetch(observations="x")}, {"PRE-FAILED": "warn"}),
        (
            {"prefetch": prefetch(serviceRequests=bundle(lumbar_mri()) | {"total": 2})},
            {"PRE-WHOLE": "warn"},
        ),
        (
            {"prefetch": prefetch(serviceRequests=bundle(lumbar_mri()) | {"link": [{"relation": "next", "url": "x"}]})},
            {"PRE-WHOLE": "warn"},
        ),
    ],
)
def test_fault_is_found_under_its_check(changes: dict[str, Any], found: dict[str, str]) -> None:
    """Each deviation is named once, and as tolerated where the service lives with it."""
    assert states(judge(hook_request(SELECT, **changes), service=SELECT)) == found


def test_misspelt_prefetch_key_is_told_by_ours() -> None:
    """Only names of our own are repeated: what a caller calls its keys could be anything."""
    misspelt = judge(hook_request(SIGN, prefetch={"condition": bundle(), "jane_doe_1234": {}}))
    assert seen(misspelt, "PRE-KEYS") == "2 keys that this service does not list; conditions may have been meant."
    beside = judge(hook_request(SIGN, prefetch=prefetch(condition=bundle())))
    assert seen(beside, "PRE-KEYS") == "1 key that this service does not list."


def test_scopes_are_told_by_type() -> None:
    """What a token does not cover is named, a required source as a failure; an unreadable string as a question."""
    token = {"access_token": "secret", "token_type": "Bearer", "expires_in": 300, "subject": "x"}
    server = {"fhirServer": "https://ehr.example/r4"}
    one = judge(hook_request(SIGN, **server, fhirAuthorization=token | {"scope": "patient/Patient.read"}))
    assert states(one) == {"REQ-SCOPES": "fail"}
    assert seen(one, "REQ-SCOPES").startswith("Not granted: Condition, Observation,")
    assert one.scopes == ("Patient",)
    odd = judge(hook_request(SIGN, **server, fhirAuthorization=token | {"scope": "launch openid"}))
    assert states(odd) == {"REQ-SCOPES": "warn"}


def test_refused_call_is_judged_by_what_was_read_of_it() -> None:
    """412 names what is missing, and 400 the fields at fault."""
    missing = judge(hook_request(SIGN, prefetch={}), status=412)
    assert "patient, conditions" in seen(missing, "PRE-REQUIRED")
    broken = judge({"hook": "order-sign"}, status=400, problem_at=("hookInstance", "context"))
    assert seen(broken, "ANS-STATUS") == "Answered with 400. Fields: hookInstance, context."
    assert states(broken)["REQ-INSTANCE"] == "fail"
    assert states(judge(b"{", status=400))["REQ-JSON"] == "fail"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b'{"prefetch": 7}', b'{"context": []}', b'{"context": {"x": 1}}']
)
def test_nonsense_is_judged_too(body: bytes) -> None:
    """Whatever is sent, there is a judgement."""
    assert judge(body, status=400).status == 400


def token(**changes: Any) -> str:
    """Return a token of the signed client's issuer, with a signature that nobody checks here."""
    claims = {name: value for name, value in (CLAIMS | changes).items() if value is not None}
    return jwt.encode(claims, "k" * 48, algorithm="HS384", headers={"kid": "a"})


def test_refused_token_is_judged_and_its_client_known() -> None:
    """Whoever signs for a client is told what is wrong with the token, under the client's name."""
    call = judge(None, status=401, token=token(aud="https://other.example", jti=None), client=None, refusal="audience")
    assert call.client == "signed"
    assert states(call) == {
        "CRED-HEADER": "fail",
        "CRED-CLAIMS": "fail",
        "CRED-AUDIENCE": "fail",
        "CRED-ACCEPTED": "fail",
        "ANS-STATUS": "fail",
    }
    agreed = judge(hook_request(SIGN), token=token(aud="https://typo.example/"), client="signed")
    assert states(agreed)["CRED-AUDIENCE"] == "warn"
    assert states(judge(hook_request(SIGN), token=token(), client="signed")) == {"CRED-HEADER": "fail"}


def test_missing_token_is_said() -> None:
    """A call without a token is nobody's, and says so."""
    call = judge(None, status=401, client=None, refusal="no-credentials")
    assert call.client == ""
    assert states(call) == {"CRED-TOKEN": "fail", "CRED-ACCEPTED": "fail", "ANS-STATUS": "fail"}


def test_every_reason_of_a_refusal_has_words() -> None:
    """No refusal is without an explanation for whoever set the token up."""
    assert set(REASONS) == {str(reason) for reason in Reason}


def test_feedback_is_judged() -> None:
    """Epic's forms are told as what they are: read, and not what the specification says."""
    plain = feedback_entry(overrideReason={"userComment": "x"})
    assert states(judge({"feedback": [plain]})) == {}
    epic = feedback_entry(overrideReasons={"extension": {}, "userComment": "x"})
    call = judge({"feedback": [plain, epic]})
    assert states(call) == {"FB-REASON": "warn"}
    assert seen(call, "FB-REASON") == "1 of 2 say overrideReasons; 1 give the reason in extension."
    assert states(judge({"feedback": [{}]}, status=400))["FB-REPORT"] == "fail"


def test_slow_and_lonely_answers_are_told() -> None:
    """How the service's own FHIR calls ended is part of the judgement."""
    call = judge(hook_request(SIGN), fhir_results={"ok": 3, "timeout": 2})
    assert seen(call, "FHIR-ANSWERS") == "timeout 2."


def test_nothing_of_a_call_is_repeated() -> None:
    """Names, ids, codes and tokens of a call are in no judgement, whatever is wrong with it."""
    secret = "Xq7Zpatient"
    request = hook_request(
        SIGN,
        lumbar_mri(id=secret, subject={"reference": f"Patient/{secret}"}),
        hookInstance=secret,
        fhirServer=f"ftp://{secret}",
        fhirAuthorization={"access_token": secret, "scope": f"{secret}/x {secret}.read", "token_type": secret},
        context={"userId": secret, "selections": [secret]},
        prefetch={secret: secret, "patient": {"resourceType": secret}},
        extension={secret: secret},
    )
    bad = jwt.encode({"iss": secret, "aud": secret}, secret * 8, algorithm="HS256", headers={"kid": secret})
    for status in (200, 400):
        assert secret not in repr(judge(request, status=status, token=bad, client=None, refusal="issuer"))
