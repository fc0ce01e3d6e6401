"""Hostile text in every place where a record holds text: none of it ever reaches a card."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.protocol.builders import (
    CPT,
    PATIENT,
    SERVICES,
    SIGN,
    HookClient,
    back_pain_since,
    bundle,
    concept,
    hook_request,
    lumbar_mri,
    make_app,
    prefetch,
)
from tests.spec.wording_rules import texts_of

if TYPE_CHECKING:
    from collections.abc import Iterator

SCT = "http://snomed.info/sct"
LOINC = "http://loinc.org"
ICD = "http://hl7.org/fhir/sid/icd-10-cm"
MARK = "Zqx"
HOSTILE: dict[str, str] = {
    "script": f"<script>{MARK}(1)</script>",
    "image": f'<img src="https://{MARK}.example/x" onerror="{MARK}()">',
    "link": f"[{MARK}](https://{MARK}.example)",
    "bare link": f"https://{MARK}.example/?p=1 www.{MARK}.example",
    "table": f"| {MARK} | b |\n|---|---|\n| {MARK} | d |",
    "mention": f"@{MARK} #{MARK}-1 {MARK}@example.org",
    "backticks": f"``` {MARK}\n`{MARK}` ~~~",
    "headings": f"\n# {MARK}\n\n- {MARK}\n> {MARK}\n---\n",
    "emphasis": f"**{MARK}** _{MARK}_ ~~{MARK}~~",
    "placeholders": f"{{{MARK}}} {{0}} {{finding}} %({MARK})s ${{{MARK}}}",
    "control characters": f"{MARK}\u0000\u001b[31m\u202e\u2028{MARK}",
    "length": MARK + "x" * 100_000,
}


def hostile_concept(system: str, code: str, text: str) -> dict[str, Any]:
    """Return a known code whose every word is hostile."""
    return {"coding": [{"system": system, "code": code, "display": text, "version": text}], "text": text}


def hostile_request(service: str, text: str, *, ids: str = "") -> dict[str, Any]:
    """Return a call in which every element that holds text holds this one; `ids` ends every id."""
    subject = {"reference": f"Patient/{PATIENT}", "display": text}

    def resource(kind: str, name: str, **elements: Any) -> dict[str, Any]:
        words = {"note": [{"text": text}], "text": {"status": "generated", "div": text}}
        return {"resourceType": kind, "id": f"{name}{ids}", "subject": subject, **words, **elements}

    quantity = {"value": 450, "unit": text, "system": text, "code": text}
    day = "2026-05-30"
    conditions = [
        resource(
            "Condition", f"c-{code.replace('.', '-')}", code=hostile_concept(system, code, text), onsetDateTime=day
        )
        for system, code in ((ICD, "G83.4"), (SCT, "6077001"), (ICD, "M46.46"), (ICD, "C79.51"), (ICD, "S32.010A"))
    ]
    conditions += [
        back_pain_since("2026-05-23") | {"note": [{"text": text}], "onsetString": text, "abatementString": text},
        resource("Condition", "c-site", code=hostile_concept(ICD, "R20.0", text), bodySite=[{"text": text}]),
        resource("Condition", "c-free", code={"text": text}),
    ]
    observations = [
        resource("Observation", "o-pvr", code=hostile_concept(LOINC, "69388-7", text), valueQuantity=quantity)
        | {"effectiveDateTime": day, "status": "final"},
        resource("Observation", "o-crp", code=hostile_concept(LOINC, "1988-5", text), valueQuantity=quantity)
        | {"effectiveDateTime": day, "status": "final", "interpretation": [{"coding": [{"code": "H"}], "text": text}]},
        resource("Observation", "o-text", code={"text": f"Conservative therapy tried? {text}"}, valueString=text)
        | {"status": "final"},
        resource("Observation", "o-exam", code=hostile_concept(SCT, "449813001", text), valueString=text)
        | {"status": text, "performer": [{"reference": text, "display": text}], "method": {"text": text}},
    ]
    values = {
        "conditions": bundle(*conditions),
        "observations": bundle(*observations),
        "procedures": bundle(
            resource("Procedure", "p", code=hostile_concept(CPT, "63030", text), reasonCode=[{"text": text}])
        ),
        "encounters": bundle(
            resource("Encounter", "e", reasonCode=[hostile_concept(ICD, "M54.50", text)], type=[{"text": text}])
        ),
        "devices": bundle(
            resource("Device", "d", type=hostile_concept(SCT, "14106009", text), deviceName=[{"name": text}])
            | {"patient": subject, "safety": [{"text": f"MR Unsafe {text}"}], "manufacturer": text}
        ),
        "diagnosticReports": bundle(
            resource("DiagnosticReport", "r", code=hostile_concept(CPT, "72148", text), conclusion=f"Equivocal {text}")
            | {"effectiveDateTime": day, "conclusionCode": [{"text": text}], "status": "final"}
        ),
        "allergies": bundle(
            resource("AllergyIntolerance", "a", code=hostile_concept(SCT, "58281002", text), patient=subject)
        ),
        "questionnaireResponses": bundle(
            resource("QuestionnaireResponse", "q", status="completed")
            | {"item": [{"linkId": text, "text": f"Conservative therapy {text}", "answer": [{"valueString": text}]}]}
        ),
        "patient": {"resourceType": "Patient", "id": PATIENT, "birthDate": "1988-04-17", "name": [{"family": text}]},
    }
    order = lumbar_mri(
        code=hostile_concept(CPT, "72148", text),
        reasonCode=[hostile_concept(ICD, "M54.50", text), {"text": text}],
        note=[{"text": text}],
        orderDetail=[{"text": text}],
        patientInstruction=text,
        subject=subject,
        requester={"display": text},
        bodySite=[{"text": text}],
        contained=[resource("Condition", "inside", code=hostile_concept(ICD, "G83.4", text))],
        reasonReference=[{"reference": f"#inside{ids}", "display": text}],
    )
    return hook_request(service, order, prefetch=prefetch(**values))


def written(cards: list[dict[str, Any]]) -> Iterator[str]:
    """Yield everything that a card shows, without the resources that go back into the EHR as they came."""
    for card in cards:
        yield from texts_of(card)
        plain = copy.deepcopy(card)
        for suggestion in plain.get("suggestions", []):
            suggestion["actions"] = []
        yield json.dumps(plain, ensure_ascii=False)


@pytest.fixture(scope="session")
def chatty() -> HookClient:
    """A client of the application that takes long requests and explains itself."""
    return HookClient(make_app(max_body_bytes=64 * 1024 * 1024))


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_text_of_a_record_never_reaches_a_card(chatty: HookClient, service: str, text: str) -> None:
    """Displays, texts, notes, units, conclusions and reasons are read, and nothing of them is ever shown."""
    reply = chatty.call(service, hostile_request(service, text))
    assert reply.cards
    assert reply.assessments[0]["messages"][0] == "C-EMERG-CES"
    for shown in written(reply.cards):
        assert MARK not in shown
    assert MARK not in json.dumps(reply.assessments)
    assert all(len(card["summary"]) < 140 and len(card["detail"]) < 20_000 for card in reply.cards)


@pytest.mark.parametrize("text", [text for name, text in HOSTILE.items() if name != "control characters"])
def test_hostile_ids_are_no_markup(chatty: HookClient, text: str) -> None:
    """An id or a code that holds markup is shown, if at all, as plain letters."""
    reply = chatty.call(SIGN, hostile_request(SIGN, "pain", ids=text))
    for card in reply.cards:
        for shown in (card["summary"], card["detail"]):
            assert "<" not in shown.replace("\\<", "")
            assert "](" not in shown
            assert "://" not in shown.replace("https://acsearch", "")
            assert "@" not in shown.replace("\\@", "")
            assert "\n#" not in shown
            assert "|" not in shown.replace("\\|", "")
            assert "{" not in shown
            for line in shown.splitlines():
                assert len(line) < 2_000


@pytest.mark.parametrize("order_id", ["mri 1", "mri/1", "<b>mri</b>\n# x"])
def test_order_with_an_impossible_id_gets_a_sound_answer(chatty: HookClient, order_id: str) -> None:
    """An order whose id FHIR does not allow is assessed, and nothing is suggested that would have to name it."""
    request = hook_request(SIGN, lumbar_mri(id=order_id))
    reply = chatty.call(SIGN, request)
    actions = [action for card in reply.cards for item in card.get("suggestions", []) for action in item["actions"]]
    assert {action["type"] for action in actions} <= {"create"}


def test_hostile_code_of_a_branch_is_escaped(chatty: HookClient) -> None:
    """A code below a known ICD-10-CM category may hold anything within its length: it is shown escaped."""
    code = "N31<b>x"  # seven characters, as the longest code
    problem = back_pain_since("2026-05-23") | {"code": concept(ICD, code)}
    reply = chatty.call(SIGN, hook_request(SIGN, prefetch=prefetch(conditions=bundle(problem))))
    assert reply.assessments[0]["messages"][0] == "C-EMERG-CES"
    for card in reply.cards:
        assert "<b>" not in card["detail"]


def test_hostile_text_of_another_patient_is_not_shown(chatty: HookClient) -> None:
    """A foreign record is reported by its kind, which is one of ours."""
    foreign = {
        "resourceType": "Condition",
        "id": MARK,
        "subject": {"reference": f"Patient/{MARK}", "display": MARK},
        "code": hostile_concept(ICD, "G83.4", MARK),
    }
    request = hook_request(SIGN, prefetch=prefetch(conditions=bundle(back_pain_since("2026-05-23"), foreign)))
    reply = chatty.call(SIGN, request)
    assert "another patient" in reply.cards[0]["detail"]
    assert MARK not in reply.text
