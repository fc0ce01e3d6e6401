"""What a prefetch brought of each source, under whichever keys, and what is left to ask for."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mappings.fhir.needs import CORE_SOURCES, DATA_NEEDS
from fhir_mappings.fhir.prefetch import Sent, read_prefetch, sent_sources
from fhir_mappings.fhir.searches import OBSERVATION_CATEGORIES, SearchForm
from fhir_mappings.fhir.sources import SourceState
from tests.unit.fhir_mappings.records import FAILURE, FOOT_DROP, PAIN, bundle, condition, encoded, observation

COMPLETE, PARTIAL = SourceState.COMPLETE, SourceState.PARTIAL
NOT_PROVIDED, NOT_OFFERED = SourceState.NOT_PROVIDED, SourceState.NOT_OFFERED
FOUND = observation(FOOT_DROP)
EVERY = dict.fromkeys(
    f"observations{''.join(word.title() for word in name.split('-'))}" for name in OBSERVATION_CATEGORIES
)
MORE = bundle(FOUND, link=[{"relation": "next", "url": "x"}])


def observations(prefetch: dict[str, Any], form: SearchForm | None = None) -> Sent:
    """Return what came of the Observations."""
    values = {key: encoded(value) for key, value in prefetch.items()}
    return sent_sources(values, None, form or SearchForm())["observations"]


def test_every_source_has_a_reading() -> None:
    """A key that was not sent has a reading too, which says so; other keys have none."""
    readings = read_prefetch({"conditions": encoded(bundle(condition(PAIN))), "other": b"7"})
    assert list(readings) == [need.key for need in DATA_NEEDS]
    assert readings["conditions"].state is COMPLETE
    assert readings["patient"].state is NOT_PROVIDED


@pytest.mark.parametrize("whole", [None, bundle(), FAILURE, bundle(observation(PAIN)), MORE, {}])
def test_a_category_is_read_beside_the_whole(whole: Any) -> None:
    """Whatever stands under the source's own key, what came by category counts."""
    sent = observations({"observations": whole, "observationsExam": bundle(FOUND)})
    assert FOUND["id"] in [found.id for found in sent.reading.resources]
    assert sent.reading.state is PARTIAL


def test_a_category_adds_nothing_to_a_whole_that_holds_it() -> None:
    """Where the whole holds what came by category, it is the whole, and nothing is left to ask for."""
    sent = observations({"observations": bundle(FOUND), "observationsExam": bundle(FOUND), "observationsSurvey": None})
    assert (sent.reading.state, len(sent.reading.resources), dict(sent.unread)) == (COMPLETE, 1, {})


@pytest.mark.parametrize("whole", [{}, {"observations": None}, {"observations": FAILURE}])
def test_all_categories_are_the_source(whole: dict[str, Any]) -> None:
    """With the key of each category the source is whole, though nothing usable stands under its own key."""
    sent = observations({**whole, **EVERY, "observationsExam": bundle(FOUND)})
    assert (sent.reading.state, len(sent.reading.resources), dict(sent.unread)) == (COMPLETE, 1, {})


def test_only_what_lacks_is_left_to_ask_for() -> None:
    """Categories that came are not asked for again, one with further pages is, and so are those that did not come."""
    sent = observations({"observationsExam": MORE, "observationsSurvey": None, "observationsLaboratory": FAILURE})
    assert sent.categories == OBSERVATION_CATEGORIES
    assert sorted(sent.unread) == ["observationsExam", "observationsSocialHistory", "observationsVitalSigns"]
    assert (sent.reading.state, len(sent.answered)) == (PARTIAL, 2)


def test_one_category_may_be_all_that_a_client_has() -> None:
    """A profile with a single category makes its key the whole source; another that came is read all the same."""
    form = SearchForm(("laboratory",))
    assert observations({"observationsLaboratory": bundle(FOUND)}, form).reading.state is COMPLETE
    both = observations({"observationsLaboratory": None, "observationsExam": bundle(FOUND)}, form)
    assert (both.reading.state, len(both.reading.resources)) == (COMPLETE, 1)


def test_core_sources_are_asked_for_though_not_listed() -> None:
    """What every answer rests on is missed and asked for whatever a profile lists; the rest only where it is listed."""
    sent = sent_sources({}, ("Patient", "Appointment"))
    asked = {found.need.resource_type for found in sent.values() if found.unread}
    assert asked == {"Patient", "Appointment", *CORE_SOURCES}
    states = {found.need.resource_type: found.reading.state for found in sent.values()}
    assert {name for name, state in states.items() if state is NOT_PROVIDED} == asked
    assert set(states.values()) == {NOT_PROVIDED, NOT_OFFERED}
