"""What must hold between two answers: a red flag more, a source less, another order, another day."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from cards.guideline.guideline import Outcome
from cards.response.rating import Rating, rating_of
from cards.response.response import ASSESSMENTS
from fhir_mappings.fhir.needs import CORE_SOURCES, DATA_NEEDS, SUPPLEMENTARY_SOURCES
from tests.property.advice import KEYS, OTHER_PATIENT, Answer, Case, Json, Resource, advise, bundle, urgency, wording
from tests.property.charts import BLOCKING, HL7, ICD, about, devices, records, unrelated
from tests.property.profile import law
from tests.property.stories import cases, filed, of_another, patients, red_flags, turning_points
from tests.spec.wording_rules import reassurances

ALARMS = ("C-EMERG-CES", "C-EMERG-CORD", "C-URG-NEURO", "C-URG-INFECT", "C-URG-CANCER", "C-URG-TRAUMA")
BLOCKS_SCAN = ("C-MR-UNSAFE", "C-MR-HOLD")
SEARCHES = [need.key for need in DATA_NEEDS if need.parameters]
TYPES = {need.key: need.resource_type for need in DATA_NEEDS}
DATED = cases(partial=False)


def with_record(case: Case, resource: Resource) -> Case:
    """Return a case with one more record, under an id of its own."""
    return case.having(KEYS.get(resource["resourceType"], "appointments"), {**resource, "id": "one-more"})


def alarms(answer: Answer) -> set[str]:
    """Return the alarms of an answer; cord compression speaks for the weakness and the metastasis behind it."""
    found = {message for message in answer.messages if message in (*ALARMS, *BLOCKS_SCAN)}
    return found | ({"C-URG-NEURO", "C-URG-CANCER"} if "C-EMERG-CORD" in found else set())


@law(250)
@given(cases(), red_flags())
def test_a_red_flag_never_lowers_the_urgency(case: Case, flag: Resource) -> None:
    """One more red flag, confirmed or suspected, leaves the answer as urgent as it was or makes it more urgent."""
    before, after = advise(case), advise(with_record(case, flag))
    assert urgency(after.outcome) >= urgency(before.outcome), (before.outcome, after.outcome)


@law(120)
@given(cases(), red_flags())
def test_a_red_flag_never_silences_an_alarm(case: Case, flag: Resource) -> None:
    """One more red flag takes no critical or urgent message away."""
    before, after = advise(case), advise(with_record(case, flag))
    assert alarms(before) <= alarms(after)


@law(120)
@given(cases(), devices())
def test_a_rating_never_reassures(case: Case, device: Resource) -> None:
    """An order is "appropriate" only where the scan is due and no implant stands against it."""
    answer = advise(with_record(case, device))
    if rating_of(answer.assessment) is Rating.APPROPRIATE:
        assert answer.outcome in (Outcome.EMERGENCY, Outcome.URGENT, Outcome.APPROPRIATE)
        assert not {*BLOCKS_SCAN, "C-NOTAPP-6W"} & set(answer.messages)


@law(120)
@given(cases(), red_flags(*BLOCKING))
def test_a_standing_red_flag_is_never_not_appropriate(case: Case, flag: Resource) -> None:
    """With a red flag on record that goes on, nothing says that the scan should not be done now."""
    # A newer negative by the same author may outweigh a flag: that is the reading rules' business, not this law's.
    observed = case.records.get("observations", ())
    assume(not any(resource.get("valueBoolean") is False or "value" in str(resource) for resource in observed))
    assume(not any("refuted" in str(resource) for resource in case.records.get("conditions", ())))
    assert not advise(with_record(case, flag)).discourages


@law(60)
@given(cases(), devices())
def test_an_implant_never_lowers_the_urgency(case: Case, device: Resource) -> None:
    """One more active device of unknown MR status, or an unsafe one, makes the answer no less careful."""
    held = {
        **device,
        "status": "active",
        "safety": [{"coding": [{"system": "urn:x", "code": "?"}], "text": "MR Unsafe"}],
    }
    before, after = advise(case), advise(with_record(case, held))
    assert urgency(after.outcome) >= urgency(before.outcome)


# What a client may send for a search that it could not answer, or not answer whole. `null` and an empty Bundle are not
# among them: they are how a client says that there is nothing.
def _failures(case: Case, key: str) -> dict[str, Json]:
    found, expected = case.records.get(key, ()), TYPES[key]
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]}
    # A source that a client may do without and does not send is one that it does not have: nothing is kept back.
    absent = {} if expected in SUPPLEMENTARY_SOURCES else {"absent": None}
    return absent | {
        "outcome": outcome,
        "outcome in a Bundle": bundle(expected, [outcome]),
        "next page": bundle(expected, found, link=[{"relation": "self", "url": "x"}, {"relation": "next", "url": "y"}]),
        "next page only": bundle(expected, [], link=[{"relation": "next", "url": "y"}]),
        "more in total": bundle(expected, found, total=len(found) + 1),
        "wrapped outcome": {"resource": outcome, "response": {"status": "500"}},
    }


NONSENSE: dict[str, Json] = {
    "text": "Service unavailable",
    "empty text": "",
    "number": 503,
    "false": False,
    "empty list": [],
    "list of numbers": [1, 2],
    "empty object": {},
    "error object": {"error": "forbidden", "code": 403},
    "unknown type": {"resourceType": "Unknown"},
    "type that is no text": {"resourceType": ["Bundle"]},
    "entries that are text": {"resourceType": "Bundle", "entry": "none"},
    "entry that is a number": {"resourceType": "Bundle", "entry": [7]},
    "entry without resource": {"resourceType": "Bundle", "entry": [{"response": {"status": "403"}}]},
    "entry with null": {"resourceType": "Bundle", "entry": [{"resource": None}]},
    "entry with text": {"resourceType": "Bundle", "entry": [{"resource": "Condition/1"}]},
    "entry without type": {"resourceType": "Bundle", "entry": [{"resource": {"id": "1", "code": {"text": "?"}}}]},
    "binary": {"resourceType": "Binary", "contentType": "text/html", "data": "PGh0bWw+"},
}


def check_loss(case: Case, before: Answer, key: str, kind: str, value: Json) -> Answer:
    """Check that the loss of a source neither discourages nor reassures, nor silences what the rest shows."""
    after = advise(case.answering(key, value))
    assert after.discourages <= before.discourages, (key, kind)
    unfit = Rating.NOT_APPROPRIATE
    assert rating_of(after.assessment) is not unfit or rating_of(before.assessment) is unfit, (key, kind)
    assert [phrase for card in after.cards for phrase in reassurances(card)] == []
    lost = {f"{record['resourceType']}/{record['id']}" for record in case.records.get(key, ()) if "id" in record}
    if "C-EMERG-CES" in before.messages and not before.evidence("C-EMERG-CES") & lost:
        assert after.outcome is Outcome.EMERGENCY
    if "C-MR-UNSAFE" in before.messages and not before.evidence("C-MR-UNSAFE") & lost:
        assert "C-MR-UNSAFE" in after.messages
    for alarm in set(ALARMS) & set(before.messages):
        if not before.evidence(alarm) & lost:
            assert after.cards
            assert urgency(after.outcome) >= urgency(Outcome.URGENT)
    return after


RED_FLAG_SEARCHES = [need.key for need in DATA_NEEDS if need.can_show_red_flags]


@law(50)
@given(cases(), st.sampled_from(RED_FLAG_SEARCHES))
def test_a_lost_source_of_red_flags_never_discourages(case: Case, key: str) -> None:
    """Without the whole of a source that can show red flags, nothing is discouraged and no alarm is lost."""
    before = advise(case)
    for kind, value in _failures(case, key).items():
        assert not check_loss(case, before, key, kind, value).discourages, (key, kind)


@law(50)
@given(cases(), st.sampled_from(CORE_SOURCES))
def test_without_a_core_source_nothing_is_discouraged(case: Case, name: str) -> None:
    """A core source that a client does not send, or does not have, keeps every scan from being discouraged."""
    assert not advise(case.answering(KEYS[name], None)).discourages


@law(60)
@given(cases("begun", "acute"), st.sampled_from(SUPPLEMENTARY_SOURCES))
def test_a_source_that_a_client_does_not_have_is_an_empty_one(case: Case, name: str) -> None:
    """What a client may do without leaves the same advice as a search that found nothing."""
    without, empty = advise(case.answering(KEYS[name], None)), advise(case.holding(KEYS[name]))
    assert (without.outcome, without.messages) == (empty.outcome, empty.messages)


@law(40)
@given(cases(), st.sampled_from(RED_FLAG_SEARCHES))
def test_nonsense_for_a_source_of_red_flags_never_discourages(case: Case, key: str) -> None:
    """Nonsense in the place of a search result is not read as "nothing recorded"."""
    before = advise(case)
    for kind, value in NONSENSE.items():
        assert not check_loss(case, before, key, kind, value).discourages, (key, kind)


@law(60)
@given(cases(), st.sampled_from(RED_FLAG_SEARCHES), patients())
def test_a_wrong_resource_for_a_search_never_discourages(case: Case, key: str, patient: Resource) -> None:
    """Another resource in the place of a search result is not read as "nothing recorded"."""
    assert not check_loss(case, advise(case), key, "patient", patient).discourages


@law(200)
@given(cases("begun", "begun", "acute"), turning_points())
def test_a_lost_other_source_never_discourages(case: Case, resource: Resource) -> None:
    """A source of care, plans or devices that is not sent, failed or sent in part leads to no firmer answer."""
    key = KEYS[resource["resourceType"]]
    more = with_record(case, resource)
    before = advise(more)
    for kind, value in _failures(case, key).items():
        check_loss(more, before, key, kind, value)


@law(60)
@given(cases(), turning_points(), st.integers(2, 60))
def test_an_appointment_to_come_counts(case: Case, appointment: Resource, ahead: int) -> None:
    """An appointment with a surgeon keeps "not appropriate" from being said before its day, too."""
    if appointment["resourceType"] != "Appointment":
        return
    coming = {**appointment, "start": (date(2025, 6, 2) + timedelta(days=ahead)).isoformat()}
    assert not advise(with_record(case, coming)).discourages


_COUNTS = re.compile(r"\b\d+ (?:conditions?|observations?)\b")


def uncounted(response: dict[str, Any]) -> dict[str, Any]:
    """Return a response without the numbers of records that were looked at, which every record changes."""
    cards = [{**card, "detail": _COUNTS.sub("# records", card["detail"])} for card in response["cards"]]
    explained = {
        name: [{**each, "ledger": {**each["ledger"], "counts": {}}} for each in found]
        for name, found in response.get("extension", {}).items()
        if name.endswith(".assessments")
    }
    return {**response, "cards": cards, "extension": {**response.get("extension", {}), **explained}}


@law(100)
@given(DATED, st.data())
def test_order_and_repetition_change_nothing(case: Case, data: st.DataObject) -> None:
    """Records in another order, or sent twice, under one key or two, give the very same response."""
    shuffled = case
    for key, found in case.records.items():
        if key != "patient":
            again = data.draw(st.lists(st.sampled_from(found), max_size=2))
            shuffled = shuffled.holding(key, *data.draw(st.permutations([*found, *copy.deepcopy(again)])))
    twice = data.draw(st.sampled_from(SEARCHES))
    elsewhere = [record for key, found in case.records.items() if key != "patient" for record in found]
    shuffled = shuffled.having(
        twice, *data.draw(st.lists(st.sampled_from(elsewhere), max_size=2) if elsewhere else st.just([]))
    )
    assert advise(shuffled).response == advise(case).response


@law(100)
@given(cases(), st.lists(unrelated(), min_size=1, max_size=4))
def test_unrelated_records_change_nothing(case: Case, others: list[Resource]) -> None:
    """Records that no criterion is about give the very same response."""
    more = case
    for number, resource in enumerate(others):
        more = more.having(KEYS.get(resource["resourceType"], "appointments"), {**resource, "id": f"other-{number}"})
    assert uncounted(advise(more).response) == uncounted(advise(case).response)


def decorated(value: Json, depth: int = 0) -> Json:
    """Return JSON with unknown elements and extensions in every object, and a narrative in every resource."""
    if isinstance(value, list):
        return [decorated(item, depth + 1) for item in value]
    if not isinstance(value, dict):
        return value
    more: Resource = {
        "extension": [{"url": "http://example.org/x", "valueString": "cauda equina"}],
        "modifierExtension": [{"url": "http://example.org/y", "valueBoolean": True}],
        "_status": {"extension": [{"url": "http://example.org/z", "valueCode": "unsafe"}]},
        "elementOfAFutureVersion": {"coding": [{"code": "G83.4"}]},
    }
    if "resourceType" in value:
        more |= {"meta": {"versionId": "7"}, "text": {"status": "generated", "div": "<div>saddle numbness</div>"}}
    return {**more, **{name: decorated(item, depth + 1) for name, item in value.items()}}


@law(60)
@given(cases())
def test_unknown_elements_change_nothing(case: Case) -> None:
    """Extensions, narratives and elements of other versions give the very same response."""
    more = replace(case, records={key: tuple(map(decorated, found)) for key, found in case.records.items()})
    assert advise(more).response == advise(case).response
    ordered, plain = advise(replace(case, order=decorated(case.order))), advise(case)
    assert (ordered.outcome, ordered.messages) == (plain.outcome, plain.messages)


_DAY = re.compile(r"\d{4}-\d\d-\d\d(?=T|$)")


def shifted(value: Json, by: timedelta) -> Json:
    """Return JSON with every date moved."""
    if isinstance(value, dict):
        return {name: shifted(item, by) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(shifted(item, by) for item in value)
    if isinstance(value, str) and (found := _DAY.match(value)):
        return (date.fromisoformat(found[0]) + by).isoformat() + value[found.end() :]
    return value


@law(120)
@given(DATED, st.integers(-4000, 4000).map(lambda days: timedelta(days=days)))
def test_the_calendar_does_not_matter(case: Case, by: timedelta) -> None:
    """All dates moved by the same number of days, the birth date too, give the same outcome, messages and questions.

    A date that is only a month or a year does not move with the others: the moved day may lie in a longer month, so
    the interval it stands for is another one, and such charts are left out.
    """
    records_then = {key: shifted(found, by) for key, found in case.records.items()}
    then = advise(Case(shifted(case.order, by), case.today + by, records_then, case.drafts))
    now = advise(case)
    assert then.outcome is now.outcome
    assert [_undated(message) for message in then.assessment.messages] == [
        _undated(message) for message in now.assessment.messages
    ]


def _undated(message: Any) -> tuple[Any, ...]:
    return message.id, message.indicator, message.variants, message.questions, message.sources


def _in_error(resource: Resource) -> Resource:
    if resource["resourceType"] in ("Condition", "AllergyIntolerance"):
        kind = "condition-ver-status" if resource["resourceType"] == "Condition" else "allergyintolerance-verification"
        return {**resource, "verificationStatus": {"coding": [{"system": HL7 + kind, "code": "entered-in-error"}]}}
    return {**resource, "status": "entered-in-error"}


def check_error(case: Case, resource: Resource, mark: Callable[[Resource], Resource]) -> None:
    """Check that a record that was entered in error counts as much as no record."""
    marked = advise(with_record(case, mark(resource)))
    assert uncounted(marked.response) == uncounted(advise(case).response)


@law(150)
@given(cases(), records())
def test_entered_in_error_equals_absent(case: Case, resource: Resource) -> None:
    """A record that was entered in error gives the very same response as no record."""
    check_error(case, resource, _in_error)


@law(60)
@given(cases(), records())
def test_entered_in_error_counts_beside_a_local_code(case: Case, resource: Resource) -> None:
    """A status that states a code of the site's own first, and FHIR's second, is the status that FHIR's says."""
    if resource["resourceType"] not in ("Condition", "AllergyIntolerance"):
        return

    def mark(found: Resource) -> Resource:
        marked = _in_error(found)
        coding = marked["verificationStatus"]["coding"]
        return {**marked, "verificationStatus": {"coding": [{"system": "urn:local", "code": "ERR"}, *coding]}}

    check_error(case, resource, mark)


@law(60)
@given(cases("none"))
def test_a_reason_entered_in_error_equals_no_reason(case: Case) -> None:
    """A problem that was entered in error states no reason for the order, even where the order refers to it."""
    problem = about("Condition", id="wrong", code={"coding": [{"system": ICD, "code": "Q05.7"}]})
    ordered = replace(case, order={**case.order, "reasonReference": [{"reference": "Condition/wrong"}]})
    assert advise(ordered.having("conditions", _in_error(problem))).outcome is advise(ordered).outcome


def without_warning(response: dict[str, Any]) -> dict[str, Any]:
    """Return a response without the line that says whose records were left out."""
    lead = wording().text("card", "foreign", sources="")[:30]
    cards = [
        {**card, "detail": "\n\n".join(line for line in card["detail"].split("\n\n") if not line.startswith(lead))}
        for card in response["cards"]
    ]
    extension = copy.deepcopy(response.get("extension", {}))
    for found in extension.get(ASSESSMENTS, ()):
        found["limits"] = [line for line in found["limits"] if not line.startswith(lead)]
    return {**response, "cards": cards, "extension": extension}


def with_foreign(case: Case, found: list[Resource], *, own: bool) -> Case:
    """Return a case with records of another patient, in the sources that hold records of its own or in the others."""
    foreign = filed([of_another(resource) for resource in found if resource["resourceType"] != "Immunization"])
    mixed = case
    for key, resources in foreign.items():
        held = case.records.get(key, ())
        if any(KEYS.get(resource["resourceType"]) == key for resource in held) is own:
            mixed = mixed.holding(key, *resources, *held)
    assume(mixed is not case)
    return mixed


@law(120)
@given(cases(), st.lists(records() | red_flags() | unrelated(), min_size=1, max_size=3))
def test_records_of_another_patient_change_only_the_warning(case: Case, found: list[Resource]) -> None:
    """Records of another patient beside the patient's own, even under their ids, change nothing but the warning."""
    mixed = with_foreign(case, found, own=True)
    own, both = advise(case).response, advise(mixed).response
    assert without_warning(both) == without_warning(own)
    if both["cards"]:
        assert "another patient" in both["cards"][0]["detail"]


@law(120)
@given(cases(), st.lists(records() | red_flags() | unrelated(), min_size=1, max_size=3))
def test_records_of_another_patient_only_are_not_taken_for_none(case: Case, found: list[Resource]) -> None:
    """A source that holds nothing but records of another patient was perhaps searched for that one: no reassurance."""
    mixed = with_foreign(case, found, own=False)
    before, after = advise(case), advise(mixed)
    assert after.discourages <= before.discourages
    assert alarms(after) == alarms(before)
    if after.cards:
        assert "another patient" in after.cards[0]["detail"]


@law(50)
@given(cases(), red_flags())
def test_a_damaged_record_of_another_patient_changes_only_the_warning(case: Case, flag: Resource) -> None:
    """A record of another patient beside the patient's own changes nothing even where it cannot be read whole."""
    key = KEYS[flag["resourceType"]]
    own = case.having(key, {**flag, "id": "own"})
    damaged = {**of_another(flag), "code": 7, "note": 7}
    assert without_warning(advise(with_record(own, damaged)).response) == without_warning(advise(own).response)


@law(60)
@given(cases(), st.sampled_from(("MedicationRequest", "MedicationStatement")), st.booleans())
def test_a_drug_nobody_has_seen_never_discourages(case: Case, kind: str, displayed: bool) -> None:
    """With a drug on record that is named by a reference to nothing, nothing says that the scan should wait."""
    target = {"reference": "Medication/unseen"} | ({"display": "Prednisone 20 mg"} if displayed else {})
    after = advise(with_record(case, about(kind, status="active", medicationReference=target)))
    assert not after.discourages
    assert [phrase for card in after.cards for phrase in reassurances(card)] == []


@law(80)
@given(cases("none"), st.one_of(red_flags(), unrelated()))
def test_a_reason_of_another_patient_equals_no_reason(case: Case, reason: Resource) -> None:
    """A record of another patient among the drafts, even as the reason of the order, changes no outcome."""
    if reason["resourceType"] != "Condition":
        return
    foreign = {**of_another(reason), "id": "foreign"}
    referring = replace(case, order={**case.order, "reasonReference": [{"reference": "Condition/foreign"}]})
    assert advise(replace(referring, drafts=(foreign,))).outcome is advise(referring).outcome
    assert OTHER_PATIENT in str(foreign)
