"""A patient of whom everything is marked, requests about this patient, and a FHIR server that fails in every way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from tests.loopback_server import Received, Reply
from tests.protocol.builders import (
    ICD_10_CM,
    SIGN,
    bundle,
    concept,
    feedback_entry,
    hook_request,
    ibuprofen_order,
    lumbar_mri,
    prefetch,
)

if TYPE_CHECKING:
    import threading

KINDS: Final = (
    *("name", "patient", "user", "encounter", "token", "diagnosis", "note", "order", "device", "instance", "server"),
    *("answer", "claim", "header", "address", "padding", "crash", "origin", "extension", "feedback"),
)
MARKS: Final[Mapping[str, str]] = {kind: f"Zq{kind}Vx" for kind in KINDS}
COMMENT: Final = "ZqcommentVx"
CRASHING: Final = f"{MARKS['patient']}-crash"

# A program in which the assessment of one patient fails, with an exception that quotes the patient.
CRASH_PROGRAM: Final = f"""\
import cds_service.hooks.adviser as hooks

assess = hooks.assess


def crash(order, chart, *rest):
    if chart.patient_id == {CRASHING!r}:
        try:
            raise ValueError({MARKS["crash"]!r} + repr(order.resource))
        except ValueError as error:
            raise RuntimeError({MARKS["crash"]!r}, chart) from error
    return assess(order, chart, *rest)


hooks.assess = crash

if __name__ == "__main__":
    from cds_service.cli.main import main

    main()
"""


def chart(patient: str) -> dict[str, Any]:
    """Return the prefetch of the patient."""
    subject = {"reference": f"Patient/{patient}", "display": MARKS["name"]}
    person = {
        "resourceType": "Patient",
        "id": patient,
        "name": [{"family": MARKS["name"]}],
        "birthDate": "1970-01-01",
    }
    condition = {
        "resourceType": "Condition",
        "id": "c-1",
        "code": concept(ICD_10_CM, "M54.50", MARKS["diagnosis"]) | {"text": MARKS["diagnosis"]},
        "subject": subject,
        "note": [{"text": MARKS["note"]}],
        "onsetDateTime": "2026-05-23",
    }
    device = {
        "resourceType": "Device",
        "id": "d-1",
        "deviceName": [{"name": f"Pacemaker {MARKS['device']}", "type": "user-friendly-name"}],
        "type": {"text": f"Pacemaker {MARKS['device']}"},
        "patient": subject,
    }
    return prefetch(patient=person, conditions=bundle(condition), devices=bundle(device))


def marked_request(service: str = SIGN, patient: str = MARKS["patient"], **members: Any) -> dict[str, Any]:
    """Return a hook call about the patient, with marks wherever something stands that somebody wrote or is called."""
    subject = {"reference": f"Patient/{patient}", "display": MARKS["name"]}
    order = lumbar_mri(id=MARKS["order"], subject=subject, note=[{"text": MARKS["note"]}])
    return hook_request(
        service,
        order,
        **{
            "hookInstance": MARKS["instance"],
            "context": {
                "patientId": patient,
                "userId": f"Practitioner/{MARKS['user']}",
                "encounterId": MARKS["encounter"],
            },
            "prefetch": chart(patient),
            "extension": {"org.example": MARKS["extension"]},
        }
        | members,
    )


def fetching(base: str, **authorization: Any) -> dict[str, Any]:
    """Return a call whose data are to be fetched."""
    token = {"access_token": MARKS["token"], "token_type": "Bearer", "expires_in": 300, "subject": MARKS["user"]}
    scopes = f"patient/*.rs launch/{MARKS['claim']}"
    return marked_request(prefetch=None, fhirServer=base, fhirAuthorization=token | {"scope": scopes} | authorization)


def bodies() -> dict[str, bytes]:
    """Return calls that are answered or refused without another server."""
    request = marked_request()
    text = json.dumps(request)
    other = marked_request(context={"patientId": f"{MARKS['patient']}-2"})
    medication = ibuprofen_order() | {"id": MARKS["order"], "note": [{"text": MARKS["note"]}]}
    return {
        "advice": text.encode(),
        "unrelated": json.dumps(marked_request() | {"context": unrelated(medication)}).encode(),
        "crash": json.dumps(marked_request(patient=CRASHING)).encode(),
        "no data": json.dumps(marked_request(prefetch={"x": MARKS["name"]})).encode(),
        "another patient": json.dumps(other).encode(),
        "wrong hook": json.dumps(request | {"hook": MARKS["name"]}).encode(),
        "wrong type": json.dumps(request | {"context": MARKS["name"]}).encode(),
        "token without server": json.dumps(request | {"fhirAuthorization": {"access_token": MARKS["token"]}}).encode(),
        "marked members": json.dumps({MARKS["name"]: 1, MARKS["patient"]: {}}).encode(),
        "half": text.encode()[:-9],
        "no UTF-8": text.encode() + b"\xff",
        "no JSON": MARKS["name"].encode(),
        "nested": b'{"a":' * 5000 + json.dumps(MARKS["name"]).encode(),
        "too large": json.dumps(request | {"x": MARKS["padding"] * 60_000}).encode(),
    }


def unrelated(order: dict[str, Any]) -> dict[str, Any]:
    """Return the context of an order that is none of ours."""
    request = marked_request()
    context: dict[str, Any] = request["context"]
    return context | {"draftOrders": bundle(order, kind="collection")}


def feedback() -> dict[str, list[Any]]:
    """Return feedback that is kept, and feedback that is refused."""
    comment = {"overrideReason": {"userComment": f"{COMMENT} says no"}}
    return {
        "kept": [feedback_entry(**comment)],
        "bad outcome": [feedback_entry(**comment), feedback_entry(outcome=MARKS["feedback"])],
        "bad time": [feedback_entry(outcomeTimestamp=MARKS["feedback"], **comment)],
        "bad entry": [MARKS["feedback"]],
    }


FAILURES: Final = ("data", "error", "html", "refused", "forbidden", "redirect", "garbage", "hang", "other-patient")


def answer(stopping: threading.Event, elsewhere: str, request: Received) -> Reply:
    """Answer as the failure that the address names."""
    _, kind, *path = request.path.partition("?")[0].removeprefix(f"/{MARKS['server']}").split("/")
    mark, outcome = MARKS["answer"], {"resourceType": "OperationOutcome", "issue": [{"diagnostics": MARKS["answer"]}]}
    match kind:
        case "error" | "refused" | "forbidden":
            status = {"error": 500, "refused": 401, "forbidden": 403}[kind]
            return Reply(status, json.dumps(outcome).encode(), {"WWW-Authenticate": mark})
        case "html":
            return Reply(200, f"<html>{mark}</html>".encode())
        case "redirect":
            return Reply(302, mark.encode(), {"Location": f"{elsewhere}/{mark}"})
        case "garbage":
            return Reply(200, f'{{"resourceType": "{mark}", "entry": [{{"resource"'.encode(), {"ETag": mark})
        case "hang":
            stopping.wait(30)
            return Reply(503)
        case _:
            return found_for(path[0], as_data=kind == "data")


def found_for(resource_type: str, *, as_data: bool) -> Reply:
    """Answer a read or search, with the data of the patient or of another one."""
    values = chart(MARKS["patient"] if as_data else f"{MARKS['answer']}-patient")
    found = values["patient"] if resource_type == "Patient" else searched(values, resource_type)
    return Reply(200, json.dumps(found).encode())


def searched(values: Mapping[str, Any], resource_type: str) -> dict[str, Any]:
    """Return what a search for a type finds."""
    entries = [entry["resource"] for value in values.values() for entry in value.get("entry", ())]
    return bundle(*(resource for resource in entries if resource["resourceType"] == resource_type))
