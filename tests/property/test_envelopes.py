"""The quick look at an envelope lets nothing through that the schema refuses."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.protocol import schemas
from cds_service.protocol.envelope import is_sound
from tests.property.profile import law
from tests.protocol.builders import SERVICES, hook_request

_ODD: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from([None, 0, 1.5, True, [], ["a"], [1], [None], {}]),
    st.sampled_from(["", " ", "\x1f", "\u2003", "x", "x" * 200, "x" * 201, "x" * 2001, "order-select", "order-sign"]),
    st.sampled_from([{"access_token": "t"}, {"access_token": " "}, {"access_token": 1}, {"scope": 1}]),
    st.sampled_from([{"resourceType": "Bundle"}, {"resourceType": "Bundle", "entry": {}}, {"resourceType": "Patient"}]),
)
_TOP = ("hook", "hookInstance", "fhirServer", "fhirAuthorization", "context")
_CONTEXT = ("userId", "patientId", "encounterId", "draftOrders", "selections")


@st.composite
def envelopes(draw: st.DrawFn) -> dict[str, Any]:
    """Return an envelope of which some members are odd or missing."""
    request = hook_request(draw(st.sampled_from(SERVICES)))
    envelope = {name: request[name] for name in _TOP if name in request}
    for place, names in ((envelope, _TOP), (envelope["context"], _CONTEXT)):
        for name in draw(st.sets(st.sampled_from(names), max_size=2)):
            if draw(st.integers(0, 3)):
                place[name] = draw(_ODD)
            else:
                place.pop(name, None)
    return envelope


@law(200)
@given(envelopes())
def test_sound_envelope_has_no_problem(envelope: dict[str, Any]) -> None:
    """What the quick look calls sound, the schema finds nothing wrong with."""
    if is_sound(envelope):
        assert schemas.HOOK_REQUEST.problems(envelope) == []


@pytest.mark.parametrize("service", SERVICES)
def test_usual_envelope_is_sound(service: str) -> None:
    """The usual envelope, with a server and a token too, needs no schema."""
    request = hook_request(service, fhirServer="https://fhir.example.org", fhirAuthorization={"access_token": "t"})
    assert is_sound({name: value for name, value in request.items() if name != "prefetch"})
