"""Hints in free text: what a phrase raises, and what denial, family and the record's own codes take away."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mappings.criteria.findings import Status
from fhir_mappings.words.matcher import topics_in
from tests.unit.fhir_mappings.records import (
    FOOT_DROP,
    PAIN,
    Resource,
    coded,
    condition,
    device,
    encounter,
    finding,
    mri,
    observation,
    procedure,
    quantity,
    status,
)

RAISED: dict[str, str] = {
    # stated
    "Low back pain with saddle anaesthesia": "ces",
    "new urinary retention": "ces",
    "Incontinent of stool": "ces",
    "Foot-drop on the left": "motor",
    "legs giving way": "motor",
    "known myelopathy": "cord",
    "fevers and chills at night": "infection",
    "recent bacteraemia": "infection",
    "Stage IV lymphoma": "cancer",
    "breast tumour 2019": "cancer",
    "unexplained weight loss": "risk",
    "long-term prednisone": "risk",
    "IV drug use": "risk",
    "fell off a ladder": "trauma",
    "MVA last week": "trauma",
    "s/p L4/5 discectomy": "surgery",
    "post-operative pain": "surgery",
    "has a pacemaker": "implant",
    "old shrapnel in the thigh": "implant",
    # doubted
    "r/o cauda equina": "ces",
    "cauda equina?": "ces",
    "?cauda equina": "ces",
    "cannot rule out cauda equina": "ces",
    "cauda equina not excluded": "ces",
    "rule out discitis": "infection",
    "possible osteomyelitis": "infection",
    "concern for metastases": "cancer",
    # denied
    "denies saddle numbness": "",
    "No fever, chills or weight loss": "",
    "Denies bladder or bowel dysfunction": "",
    "without weakness": "",
    "w/o fever": "",
    "negative for malignancy": "",
    "no history of cancer": "",
    "weakness: denied": "",
    "fever was excluded": "",
    "cauda equina ruled out": "",
    "neither fever nor weakness": "",
    # mixed
    "no fever but new weakness": "motor",
    "No bowel or bladder dysfunction. Left foot drop": "motor",
    "denies weakness; urinary retention since Monday": "ces",
    "no trauma, now urinary retention": "ces",
    "without fever and with urinary retention": "ces",
    "denies weakness, has urinary retention": "ces",
    "no cancer, however fevers": "infection",
    "no saddle numbness\nfoot drop": "motor",
    "No improvement with physical therapy, leg weakness": "motor",
    # the family
    "mother had cancer": "",
    "family history of breast cancer": "",
    "FHx: myeloma, osteoporosis in mother": "",
    "father had lymphoma. Patient has melanoma": "cancer",
    "son fell ill; patient fell down the stairs": "trauma",
    # no malignancy
    "basal cell carcinoma": "",
    "benign tumour of the skin": "",
    # nothing
    "Low back pain for three weeks": "",
    "radiates to the left leg": "",
    "": "",
}

# Words beside a phrase that deny something else than the phrase.
NOT_DENIED: dict[str, str] = {
    "not improving, leg weakness": "motor",
    "no relief with NSAIDs, foot drop": "motor",
    "no better, foot drop": "motor",
    "pain not controlled, fever 38.9": "infection",
    "could not walk because of weakness": "motor",
    "did not tolerate therapy, urinary incontinence": "ces",
    "not able to lift the foot: foot drop": "motor",
    "lives with her daughter, had breast cancer in 2019": "cancer",
    "accompanied by son, prostate cancer": "cancer",
    "benign thyroid nodule, metastatic breast cancer": "cancer",
    "basal cell carcinoma 2010, now lung cancer": "cancer",
}


@pytest.mark.parametrize(("text", "topics"), RAISED.items())
def test_phrase(text: str, topics: str) -> None:
    """A phrase raises its topic unless it is denied or told of somebody else; a doubt is no denial."""
    assert topics_in(text) == frozenset(topics.split())
    assert topics_in(text.upper()) == frozenset(topics.split())


@pytest.mark.parametrize(("text", "topics"), NOT_DENIED.items())
def test_denial_of_something_else_does_not_hide_a_red_flag(text: str, topics: str) -> None:
    """What did not help, could not be done or befell a relative says nothing of the sign beside it."""
    assert topics_in(text) == frozenset(topics.split())


# Signs whose own words are "no" and "without": a loss is no denial.
LOSSES = (
    "no anal tone",
    "no bladder control",
    "no control of the bowel",
    "without bladder control",
    "no sensation in the saddle area",
    "no feeling in the perineal region",
    "genital numbness",
)


@pytest.mark.parametrize("text", LOSSES)
def test_loss_is_no_denial(text: str) -> None:
    """Whoever writes that there is no control, tone or feeling states the sign, and does not deny it."""
    assert topics_in(text) == {"ces"}


TEXT = "new foot drop"


@pytest.mark.parametrize(
    ("resources", "order"),
    [
        ([condition({"text": TEXT}, resource_id="c")], {}),
        ([condition({"coding": [{"display": TEXT}]}, resource_id="c")], {}),
        ([condition(PAIN, note=[{"text": TEXT}, {}])], {}),
        ([encounter(PAIN, reasonCode=[{"text": TEXT}])], {}),
        ([encounter(PAIN, day=None, reasonCode=[{"text": TEXT}])], {}),
        ([observation({"text": "Exam"}, valueString=TEXT)], {}),
        ([observation({"text": "Exam"}, note=[{"text": TEXT}])], {}),
        ([observation({"text": TEXT})], {}),
        ([observation({"text": "Exam"}, valueCodeableConcept={"text": TEXT})], {}),
        ([procedure({"text": TEXT}, day=1)], {}),
        ([], {"reasons": [{"text": TEXT}]}),
        ([], {"reasons": [coded(PAIN) | {"text": TEXT}]}),
        ([], {"note": [7, {"text": 7}, {"text": TEXT}]}),
        ([], {"orderDetail": [{"coding": [7, {"display": 7}, {"display": TEXT}]}]}),
        ([], {"orderDetail": [{"text": TEXT, "coding": "x"}], "note": "x"}),
        ([], {"patientInstruction": TEXT}),
    ],
)
def test_text_is_found_wherever_it_stands(resources: list[Resource], order: dict[str, Any]) -> None:
    """A hint in a problem, visit, finding, procedure or in the order itself is asked about, and never fires."""
    found = finding("R-HINT", *resources, order=mri(**order))
    assert (found.status, found.questions) == (Status.UNKNOWN, ("hint_motor",))
    assert found.tags == {"motor"}


@pytest.mark.parametrize(
    "resource",
    [
        condition({"text": TEXT}, resource_id="c", verification="refuted"),
        condition({"text": TEXT}, resource_id="c", verification="entered-in-error"),
        condition({"text": TEXT}, resource_id="c", clinical="resolved"),
        condition({"text": TEXT}, resource_id="c", onset=91),
        condition({"text": TEXT}, resource_id="c", onset=None, recordedDate="2025-01-01"),
        encounter(PAIN, status="cancelled", reasonCode=[{"text": TEXT}]),
        encounter(PAIN, day=100, reasonCode=[{"text": TEXT}]),
        observation({"text": TEXT}, status="entered-in-error"),
        observation({"text": TEXT}, valueBoolean=False),
        observation({"text": TEXT}, valueString="No"),
        observation({"text": TEXT}, valueQuantity=quantity(5)),
        procedure({"text": TEXT}, status="not-done"),
        procedure({"text": TEXT}, day=100),
        device({"text": TEXT}, status="entered-in-error"),
        condition(coded(FOOT_DROP) | {"text": TEXT}, resource_id="c", clinical="resolved"),
    ],
)
def test_text_that_is_over_is_not_asked_about(resource: Resource) -> None:
    """A sign that is over, too old, denied by its value or settled by the record's own code raises nothing."""
    assert finding("R-HINT", resource).questions == ()


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("lung cancer", "cancer"),
        ("osteoporosis", "risk"),
        ("spinal fusion", "surgery"),
    ],
)
def test_lasting_things_are_asked_about_however_old(text: str, topic: str) -> None:
    """A cancer, a risk or an operation stays, although it was recorded long ago or as resolved."""
    old = condition({"text": text}, resource_id="c", onset=3000, clinical="resolved")
    assert finding("R-HINT", old).tags == {topic}


def test_device_is_known_by_its_name() -> None:
    """A device without a known code that is called a pacemaker is asked about, for safety and not for the timing."""
    named = device({"text": "Device"}, deviceName=[{"name": "Medtronic pacemaker"}, {}])
    assert finding("R-HINT", named).questions == ()
    assert finding("R-MR", named).evidence[0].concept == "hint_implant"


def test_questions_come_by_weight() -> None:
    """Bladder before weakness before the rest, whatever the order of the words."""
    text = "pacemaker, weight loss, fell, lymphoma, fever, myelopathy, foot drop, saddle numbness"
    found = finding("R-HINT", order=mri(note=[{"text": text}]))
    assert found.questions == tuple(
        f"hint_{topic}" for topic in ("ces", "motor", "cord", "infection", "cancer", "trauma", "risk")
    )


def test_own_code_settles_its_words_only() -> None:
    """A coded foot drop raises no question about its own words, but one about the fever noted beside it."""
    noted = condition(FOOT_DROP, note=[{"text": "weakness and fever"}])
    assert finding("R-HINT", noted).questions == ("hint_infection",)


def test_nothing_hinted_is_only_said_of_complete_sources() -> None:
    """Without the problems nobody knows what their texts say."""
    assert finding("R-HINT").status is Status.NOT_MET
    assert finding("R-HINT", failed=["Condition"]).status is Status.UNKNOWN


def test_exam_answered_normal_is_no_hint() -> None:
    """A finding whose interpretation is normal is not there."""
    normal = observation({"text": "Leg weakness"}, interpretation=[status("N", "v3-ObservationInterpretation")])
    assert finding("R-HINT", normal).questions == ()


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("no bowel incontinence, saddle numbness present", "ces"),
        ("Denies bowel incontinence, urinary retention +", "ces"),
        ("without relief, weakness in left leg", "motor"),
        ("no known trauma, fever 39", "infection"),
        ("weakness denied, later confirmed", "motor"),
        ("r/o CES", "ces"),
        ("difficulty urinating since yesterday", "ces"),
        ("numb between the legs", "ces"),
        ("unable to lift foot", "motor"),
        ("temp 39.2", "infection"),
        ("on chemo for breast ca", "cancer"),
        ("wt loss 10 kg", "risk"),
        ("pt has ICD", "implant"),
    ],
)
def test_what_is_affirmed_counts_whatever_was_denied_before(text: str, topic: str) -> None:
    """A red flag that is said to be there, in a clinician's own shorthand, is asked about."""
    assert topic in topics_in(text)


def test_name_of_a_code_system_is_no_implant() -> None:
    """ICD is a defibrillator, ICD-10 is not."""
    assert topics_in("ICD-10 M54.50") == frozenset()
