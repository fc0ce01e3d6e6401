"""What the guideline says of itself: rules, statements, numbers, codes and messages refer to each other completely."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, fields
from importlib import resources
from itertools import chain
from typing import Any

import pytest

from cards.guideline.changelog import load_changelog
from cards.guideline.guideline import (
    FOOTER_STATEMENT,
    GUIDELINE_VERSION,
    LEADS_TO,
    MESSAGE_TYPES,
    MESSAGES,
    OFFERS,
    RULES,
    Outcome,
    Rule,
)
from cards.guideline.wording import load_wording
from cards.suggestions.drafts import concept_of
from fhir_mappings.criteria.registry import (
    CRITERIA,
    ORDER_CONCEPTS,
    READING_CONCEPTS,
    READING_THRESHOLDS,
    UNUSED_CONCEPTS,
    Criterion,
)
from fhir_mappings.criteria.thresholds import Thresholds
from fhir_mappings.fhir.needs import DATA_NEEDS
from tests.spec.wording_rules import reassurances
from tests.terminology import bundled_index

WORDING = load_wording()
CONCEPTS = bundled_index().concept_ids
NUMBERS = {field.name for field in fields(Thresholds)}
ALL_RULES: tuple[Criterion | Rule, ...] = (*CRITERIA, *RULES)
BY_ID = pytest.mark.parametrize("criterion", CRITERIA, ids=lambda criterion: criterion.id)
# Sections of the catalogue that only the criteria page says.
PAGE = ("outcomes", "rules", "statements", "reading", "decisions", "criteria-page")


def _orderable_concepts() -> set[str]:
    file = resources.files("cards.suggestions") / "orderables.toml"
    return {concept_of(name) for name in tomllib.loads(file.read_text(encoding="utf-8"))}


def _used_by_rules() -> set[str]:
    return {concept for criterion in CRITERIA for concept in criterion.concepts}


@BY_ID
def test_criterion_refers_to_what_exists(criterion: Criterion) -> None:
    """Concepts, numbers, sources and citations of a criterion exist, and none is named twice."""
    for named, known in (
        (criterion.concepts, CONCEPTS),
        (criterion.thresholds, NUMBERS),
        (criterion.sources, {need.resource_type for need in DATA_NEEDS}),
        (criterion.citations, set(WORDING.get("citations"))),
    ):
        assert set(named) <= known
        assert len(named) == len(set(named))
    assert criterion.sources


def test_every_number_is_used() -> None:
    """Each threshold belongs to a criterion, or to the reading of records."""
    used = set(chain.from_iterable(criterion.thresholds for criterion in CRITERIA))
    assert used | set(READING_THRESHOLDS) == NUMBERS


def test_every_value_set_is_used_or_said_not_to_be() -> None:
    """A value set that nothing asks for would look like a rule that does not run."""
    used = _used_by_rules() | {*ORDER_CONCEPTS, *READING_CONCEPTS} | _orderable_concepts()
    assert used | set(UNUSED_CONCEPTS) == CONCEPTS
    assert used.isdisjoint(UNUSED_CONCEPTS)


def test_ids_of_rules_are_unique() -> None:
    """A rule stands in the metadata once."""
    ids = [rule.id for rule in ALL_RULES]
    assert len(ids) == len(set(ids))


def test_every_criterion_leads_somewhere() -> None:
    """A criterion that no message can follow from would be computed for nothing."""
    assert set(LEADS_TO) == {criterion.id for criterion in CRITERIA}
    assert all(LEADS_TO.values())


def test_every_message_follows_from_a_rule() -> None:
    """No message is said without a rule that it rests on, and none is unknown."""
    named = set(chain.from_iterable((*LEADS_TO.values(), *(rule.messages for rule in RULES))))
    assert named == set(MESSAGES)


def test_offers_name_suggestions_of_the_catalogue() -> None:
    """Every suggestion of the catalogue belongs to a message, and the other way round."""
    assert set(OFFERS) <= set(MESSAGES)
    assert set(chain.from_iterable(OFFERS.values())) == set(WORDING.get("suggestions")) - {"orderables"}


def test_messages_cite_and_override_what_exists() -> None:
    """Citations and override reasons of every message are in the catalogue."""
    for message in MESSAGE_TYPES:
        assert set(message.citations) <= set(WORDING.get("citations"))
        assert set(message.overrides) <= set(WORDING.get("overrides"))


def test_every_statement_belongs_to_a_rule() -> None:
    """Each statement has its text and a rule that implements it; messages name no others."""
    implemented = set(chain.from_iterable(rule.statements for rule in ALL_RULES)) | {FOOTER_STATEMENT}
    assert implemented == set(WORDING.get("statements"))
    assert set(chain.from_iterable(message.statements for message in MESSAGE_TYPES)) <= implemented


def test_every_rule_says_when_it_is_met() -> None:
    """Each rule and each outcome has one sentence of its own."""
    assert set(WORDING.get("rules")) == {rule.id for rule in ALL_RULES}
    assert set(WORDING.get("outcomes")) == {outcome.value for outcome in Outcome}


def test_every_design_decision_is_there() -> None:
    """The decisions are numbered without a gap."""
    decisions = list(WORDING.get("decisions"))
    assert decisions == [f"D{number:02}" for number in range(1, len(decisions) + 1)]


def _sentences(section: str) -> dict[str, Any]:
    sentences: dict[str, Any] = WORDING.get(section)
    return sentences


@pytest.mark.parametrize(("section", "key"), [(section, key) for section in PAGE for key in _sentences(section)])
def test_page_texts_can_be_filled_and_never_reassure(section: str, key: str) -> None:
    """A sentence names numbers by their threshold, so that it cannot drift, and never says that something is safe."""
    text = WORDING.text(section, key, **asdict(Thresholds()))
    assert text
    assert reassurances({"summary": text, "detail": ""}) == []


def test_newest_change_is_of_this_version() -> None:
    """A changed version says what changed."""
    newest, *_ = load_changelog()
    assert newest.version == GUIDELINE_VERSION
    assert newest.changes


def test_changelog_goes_back_in_time() -> None:
    """Versions are listed once each, the newest first."""
    releases = load_changelog()
    assert [release.date for release in releases] == sorted((release.date for release in releases), reverse=True)
    assert len({release.version for release in releases}) == len(releases)
