"""The texts of cards: short enough, honest about what was not seen, and each line saying what rests on what."""

from __future__ import annotations

import re
from typing import Any

import pytest

from cards.decision.decision import Message
from cards.guideline.guideline import MESSAGES, Indicator
from cards.response.limits import Limits
from cards.response.measure import counted_words
from cards.response.text import LONGEST_SUMMARY, CardText
from fhir_mappings.criteria.findings import Evidence
from fhir_mappings.fhir.dates import UNKNOWN_DATE, parse_date
from fhir_mappings.fhir.needs import DATA_NEEDS
from tests.spec.wording_rules import reassurances
from tests.unit.cards.advice import ACUTE, SITUATIONS, advise, cards_of, english, situation
from tests.unit.fhir_mappings.records import (
    CAUDA_EQUINA,
    FAILURE,
    FOOT_DROP,
    PAIN,
    Resource,
    ago,
    allergy,
    bundle,
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


def limits(*resources: Resource, **how: Any) -> str:
    """Return what the explanation about some resources says of its limits."""
    return "\n".join(Limits(advise(*resources, **how), english()).sentences())


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
        assert card["detail"].count("Not validated by clinicians") == 1
        assert "Not validated by clinicians" in card["detail"].splitlines()[-1]
        assert not CODED.search(card["detail"])


@pytest.mark.parametrize("name", SITUATIONS)
def test_detail_keeps_within_its_words(name: str) -> None:
    """A detail has at most 60 words, 80 where it is critical or about an implant, 110 where an emergency meets one."""
    for card in cards_of(situation(name)):
        words = counted_words(card["detail"].split("\n\n")[:-1])
        topic = card["source"]["topic"]["code"]
        pressing = card["indicator"] == "critical" or topic.startswith("CMR")
        assert words <= (110 if topic.startswith("CEMERG") else 80 if pressing else 60), card["detail"]


def test_several_orders_are_told_apart() -> None:
    """The study is named only where a call holds several orders."""
    text, said = CardText(situation("acute pain"), english()), situation("acute pain").messages
    assert "**Order:** MRI lumbar spine" in text.detail(said, several=True)
    assert "**Order:**" not in text.detail(said)


# Resource references, statement ids and names of code systems: the explanation's.
CODED = re.compile(r"`|\b(?:Condition|Observation|ServiceRequest)/|\bS\d\d\b|SNOMED|ICD-10|LOINC|Basis:")
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
        (condition(CAUDA_EQUINA, 3), "Cauda equina syndrome (30 May 2026)"),
        (condition(FOOT_DROP, "2026-05"), "(May 2026)"),
        (condition(FOOT_DROP, None), "(undated)"),
        (condition(FOOT_DROP, 3, verification="provisional"), "suspected (30 May 2026)"),
        (observation(FOOT_DROP, 3, status="preliminary"), "preliminary (30 May 2026)"),
        (condition("icd:R32", 3), "possible, cause not stated"),
        (observation("loinc:69388-7", 1, valueQuantity=quantity(450, "mL")), "high post-void residual, 450 mL"),
        (observation("loinc:8310-5", 1, valueQuantity=quantity(39.5, "Cel")), "fever, 39.5 °C"),
        (device("sct:14106009", "ncit:C106047"), "labelled MR Unsafe"),
    ],
)
def test_evidence_is_told_in_plain_words(resource: Resource, expected: str) -> None:
    """What was found stands with how much, how certain and when, without its code and its resource."""
    assert expected in detail(resource)


def test_evidence_without_codes_is_named_in_words() -> None:
    """What is known from an answered question is named."""
    text = detail(
        condition(PAIN, 60),
        observation({"text": "Conservative therapy tried?"}, 1, "form", valueString="None"),
    )
    assert "order question: no conservative therapy tried" in text


def noted(text: str, code: str = "cpt:72148", **elements: Any) -> Resource:
    """Return an order of pain with a note of its day."""
    return mri(code, reasons=[PAIN], note=[{"text": text}], **elements)


@pytest.mark.parametrize(
    ("note", "summary", "quote"),
    [
        ("new saddle numbness", "MRI now: saddle numbness, suspected", "“new saddle numbness”, stated in the order"),
        ("r/o CES", "MRI now: suspected cauda equina syndrome.", "“r/o CES”, suspected, stated in the order"),
        ("CES", "MRI now: cauda equina syndrome, stated in the order.", "“CES”, stated in the order"),
        ("epidural abscess", "MRI today: spinal infection, stated in the order.", "“epidural abscess”, stated"),
        ("r/o epidural abscess", "MRI today: suspected spinal infection.", "“r/o epidural abscess”, suspected"),
        ("r/o cord compression", "MRI now: suspected cord compression.", "“r/o cord compression”, suspected"),
        ("PVR 650 mL", "MRI now: high post-void residual", "“PVR 650 mL”, stated in the order"),
        ("EHL 2/5 on R", "MRI today: new leg weakness", "“EHL 2/5 on R”, stated in the order"),
        ("has pacemaker", "pacemaker is not cleared", "“has pacemaker”, stated in the order"),
        ("bilateral sciatica", "Pain runs down both legs", "“bilateral sciatica”, stated in the order"),
        (
            "bilateral sciatica, bladder changes",
            "sign with pain in both legs, suspected",
            "“bilateral sciatica, bladder",
        ),
        ("known AAA 5.2 cm", "first: text about an aneurysm or a dissection. One", "“known AAA 5.2 cm”"),
    ],
)
def test_what_the_order_says_is_quoted(note: str, summary: str, quote: str) -> None:
    """The card shows the words it rests on, and calls neither them nor a suspicion a record."""
    (card,) = cards_of(advise(ACUTE, order=noted(note)))
    assert summary in card["summary"]
    assert quote in card["detail"]
    assert "on record" not in card["summary"]


def test_recorded_diagnosis_is_on_record() -> None:
    """A diagnosis that somebody recorded as certain is told so, and a provisional one is not."""
    (sure,) = cards_of(advise(condition(CAUDA_EQUINA, 3)))
    (unsure,) = cards_of(advise(condition(CAUDA_EQUINA, 3, verification="provisional")))
    assert "cauda equina syndrome (30 May 2026) on record" in sure["summary"]
    assert unsure["summary"].startswith("MRI now: suspected cauda equina syndrome (30 May 2026).")


def test_screened_implant_is_named_however_short() -> None:
    """A card without room for the words about an implant still says which one it is."""
    assert "Implant to be screened: embolization coil" in detail(
        ACUTE, order=noted("hx cerebral aneurysm coiling 2010")
    )


@pytest.mark.parametrize("code", ["cpt:72158", "cpt:72149", "loinc:24968-0"])
def test_known_reaction_to_contrast_is_never_silent(code: str) -> None:
    """A reaction is told beside advice to wait, as long as the order may bring contrast."""
    known = allergy("rx:1310171")
    assert "gadolinium allergy" in detail(ACUTE, known, order=mri(code, reasons=[PAIN])).casefold()
    assert "gadolinium" not in detail(ACUTE, known, order=mri(reasons=[PAIN])).casefold()


def test_contrast_without_reason_is_told_why() -> None:
    """Contrast alone, without a reason, is answered with what is seen without it."""
    resources, how = SITUATIONS["failed care, needless contrast"]
    for code in ("cpt:72158", "cpt:72149"):
        text = detail(*resources, **(how | {"order": mri(code, reasons=[PAIN])}))
        assert "marrow and canal show without contrast" in text


@pytest.mark.parametrize(
    "name", ["acute pain", "acute pain with contrast", "acute pain at 66", "pacemaker, acute pain"]
)
def test_patient_is_told_when_to_come_back(name: str) -> None:
    """Advice to wait never goes without the signs that end the wait."""
    (card,) = cards_of(situation(name))
    for sign in ("bladder or bowel", "saddle numbness", "leg weakness", "fever"):
        assert sign in card["detail"]


def begins_therapy(card: dict[str, Any]) -> bool:
    """Whether a press would begin physical therapy."""
    return any("physical therapy" in item["label"].casefold() for item in card.get("suggestions", ()))


def test_pressing_order_with_a_question_of_its_own_is_asked_that() -> None:
    """Who ordered at once and named a reason is not told that none was found, nor offered therapy."""
    (asked,) = cards_of(advise(ACUTE, order=noted("hx prostate cancer", priority="stat")))
    assert "no reason" not in asked["summary"]
    assert "“hx prostate cancer”: is there, or was there, a cancer?" in asked["detail"]
    assert not begins_therapy(asked)
    (unasked,) = cards_of(advise(ACUTE, order=mri(reasons=[PAIN], priority="stat")))
    assert "no reason for that was found" in unasked["summary"]


def test_treatment_that_failed_is_not_begun_again() -> None:
    """An order that says that six weeks have failed contradicts a young pain: its beginning is told, and not asked."""
    (card,) = cards_of(advise(ACUTE, order=noted("failed 6 wks PT")))
    assert "“failed 6 wks PT”, stated in the order" in card["detail"]
    assert "Did this episode of pain begin" not in card["detail"]
    assert not begins_therapy(card)


def test_what_may_be_another_disease_is_not_sent_to_therapy() -> None:
    """While the aorta, or the nerves of both legs, are in question, a press begins no therapy."""
    for note in ("known AAA 5.2 cm", "bilateral sciatica"):
        (card,) = cards_of(advise(ACUTE, order=noted(note)))
        assert not begins_therapy(card)


def test_fracture_beside_an_emergency_does_not_put_it_off() -> None:
    """A card that says "MRI now" does not say "CT first"."""
    text = detail(condition(CAUDA_EQUINA), condition("icd:S32.010A"))
    assert "The emergency comes first" in text
    assert "or radiographs, first" not in text


def test_suspected_infection_says_its_contrast_once() -> None:
    """Contrast is part of the card that asks for it, not an offer beside it."""
    (card,) = cards_of(situation("discitis"))
    assert card["detail"].casefold().count("contrast shows") <= 1
    assert "usually appropriate too" not in card["detail"]


def test_repeated_evidence_is_told_once() -> None:
    """The same thing on many days is told with its newest day."""
    text = detail(*(condition(FOOT_DROP, day, resource_id=f"c-{day}") for day in range(1, 10)))
    assert text.count("Foot-drop") == 1
    assert "(1 Jun 2026)" in text


def test_sender_cannot_write_markup() -> None:
    """Words of the record that a question repeats are text, never a link or an emphasis."""
    text = detail(condition({"text": "**leg** [weakness](http://a.test)"}, 3), condition(PAIN, 5))
    assert "](http" not in text.replace(r"\](", "")
    assert "**leg**" not in text


@pytest.mark.parametrize(
    ("how", "heading", "source"),
    [
        ({"absent": ["Encounter"]}, "**Not checked**", "encounters"),
        ({"failed": ["Observation"]}, "**Could not be read:**", "observations"),
        ({"cut": ["Procedure"]}, "**Read only in part:**", "procedures"),
        ({"absent": ["MedicationStatement"]}, "**Not offered by the EHR:**", "medication statements"),
    ],
)
def test_what_was_not_seen_is_explained(how: dict[str, Any], heading: str, source: str) -> None:
    """The explanation names each source that was not read whole, and how; the card does not."""
    (line,) = [line for line in limits(condition(FOOT_DROP), **how).splitlines() if line.startswith(heading)]
    assert source in line
    assert heading not in detail(condition(FOOT_DROP), **how)


def test_complete_record_has_no_limits_to_tell() -> None:
    """Nothing is said of missing sources when none is missing."""
    text = limits(condition(FOOT_DROP))
    for heading in (
        "Not checked",
        "Could not be read",
        "Read only in part",
        "Not offered",
        "another patient",
        "in part",
    ):
        assert heading not in text


@pytest.mark.parametrize(
    ("resources", "asked"), [((), True), ((device("sct:67270000"),), False), ((device("sct:14106009"),), False)]
)
def test_no_implant_on_record_is_no_clearance(resources: tuple[Resource, ...], asked: bool) -> None:
    """Without any implant on record the explanation tells to ask the patient."""
    assert ("does not exclude one" in limits(condition(FOOT_DROP), *resources)) is asked


def test_foreign_and_damaged_records_are_reported() -> None:
    """Records of another patient and records read in part are told by kind and number, never by content."""
    foreign = condition(FOOT_DROP, 3, resource_id="theirs", subject={"reference": "Patient/pat-2"})
    text = limits(condition(CAUDA_EQUINA, 3, note=7), foreign)
    assert "**Records of another patient** were received and not used: conditions." in text
    assert "**Records that could be read only in part:** 1." in text
    assert "theirs" not in text
    assert "pat-2" not in text


@pytest.mark.parametrize(
    ("name", "phrase"),
    [
        ("acute pain with contrast", "If scanned all the same: without contrast."),
        ("pacemaker, acute pain", "not due now anyway"),
        ("unsafe implant, cauda equina", "Do not start an MRI before the implant is cleared"),
        ("incontinence", "may have another cause"),
        ("both legs", "both legs"),
        ("failed care, contrast not stated", "does not state contrast"),
        ("after surgery, poor kidneys", "group II agent"),
        ("after surgery, contrast only", "without and with is the study to order"),
        ("insulin pump", "Take an insulin pump off"),
        ("acute pain", "this does not exclude one"),
        ("nothing known", "rules nothing out"),
        ("conditions not readable", "look at the chart"),
        ("recent study", "13 May 2026"),
    ],
)
def test_variant_of_a_text(name: str, phrase: str) -> None:
    """A situation that differs from the usual one is told in its own words."""
    text = "\n".join(card["summary"] + card["detail"] for card in cards_of(situation(name)))
    assert phrase in text


def test_what_was_found_is_told_once() -> None:
    """Two messages of one card that rest on the same record do not both quote it."""
    (card,) = cards_of(situation("cancer history"))
    assert "Contrast may help" in card["detail"]
    assert card["detail"].count("**Found:**") == 1


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


def test_question_is_asked_in_words() -> None:
    """Each open question stands as a line, under a heading where the questions lead."""
    (card, *_) = cards_of(situation("chronic pain without care"))
    assert "**Please answer:**" in card["detail"]
    assert "Have six weeks of treatment failed" in card["detail"]
    assert "One question to answer" in card["summary"] or "questions to answer" in card["summary"]


def test_withheld_parts_are_said() -> None:
    """A server that says it suppressed something is quoted as saying so."""
    suppressed = FAILURE | {"issue": [{"severity": "information", "code": "suppressed"}]}
    value = bundle(condition(FOOT_DROP), total=None)
    value["entry"] = [*value["entry"], {"resource": suppressed, "search": {"mode": "outcome"}}]
    assert "may be withheld" in limits(values={"conditions": value})


def test_undated_evidence_is_shown_as_such() -> None:
    """An unknown date is said, not left out."""
    evidence = Evidence("Encounter/e", "cauda_equina", when=UNKNOWN_DATE)
    message = Message("C-EMERG-CES", Indicator.CRITICAL, (evidence,))
    text = CardText(advise(encounter(CAUDA_EQUINA, None)), english())
    assert "undated" in text.detail([message])
    assert "()" not in text.summary(message)


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
    assert "No implant is on record" not in text


def test_date_that_cannot_be_right_is_asked_about_when_the_scan_fits() -> None:
    """An order that fits the guidance brings the question all the same, since the answer may forbid the scan."""
    resources, how = SITUATIONS["failed care"]
    ahead = condition("sct:441509002", -30, resource_id="ahead")
    assessment = advise(*resources, ahead, **how)
    assert assessment.outcome.value == "APPROPRIATE"
    assert "future_date" in {question for message in assessment.messages for question in message.questions}


def test_card_that_holds_the_scan_asks_nothing_that_cannot_be_answered() -> None:
    """While an implant decides, whether the picture would change the plan is nobody's question."""
    for name in ("pacemaker", "unsafe implant"):
        (card,) = cards_of(situation(name))
        assert "Six weeks of conservative care have passed" in card["detail"]
        assert "candidate" not in card["detail"]
        assert "?" not in card["detail"]


def test_detail_dates_what_the_summary_dates() -> None:
    """A device without a date does not hide when the same implant is on record."""
    (card,) = cards_of(advise(ACUTE, device("sct:14106009"), condition("icd:Z95.0", 400)))
    assert "28 Apr 2025" in card["summary"]
    assert "28 Apr 2025" in card["detail"]
