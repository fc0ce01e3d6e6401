"""A marked patient is sent everywhere, and looked for in every log line and every error answer."""

from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from cds_service.config.settings import load_settings
from cds_service.observability.logs import FIELDS, LINE_FIELDS, configure_logging
from cds_service.protocol.envelope import read_hook_request
from cds_service.protocol.feedback import read_feedback
from tests.protocol.builders import (
    SIGN,
    HookClient,
    bundle,
    feedback_entry,
    hook_request,
    lumbar_mri,
    prefetch,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

MARK = "Zebulon"
PATIENT = f"{MARK}-id"
TOKEN = f"{MARK}-token"


def marked_request() -> dict[str, Any]:
    """Return a request in which everything that identifies the patient or the caller is marked."""
    subject = {"reference": f"Patient/{PATIENT}", "display": MARK}
    order = lumbar_mri(id=f"{MARK}-order", subject=subject, note=[{"text": f"{MARK} has pain"}])
    condition = {
        "resourceType": "Condition",
        "id": f"{MARK}-condition",
        "code": {"text": f"{MARK} pain"},
        "subject": subject,
    }
    patient = {"resourceType": "Patient", "id": PATIENT, "name": [{"family": MARK}], "birthDate": "1970-01-01"}
    return hook_request(
        SIGN,
        order,
        hookInstance=f"{MARK}-instance",
        fhirServer=f"https://{MARK}.example.org/fhir",
        fhirAuthorization={"access_token": TOKEN, "patient": PATIENT},
        context={"patientId": PATIENT, "userId": f"Practitioner/{MARK}", "encounterId": MARK},
        prefetch=prefetch(patient=patient, conditions=bundle(condition)),
    )


def broken(**context: Any) -> dict[str, Any]:
    """Return the marked request with other context members."""
    request = marked_request()
    request["context"] |= context
    return request


BODIES: dict[str, bytes] = {
    "advice": json.dumps(marked_request()).encode(),
    "no required data": json.dumps(marked_request() | {"prefetch": {"x": MARK}}).encode(),
    "another patient": json.dumps(broken(patientId=f"{MARK}-2")).encode(),
    "a wrong hook": json.dumps(marked_request() | {"hook": MARK}).encode(),
    "a wrong type": json.dumps(broken(draftOrders={"resourceType": MARK})).encode(),
    "a marked member": json.dumps(broken(selections=MARK, userId={MARK: MARK})).encode(),
    "a number out of range": json.dumps(broken(x=987654321)).replace("987654321", "1" * 5000).encode(),
    "half a body": json.dumps(marked_request()).encode()[:-9],
    "invalid UTF-8": json.dumps(marked_request()).encode() + b"\xff",
    "no JSON": MARK.encode(),
}


@pytest.fixture(params=["console", "json"])
def lines(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """Everything that the process logs, at its most talkative, in both formats."""
    stream = io.StringIO()
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    configure_logging(load_settings({}, log_level="debug", log_format=request.param), stream)
    root.setLevel(logging.DEBUG)
    yield stream
    root.setLevel(level)
    root.handlers = handlers


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_hook_call_leaves_no_trace_of_the_patient(client: HookClient, lines: io.StringIO, body: bytes) -> None:
    """Advice and refusals alike are logged, without anything that was sent."""
    reply = client.call(SIGN, data=body)
    assert reply.headers["X-Request-ID"] in lines.getvalue()
    assert MARK not in lines.getvalue()
    assert reply.status == 200 or MARK not in reply.text


def test_crash_leaves_no_trace_of_the_patient(
    client: HookClient, lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The text of an exception, and of the one that caused it, is neither logged nor sent."""

    def crash(*_arguments: object) -> None:
        try:
            raise ValueError(f"cannot read {MARK}")
        except ValueError as error:
            raise RuntimeError(f"{MARK} failed") from error

    monkeypatch.setattr("cds_service.hooks.adviser.assess", crash)
    reply = client.call(SIGN, data=BODIES["advice"])
    assert reply.status == 500
    assert "builtins.RuntimeError" in lines.getvalue()
    assert "builtins.ValueError" in lines.getvalue()
    assert MARK not in lines.getvalue() + reply.text


@pytest.mark.parametrize("path", [f"/{MARK}", f"/cds-services/{MARK}", f"/cds-services?patient={MARK}"])
def test_address_leaves_no_trace(client: HookClient, lines: io.StringIO, path: str) -> None:
    """What a client puts into an address is not logged either."""
    client.open(path, "POST", json={}, headers={"User-Agent": MARK, "Referer": MARK, "Authorization": f"Bearer {MARK}"})
    assert MARK not in lines.getvalue()


@pytest.mark.parametrize("path", ["/cds-services", f"/cds-services/{SIGN}", "/livez", "/metrics", "/nothing"])
def test_method_leaves_no_trace(client: HookClient, lines: io.StringIO, path: str) -> None:
    """A caller may make up a method; it is neither logged nor counted under its name."""
    client.open(path, MARK.upper(), json={})
    assert MARK.upper() not in lines.getvalue()
    assert MARK.upper() not in client.flask.get("/metrics").text


def test_metrics_hold_nothing_that_was_sent(client: HookClient) -> None:
    """Whatever is sent wherever, no label of the metrics says any of it."""
    marked = {"User-Agent": MARK, "Authorization": f"Bearer {TOKEN}", "Origin": f"https://{MARK}", "Host": MARK}
    for body in BODIES.values():
        client.call(SIGN, data=body, headers=marked)
        client.report(SIGN, data=body, headers=marked)
    client.report(SIGN, [feedback_entry(outcome=MARK, overrideReason={"userComment": MARK})])
    for path in f"/{MARK}", f"/cds-services/{MARK}", f"/cds-services/{MARK}/feedback", f"/metrics?{MARK}":
        client.open(path, "POST", json={}, headers=marked)
    metrics = client.flask.get("/metrics", headers=marked | {"Accept": MARK}).text
    assert "lumbar_cds_hook_calls_total" in metrics
    assert MARK.lower() not in metrics.lower()


def test_feedback_leaves_no_trace(client: HookClient, lines: io.StringIO) -> None:
    """A comment may name the patient: it is stored, never logged."""
    comment = {"userComment": f"{MARK} refused"}
    client.report(SIGN, [feedback_entry(overrideReason=comment)])
    refused = client.report(SIGN, [feedback_entry(overrideReason=comment, outcome=MARK)])
    assert refused.status == 400
    assert MARK not in lines.getvalue() + refused.text


def test_objects_do_not_print_what_they_hold() -> None:
    """A request or an event that ends up in a message by mistake shows neither patient nor token."""
    request = read_hook_request(
        json.dumps(marked_request() | {"hookInstance": "1", "fhirServer": "x"}).encode(), "order-sign"
    )
    assert MARK not in repr(request)
    body = json.dumps({"feedback": [feedback_entry(overrideReason={"userComment": MARK})]}).encode()
    assert MARK not in repr(read_feedback(body, SIGN))


def test_access_line_has_only_known_fields(client: HookClient, lines: io.StringIO) -> None:
    """The line of a request says who answered what and how fast."""
    client.call(SIGN, data=BODIES["advice"])
    line = lines.getvalue()
    if line.startswith("{"):
        answered = "request_id method endpoint service hook status orders outcomes messages phases ms"
        assert {"time", "level", "message", *answered.split()} <= set(json.loads(line)) <= {*LINE_FIELDS, *FIELDS}
        assert "dropped_fields" not in json.loads(line)
    for part in SIGN, "order-sign", "200":
        assert part in line
