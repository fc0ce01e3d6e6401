"""POST /cds-services/{id}/feedback."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from cds_service.records.feedback import DatabaseFeedbackStore
from cds_service.records.opening import open_database
from cds_service.records.tables import ACCEPTED_SUGGESTIONS, FEEDBACK
from tests.protocol.builders import SELECT, SERVICES, SIGN, HookClient, feedback_entry, make_app

if TYPE_CHECKING:
    from pathlib import Path

    from cds_service.records.database import Database

REASON = {"code": "recipient-disagrees-evidence", "system": "http://example.org/reasons"}
ACCEPTED = feedback_entry(outcome="accepted", acceptedSuggestions=[{"id": "s-1"}, {"id": "s-2"}])


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """Where feedback is stored."""
    return open_database(None, tmp_path / "data")


@pytest.fixture
def storing_client(database: Database) -> HookClient:
    """A client of an application that stores feedback."""
    return HookClient(make_app(feedback=DatabaseFeedbackStore(database)))


def rows(database: Database, *columns: str) -> list[tuple[Any, ...]]:
    """Return columns of every event that is stored, sorted."""
    with database.read() as connection:
        return sorted(tuple(row) for row in connection.execute(select(*(FEEDBACK.c[name] for name in columns))))


@pytest.mark.parametrize("service", SERVICES)
def test_feedback_is_confirmed_with_an_empty_object(client: HookClient, service: str) -> None:
    """Every legal form of feedback is taken, for cards that were never heard of too."""
    override = {"reason": REASON, "userComment": "no"}
    entries = [ACCEPTED, feedback_entry(), feedback_entry(overrideReason=override), ACCEPTED]
    reply = client.report(service, entries)
    assert (reply.status, reply.json) == (200, {})


def test_empty_batch_is_fine(client: HookClient) -> None:
    """A client with nothing to report may say so."""
    assert client.report(SELECT, []).status == 200


def test_everything_reported_is_stored(storing_client: HookClient, database: Database) -> None:
    """Outcome, suggestions, reason and comment are kept as reported, with the time in UTC."""
    override = feedback_entry(
        overrideReason={"reason": REASON | {"display": "Disagrees"}, "userComment": "foot drop"},
        outcomeTimestamp="2026-06-02T22:06:12.5+02:00",
    )
    storing_client.report(SIGN, [ACCEPTED, override])
    columns = ("service", "outcome", "outcome_at", "reason_code", "reason_system", "reason_display", "comment")
    at = datetime(2026, 6, 2, 20, 6, 12, tzinfo=UTC)
    assert rows(database, *columns) == [
        (SIGN, "accepted", at, "", "", "", ""),
        (SIGN, "overridden", at.replace(microsecond=500000), *REASON.values(), "Disagrees", "foot drop"),
    ]
    with database.read() as connection:
        accepted = connection.execute(select(ACCEPTED_SUGGESTIONS.c.suggestion)).scalars()
        assert sorted(accepted) == ["s-1", "s-2"]


def test_repeated_report_is_stored_once(storing_client: HookClient, database: Database) -> None:
    """The same report, in one batch or in two, in another time zone or another order, is one event."""
    storing_client.report(SIGN, [ACCEPTED, ACCEPTED])
    again = ACCEPTED | {
        "outcomeTimestamp": "2026-06-02T22:06:12+02:00",
        "acceptedSuggestions": [{"id": "s-2"}, {"id": "s-1"}],
    }
    storing_client.report(SIGN, [again])
    assert len(rows(database, "fingerprint")) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"card": "another"},
        {"outcomeTimestamp": "2026-06-02T20:06:13Z"},
        {"overrideReason": {"reason": REASON}},
        {"overrideReason": {"userComment": "another"}},
    ],
)
def test_differing_report_is_another_event(
    storing_client: HookClient, database: Database, change: dict[str, Any]
) -> None:
    """What differs in anything that matters is kept beside the other, never in its place."""
    storing_client.report(SIGN, [feedback_entry(), feedback_entry(**change)])
    assert len(rows(database, "fingerprint")) == 2


def test_same_card_of_two_services_is_two_events(storing_client: HookClient, database: Database) -> None:
    """Events belong to the service they were sent to."""
    for service in SERVICES:
        storing_client.report(service, [feedback_entry()])
    assert rows(database, "service") == [(service,) for service in SERVICES]


def test_every_fault_of_a_report_is_named(storing_client: HookClient) -> None:
    """What is wrong with several entries is mended in one go."""
    reply = storing_client.report(SIGN, [feedback_entry(outcome="liked"), {}])
    missing = [f"feedback[1].{name}" for name in ("card", "outcome", "outcomeTimestamp")]
    assert (reply.status, sorted(reply.fields)) == (400, ["feedback[0].outcome", *missing])


@pytest.mark.parametrize(
    ("entry", "path"),
    [
        ("x", "feedback[1]"),
        (feedback_entry(card=""), "feedback[1].card"),
        (feedback_entry(outcome=None), "feedback[1].outcome"),
        (feedback_entry(outcome="liked"), "feedback[1].outcome"),
        (feedback_entry(outcomeTimestamp=None), "feedback[1].outcomeTimestamp"),
        (feedback_entry(outcomeTimestamp="yesterday"), "feedback[1].outcomeTimestamp"),
        (feedback_entry(outcomeTimestamp="2026-02-30T10:00:00Z"), "feedback[1].outcomeTimestamp"),
        (feedback_entry(outcomeTimestamp="2026-06-02T10:00:00"), "feedback[1].outcomeTimestamp"),
        (feedback_entry(outcomeTimestamp="0001-01-01T00:00:00+14:00"), "feedback[1].outcomeTimestamp"),
        (feedback_entry(outcomeTimestamp=7), "feedback[1].outcomeTimestamp"),
        (feedback_entry(outcome="accepted"), "feedback[1].acceptedSuggestions"),
        (feedback_entry(outcome="accepted", acceptedSuggestions=[]), "feedback[1].acceptedSuggestions"),
        (feedback_entry(outcome="accepted", acceptedSuggestions=[{}]), "feedback[1].acceptedSuggestions[0].id"),
        (
            feedback_entry(outcome="accepted", acceptedSuggestions=[{"id": f"s-{each}"} for each in range(101)]),
            "feedback[1].acceptedSuggestions",
        ),
        (feedback_entry(overrideReason="x"), "feedback[1].overrideReason"),
        (feedback_entry(overrideReason={}), "feedback[1].overrideReason"),
        (feedback_entry(overrideReason=REASON), "feedback[1].overrideReason"),
        (feedback_entry(overrideReason={"reason": {}}), "feedback[1].overrideReason.reason.code"),
        (feedback_entry(overrideReason={"userComment": 7}), "feedback[1].overrideReason.userComment"),
    ],
)
def test_malformed_entry_is_named_and_the_others_are_kept(
    storing_client: HookClient, database: Database, entry: object, path: str
) -> None:
    """One entry that cannot be read is refused by name and loses nothing of the batch, which may be sent again."""
    for _ in range(2):
        reply = storing_client.report(SIGN, [feedback_entry(), entry, ACCEPTED])
        assert (reply.status, reply.fields) == (400, [path])
        assert "What could be read of this batch was kept (2)" in reply.text
        assert len(rows(database, "fingerprint")) == 2


@pytest.mark.parametrize("name", ["overrideReason", "overrideReasons"])
def test_list_of_reasons_is_read(storing_client: HookClient, database: Database, name: str) -> None:
    """A client that sends its reasons as a list loses none of them; an empty list gives none."""
    given = [{"reason": {"code": "a"}}, {"reason": {"code": "b"}, "userComment": "why"}]
    bare = {key: value for key, value in feedback_entry(card="other").items() if key != "overrideReason"}
    entries = [{**bare, "card": "one", name: given}, {**bare, name: []}]
    assert storing_client.report(SIGN, entries).status == 200
    assert sorted(rows(database, "reason_code", "comment")) == [("", ""), ("a", ""), ("b", "why")]


@pytest.mark.parametrize("document", [{}, {"feedback": "x"}, {"feedback": None}, feedback_entry()])
def test_body_without_a_list_is_refused(client: HookClient, document: dict[str, Any]) -> None:
    """A body that is not a batch, such as the bare entry of old clients, is refused."""
    reply = client.open(f"/cds-services/{SIGN}/feedback", "POST", json=document)
    assert (reply.status, reply.fields) == (400, ["feedback"])


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"feedback": "\xff"}'])
def test_body_that_is_no_json_object_is_refused(client: HookClient, body: bytes) -> None:
    """Broken JSON is refused like that of a hook."""
    assert client.report(SIGN, data=body).status == 400


def test_reasons_of_old_clients_are_taken(client: HookClient) -> None:
    """A reason without a system, and nulls for what is not there, are no reason to lose feedback."""
    bare = {"reason": {"code": "x"}, "userComment": None}
    entries = [feedback_entry(overrideReason=bare), feedback_entry() | {"overrideReason": None}]
    assert client.report(SIGN, entries).status == 200


EPIC = "com.epic.cdshooks.feedback.overrideReason"


def test_feedback_as_epic_writes_it_keeps_reason_and_comment(storing_client: HookClient, database: Database) -> None:
    """`overrideReasons`, with a reason that we sent or with one of the site's own build, is kept with its comment."""
    ours = feedback_entry(overrideReasons={"reason": REASON | {"display": "Disagrees"}, "userComment": "no"})
    site = feedback_entry(
        overrideReasons={
            "extension": {
                f"{EPIC}.reasonCategory": "45",
                f"{EPIC}.reasonDisplay": "Does not meet criteria",
                f"{EPIC}.reasonTitle": "Does not meet",
            },
            "userComment": "free text",
        }
    )
    assert storing_client.report(SIGN, [ours, site]).status == 200
    assert rows(database, "reason_code", "reason_system", "reason_display", "comment") == [
        ("45", EPIC, "Does not meet criteria", "free text"),
        (*REASON.values(), "Disagrees", "no"),
    ]


def test_two_reasons_of_one_moment_are_two(storing_client: HookClient, database: Database) -> None:
    """A batch stamps its entries alike; what was said in each is kept, and the same report again is one."""
    entries = [
        feedback_entry(overrideReasons={"extension": {f"{EPIC}.reasonCategory": 45, f"{EPIC}.reasonDisplay": words}})
        for words in ("Does not meet criteria", "Patient refused")
    ]
    storing_client.report(SIGN, entries)
    storing_client.report(SIGN, entries)
    assert sorted(found for (found,) in rows(database, "reason_display")) == [
        "Does not meet criteria",
        "Patient refused",
    ]


@pytest.mark.parametrize("extension", [{}, {"x": "y"}, {f"{EPIC}.reasonCategory": {"deep": 1}}])
def test_extension_without_a_reason_is_no_reason(storing_client: HookClient, extension: dict[str, Any]) -> None:
    """What nobody here knows is no cause to lose a report."""
    assert storing_client.report(SIGN, [feedback_entry(overrideReasons={"extension": extension})]).status == 200


def test_store_that_fails_is_503(storing_client: HookClient, tmp_path: Path) -> None:
    """A report that could not be kept is not confirmed."""
    for file in (tmp_path / "data").glob("records.sqlite3*"):
        file.unlink()
    reply = storing_client.report(SIGN, [feedback_entry()])
    assert (reply.status, reply.codes) == (503, ["no-store"])
