"""UDIs of devices that did not come: in the reference of a use or a procedure, as its identifier or its display."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from fhir_mappings.devices.labels import DeviceLabel, DeviceLabels, label_of_udi, worst_label
from fhir_mappings.devices.udi import parse_udi
from fhir_mappings.fhir.datatypes import Reference, reference_id
from fhir_mappings.fhir.resources import DeviceUseStatement, Procedure


def label_in_references(
    resource: DeviceUseStatement | Procedure, known: Collection[str | None], labels: DeviceLabels
) -> DeviceLabel | None:
    """Return the most dangerous label of the models that a record names by their UDI alone.

    `known` are the ids of the devices that came themselves, and are judged by what they say.
    """
    texts = [
        text
        for reference in _put_in(resource)
        if (reference_id(reference, "Device") or "") not in known
        for text in (reference.identifier.value if reference.identifier else None, reference.display)
        if text
    ]
    return worst_label(label_of_udi(parse_udi(text), labels) for text in texts)


def _put_in(resource: DeviceUseStatement | Procedure) -> Iterator[Reference]:
    """Yield the references to devices in use, or put in; not those to what was taken out."""
    if isinstance(resource, DeviceUseStatement):
        if resource.device:
            yield resource.device
        return
    for focal in resource.focal_device:
        if focal.manipulated and not (focal.action and focal.action.has_code("explanted")):
            yield focal.manipulated
    yield from resource.used_reference
