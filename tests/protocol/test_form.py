"""POST /form/assess: advice on answers that are not saved yet, for our own page and nobody else."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from fhir.resources.R4B.questionnaireresponse import QuestionnaireResponse

from cards.guideline.guideline import GUIDELINE_VERSION
from cds_service.app import create_app
from cds_service.config.settings import load_settings
from cds_service.hooks.storage import Storage
from cds_service.smart.contexts import LIFETIME
from fhir_mappings.questionnaire.table import QUESTIONNAIRE_URL
from tests.log_lines import logging_as_json
from tests.protocol.builders import NOW, PATIENT, SIGN, HookClient, bundle, hook_request, lumbar_mri
from tests.protocol.form import Form, ids, unclear_record

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def form() -> Form:
    """A form of the development client."""
    return Form()


def test_asks_what_could_change_the_answer(form: Form) -> None:
    """A form without answers says what the hook would, and asks the questions that are open."""
    found = form.answer()
    assert found["answer"] == "not decided"
    assert ids(found["open"])[0] == "red_flags"
    assert (found["answered"], found["response"], found["words"]) == ([], None, "")


def test_advice_follows_the_answers(form: Form) -> None:
    """Each answer is assessed as if it were in the record; a red flag brings the emergency card before any saving."""
    heard = form.answer({"red_flags": "yes"})
    assert ids(heard["open"]) == ["ces", "power", "fever", "cancer", "trauma"]
    told = form.answer({"red_flags": "yes", "ces": "yes"})
    assert told["answer"].startswith("emergency")
    assert told["cards"][0]["indicator"] == "critical"
    assert told["open"] == []


def test_says_what_the_next_hook_says(form: Form) -> None:
    """What is shown live is what a hook call answers once the answers are in the record, and nothing is asked twice."""
    answers = {"red_flags": "no", "indication": "yes", "onset": "no", "therapy": "yes"}
    shown = form.answer(answers)
    record = unclear_record() | {"questionnaireResponses": bundle(shown["response"] | {"id": "form-1"})}
    reply = HookClient(form.app).call(SIGN, hook_request(SIGN, lumbar_mri(reasonCode=None), prefetch=record))
    assert reply.assessments[0]["outcome"] == shown["outcome"] == "APPROPRIATE"
    assert shown["open"] == []
    assert [card["summary"] for card in reply.cards] == [card["summary"] for card in shown["cards"]]


def test_unknown_counts_as_not_answered(form: Form) -> None:
    """An unknown is written down for whoever reads it, and changes no advice."""
    before, after = form.answer(), form.answer({"red_flags": "unknown", "onset": "unknown"})
    assert (after["outcome"], after["words"]) == (before["outcome"], "")
    codes = {item["answer"][0]["valueCoding"]["code"] for item in after["response"]["item"]}
    assert codes == {"unknown"}


def test_makes_a_valid_response(form: Form) -> None:
    """What would be saved is valid R4B, of the published Questionnaire, with its linkIds, by whoever is logged in."""
    response = form.answer({"ces": "yes"}, implant={"device": "Pacemaker", "where": "left chest"})["response"]
    QuestionnaireResponse.model_validate(response)
    assert response["questionnaire"] == f"{QUESTIONNAIRE_URL}|{GUIDELINE_VERSION}"
    assert response["subject"] == {"reference": f"Patient/{PATIENT}"}
    assert (response["authored"], response["author"]) == ("2026-06-02", {"reference": "Practitioner/prac-1"})
    assert response["basedOn"] == [{"reference": "ServiceRequest/mri-1"}]
    assert response["item"][0]["linkId"] == "lumbar-mri.ces"
    group = response["item"][1]
    assert group["linkId"] == "lumbar-mri.implant"
    assert [item["linkId"] for item in group["item"]] == ["lumbar-mri.implant.device", "lumbar-mri.implant.where"]


def test_shows_what_is_on_record(form: Form) -> None:
    """Beside a question stands what the record holds on it, in its own words, so that nobody types it again."""
    weak = {
        "resourceType": "Condition",
        "id": "weak-1",
        "code": {"text": "Weakness"},
        "subject": {"reference": f"Patient/{PATIENT}"},
        "recordedDate": "2026-05-01",
    }
    body = form.body()
    body["prefetch"]["conditions"] = bundle(weak)
    asked = {question["id"]: question["evidence"] for question in form.told(body)["open"]}
    assert asked["hint_motor"] == ["“Weakness”, 1 May 2026"]
    assert asked["onset"] == []


def _with_order(form: Form, order: dict[str, Any]) -> dict[str, Any]:
    body = form.body()
    body["context"]["draftOrders"] = bundle(order, kind="collection")
    return body


def test_an_implant_is_read_as_the_device_it_is(form: Form) -> None:
    """A pacemaker that is named in the form holds the scan, live and at the next call, as one of the record does."""
    shown = form.answer({"red_flags": "no"}, implant={"device": "Cardiac pacemaker", "model": "Advisa"})
    assert shown["outcome"] == "SAFETY_HOLD"
    assert shown["implant"] is True
    record = unclear_record() | {"questionnaireResponses": bundle(shown["response"] | {"id": "form-1"})}
    reply = HookClient(form.app).call(SIGN, hook_request(SIGN, lumbar_mri(), prefetch=record))
    assert reply.assessments[0]["outcome"] == "SAFETY_HOLD"


def test_an_implant_of_no_known_kind_clears_nothing(form: Form) -> None:
    """What nobody recognises is not taken for harmless."""
    shown = form.answer(implant={"device": "Xylophon 7"})
    assert any(
        "implant" in card["summary"].casefold() or "device" in card["summary"].casefold() for card in shown["cards"]
    )


def test_reads_a_udi(form: Form) -> None:
    """A UDI as scanned is taken apart; what is none is kept as text, and says so."""
    said = form.answer(implant={"udi": "(01)00643169007222(17)281231(21)PVY1"})["udi"]
    assert "00643169007222" in said[0]
    assert "PVY1" in said[0]
    assert "2028-12-31" in said[0]
    assert "not read as a UDI" in form.answer(implant={"udi": "on the card at home"})["udi"][0]


def test_an_unread_order_comes_from_the_context(form: Form) -> None:
    """Where the EHR shows its drafts to nobody, the study is the one the card was about, and the form says so."""
    body = form.body({"ces": "yes"})
    body["context"]["draftOrders"] = bundle(kind="collection")
    found = form.told(body)
    assert found["orderIsRead"] is False
    assert found["cards"][0]["indicator"] == "critical"
    assert "basedOn" not in found["response"]


def test_words_for_an_order_are_understood(form: Form) -> None:
    """Where nothing can be saved, the words to copy say the same to the next call as a note of the order."""
    answers = {"red_flags": "no", "indication": "yes", "onset": "no", "therapy": "yes"}
    words = form.answer(answers)["words"]
    order = lumbar_mri(reasonCode=None, note=[{"text": words}])
    reply = HookClient(form.app).call(SIGN, hook_request(SIGN, order, prefetch=unclear_record()))
    assert reply.assessments[0]["outcome"] == "APPROPRIATE"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"context": "forged.context.x"}, 403),
        ({"context": ""}, 403),
        ({"answers": {"nothing": "yes"}}, 400),
        ({"answers": {"ces": "perhaps"}}, 400),
        ({"answers": ["ces"]}, 400),
        ({"implant": {"device": 7}}, 400),
        ({"implant": {"other": "x"}}, 400),
        ({"implant": {"device": "x" * 501}}, 400),
    ],
)
def test_refuses_what_is_no_form(form: Form, change: dict[str, Any], status: int) -> None:
    """A context that is not ours and answers that are none of ours are refused, and nothing is repeated."""
    body = form.body()
    body["form"] |= change
    response = form.ask(body)
    assert response.status_code == status
    assert "forged" not in response.text


def test_context_runs_out() -> None:
    """A form that was left open asks for another card."""
    moment = NOW
    app = create_app(load_settings({}), clock=lambda: moment, storage=Storage())
    form = Form(app)
    body = form.body()
    assert form.ask(body).status_code == 200
    moment = NOW + timedelta(seconds=LIFETIME + 300)
    response = form.ask(body)
    assert response.status_code == 403
    assert "open it again" in response.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_only_our_own_page_may_ask(form: Form, headers: dict[str, str]) -> None:
    """Another site's page is refused by what the browser says of it."""
    assert form.ask(form.body(), headers=headers).status_code == 403


def test_own_page_may_ask(form: Form) -> None:
    """Our own page is told by the same headers; and only JSON is taken, which no form of another site can send."""
    own = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    assert form.ask(form.body(), headers=own).status_code == 200
    assert form.ask(form.body(), content_type="text/plain").status_code == 415


def test_another_patient_is_refused(form: Form) -> None:
    """A form that was opened from another patient's card gives no advice on this one, nor does a mixed request."""
    body = form.body(context=form.context(patient=form.contexts.patient_mark("development", "pat-2")))
    assert form.ask(body).status_code == 409
    body = _with_order(form, lumbar_mri(subject={"reference": "Patient/pat-2"}))
    assert form.ask(body).status_code == 400


def test_missing_data_are_an_error(form: Form) -> None:
    """Without the data that every answer rests on there is no advice."""
    body = form.body()
    del body["prefetch"]["conditions"]
    assert form.ask(body).status_code == 412


def test_large_form_is_refused() -> None:
    """A form may be as large as a hook call, and no larger."""
    form = Form(max_body_bytes=1024)
    assert form.ask(form.body()).status_code == 413


def test_deep_nesting_is_refused(form: Form) -> None:
    """A form that nests without end is a mistake of the caller, not a crash."""
    body = json.dumps(form.body()).replace('"answers": {}', f'"answers": {"[" * 4000}{"]" * 4000}')
    response = form.flask.post("/form/assess", data=body, content_type="application/json")
    assert response.status_code == 400


@pytest.mark.parametrize(("mode", "status"), [("on", 200), ("silent", 403), ("off", 403)])
def test_says_nothing_where_cards_are_hidden(tmp_path: Path, mode: str, status: int) -> None:
    """A form shows no advice that the client's mode hides."""
    file = tmp_path / "clients.toml"
    file.write_text(f'[clients.here]\nextends = "development"\nmode = "{mode}"\n', encoding="utf-8")
    form = Form(clients_file=file)
    assert form.ask(form.body()).status_code == status


def test_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client's forms may ask only so often in a minute, and use up none of its hook calls."""
    monkeypatch.setattr("cds_service.auth.limits._FORM_CALLS", 2)
    form = Form()
    body = form.body()
    assert [form.ask(body).status_code for _ in range(3)] == [200, 200, 429]
    assert HookClient(form.app).call(SIGN, hook_request(SIGN)).status == 200


def test_nothing_of_a_form_is_logged(form: Form) -> None:
    """Neither the patient nor an answer nor the context reaches the log."""
    body = form.body({"ces": "yes"}, implant={"device": "Zebulon device"})
    with logging_as_json() as lines:
        response = form.ask(body)
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    for secret in (PATIENT, "Zebulon", body["form"]["context"], "Practitioner"):
        assert secret not in lines.text
    assert json.loads(lines.text.splitlines()[-1])["client"] == "development"
