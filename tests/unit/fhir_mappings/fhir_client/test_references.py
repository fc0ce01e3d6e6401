"""What the order points to and the prefetch left out."""

from __future__ import annotations

from fhir_mappings.fhir.sources import SourceState
from fhir_mappings.fhir_client.transport import TransportError
from tests.unit.fhir_mappings.fhir_client.asking import NOTHING, Asking, all_but
from tests.unit.fhir_mappings.fhir_client.server import BASE, FakeServer, answer
from tests.unit.fhir_mappings.records import FOOT_DROP, PAIN, bundle, condition, observation

REASON = condition(FOOT_DROP, resource_id="reason")
OTHER = {"reference": "Patient/pat-2"}


def test_the_orders_reason_is_read(asking: Asking) -> None:
    """A reason that is not among the problems sent is read, and counts."""
    server = FakeServer((REASON,))
    found = asking.retrieve(server, NOTHING, references=["Condition/reason", f"{BASE}/Condition/reason"])
    assert server.paths == ["Condition/reason"]
    assert asking.chart(found).entries["motor_deficit"]
    assert asking.chart(found).state("Condition") is SourceState.COMPLETE


def test_a_reason_at_hand_is_not_read_again(asking: Asking) -> None:
    """What the prefetch holds needs no call."""
    server = FakeServer((REASON,))
    asking.retrieve(server, NOTHING | {"conditions": bundle(REASON)}, references=["Condition/reason"])
    assert server.requests == []


def test_a_reason_makes_no_source_complete(asking: Asking) -> None:
    """The one record that an order points to says nothing of the others, however its source failed."""
    server = FakeServer((REASON,), special={"Condition?": [TransportError("timeout")]})
    found = asking.retrieve(server, all_but("conditions"), references=["Condition/reason"])
    chart = asking.chart(found)
    assert chart.state("Condition") is SourceState.UNAVAILABLE
    assert chart.entries["motor_deficit"]
    assert found.missing_required == ("conditions",)
    foreign = bundle(condition(PAIN, resource_id="x", subject=OTHER))
    found = asking.retrieve(FakeServer((REASON,)), NOTHING | {"conditions": foreign}, references=["Condition/reason"])
    assert asking.chart(found).state("Condition") is SourceState.PARTIAL


def test_a_reason_that_is_not_there_changes_nothing(asking: Asking) -> None:
    """A reason that cannot be read, or that turns out to be another record, is left out."""
    for special in (answer({}, 404), answer(observation(FOOT_DROP)), answer(bundle(condition(FOOT_DROP)))):
        server = FakeServer(special={"Condition/reason": [special]})
        chart = asking.chart(asking.retrieve(server, NOTHING, references=["Condition/reason"]))
        assert "motor_deficit" not in chart.entries
        assert chart.state("Condition") is SourceState.COMPLETE


def test_the_reason_of_another_patient_is_not_used(asking: Asking) -> None:
    """A reference that leads to another patient's record is reported and not used."""
    server = FakeServer((REASON | {"subject": OTHER},))
    chart = asking.chart(asking.retrieve(server, NOTHING, references=["Condition/reason"]))
    assert "motor_deficit" not in chart.entries
    assert chart.foreign == ("Condition",)


def test_reasons_out_of_scope_are_not_read(asking: Asking) -> None:
    """A token that may search conditions but not read them reads no reason."""
    server = FakeServer((REASON,))
    asking.retrieve(server, NOTHING, references=["Condition/reason"], scope="patient/Condition.s")
    assert server.requests == []


def test_not_every_reference_is_read(asking: Asking) -> None:
    """An order with more references than anybody writes does not make us flood its server."""
    server = FakeServer()
    asking.retrieve(server, NOTHING, references=[f"Condition/c-{number}" for number in range(500)])
    assert len(server.requests) == 20
