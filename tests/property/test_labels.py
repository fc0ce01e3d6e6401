"""What the label of a device model may change: it may warn, and reassures no more than the record would."""

from __future__ import annotations

from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from tests.labels import CONDITIONAL, SAFE, SILENT, TABLE, UNLISTED, UNSAFE
from tests.property.advice import Answer, Case, Resource, advise
from tests.property.charts import devices
from tests.property.profile import law
from tests.property.stories import cases
from tests.spec.wording_rules import reassurances

# The same statuses as the record states them (NCI Thesaurus).
STATED: Final = {UNSAFE: "C106047", CONDITIONAL: "C106046", SAFE: "C106045", SILENT: "C113844"}
NCIT: Final = "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl"
IDENTIFIERS: Final = st.sampled_from((*STATED, UNLISTED))
CAUTION: Final = ("", "removed", "screen", "unidentified", "conditional", "hold", "unsafe")


def caution(answer: Answer) -> int:
    """Return how careful an answer is about implants."""
    return max((CAUTION.index(tag) for tag in answer.assessment.findings["R-MR"].tags if tag in CAUTION), default=0)


def with_device(case: Case, device: Resource, identifier: str, **elements: object) -> Case:
    """Return a case with one more device, which carries a UDI."""
    carrier = {"udiCarrier": [{"carrierHRF": f"(01){identifier}(21)7"}]}
    return case.having("devices", {**device, **carrier, **elements, "id": "labelled"})


@law(150)
@given(cases(), devices(), IDENTIFIERS)
def test_a_label_reassures_no_more_than_the_record_would(case: Case, device: Resource, identifier: str) -> None:
    """Where the record states nothing, a label is as careful as no label, or as the same status stated."""
    silent = with_device(case, device, identifier, safety=None)
    labelled, without = advise(silent, TABLE), advise(silent)
    allowed = caution(without)
    if identifier in STATED:
        safety = [{"coding": [{"system": NCIT, "code": STATED[identifier]}]}]
        allowed = min(allowed, caution(advise(with_device(case, device, identifier, safety=safety))))
    assert caution(labelled) >= allowed
    assert not [text for card in labelled.cards for text in reassurances(card)]


@law(100)
@given(cases(), devices(), IDENTIFIERS)
def test_a_label_never_softens_what_the_record_states(case: Case, device: Resource, identifier: str) -> None:
    """Where the record states an MR status, known or not to be read, a label can only make the answer more careful."""
    stated = {**device, "safety": device.get("safety") or [{"text": "see manual"}]}
    changed = with_device(case, stated, identifier)
    assert caution(advise(changed, TABLE)) >= caution(advise(changed))


@law(60)
@given(cases(), devices(), st.sampled_from((UNLISTED, "n/a", "00000000000018")))
def test_a_model_that_is_not_listed_changes_nothing(case: Case, device: Resource, identifier: str) -> None:
    """With a table in which the model is not, and with a UDI that is none, the answer is as without a table."""
    changed = with_device(case, device, identifier)
    assert advise(changed, TABLE).response == advise(changed).response
