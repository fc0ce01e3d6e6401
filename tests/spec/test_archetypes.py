"""Ordinary outpatients: whether the advice is what is expected, and how many clinicians are interrupted for it.

A service that always says "not decided" is switched off and then protects nobody, so the rates are a test, for a
client with every source and for one with those of a typical US EHR.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from cards.response.response import ASSESSMENTS
from cds_service.app import create_app
from cds_service.config.settings import load_settings
from cds_service.hooks.storage import Storage
from tests.spec.scenarios import Scenario, load

ARCHETYPES = load("archetypes.yaml")
US_EHR = (
    *("Patient", "Condition", "Encounter", "Observation", "Procedure", "MedicationRequest", "DiagnosticReport"),
    *("AllergyIntolerance", "Device"),
)
SOURCES = {"all sources": None, "a US EHR's sources": US_EHR}


@pytest.fixture(scope="module")
def client() -> Any:
    """A client of the application as a hospital would run it: cards only where something can be done."""
    settings = load_settings({"LUMBAR_CDS_VERBOSITY": "action", "LUMBAR_CDS_EXPLAIN": "true"})
    app = create_app(settings, clock=lambda: datetime(2026, 1, 15, tzinfo=UTC), storage=Storage())
    return app.test_client()


def _answer(client: Any, archetype: Scenario, sources: tuple[str, ...] | None) -> tuple[str, list[str], bool]:
    """Return the outcome, the messages, and whether somebody is interrupted."""
    request = archetype.request("order-sign", sources)
    answer = client.post("/cds-services/lumbar-mri-order-sign", json=request).get_json()
    (found,) = answer["extension"][ASSESSMENTS]
    return found["outcome"], found["messages"], bool(answer["cards"])


@pytest.mark.parametrize("sources", SOURCES.values(), ids=SOURCES)
@pytest.mark.parametrize("archetype", ARCHETYPES, ids=lambda archetype: archetype.id)
def test_archetype(client: Any, archetype: Scenario, sources: tuple[str, ...] | None) -> None:
    """The advice, its first message and the interruption are as expected, whichever sources a client has."""
    outcome, messages, interrupts = _answer(client, archetype, sources)
    expected = archetype.expected
    assert (outcome, messages[: len(expected["cards"])], interrupts) == (
        expected["outcome"],
        expected["cards"],
        archetype.body["interrupts"],
    )


def test_at_most_half_are_interrupted() -> None:
    """Of forty outpatients no more than half bring a card, and a quarter or more are told to wait."""
    assert len(ARCHETYPES) == 40
    assert sum(archetype.body["interrupts"] for archetype in ARCHETYPES) <= 20
    assert sum(archetype.expected["outcome"] == "NOT_APPROPRIATE" for archetype in ARCHETYPES) >= 10
