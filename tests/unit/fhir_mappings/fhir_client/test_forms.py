"""Servers that take only some forms of a search are asked in one that they take, and remembered."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mappings.fhir.needs import DATA_NEEDS
from fhir_mappings.fhir.searches import OBSERVATION_CATEGORIES, SearchForm, searches_of
from fhir_mappings.fhir.sources import SourceState
from fhir_mappings.fhir_client.learned import LearnedForms
from fhir_mappings.fhir_client.transport import FhirRequest
from tests.unit.fhir_mappings.fhir_client.asking import Asking, all_but
from tests.unit.fhir_mappings.fhir_client.server import BASE, FakeClock, FakeServer, answer, refusal
from tests.unit.fhir_mappings.records import FOOT_DROP, PAIN, PATIENT, bundle, condition, observation, patient

COMPLETE, PARTIAL, NOT_PROVIDED = SourceState.COMPLETE, SourceState.PARTIAL, SourceState.NOT_PROVIDED
EPIC = SearchForm(OBSERVATION_CATEGORIES, sort=False, include=False)
RECORDS = (patient(), condition(PAIN), observation(FOOT_DROP))
NUMBER = len(OBSERVATION_CATEGORIES)


class Picky(FakeServer):
    """A server that refuses searches in which something is lacking, or that it does not take."""

    def __init__(self, lacking: str = "", refused: str = "", code: str = "not-supported", **options: Any) -> None:
        """Take the parameter that Observations must be searched by, and one that no search may have."""
        super().__init__(RECORDS, **options)
        self.lacking, self.refused, self.code = lacking, refused, code
        self.special = {"Observation?": self._weigh, "Procedure?": self._weigh}

    def _weigh(self, request: FhirRequest) -> Any:
        if self.refused and f"{self.refused}=" in request.url:
            return answer(refusal(self.code), 400)
        if self.lacking and "Observation" in request.url and f"{self.lacking}=" not in request.url:
            return answer(refusal("required", "fatal"), 400)
        return answer(*self._get(request.url.removeprefix(f"{BASE}/")))


def test_a_need_in_each_form() -> None:
    """One need is one search, several by category, with or without what not every server takes."""
    need = next(need for need in DATA_NEEDS if need.key == "observations")
    assert [search.query("x") for search in searches_of(need)] == ["Observation?patient=x&_sort=-date&_count=500"]
    by_category = searches_of(need, EPIC)
    assert [search.key for search in by_category][:2] == ["observationsLaboratory", "observationsVitalSigns"]
    assert by_category[1].query("x") == "Observation?patient=x&category=vital-signs&_count=500"
    small = searches_of(need, SearchForm(page_size=50))[0]
    assert small.query("x") == "Observation?patient=x&_sort=-date&_count=50"
    assert searches_of(need, SearchForm(sort=False, page_size=0))[0].query("x") == "Observation?patient=x"


def test_observations_by_category(asking: Asking) -> None:
    """A profile's categories are searched one by one, and the source is whole when each of them is."""
    server = Picky("category")
    found = asking.retrieve(server, all_but("observations"), form=EPIC)
    assert server.paths == sorted(
        f"Observation?patient={PATIENT}&category={name}&_count=500" for name in OBSERVATION_CATEGORIES
    )
    assert found.readings["observations"].state is COMPLETE
    assert len(found.readings["observations"].resources) == 1
    assert found.results == {"observations": "ok"}


def test_one_category_that_fails_leaves_the_source_partial(asking: Asking) -> None:
    """What one search did not bring may have been what mattered."""
    server = FakeServer(RECORDS, special={f"Observation?patient={PATIENT}&category=exam": [answer(b"", 500)]})
    assert asking.retrieve(server, all_but("observations"), form=EPIC).readings["observations"].state is PARTIAL


@pytest.mark.parametrize("batch", [False, True])
def test_a_missing_category_is_learned(asking: Asking, batch: bool) -> None:
    """A server that wants a category is asked by category at once, and from the start the next time."""
    server = Picky("category", batches=False)
    first = asking.retrieve(server, batch=batch)
    assert first.readings["observations"].state is COMPLETE
    assert first.readings["observations"].resources
    assert server.count("Observation?") == 1 + NUMBER
    server.requests.clear()
    assert asking.retrieve(server).readings["observations"].state is COMPLETE
    assert server.count("Observation?") == NUMBER
    assert not [path for path in server.paths if path.startswith("Observation?") and "category=" not in path]


@pytest.mark.parametrize("code", ["not-supported", "invalid", "value"])
@pytest.mark.parametrize("parameter", ["_sort", "_count"])
def test_a_parameter_that_is_not_taken_is_left_out(asking: Asking, parameter: str, code: str) -> None:
    """Sorting and the size of pages are no reason to go without a source."""
    server = Picky(refused=parameter, code=code)
    assert asking.retrieve(server).readings["procedures"].state is COMPLETE
    asked = server.count("Procedure?")
    server.requests.clear()
    assert asking.retrieve(server).readings["procedures"].state is COMPLETE
    assert (asked > 1, server.count("Procedure?")) == (True, 1)


def test_everything_at_once_is_learned(asking: Asking) -> None:
    """A server that wants a category and takes no sorting is searched in the one form that is left."""
    server = Picky("category", "_sort")
    assert asking.retrieve(server).readings["observations"].state is COMPLETE


def test_a_search_that_stays_refused_is_given_up(asking: Asking) -> None:
    """When no narrower form is left, the type is not offered, and nothing is remembered of it."""
    server = FakeServer(RECORDS, special={"Procedure?": lambda _: answer(refusal("not-supported"), 400)})
    for _ in range(2):
        assert asking.retrieve(server).readings["procedures"].state is NOT_PROVIDED
    assert server.count("Procedure?") == 6


@pytest.mark.parametrize("limit", ["_sort", "_count"])
def test_the_whole_is_tried_before_categories(asking: Asking, limit: str) -> None:
    """A server that takes no sorting, or no large page, is searched whole: a record without a category is not lost."""

    def weigh(request: FhirRequest) -> Any:
        refused = f"{limit}=" in request.url or "category=" in request.url
        path = request.url.removeprefix(f"{BASE}/")
        return answer(refusal("value"), 400) if refused else answer(*server._get(path))

    server = FakeServer(RECORDS, special={"Observation?": weigh})
    found = asking.retrieve(server).readings["observations"]
    assert (found.state, len(found.resources)) == (COMPLETE, 1)


def test_categories_that_nobody_asked_for_leave_the_source_partial(asking: Asking) -> None:
    """A server that takes Observations by category only, and does not say so, may hold some without a category."""

    def weigh(request: FhirRequest) -> Any:
        path = request.url.removeprefix(f"{BASE}/")
        return answer(*server._get(path)) if "category=" in path else answer(refusal("invalid"), 400)

    server = FakeServer(RECORDS, special={"Observation?": weigh})
    for asked in (3 + NUMBER, NUMBER):
        found = asking.retrieve(server)
        assert (found.readings["observations"].state, found.results["observations"]) == (PARTIAL, "partial")
        assert found.readings["observations"].resources
        assert server.count("Observation?") == asked
        server.requests.clear()


@pytest.mark.parametrize("code", ["processing", "not-supported", "required"])
@pytest.mark.parametrize("status", [401, 403, 404, 410])
@pytest.mark.parametrize("batch", [False, True])
def test_only_what_is_about_the_form_is_asked_again(asking: Asking, status: int, code: str, batch: bool) -> None:
    """Who asks, or for what, is not mended by another form: each search is put once, with a refused token too."""
    server = FakeServer(RECORDS, special={"Observation?": [answer(refusal(code), status)] * 9})
    asking.retrieve(server, all_but("patient", "observations"), batch=batch)
    assert server.count("Observation?") == (0 if batch else 1)


def test_an_outcome_alone_accepts_nothing(asking: Asking) -> None:
    """A narrower form that is answered with a failure is not remembered: the next call asks as usual."""
    special = {"Procedure?": [answer(refusal("invalid"), 422), answer(refusal("exception"))]}
    server = FakeServer(RECORDS, special=special)
    assert asking.retrieve(server, all_but("procedures")).readings["procedures"].state is SourceState.UNAVAILABLE
    server.requests.clear()
    assert asking.retrieve(server, all_but("procedures")).readings["procedures"].state is COMPLETE
    assert server.paths == [f"Procedure?patient={PATIENT}&_sort=-date&_count=200"]


def test_what_one_client_taught_does_not_overrule_the_profile_of_another(asking: Asking) -> None:
    """Two clients of one server are each asked as their own profile says."""
    server = Picky(refused="_sort")
    asking.retrieve(server)
    server.requests.clear()
    asking.retrieve(server, form=SearchForm(("laboratory", "exam"), sort=False))
    asked = [path for path in server.paths if path.startswith("Observation?")]
    assert asked == [f"Observation?patient={PATIENT}&category={name}&_count=500" for name in ("exam", "laboratory")]


def test_a_server_that_ignores_the_category_sends_nothing_twice(asking: Asking) -> None:
    """Each record counts once, however many searches bring it."""
    found = asking.retrieve(FakeServer(RECORDS), form=EPIC)
    assert len(found.readings["observations"].resources) == 1


def test_categories_that_were_sent_are_not_asked_for(asking: Asking) -> None:
    """A prefetch by category is completed by category; what it holds is not asked for again."""
    sent = {"observationsLaboratory": bundle(observation(FOOT_DROP)), "observationsExam": None}
    server = FakeServer((patient(),))
    found = asking.retrieve(server, all_but("observations", **sent))
    assert [path.partition("&_")[0] for path in server.paths] == [
        f"Observation?patient={PATIENT}&category={name}" for name in ("social-history", "survey", "vital-signs")
    ]
    assert found.readings["observations"].state is COMPLETE
    assert len(found.readings["observations"].resources) == 1


def test_what_was_learned_ends() -> None:
    """Servers are upgraded: a form is forgotten after an hour, and the memory of them is bounded."""
    clock = FakeClock()
    learned = LearnedForms(clock)
    learned.note(BASE, "Observation", SearchForm(), EPIC)
    assert learned.form(BASE, "Observation", SearchForm()) == EPIC
    assert learned.form(BASE, "Procedure", SearchForm()) == SearchForm()
    clock.now += 3601
    assert learned.form(BASE, "Observation", SearchForm()) == SearchForm()
    for number in range(3000):
        learned.note(f"{BASE}/{number}", "Observation", SearchForm(), EPIC)
    assert len(learned._forms) <= 1000
