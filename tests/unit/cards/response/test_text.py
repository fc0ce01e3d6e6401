"""The texts of cards: short enough, honest about what was not seen, and each line saying what rests on what."""

from __future__ import annotations

from typing import Any

import pytest

from cards.decision.decision import Message
from cards.guideline.guideline import MESSAGES, Indicator
from cards.response.text import LONGEST_SUMMARY, CardText
from fhir_mappings.criteria.findings import Evidence
from fhir_mappings.fhir.dates import UNKNOWN_DATE, parse_date
from fhir_mappings.fhir.needs import DATA_NEEDS
from tests.spec.wording_rules import reassurances
from tests.unit.cards.advice import SITUATIONS, advise, cards_of, english, situation
from tests.unit.fhir_mappings.records import (
    CAUDA_EQUINA,
    FAILURE,
    FOOT_DROP,
    PAIN,
    Resource,
    ago,
    bundle,
    coded,
    condition,
    device,
    encounter,
    mri,
    observation,
    quantity,
)


def detail(*resources: Resource, **how: Any) -> str:
    """Return the details of all cards about some resources."""
    return "\n".join(card["detail"] for card in cards_of(advise(*resources, **how)))


def lines(text: str) -> list[str]:
    """Return the list items of a text."""
    return [line for line in text.splitlines() if line.startswith("- ")]


@pytest.mark.parametrize("name", SITUATIONS)
def test_cards_keep_the_rules_of_wording(name: str) -> None:
    """Every summary fits its line, no placeholder is left, nothing reassures, and every card ends with its standing."""
    for card in cards_of(situation(name)):
        assert 0 < len(card["summary"]) < 140
        text = card["summary"] + card["detail"]
        assert "{" not in text
        assert "}" not in text
        assert "None" not in text
        assert reassurances(card) == []
        assert card["detail"].startswith("**Order:** MRI lumbar spine")
        assert "no clinician has validated" in card["detail"].splitlines()[-1]


LEADING = [kind for kind in MESSAGES.values() if kind.lead]
CONCEPTS = sorted(english().get("concepts"), key=lambda name: len(english().text("concepts", name)), reverse=True)


@pytest.mark.parametrize("kind", LEADING, ids=lambda kind: kind.id)
def test_longest_summary_of_each_message_fits(kind: Any) -> None:
    """With the two longest findings, every source unread and every reason given, a summary stays within its line."""
    table = english().get("messages", kind.id)
    variants = {"default", *table["summary"], *table.get("reasons", {}), *table["text"]} - {"default"}
    sources = tuple(need.resource_type for need in DATA_NEEDS)
    evidence = tuple(Evidence(f"Condition/{name}", name, when=parse_date("2026-05-28")) for name in CONCEPTS[:2])
    text = CardText(situation("acute pain"), english())
    for chosen in [(), *((variant,) for variant in sorted(variants))]:
        for found in ((), evidence[:1], evidence):
            message = Message(kind.id, kind.indicator, found, chosen, ("ces",) * 5, sources)
            summary = text.summary(message)
            assert 0 < len(summary) <= LONGEST_SUMMARY, (chosen, summary)
            assert "{" not in summary


def test_summary_that_is_too_long_is_cut_at_its_end() -> None:
    """A list of sources that does not fit ends in an ellipsis, not in the middle of the protocol's limit."""
    failed = tuple(need.resource_type for need in DATA_NEEDS)
    message = Message("C-DEGRADED", Indicator.WARNING, sources=failed)
    summary = CardText(situation("acute pain"), english()).summary(message)
    assert summary.endswith("…")
    assert len(summary) <= LONGEST_SUMMARY


def test_date_yields_before_the_words() -> None:
    """A summary that is too long with its date drops the date first."""
    evidence = Evidence("Condition/c", "saddle_anaesthesia", when=parse_date("2026-05-28"))
    message = Message("C-EMERG-CES", Indicator.CRITICAL, (evidence,))
    text = CardText(situation("acute pain"), english())
    assert "28 May 2026" in text.summary(message)
    long_word = {**english().table, "concepts": {"saddle_anaesthesia": "x" * 70}}
    crowded = CardText(situation("acute pain"), type(english())("en", long_word)).summary(message)
    assert "28 May 2026" not in crowded
    assert "x" * 70 in crowded


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (condition(CAUDA_EQUINA, 3), ("Cauda equina syndrome", "ICD-10-CM G83.4", "30 May 2026", "`Condition/")),
        (condition(FOOT_DROP, "2026-05"), ("Foot-drop", "SNOMED CT 6077001", "May 2026")),
        (condition(FOOT_DROP, None), ("undated",)),
        (condition(FOOT_DROP, 3, verification="provisional"), ("suspected",)),
        (observation(FOOT_DROP, 3, status="preliminary"), ("preliminary",)),
        (condition("icd:R32", 3), ("possible, cause not stated",)),
        (observation("loinc:69388-7", 1, valueQuantity=quantity(450, "mL")), ("LOINC 69388-7", "450 mL")),
        (observation("loinc:8310-5", 1, valueQuantity=quantity(39.5, "Cel")), ("39.5 °C",)),
        (device("sct:14106009", "ncit:C106047"), ("labelled MR Unsafe",)),
        (condition(coded(FOOT_DROP, "icd:M21.371"), 3, resource_id="c"), ("SNOMED CT 6077001", "ICD-10-CM M21.371")),
    ],
)
def test_line_of_evidence(resource: Resource, expected: tuple[str, ...]) -> None:
    """A line says what was found, its code and system, when, how certain it is, and in which resource."""
    (line,) = [line for line in lines(detail(resource)) if f"`{resource['resourceType']}/" in line][:1]
    for part in expected:
        assert part in line


def test_codes_of_a_system_under_another_name_are_named() -> None:
    """A code sent under an OID is shown with the system's usual name."""
    code = {"coding": [{"system": "urn:oid:2.16.840.1.113883.6.90", "code": "G834"}]}
    assert "ICD-10-CM" in detail(condition(code, resource_id="c"))


def test_evidence_without_codes_is_named_in_words() -> None:
    """What is known from a text or an answered question is named, with the resource that says so."""
    text = detail(
        condition(PAIN, 60),
        observation({"text": "Conservative therapy tried?"}, 1, "form", valueString="None"),
    )
    assert "order question: no conservative therapy tried" in text
    assert "`Observation/form`" in text


def test_long_evidence_is_counted() -> None:
    """More than six lines of evidence are counted rather than listed, the newest first."""
    many = [condition(FOOT_DROP, day, resource_id=f"c-{day}") for day in range(1, 10)]
    text = detail(*many)
    shown = [line for line in lines(text) if "Foot-drop" in line]
    assert len(shown) == 6
    assert "- and 3 more" in text
    assert "`Condition/c-1`" in shown[0]


def test_reason_of_the_order_is_not_repeated() -> None:
    """What the order gives as its reason and the record states as well is one line."""
    text = detail(condition(FOOT_DROP, 3), order=mri(reasons=[FOOT_DROP]))
    assert not [line for line in lines(text) if line.startswith("- ") and "ServiceRequest/mri-1" in line]
    alone = lines(detail(order=mri(reasons=[FOOT_DROP])))
    assert [line for line in alone if line.startswith("- ") and "ServiceRequest/mri-1" in line]


@pytest.mark.parametrize(
    ("how", "heading", "source"),
    [
        ({"absent": ["Encounter"]}, "**Not checked**", "encounters"),
        ({"failed": ["Observation"]}, "**Could not be read:**", "observations"),
        ({"cut": ["Procedure"]}, "**Read only in part:**", "procedures"),
    ],
)
def test_what_was_not_seen_is_said_once(how: dict[str, Any], heading: str, source: str) -> None:
    """The first card of an order names each source that was not read whole, and how."""
    cards = cards_of(advise(condition(FOOT_DROP), device("sct:67270000"), **how))
    (line,) = [line for line in cards[0]["detail"].splitlines() if line.startswith(heading)]
    assert source in line
    assert all(heading not in card["detail"] for card in cards[1:])


def test_complete_record_has_no_limits_to_tell() -> None:
    """Nothing is said of missing sources when none is missing."""
    text = detail(condition(FOOT_DROP))
    for heading in ("Not checked", "Could not be read", "Read only in part", "another patient", "in part"):
        assert heading not in text


@pytest.mark.parametrize(
    ("resources", "asked"), [((), True), ((device("sct:67270000"),), False), ((device("sct:14106009"),), False)]
)
def test_no_implant_on_record_is_no_clearance(resources: tuple[Resource, ...], asked: bool) -> None:
    """Without any implant on record the card still tells to ask the patient."""
    assert ("does not exclude one" in detail(condition(FOOT_DROP), *resources)) is asked


def test_foreign_and_damaged_records_are_reported() -> None:
    """Records of another patient and records read in part are told by kind and number, never by content."""
    foreign = condition(FOOT_DROP, 3, resource_id="theirs", subject={"reference": "Patient/pat-2"})
    text = detail(condition(CAUDA_EQUINA, 3, note=7), foreign)
    assert "**Records of another patient** were received and not used: conditions." in text
    assert "**Records that could be read only in part:** 1." in text
    assert "theirs" not in text
    assert "pat-2" not in text


@pytest.mark.parametrize(
    ("name", "phrase"),
    [
        ("acute pain with contrast", "without contrast is the preferred study"),
        ("pacemaker, acute pain", "not due now anyway"),
        ("unsafe implant, cauda equina", "Do not start an MRI before the implant is cleared"),
        ("incontinence", "may have another cause"),
        ("both legs", "both legs"),
        ("failed care, contrast not stated", "does not state contrast"),
        ("after surgery, poor kidneys", "group II agent"),
        ("after surgery, contrast only", "without and with is the study to order"),
        ("insulin pump", "Take an insulin pump off"),
        ("acute pain", "this does not exclude one"),
        ("nothing known", "negative screen"),
        ("conditions not readable", "look at the chart"),
        ("recent study", "13 May 2026"),
    ],
)
def test_variant_of_a_text(name: str, phrase: str) -> None:
    """A situation that differs from the usual one is told in its own words."""
    text = "\n".join(card["summary"] + card["detail"] for card in cards_of(situation(name)))
    assert phrase in text


def test_blocked_emergency_never_tells_to_scan() -> None:
    """With an implant that forbids the scan, the emergency's summary does not say "MRI now"."""
    (first, *_) = cards_of(situation("unsafe implant, cauda equina"))
    assert "MRI now" not in first["summary"]
    assert first["indicator"] == "critical"


@pytest.mark.parametrize(
    ("resources", "day"),
    [
        ((condition(PAIN, 10),), "4 Jul 2026"),  # 42 days after 23 May
        ((condition(PAIN, 41),), "3 Jun 2026"),
        ((condition(PAIN, "2026-05"),), "12 Jul 2026"),
        (
            (condition(PAIN, 12), condition("sct:278860009", 900, "resolved", abatementDateTime=ago(800))),
            "2 Jul 2026",
        ),
    ],
)
def test_recheck_is_six_weeks_after_the_pain_began(resources: tuple[Resource, ...], day: str) -> None:
    """The re-check counts from the last day on which this episode can have begun, whatever came years before."""
    assert day in cards_of(advise(*resources))[0]["summary"]


def test_sources_of_a_card() -> None:
    """A card names what it cites and the statements it implements, each once."""
    (card, *_) = cards_of(situation("acute pain"))
    (basis,) = [line for line in card["detail"].splitlines() if line.startswith("**Basis:**")]
    assert basis.count("lumbar MRI guidance text") == 1
    assert "S01" in basis
    (degraded, *_) = cards_of(situation("conditions not readable"))
    assert "**Basis:**" not in degraded["detail"]


def test_statements_are_left_out_where_there_are_none() -> None:
    """A message that rests on another source than the guidance text cites that source alone."""
    text = CardText(situation("recent study"), english())
    duplicate = [message for message in situation("recent study").messages if message.id == "C-DUP"]
    assert "**Basis:** ACP imaging advice (2011)." in text.detail(duplicate, first=False)


def test_question_is_asked_in_words() -> None:
    """Each open question stands as a line, under a heading where the questions lead."""
    (card, *_) = cards_of(situation("chronic pain without care"))
    assert "**Please answer:**" in card["detail"]
    assert "Which conservative treatment was given" in card["detail"]
    assert "One question to answer" in card["summary"] or "questions to answer" in card["summary"]


def test_withheld_parts_are_said() -> None:
    """A server that says it suppressed something is quoted as saying so."""
    suppressed = FAILURE | {"issue": [{"severity": "information", "code": "suppressed"}]}
    value = bundle(condition(FOOT_DROP), total=None)
    value["entry"] = [*value["entry"], {"resource": suppressed, "search": {"mode": "outcome"}}]
    assert "may be withheld" in detail(values={"conditions": value})


def test_undated_evidence_is_shown_as_such() -> None:
    """An unknown date is said, not left out."""
    evidence = Evidence("Encounter/e", "cauda_equina", when=UNKNOWN_DATE)
    message = Message("C-EMERG-CES", Indicator.CRITICAL, (evidence,))
    text = CardText(advise(encounter(CAUDA_EQUINA, None)), english())
    assert "undated" in text.detail([message], first=False)
    assert "()" not in text.summary(message)


@pytest.mark.parametrize("name", SITUATIONS)
def test_every_card_says_how_firm_it_is(name: str) -> None:
    """Each card names what it rests on and that the guidance is provisional; a failure rests on no guidance."""
    for card in cards_of(situation(name)):
        assert "secondary source still under review" in card["detail"]
        assert ("**Basis:**" in card["detail"]) == (name not in ("everything failed", "conditions not readable"))


@pytest.mark.parametrize(
    "others",
    [
        (condition(PAIN, 10),),
        (condition(PAIN, 70), *(observation("sct:6077001", 3, "o"),)),
        (condition(CAUDA_EQUINA, 1),),
    ],
    ids=["early", "deficit", "emergency"],
)
def test_implant_dated_after_the_order_is_named(others: tuple[Resource, ...]) -> None:
    """An implant with a date that cannot be right is told, whatever the advice: it may be there all the same."""
    ahead = condition("sct:441509002", -30, resource_id="ahead")
    text = detail(*others, ahead)
    assert "Dated after the order" in text
    assert "Condition/ahead" in text
    assert "No implant is on record" not in text


def test_date_that_cannot_be_right_is_asked_about_when_the_scan_fits() -> None:
    """An order that fits the guidance brings the question all the same, since the answer may forbid the scan."""
    resources, how = SITUATIONS["failed care"]
    ahead = condition("sct:441509002", -30, resource_id="ahead")
    assessment = advise(*resources, ahead, **how)
    assert assessment.outcome.value == "APPROPRIATE"
    assert "future_date" in {question for message in assessment.messages for question in message.questions}
