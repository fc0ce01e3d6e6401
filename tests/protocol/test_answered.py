"""Two calls with feedback between them: what was answered is not asked again, by this user, for this patient."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from cds_service.app import create_app
from cds_service.config.settings import load_settings
from cds_service.records.tables import CARDS, SUGGESTIONS
from tests.ehr import clients_file
from tests.protocol.builders import (
    ICD_10_CM,
    NOW,
    PATIENT,
    SELECT,
    SIGN,
    HookClient,
    Reply,
    back_pain_since,
    bundle,
    concept,
    feedback_entry,
    hook_request,
    lumbar_mri,
    prefetch,
)
from tests.unit.cds_service.observability.test_metrics import value

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cds_service.records.recorder import QueueRecorder
    from tests.postgres import PostgresServer

REASON = {"code": "expert-contradicts", "system": "http://terminology.hl7.org/CodeSystem/non-adherence-reason-codes"}
CLIENTS: dict[str, dict[str, Any]] = {
    "north": {},
    "south": {},
    "forgetful": {"remember_hours": 0},
    "silent": {"mode": "silent"},
}
PATIENCE = 30.0


@dataclass
class Hospital:
    """A service that stores in a database of its own; each call is of a new hook instance."""

    client: HookClient
    recorder: QueueRecorder

    def call(self, *orders: dict[str, Any], client: str = "north", service: str = SIGN, **members: Any) -> Reply:
        """Call as one of the clients, once the records of earlier calls are stored."""
        assert self.recorder.flush(PATIENCE)
        request = hook_request(service, *orders, hookInstance=str(uuid.uuid4()), **members)
        return self.client.call(service, request, headers=_origin(client))

    def override(self, card: dict[str, Any], client: str = "north", **changes: Any) -> None:
        """Report that a card was overridden, with a reason unless told otherwise."""
        changes = {"overrideReason": {"reason": REASON}} | changes
        entry = feedback_entry(card=card["uuid"], **changes)
        assert self.client.report(SIGN, [entry], headers=_origin(client)).status == 200

    def accept(self, card: dict[str, Any]) -> dict[str, Any]:
        """Report that the first suggestion of a card was taken, and return the order that it leaves."""
        (suggestion, *_) = card["suggestions"]
        entry = feedback_entry(card=card["uuid"], outcome="accepted", acceptedSuggestions=[{"id": suggestion["uuid"]}])
        assert self.client.report(SIGN, [entry], headers=_origin("north")).status == 200
        order: dict[str, Any] = suggestion["actions"][0].get("resource", {})
        return order


def _origin(client: str) -> dict[str, str]:
    return {"Origin": f"https://{client}.example"}


@pytest.fixture(params=["sqlite", "postgresql"])
def hospital(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hospital]:
    """A service with each kind of database."""
    stored: dict[str, Any] = {}
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        stored["database_url"] = server.create_schema()
    clients = {
        name: {"extends": "development", "origins": [f"https://{name}.example"]} | changes
        for name, changes in CLIENTS.items()
    }
    settings = load_settings({}, clients_file=clients_file(tmp_path, clients), data_dir=tmp_path / "data", **stored)
    app = create_app(settings, clock=lambda: NOW)
    storage = app.extensions["engine"].storage
    storage.answered.patience = PATIENCE  # how long a busy machine takes is not asked here
    yield Hospital(HookClient(app), storage.recorder)
    assert storage.recorder.close(PATIENCE)
    storage.database.close()


def emergency(*more: dict[str, Any]) -> dict[str, Any]:
    """Return a prefetch with a cauda equina syndrome, and more conditions if given."""
    suspected = back_pain_since("2026-05-31") | {"id": "ces-1", "code": concept(ICD_10_CM, "G83.4")}
    return prefetch(conditions=bundle(back_pain_since("2026-05-23"), suspected, *more))


def test_overridden_card_is_not_shown_again(hospital: Hospital) -> None:
    """Neither at the signature nor when chosen again; the explanation and the metric tell of it."""
    (card,) = hospital.call(service=SELECT).cards
    hospital.override(card)
    reply = hospital.call()
    assert reply.cards == []
    (entry, *_) = reply.assessments[0]["notRepeated"]
    assert (entry["message"], entry["shownAt"], entry["outcome"]) == ("C-NOTAPP-6W", NOW.isoformat(), "overridden")
    assert value(hospital.client, "messages_not_repeated_total", message="C-NOTAPP-6W", how="silent") == 1


def test_override_without_a_reason_is_forgotten(hospital: Hospital) -> None:
    """A card that was only closed comes again."""
    (card,) = hospital.call().cards
    hospital.override(card, overrideReason=None)
    assert hospital.call().cards


@pytest.mark.parametrize(
    "other",
    [
        {"client": "south"},
        {"context": {"userId": "Practitioner/prac-2"}},
        {"context": {"userId": None}},
        {"context": {"userId": ""}},
        {"prefetch": emergency()},
    ],
    ids=["client", "user", "no user", "empty user", "evidence"],
)
def test_others_are_told(hospital: Hospital, other: dict[str, Any]) -> None:
    """An answer counts for who gave it, and for what it was given to."""
    (card,) = hospital.call().cards
    hospital.override(card)
    assert hospital.call().cards == []
    assert hospital.call(**other).cards


def test_another_patient_is_told(hospital: Hospital) -> None:
    """The same pain of somebody else is another question."""
    (card,) = hospital.call().cards
    hospital.override(card)
    subject = {"reference": "Patient/pat-2"}
    person = prefetch()["patient"] | {"id": "pat-2"}
    pain = back_pain_since("2026-05-23") | {"subject": subject}
    values = prefetch(patient=person, conditions=bundle(pain))
    reply = hospital.call(lumbar_mri(subject=subject), context={"patientId": "pat-2"}, prefetch=values)
    assert reply.cards


def test_emergency_shrinks_when_the_order_carries_what_was_chosen(hospital: Hospital) -> None:
    """With stat set a line is left; if stat is lost again, the full card is back."""
    (card,) = hospital.call(prefetch=emergency()).cards
    stat = hospital.accept(card)
    assert stat["priority"] == "stat"
    (line,) = hospital.call(stat, prefetch=emergency()).cards
    assert line["summary"].startswith("Stat is set. Call spine surgery")
    assert line["indicator"] == "critical"
    assert "suggestions" not in line
    (full,) = hospital.call(prefetch=emergency()).cards
    assert full["suggestions"]


def test_emergency_is_never_silent(hospital: Hospital) -> None:
    """An override leaves a line, again and again, and one more sign brings the full card back."""
    (card,) = hospital.call(prefetch=emergency()).cards
    hospital.override(card)
    for _ in range(2):
        (line,) = hospital.call(prefetch=emergency()).cards
        assert line["indicator"] == "critical"
        hospital.override(line)
    more = back_pain_since("2026-06-01") | {"id": "ces-2", "code": concept(ICD_10_CM, "R33.9")}
    (full,) = hospital.call(prefetch=emergency(more)).cards
    assert full["suggestions"]


def test_client_may_have_nothing_remembered(hospital: Hospital) -> None:
    """With 0 hours every card comes every time, and nothing is kept of it."""
    (card,) = hospital.call(client="forgetful").cards
    hospital.override(card, "forgetful")
    assert hospital.call(client="forgetful").cards
    assert hospital.recorder.flush(PATIENCE)
    with hospital.client.flask.application.extensions["engine"].storage.database.read() as connection:
        kept = connection.execute(select(CARDS.c.message_keys, CARDS.c.marks, SUGGESTIONS.c.marks).join(SUGGESTIONS))
        assert {tuple(row) for row in kept} == {((), (), ())}


def test_silent_client_is_assessed_in_full(hospital: Hospital) -> None:
    """Where nobody is shown cards there is nothing to answer, and the record stays whole."""
    for _ in range(2):
        assert hospital.call(client="silent").cards == []
    assert hospital.recorder.flush(PATIENCE)
    with hospital.client.flask.application.extensions["engine"].storage.database.read() as connection:
        assert len(connection.execute(select(CARDS.c.uuid)).all()) == 2


def test_only_a_call_that_would_show_a_card_asks(hospital: Hospital) -> None:
    """Silent answers pay nothing: the time of looking up stands with those that have a card."""
    reply = hospital.call(service=SELECT)
    assert "recall;dur=" in reply.headers["Server-Timing"]
    reply = hospital.call(client="silent")
    assert "recall" not in reply.headers["Server-Timing"]


def test_ids_and_texts_are_not_stored(hospital: Hospital) -> None:
    """What is kept of a card names no patient, no user, no record and no order."""
    hospital.call(prefetch=emergency())
    assert hospital.recorder.flush(PATIENCE)
    with hospital.client.flask.application.extensions["engine"].storage.database.read() as connection:
        rows = [*connection.execute(select(CARDS)).mappings(), *connection.execute(select(SUGGESTIONS)).mappings()]
    kept = " ".join(map(str, rows))
    assert "message_keys" in kept
    assert not [secret for secret in (PATIENT, "prac-1", "mri-1", "ces-1", "G83.4", "72148") if secret in kept]


def test_database_that_is_gone_shows_the_card(hospital: Hospital, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an answer in time the card is shown, promptly and without an error."""
    (card,) = hospital.call().cards
    hospital.override(card)
    handler = hospital.client.flask.application.extensions["engine"].handler
    monkeypatch.setattr(handler.remembrance.answered, "patience", 0.2)
    monkeypatch.setattr(handler.remembrance.answered, "_look", lambda *_: time.sleep(2))
    begun = time.monotonic()
    assert hospital.call().cards
    assert time.monotonic() - begun < 1
