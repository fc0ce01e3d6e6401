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


def test_nothing_said_is_no_implant() -> None:
    """A form whose screening is empty describes no Device."""
    assert implant_in(response()) is None
    assert list(stated_devices(response())) == []


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ({"leads": "Abandoned epicardial lead"}, ["Abandoned epicardial lead"]),
        ({"where": "left orbit"}, ["left orbit"]),
        ({"device": "Loop recorder", "leads": "old leads", "where": "chest"}, ["Loop recorder", "old leads"]),
        ({"device": "Loop recorder", "leads": "None."}, ["Loop recorder"]),
    ],
)
def test_leads_and_a_place_are_something_too(said: dict[str, str], names: list[str]) -> None:
    """Leads that were left weigh beside any device, whatever its label; a place alone still says that there is one."""
    types = [device.type for device in stated_devices(response(**said))]
    assert [found.text for found in types if found] == names


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
