"""Off, silent, pilot and on, and the switch that lowers them while the service runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from cds_service.clients.profile import Mode
from cds_service.clients.switch_writer import write_switch
from tests.ehr import clients_file
from tests.protocol.builders import (
    PATIENT,
    SERVICES,
    SIGN,
    HookClient,
    ListRecorder,
    Reply,
    hook_request,
    ibuprofen_order,
    lumbar_mri,
    make_app,
)
from tests.unit.cds_service.observability.test_metrics import value

if TYPE_CHECKING:
    from pathlib import Path

    from cds_service.records.invocations import Invocation
    from tests.log_lines import LogLines

MODES: Final = ("off", "silent", "pilot", "on")
SILENCE: Final = '{"cards":[]}'
MEMBER: Final = "Practitioner/member"


class Hospital:
    """A service with a client in each mode; they are pages, told apart by their origin."""

    def __init__(self, folder: Path) -> None:
        """Start it, with its switch file in the folder."""
        profiles: dict[str, dict[str, Any]] = {
            mode: {
                "authentication": "none",
                "origins": [f"https://{mode}.example"],
                "mode": mode,
                "explain": True,
                "shape": {"rating_place": "both"},
            }
            for mode in MODES
        }
        profiles["pilot"]["pilot"] = {"users": [MEMBER], "percent": 40}
        self.records = ListRecorder()
        self.switches = folder / "data" / "switches.toml"
        file = clients_file(folder, profiles)
        self.client = HookClient(make_app(recorder=self.records, clients_file=file, data_dir=folder / "data"))

    def call(self, mode: str, request: Any = None, service: str = SIGN, **options: Any) -> Reply:
        """Call as the client of a mode."""
        sent = hook_request(service) if request is None else request
        return self.client.call(service, sent, headers={"Origin": f"https://{mode}.example"}, **options)

    def call_recorded(self, mode: str, request: Any = None, service: str = SIGN) -> tuple[Reply, Invocation]:
        """Call, and return the record of it too."""
        reply = self.call(mode, request, service)
        return reply, self.records.kept[-1]


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Hospital:
    """A service with a client in each mode."""
    folder = tmp_path_factory.mktemp("modes")
    (folder / "data").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cds_service.clients.switches._INTERVAL", 0.0)
        return Hospital(folder)


@pytest.fixture(autouse=True)
def watched(hospital: Hospital, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The switch file is looked at for every call, and is gone afterwards."""
    monkeypatch.setattr("cds_service.clients.switches._INTERVAL", 0.0)
    yield
    hospital.switches.unlink(missing_ok=True)
    hospital.client.open("/readyz")


@pytest.mark.parametrize("service", SERVICES)
def test_on_shows_cards(hospital: Hospital, service: str) -> None:
    """Everybody sees cards, ratings and what explains them."""
    reply, record = hospital.call_recorded("on", service=service)
    assert reply.cards
    assert {"systemActions", "extension"} <= set(reply.json)
    assert (record.mode, record.shown) == ("on", True)


@pytest.mark.parametrize("service", SERVICES)
def test_silent_assesses_and_shows_nothing(hospital: Hospital, service: str) -> None:
    """The answer is without cards, ratings and explanation; the record is the one that a shown answer would have."""
    reply, record = hospital.call_recorded("silent", service=service)
    _, shown = hospital.call_recorded("on", service=service)
    assert (reply.status, reply.text) == (200, SILENCE)
    assert (record.mode, record.shown) == ("silent", False)
    assert [(found.outcome, found.messages) for found in record.assessments] == [
        (found.outcome, found.messages) for found in shown.assessments
    ]
    assert record.assessments[0].cards
    assert record.sources == shown.sources
    assert record.patient != shown.patient


def test_off_assesses_nothing(hospital: Hospital, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is looked at, so nothing can fail; the call is counted and keeps no trace of user or patient."""
    monkeypatch.setattr("cds_service.hooks.adviser.read_chart", None)
    reply, record = hospital.call_recorded("off", hook_request(SIGN, prefetch=None))
    assert (reply.status, reply.text) == (200, SILENCE)
    assert (record.mode, record.shown, record.assessments) == ("off", False, ())
    assert (record.user, record.patient) == ("", "")


def test_broken_call_is_an_error_in_every_mode(hospital: Hospital) -> None:
    """A client that is being connected hears about its mistakes before any card is shown."""
    for mode in MODES:
        assert hospital.call(mode, hook_request(SIGN, hookInstance=None)).status == 400


@pytest.mark.parametrize(("mode", "status"), [("off", 200), ("silent", 412), ("pilot", 412), ("on", 412)])
def test_missing_data_are_told_wherever_orders_are_assessed(hospital: Hospital, mode: str, status: int) -> None:
    """A silent phase that hid missing data would be followed by a surprise."""
    reply, record = hospital.call_recorded(mode, hook_request(SIGN, prefetch=None))
    assert (reply.status, record.status) == (status, status)


def test_crash_in_silent_mode_is_an_error(hospital: Hospital, monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence is what a mode says, not what a failure looks like."""
    monkeypatch.setattr("cds_service.hooks.adviser.assess", None)
    reply, record = hospital.call_recorded("silent")
    assert (reply.status, record.status) == (500, 500)


def test_unrelated_order_is_silent_in_every_mode(hospital: Hospital) -> None:
    """Orders that are not ours get the same answer from everybody, and the record says who would have seen cards."""
    for mode in MODES:
        reply, record = hospital.call_recorded(mode, hook_request(SIGN, ibuprofen_order()))
        assert reply.text == SILENCE
        assert record.shown is (mode in ("on", "pilot"))


def by_user(hospital: Hospital, user: str) -> Reply:
    """Call as a user of the client in pilot mode."""
    return hospital.call("pilot", hook_request(SIGN, context={"userId": user}))


def test_pilot_shows_cards_to_the_same_users(hospital: Hospital, tmp_path: Path) -> None:
    """Listed users and a share of the others see cards: the same ones each time, and after a restart."""
    users = [f"Practitioner/user-{number}" for number in range(30)]
    seen = {user: bool(by_user(hospital, user).cards) for user in users}
    assert 0 < sum(seen.values()) < len(users)
    (tmp_path / "data").mkdir()
    again = Hospital(tmp_path)
    assert {user: bool(by_user(again, user).cards) for user in reversed(users)} == seen
    assert by_user(hospital, MEMBER).cards
    for user, shown in seen.items():
        if not shown:
            assert by_user(hospital, user).text == SILENCE
            assert hospital.records.kept[-1].assessments
            break


def test_a_call_without_a_user_is_no_call_of_a_pilot(hospital: Hospital, log: LogLines) -> None:
    """Elsewhere advice does not depend on who orders; in a pilot nobody could tell whether that user takes part."""
    nobody = hook_request(SIGN, context={"userId": None})
    refused = hospital.call("pilot", nobody)
    assert (refused.status, refused.codes, refused.fields) == (400, ["required"], ["context.userId"])
    reply, record = hospital.call_recorded("on", nobody)
    assert (bool(reply.cards), record.user) == (True, "")
    assert log.of(reply.headers["X-Request-ID"])["remarks"] == ["no-user"]


def test_switch_takes_effect_at_the_next_call(hospital: Hospital, log: LogLines) -> None:
    """One client is lowered, then all of them, then none, while the service runs."""
    assert hospital.call("on").cards
    write_switch(hospital.switches, "on", Mode.SILENT, "looks wrong")
    reply, record = hospital.call_recorded("on")
    assert (reply.text, record.mode, record.shown, len(record.assessments)) == (SILENCE, "silent", False, 1)
    assert by_user(hospital, MEMBER).cards
    write_switch(hospital.switches, "*", Mode.OFF)
    for mode in MODES:
        reply, record = hospital.call_recorded(mode)
        assert (reply.text, record.mode, record.assessments) == (SILENCE, "off", ())
    assert hospital.client.open("/readyz").json["modes"] == {"off": 4}
    assert value(hospital.client, "client_mode", client="on", mode="off") == 1
    hospital.switches.unlink()
    assert hospital.call("on").cards
    assert hospital.client.open("/readyz").json["modes"] == {"off": 1, "silent": 1, "pilot": 1, "on": 1}
    assert "the switch file changed" in log.text
    assert "looks wrong" not in log.text


def test_switch_never_shows_more(hospital: Hospital) -> None:
    """A client that is off stays off when all are switched to silent."""
    write_switch(hospital.switches, "*", Mode.SILENT)
    _, record = hospital.call_recorded("off")
    assert (record.mode, record.assessments) == ("off", ())


def test_broken_switch_file_changes_nothing(hospital: Hospital, log: LogLines) -> None:
    """Whoever meant to switch more off does not switch anything on by a slip."""
    write_switch(hospital.switches, "on", Mode.OFF)
    assert hospital.call("on").text == SILENCE
    hospital.switches.write_text("[of", encoding="utf-8")
    assert hospital.call("on").text == SILENCE
    assert by_user(hospital, MEMBER).cards
    assert "cannot be used" in log.text


def test_start_page_tells_the_modes(hospital: Hospital) -> None:
    """Whoever opens the start page sees how far each client's clinicians see cards at this moment."""

    def told() -> dict[str, tuple[str, bool]]:
        clients = hospital.client.open("/", headers={"Accept": "application/json"}).json["clients"]
        return {client["name"]: (client["mode"], client["switched"]) for client in clients}

    assert told() == {mode: (mode, False) for mode in MODES}
    write_switch(hospital.switches, "*", Mode.OFF)
    assert told() == {mode: ("off", mode != "off") for mode in MODES}
    assert "by the kill switch" in hospital.client.open("/").text


def test_probes_and_metrics_tell_what_is_switched(hospital: Hospital) -> None:
    """Whoever threw the switch sees from outside that it is in force, and when its file cannot be used."""
    write_switch(hospital.switches, "on", Mode.SILENT)
    ready = hospital.client.open("/readyz").json
    assert (ready["switches"], ready["switched"]) == ("ok", {"silent": 1})
    assert value(hospital.client, "client_switched", client="on", mode="silent") == 1
    assert value(hospital.client, "client_switched", client="silent", mode="silent") == 0
    assert value(hospital.client, "switch_file_unusable") == 0
    hospital.switches.write_text("[of", encoding="utf-8")
    ready = hospital.client.open("/readyz").json
    assert (ready["switches"], ready["switched"]) == ("unavailable", {"silent": 1})
    assert value(hospital.client, "switch_file_unusable") == 1


def test_mixed_patients_are_refused_in_silent_mode(hospital: Hospital) -> None:
    """A request about two patients is refused whoever would see the answer."""
    other = lumbar_mri(subject={"reference": f"Patient/{PATIENT}-2"})
    assert hospital.call("silent", hook_request(SIGN, other)).status == 400
