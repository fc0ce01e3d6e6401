"""What is called plainly sound is sound FHIR, whatever its values are."""

from __future__ import annotations

from typing import Any

import pytest
from fhir.resources.R4B.servicerequest import ServiceRequest
from hypothesis import given
from hypothesis import strategies as st

from cards.suggestions.usual import is_plainly_sound

OURS = {"resourceType": "ServiceRequest", "status": "draft", "intent": "order", "priority": "urgent"}
SUBJECT = {"reference": "Patient/p-1"}
_VALUES = (
    st.sampled_from(("Encounter/1", "#a", "urn:uuid:1", "a  b", " a", "http://loinc.org", "M54.5", "\n", "\x85", "~"))
    | st.sampled_from(("2026-02-30", "2026-06-02", "0000-01-01", "2026-06-02T24:00:00Z", "2026-06-02T12:00:60Z"))
    | st.sampled_from(("2026-06-02T12:00:00.1234567Z", "2026-06-02T12:00:00+14:00", "2026-06-02T12:00:00-00:30"))
    | st.text(max_size=3)
    | st.text(alphabet=[chr(code) for code in range(128)], max_size=3)
)


def _members(*names: str, inner: st.SearchStrategy[Any] = _VALUES) -> st.SearchStrategy[Any]:
    return st.dictionaries(st.sampled_from(names), inner, max_size=3)


_REFERENCE = _members("reference", "display") | _members("reference", "type", "x")
_CODING = st.lists(_members("system", "code", "display"), max_size=2)
_CONCEPT = _members("text", "coding") | st.fixed_dictionaries({"coding": _CODING}, optional={"text": _VALUES})
_CARRIED = st.fixed_dictionaries(
    {},
    optional={
        "encounter": _REFERENCE | _VALUES,
        "requester": _REFERENCE,
        "authoredOn": _VALUES,
        "reasonCode": st.lists(_CONCEPT, max_size=2) | _CONCEPT,
        "reasonReference": st.lists(_REFERENCE, max_size=2),
        "note": st.lists(_members("text"), max_size=2),
    },
)


@given(_CARRIED)
def test_what_is_plainly_sound_is_valid(carried: dict[str, Any]) -> None:
    """No draft goes out unvalidated that `fhir.resources` would refuse."""
    draft = {**OURS, "subject": SUBJECT, **carried}
    if is_plainly_sound(draft):
        ServiceRequest.model_validate(draft)


@pytest.mark.parametrize("moment", ["2026-06-02", "2026-06-02T12:00:00Z", "2026-06-02T12:00:00.5-04:00"])
def test_the_usual_order_is_plainly_sound(moment: str) -> None:
    """An order as EHRs write it costs no validation."""
    coding = [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "M54.50", "display": "Low back pain"}]
    carried = {
        "encounter": {"reference": "Encounter/e"},
        "requester": {"reference": "Practitioner/p", "display": "Dr. A. Smith"},
        "authoredOn": moment,
        "reasonCode": [{"coding": coding, "text": "Low back pain"}],
        "reasonReference": [{"reference": "Condition/c"}],
    }
    assert is_plainly_sound({**OURS, "subject": SUBJECT, **carried})
