"""Following a source from page to page, and where that ends."""

from __future__ import annotations

import pytest

from fhir_mappings.fhir.sources import SourceState
from fhir_mappings.fhir_client.transport import FhirResponse, TransportError
from tests.unit.fhir_mappings.fhir_client.asking import NOTHING, Asking, all_but
from tests.unit.fhir_mappings.fhir_client.server import BASE, FAILURE, FakeServer, Json, answer
from tests.unit.fhir_mappings.records import FOOT_DROP, PATIENT, Resource, bundle, condition

COMPLETE, PARTIAL = SourceState.COMPLETE, SourceState.PARTIAL
RECORDS = tuple(condition(FOOT_DROP, resource_id=f"c-{number}") for number in range(7))
SEARCH = f"Condition?patient={PATIENT}&_count=500"


def page(*resources: Resource, following: str | None = None, total: int | None = None) -> Json:
    """Return a page with a link to the next one."""
    return bundle(*resources, total=total, link=following and [{"relation": "next", "url": following}])


@pytest.mark.parametrize("totals", [True, False])
@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_all_pages_are_the_source(asking: Asking, size: int, totals: bool) -> None:
    """Whatever the size of its pages, and whether it counts or not, a server's source is read whole."""
    server = FakeServer(RECORDS, page_size={"Condition": size}, totals=totals)
    found = asking.retrieve(server, all_but("conditions"))
    assert {resource.id for resource in found.readings["conditions"].resources} == {each["id"] for each in RECORDS}
    assert (found.readings["conditions"].state, found.results) == (COMPLETE, {"conditions": "ok"})


@pytest.mark.parametrize("totals", [True, False])
def test_prefetched_pages_are_followed(asking: Asking, totals: bool) -> None:
    """The rest of a paged prefetch is fetched, from its next link on, with the token."""
    server = FakeServer(RECORDS, page_size={"Condition": 3}, totals=totals)
    total = len(RECORDS) if totals else None
    first = page(*RECORDS[:2], following=f"{BASE}/{SEARCH}&_start=2", total=total)
    found = asking.retrieve(server, NOTHING | {"conditions": first})
    assert server.paths == [f"{SEARCH}&_start=2", f"{SEARCH}&_start=5"]
    assert len(found.readings["conditions"].resources) == len(RECORDS)
    assert (found.readings["conditions"].state, found.results) == (COMPLETE, {"conditions": "ok"})


def test_a_prefetched_page_with_a_gap_stays_incomplete(asking: Asking) -> None:
    """Further pages do not make up for what was lost on the first."""
    server = FakeServer(RECORDS)
    first = page(*RECORDS[:2], FAILURE, following=f"{SEARCH}&_start=2")
    found = asking.retrieve(server, NOTHING | {"conditions": first})
    assert len(found.readings["conditions"].resources) == len(RECORDS)
    assert found.readings["conditions"].state is PARTIAL


@pytest.mark.parametrize(("pages", "calls"), [(1, 1), (2, 2), (3, 3), (4, 4), (9, 4)])
def test_limit_of_pages(asking: Asking, pages: int, calls: int) -> None:
    """No source is read further than the limit; what is left out leaves it incomplete."""
    server = FakeServer(RECORDS, page_size={"Condition": 2})
    found = asking.retrieve(server, all_but("conditions"), pages=pages)
    assert len(server.requests) == calls
    assert (found.readings["conditions"].state is COMPLETE) is (pages > 3)
    assert len(found.readings["conditions"].resources) == min(2 * pages, len(RECORDS))
    assert found.missing_required == ()


def test_limit_of_pages_counts_the_prefetched_one(asking: Asking) -> None:
    """With one page allowed, a paged prefetch is left as it is."""
    first = page(*RECORDS[:2], following=f"{SEARCH}&_start=2")
    server = FakeServer(RECORDS)
    found = asking.retrieve(server, NOTHING | {"conditions": first}, pages=1)
    assert server.requests == []
    assert found.results == {"conditions": "partial"}


@pytest.mark.parametrize(
    "link",
    [
        "https://other.example/fhir/r4/Condition?page=2",
        "http://ehr.example/fhir/r4/Condition?page=2",
        "https://ehr.example/other/Condition?page=2",
        f"{BASE}/../../admin",
        "",
    ],
)
def test_links_elsewhere_are_not_followed(asking: Asking, link: str) -> None:
    """A next page that is not the server's own is not read, and so the source is incomplete."""
    server = FakeServer(special={"Condition": [answer(page(RECORDS[0], following=link or " "))]})
    found = asking.retrieve(server, all_but("conditions"))
    assert len(server.requests) == 1
    assert found.readings["conditions"].state is PARTIAL
    given = asking.retrieve(FakeServer(), NOTHING | {"conditions": page(RECORDS[0], following=link or " ")})
    assert (given.calls, given.readings["conditions"].state) == ((), PARTIAL)


@pytest.mark.parametrize("url", [None, 7, ["x"], ""])
def test_a_next_link_without_an_address_leaves_the_source_incomplete(asking: Asking, url: Json) -> None:
    """That there is more is said even where it is not said where."""
    paged = bundle(RECORDS[0], total=None) | {"link": [{"relation": "next", "url": url}]}
    found = asking.retrieve(FakeServer(), NOTHING | {"conditions": paged})
    assert (found.calls, found.readings["conditions"].state) == ((), PARTIAL)


def test_loops_end(asking: Asking) -> None:
    """Pages that lead back to each other are each read once, and the source has no end that we saw."""
    pages = {
        "Condition?patient": [answer(page(RECORDS[0], following="Condition?b"))],
        "Condition?b": [answer(page(RECORDS[1], following="Condition?c"))],
        "Condition?c": [answer(page(RECORDS[2], following="Condition?b"))],
    }
    server = FakeServer(special=pages)
    found = asking.retrieve(server, all_but("conditions"))
    assert server.paths == ["Condition?b", "Condition?c", SEARCH]
    assert found.readings["conditions"].state is PARTIAL
    assert len(found.readings["conditions"].resources) == 3


def test_a_page_sent_twice_does_not_make_up_the_total(asking: Asking) -> None:
    """A server that answers the second page with the first again has not shown everything it announced."""
    pages = {
        "Condition?patient": [answer(page(*RECORDS[:2], following="Condition?b", total=4))],
        "Condition?b": [answer(page(*RECORDS[:2], total=4))],
    }
    assert asking.retrieve(FakeServer(special=pages), all_but("conditions")).results == {"conditions": "partial"}


@pytest.mark.parametrize(
    "second",
    [
        answer(FAILURE, 500),
        answer(FAILURE, 401),
        answer(FAILURE),
        answer(bundle(FAILURE)),
        answer(b"<html>"),
        TransportError("timeout"),
    ],
)
def test_pages_before_a_failure_count(asking: Asking, second: FhirResponse | TransportError) -> None:
    """A second page that fails leaves the first one standing, and the source incomplete."""
    pages = {
        "Condition?patient": [answer(page(RECORDS[0], following="Condition?b"))],
        "Condition?b": [second, second],
    }
    found = asking.retrieve(FakeServer(special=pages), all_but("conditions"))
    assert (found.readings["conditions"].state, found.results) == (PARTIAL, {"conditions": "partial"})
    assert len(found.readings["conditions"].resources) == 1
    assert found.missing_required == ()
