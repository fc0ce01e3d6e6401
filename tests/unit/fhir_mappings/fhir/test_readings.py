"""Pages and answers put together: complete only when nothing is missing."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mappings.fhir.readings import at_most_partial, joined, read_answer, with_resources
from fhir_mappings.fhir.sources import SourceReading, SourceState, read_source
from tests.unit.fhir_mappings.records import FAILURE, FOOT_DROP, PAIN, bundle, condition, encoded

COMPLETE, PARTIAL, UNAVAILABLE = SourceState.COMPLETE, SourceState.PARTIAL, SourceState.UNAVAILABLE
ONE, TWO = condition(PAIN), condition(FOOT_DROP)
NAMELESS = {name: value for name, value in ONE.items() if name != "id"}
SHORTENED = {"resourceType": "OperationOutcome", "issue": [{"severity": "information", "code": "suppressed"}]}


def page(*found: Any, total: int | None = None, last: bool = False) -> SourceReading:
    """Return the reading of a page, with a next link unless it is the last."""
    link = None if last else [{"relation": "next", "url": "x"}]
    return read_source(encoded(bundle(*found, total=total, link=link)), "Condition")


@pytest.mark.parametrize(
    ("pages", "state"),
    [
        ([page(ONE, last=True)], COMPLETE),
        ([page(ONE)], PARTIAL),
        ([page(ONE), page(TWO, last=True)], COMPLETE),
        ([page(ONE), page(last=True)], COMPLETE),
        ([page(ONE), page(TWO)], PARTIAL),
        ([page(ONE, total=2), page(TWO, total=2, last=True)], COMPLETE),
        ([page(ONE, total=3), page(TWO, last=True)], PARTIAL),
        ([page(ONE, total=2), page(ONE, total=2, last=True)], PARTIAL),
        ([page(ONE), page(ONE, last=True)], COMPLETE),
        ([page(NAMELESS, total=2), page(NAMELESS, total=2, last=True)], COMPLETE),
        ([page(ONE, FAILURE), page(TWO, last=True)], PARTIAL),
        ([page(ONE), page(FAILURE, last=True)], PARTIAL),
        ([page(ONE), read_source(encoded(TWO), "Condition")], COMPLETE),
        ([page(ONE), read_source(encoded([TWO]), "Condition")], PARTIAL),
    ],
)
def test_pages_together(pages: list[SourceReading], state: SourceState) -> None:
    """Pages are complete when each was sound, the last has no next link, and all that was announced is there."""
    reading = joined(pages, "Condition")
    assert reading.state is state
    assert len(reading.resources) == sum(len(each.resources) for each in pages)


def test_what_a_page_withholds_is_remembered() -> None:
    """That a server held something back on one page is known of the whole."""
    assert joined([page(ONE, SHORTENED), page(TWO, last=True)], "Condition").withheld
    assert not joined([page(ONE), page(TWO, last=True)], "Condition").withheld


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"7", b"{}", b'"x"', b'{"resourceType": "Parameters"}', b"\xff"])
def test_answers_that_are_no_fhir(body: bytes) -> None:
    """What a proxy or another program answers is no empty source."""
    assert read_answer(body, "Condition") is None


def test_readings_made_less() -> None:
    """A reading that may lack something is at most partial; resources that came another way change no state."""
    whole, failed = page(ONE, last=True), read_source(encoded(FAILURE), "Condition")
    assert at_most_partial(whole).state is PARTIAL
    assert at_most_partial(failed) is failed
    more = with_resources(failed, whole.resources)
    assert (more.state, more.resources) == (UNAVAILABLE, whole.resources)
