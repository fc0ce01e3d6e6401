"""What a form says of an implant, read as the Device that it describes."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mappings.fhir.decoding import convert_resource
from fhir_mappings.fhir.resources import Device, QuestionnaireResponse
from fhir_mappings.questionnaire.implant import Implant, implant_in, stated_devices


def response(**said: str) -> QuestionnaireResponse:
    """Return a saved form that says some of an implant."""
    items = [
        {"linkId": f"lumbar-mri.implant.{name}", "answer": [{"valueString": value}]} for name, value in said.items()
    ]
    document: dict[str, Any] = {
        "resourceType": "QuestionnaireResponse",
        "id": "form-1",
        "status": "completed",
        "subject": {"reference": "Patient/p"},
        "item": [{"linkId": "lumbar-mri.implant", "item": items}],
    }
    found = convert_resource(document)
    assert isinstance(found, QuestionnaireResponse)
    return found


def test_is_found_by_its_link_ids() -> None:
    """Whatever the group is called, its items tell the implant."""
    assert implant_in(response(device=" Pacemaker ", where="chest")) == Implant("Pacemaker", where="chest")


@pytest.mark.parametrize("said", [{}, {"leads": "two"}, {"where": "left hip"}])
def test_what_names_nothing_is_no_implant(said: dict[str, str]) -> None:
    """Leads and a place alone do not tell which implant it is."""
    assert implant_in(response(**said)) is None
    assert list(stated_devices(response(**said))) == []


def test_is_a_device_of_the_patient() -> None:
    """The Device bears the words, the model, and the UDI where a look-up of its model finds it."""
    (device,) = stated_devices(response(device="Pacemaker", model="Advisa", udi="(01)00643169007222"))
    assert isinstance(device, Device)
    assert device.type is not None
    assert device.type.text == "Pacemaker, Advisa"
    assert device.udi_carrier == [{"carrierHRF": "(01)00643169007222"}]
    assert device.id == "form-1#implant"
    assert device.patient is not None
    assert device.patient.reference == "Patient/p"
