"""Where a Device carries its UDI: in every place that some version of FHIR, or some sender, puts it.

R4 and R5 have `udiCarrier`, with the DI apart and the whole UDI once for people and once, in base64, for machines;
STU3 has the same under `udi`, DSTU2 a single string there. Others put the UDI among the identifiers.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator
from typing import Final

from fhir_mappings.devices.udi import LONGEST, Issuer, Udi, identifier_key, parse_udi
from fhir_mappings.fhir.resources import Device

# Systems and types of an identifier that is a UDI, whatever it looks like.
_UDI_SYSTEMS: Final = ("fda-udi", "2.16.840.1.113883.3.3719", "/gs1", "/hibcc", "/iccbba")
_UDI_TYPE: Final = "UDI"
# A device has a few carriers: of more than this many one after the other is not looked into.
_MOST: Final = 20


def udis_of(device: Device) -> tuple[Udi, ...]:
    """Return the UDIs of a device from which a DI could be read, each DI once."""
    found: dict[str, Udi] = {}
    for udi in _all(device):
        if udi.device_identifier:
            found.setdefault(udi.device_identifier, udi)
    return tuple(found.values())


def _all(device: Device) -> Iterator[Udi]:
    for carrier in (*_items(device.udi_carrier), *_items(device.udi)):
        if isinstance(carrier, str):
            yield parse_udi(carrier)
        elif isinstance(carrier, dict):
            yield from _parsed(carrier.get(name) for name in ("deviceIdentifier", "carrierHRF", "value"))
            if isinstance(bars := carrier.get("carrierAIDC"), str):
                yield _of_bars(bars)
    for identifier in _items(device.identifier):
        if isinstance(identifier, dict):
            for udi in _parsed([identifier.get("value")]):
                # A serial number may look like a bare DI, and is none.
                if _says_udi(identifier) or (udi.issuer and identifier_key(udi.text) != udi.device_identifier):
                    yield udi


def _items(value: object) -> list[object]:
    """Return an element that should be a list and may be a single one."""
    return (value if isinstance(value, list) else [value])[:_MOST]


def _parsed(texts: Iterable[object]) -> Iterator[Udi]:
    return (parse_udi(text) for text in texts if isinstance(text, str))


def _of_bars(text: str) -> Udi:
    """Return the UDI of what a scanner read: plain, or in base64 as FHIR wants it."""
    udi = parse_udi(text)
    if udi.issuer is not Issuer.UNKNOWN or len(text) > 2 * LONGEST:
        return udi
    try:
        inside = base64.b64decode(text, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return udi
    decoded = parse_udi(inside)
    return decoded if decoded.issuer is not Issuer.UNKNOWN else udi


def _says_udi(identifier: dict[str, object]) -> bool:
    """Whether an identifier says by its system or its type that it is a UDI."""
    system = str(identifier.get("system") or "").casefold()
    if any(system.endswith(name) for name in _UDI_SYSTEMS):
        return True
    kind = identifier.get("type")
    coding = kind.get("coding") if isinstance(kind, dict) else None
    return any(isinstance(item, dict) and item.get("code") == _UDI_TYPE for item in _items(coding))
