"""The places in which a Device carries its UDI."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from fhir_mappings.devices.carriers import udis_of
from fhir_mappings.fhir.decoding import convert_resource
from fhir_mappings.fhir.resources import Device

GTIN = "00643169001763"
HRF = f"(01){GTIN}(17)160712(21)21A11F4855"
AIDC = base64.b64encode(f"]d201{GTIN}17160712\x1d2121A11F4855".encode()).decode()
UDI_TYPE = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "UDI"}]}


def identifiers(**elements: Any) -> list[str]:
    """Return the DIs read from a Device with some elements."""
    device = convert_resource({"resourceType": "Device", "id": "d"} | elements)
    assert isinstance(device, Device)
    assert device.read_whole
    return [udi.device_identifier for udi in udis_of(device)]


@pytest.mark.parametrize(
    "elements",
    [
        {"udiCarrier": [{"deviceIdentifier": GTIN, "carrierHRF": HRF}]},
        {"udiCarrier": [{"deviceIdentifier": "643169001763"}]},
        {"udiCarrier": [{"carrierHRF": HRF}]},
        {"udiCarrier": [{"carrierAIDC": AIDC}]},
        {"udiCarrier": [{"carrierAIDC": f"01{GTIN}1716071221" + "21A11F4855"}]},
        {"udiCarrier": {"carrierHRF": HRF}},
        {"udi": {"carrierHRF": HRF}},
        {"udi": HRF},
        {"identifier": [{"system": "urn:oid:2.16.840.1.113883.3.3719", "value": GTIN}]},
        {"identifier": [{"type": UDI_TYPE, "value": GTIN}]},
        {"identifier": [{"system": "http://hospital.example/implants", "value": HRF}]},
    ],
)
def test_udi_is_found_in_every_place(elements: dict[str, Any]) -> None:
    """The DI comes out of any version's element, any form, and an identifier that is a UDI."""
    assert identifiers(**elements) == [GTIN]


@pytest.mark.parametrize(
    "elements",
    [
        {},
        {"identifier": [{"system": "http://hospital.example/serial", "value": GTIN}]},
        {"udiCarrier": [{"deviceIdentifier": 17, "carrierHRF": ["(01)"], "carrierAIDC": "n/a"}, None, 5]},
        {"udi": "unknown", "identifier": "none"},
    ],
)
def test_what_is_no_udi_is_none(elements: dict[str, Any]) -> None:
    """A serial number is no DI, and elements of a wrong shape neither break the Device nor say anything."""
    assert identifiers(**elements) == []
