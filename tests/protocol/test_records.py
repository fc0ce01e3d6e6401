"""What is kept of real calls, and what a database in trouble costs."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from cards.guideline.guideline import GUIDELINE_VERSION
from cds_service.app import create_app
from cds_service.config.settings import load_settings
from cds_service.hooks.storage import Storage
from cds_service.protocol.trace import DEMO_HEADER
from cds_service.records.invocations import DEMO_MARK
from cds_service.records.opening import open_database
from cds_service.records.recorder import QueueRecorder
from cds_service.records.stores import NullFeedbackStore
from cds_service.records.tables import (
    ACCEPTED_SUGGESTIONS,
    CARDS,
    FEEDBACK,
    INVOCATIONS,
    METADATA,
    SUGGESTIONS,
    UNRELATED_CALLS,
)
from tests.ehr import clients_file
from tests.protocol.builders import (
    NOW,
    PATIENT,
    SELECT,
    SIGN,
    HookClient,
    Reply,
    feedback_entry,
    hook_request,
    ibuprofen_order,
    lumbar_mri,
    prefetch,
)
from tests.protocol.fhir_stub import fhir_stub, reply
from tests.unit.cds_service.observability.test_metrics import value

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Table

    from cds_service.records.database import Database

PATIENCE = 30.0
PROMPT = 1.0  # seconds in which an answer comes whatever the database does


@dataclass(frozen=True)
class Hospital:
    """A service that stores in a database of its own, for the clients `north` and `south`."""

    client: HookClient
    database: Database
    recorder: QueueRecorder

    def call(self, request: Any, client: str = "north", service: str = SIGN) -> Reply:
        """Call as one of the clients."""
        return self.client.call(service, request, headers={"Origin": f"https://{client}.example"})

    def rows(self, table: Table, **values: Any) -> list[dict[str, Any]]:
        """Return rows with certain values once everything that waits is written."""
        deadline = time.monotonic() + PATIENCE
        while self.recorder.queued:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        chosen = select(table).where(*(table.c[name] == wanted for name, wanted in values.items()))
        with self.database.read() as connection:
            return [dict(row) for row in connection.execute(chosen).mappings()]

    def row_of(self, answer: Reply) -> dict[str, Any]:
        """Return the record of the call that got an answer."""
        (row,) = self.rows(INVOCATIONS, request_id=answer.headers["X-Request-ID"])
        return row


def started(folder: Path, recorder: QueueRecorder | None = None) -> HookClient:
    """Return a client of a service that stores in a folder, through a recorder if one is given."""
    clients: dict[str, Any] = {
        name: {"extends": "development", "origins": [f"https://{name}.example"], "shape": {"rating_place": "root"}}
        for name in ("north", "south")
    }
    clients["south"] |= {"mode": "silent"}
    settings = load_settings({}, clients_file=clients_file(folder, clients), data_dir=folder / "data")
    storage = Storage(NullFeedbackStore(), recorder) if recorder else None
    return HookClient(create_app(settings, clock=lambda: NOW, storage=storage))


DEMO: dict[str, str] = {"Origin": "https://north.example", DEMO_HEADER: "1"}


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    """A service that stores what it does."""
    client = started(tmp_path_factory.mktemp("records"))
    storage = client.flask.application.extensions["engine"].storage
    assert storage.database
    yield Hospital(client, storage.database, storage.recorder)
    assert storage.recorder.close(PATIENCE)
    storage.database.close()


def test_call_is_kept_as_it_was_answered(hospital: Hospital) -> None:
    """Time, client, outcome, messages, cards and suggestions are those of the answer, by the same ids."""
    answer = hospital.call(hook_request(SIGN))
    row = hospital.row_of(answer)
    usual = {"client": "north", "service": SIGN, "hook": "order-sign", "status": 200, "mode": "on", "shown": True}
    assert usual.items() <= row.items()
    assert (row["at"], row["guideline"], row["synthetic"]) == (NOW, GUIDELINE_VERSION, False)
    assert set(row["phases"]) == {"authenticate", "read", "chart", "assess", "respond", "recall"}
    assert 0 < sum(row["phases"].values()) <= row["milliseconds"]
    assert row["sources"] == dict.fromkeys(prefetch(), "prefetch:complete")
    (assessed,) = hospital.rows(METADATA.tables["assessments"], invocation=row["id"])
    (explained,) = answer.assessments
    assert assessed["outcome"] == explained["outcome"] == "NOT_APPROPRIATE"
    cards = hospital.rows(CARDS, invocation=row["id"])
    assert [(card["uuid"], card["indicator"]) for card in cards] == [
        (card["uuid"], card["indicator"]) for card in answer.cards
    ]
    assert set(assessed["messages"]) >= {message for card in cards for message in card["messages"]}
    sent = [suggestion["uuid"] for card in answer.cards for suggestion in card.get("suggestions", ())]
    assert [suggestion["uuid"] for suggestion in hospital.rows(SUGGESTIONS, invocation=row["id"])] == sent
    assert sent


def test_silent_call_is_kept_with_the_cards_that_nobody_saw(hospital: Hospital) -> None:
    """What a silent phase is for: the record is whole."""
    answer = hospital.call(hook_request(SIGN), "south")
    assert answer.json == {"cards": []}
    row = hospital.row_of(answer)
    assert (row["mode"], row["shown"]) == ("silent", False)
    assert hospital.rows(CARDS, invocation=row["id"])


def test_fetched_sources_are_kept_as_such(hospital: Hospital) -> None:
    """Whether a source was sent, fetched or not to be had is kept, with the time that fetching took."""
    with fhir_stub(prefetch(), {"Observation": reply("", 500)}) as stub:
        values = {key: found for key, found in prefetch().items() if key not in ("conditions", "observations")}
        row = hospital.row_of(hospital.call(hook_request(SIGN, fhirServer=stub.base, prefetch=values)))
    states = (row["sources"][key] for key in ("patient", "conditions", "observations"))
    assert tuple(states) == ("prefetch:complete", "fetched:complete", "fetched:unavailable")
    assert row["phases"]["fetch"] > 0


@pytest.mark.parametrize(
    ("change", "status"),
    [({"prefetch": None}, 412), ({"context": {"patientId": "pat-2"}}, 400)],
    ids=["no data", "another patient"],
)
def test_refused_call_is_kept(hospital: Hospital, change: dict[str, Any], status: int) -> None:
    """A lumbar MRI order that could not be answered is not forgotten."""
    row = hospital.row_of(hospital.call(hook_request(SIGN, **change)))
    assert row["status"] == status
    assert hospital.rows(METADATA.tables["assessments"], invocation=row["id"]) == []


def test_crash_is_kept(hospital: Hospital, monkeypatch: pytest.MonkeyPatch) -> None:
    """So is a call that met a bug."""
    monkeypatch.setattr("cds_service.hooks.adviser.assess", None)
    assert hospital.row_of(hospital.call(hook_request(SIGN)))["status"] == 500


def test_ids_are_hashes_that_cannot_be_joined(hospital: Hospital) -> None:
    """The same user and patient are recognised within a client, never between clients, and are not stored."""
    first, again, other = (
        hospital.row_of(hospital.call(hook_request(SIGN), client)) for client in ("north", "north", "south")
    )
    for column in "user_hash", "patient_hash":
        assert first[column] == again[column] != other[column]
        assert len(first[column]) == 32
    assert first["user_hash"] != first["patient_hash"]
    stored = json.dumps([first, again, other], default=str)
    assert not [text for text in (PATIENT, "prac-1", "mri-1") if text in stored]


def test_unrelated_calls_are_counted(hospital: Hospital) -> None:
    """Calls about other orders leave nothing but a number for the hour."""

    def counted() -> dict[tuple[str, bool], int]:
        found = hospital.rows(UNRELATED_CALLS, service=SELECT)
        assert {row["hour"] for row in found} <= {datetime(2026, 6, 2, 12, tzinfo=UTC)}
        return {(row["client"], row["shown"]): row["count"] for row in found}

    before = counted()
    for client in "north", "north", "south":
        answer = hospital.call(hook_request(SELECT, ibuprofen_order()), client, SELECT)
        assert hospital.rows(INVOCATIONS, request_id=answer.headers["X-Request-ID"]) == []
    after = counted()
    assert after["north", True] == before.get(("north", True), 0) + 2
    assert after["south", False] == before.get(("south", False), 0) + 1


def test_two_orders_are_two_assessments(hospital: Hospital) -> None:
    """Each order of a call is kept in its place."""
    row = hospital.row_of(hospital.call(hook_request(SIGN, lumbar_mri(1), lumbar_mri(2))))
    found = hospital.rows(METADATA.tables["assessments"], invocation=row["id"])
    assert [assessed["position"] for assessed in found] == [0, 1]


def test_feedback_meets_its_card(hospital: Hospital) -> None:
    """What was reported is found by the ids that the answer and the record have in common."""
    (card, *_) = hospital.call(hook_request(SELECT), service=SELECT).cards
    entry = feedback_entry(
        card=card["uuid"], outcome="accepted", acceptedSuggestions=[{"id": card["suggestions"][0]["uuid"]}]
    )
    hospital.client.report(SELECT, [entry], headers={"Origin": "https://north.example"})
    (event,) = hospital.rows(FEEDBACK, card=card["uuid"])
    assert (event["client"], event["service"], event["outcome"]) == ("north", SELECT, "accepted")
    (accepted,) = hospital.rows(ACCEPTED_SUGGESTIONS, feedback=event["fingerprint"])
    assert hospital.rows(CARDS, uuid=card["uuid"])
    assert hospital.rows(SUGGESTIONS, uuid=accepted["suggestion"])


def test_same_card_uuid_of_two_clients_is_two_events(hospital: Hospital) -> None:
    """A client's report never stands for another's."""
    entry = feedback_entry(card="one-card")
    for client in "north", "south", "north":
        hospital.client.report(SIGN, [entry], headers={"Origin": f"https://{client}.example"})
    assert sorted(row["client"] for row in hospital.rows(FEEDBACK, card="one-card")) == ["north", "south"]


def test_written_records_are_told(hospital: Hospital) -> None:
    """The metrics tell how many records were stored."""
    hospital.row_of(hospital.call(hook_request(SIGN)))
    assert value(hospital.client, "records_written_total") == hospital.recorder.written > 0
    assert value(hospital.client, "records_dropped_total") == 0


def test_answers_do_not_wait_for_the_database(tmp_path: Path) -> None:
    """While the database is locked answers come as fast as ever; what does not fit into the queue is counted."""
    database = open_database(None, tmp_path / "data")
    recorder = QueueRecorder(database, 3)
    client = started(tmp_path, recorder)
    with closing(sqlite3.connect(tmp_path / "data" / "records.sqlite3")) as other:
        other.execute("BEGIN EXCLUSIVE")
        for _ in range(12):
            began = time.monotonic()
            assert client.call(SIGN, hook_request(SIGN)).cards
            assert time.monotonic() - began < PROMPT
        dropped = value(client, "records_dropped_total")
        assert dropped == recorder.dropped >= 12 - 2 * 3
        assert value(client, "records_queued") == 12 - dropped
        assert client.open("/readyz").status == 200
        other.rollback()
    assert recorder.close(PATIENCE)
    with database.read() as connection:
        assert len(connection.execute(select(INVOCATIONS.c.id)).all()) == 12 - dropped
    database.close()


def test_calls_of_the_demo_are_marked(hospital: Hospital) -> None:
    """What the demo page orders for invented patients is told apart from real orders, in every record of a call."""
    answer = hospital.client.call(SIGN, hook_request(SIGN), headers=DEMO)
    assert hospital.row_of(answer)["service"] == f"{DEMO_MARK}{SIGN}"
    hospital.client.call(SIGN, hook_request(SIGN, ibuprofen_order()), headers=DEMO)
    assert hospital.rows(UNRELATED_CALLS, service=f"{DEMO_MARK}{SIGN}", client="north")
    assert hospital.row_of(hospital.call(hook_request(SIGN)))["service"] == SIGN
