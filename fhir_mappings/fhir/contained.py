"""Records that travel inside another one: each a record of its own, under an id that no other record has.

The id of a contained resource is unique in its container only: two use statements may both hold a device `#dev`, a
joint and a pacemaker. So each gets its container's id before its own, and who referred to it refers to that.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from fhir_mappings.fhir import resources as fhir
from fhir_mappings.fhir.datatypes import Reference
from fhir_mappings.fhir.decoding import convert_resource

# Types that say something of the patient by themselves, whatever they stand in.
_RECORDS = (fhir.Condition, fhir.Device, fhir.Observation)


def unpacked(resource: fhir.Resource, position: int) -> tuple[fhir.Resource, list[fhir.Resource]]:
    """Return a resource and the records inside it; `position` names one that has no id."""
    if not resource.contained:
        return resource, []
    owner = resource.id or f"unnamed-{position}"
    inside = [found for plain in resource.contained if isinstance(found := convert_resource(plain), _RECORDS)]
    renamed = {
        f"#{found.id.removeprefix('#')}": (found, f"{owner}#{found.id.removeprefix('#')}")
        for found in inside
        if found.id
    }
    names = {given: f"{found.resource_type}/{name}" for given, (found, name) in renamed.items()}
    kept: list[fhir.Resource] = [replace(found, id=name) for found, name in renamed.values()]
    kept += [found for found in inside if not found.id]
    return _pointing(resource, lambda reference: _renamed(reference, names)), kept


def _renamed(reference: Reference | None, names: dict[str, str]) -> Reference | None:
    target = reference.reference if reference else None
    return replace(reference, reference=names[target]) if reference and target in names else reference


def _pointing(resource: fhir.Resource, renamed: Callable[[Reference | None], Reference | None]) -> fhir.Resource:
    """Return a resource that refers to what it held by the new names, where a reference to it is read."""
    match resource:
        case fhir.DeviceUseStatement():
            return replace(resource, device=renamed(resource.device))
        case fhir.Encounter():
            diagnoses = [replace(found, condition=renamed(found.condition)) for found in resource.diagnosis]
            reasons = [found for reason in resource.reason_reference if (found := renamed(reason))]
            return replace(resource, diagnosis=diagnoses, reason_reference=reasons)
        case fhir.Procedure():
            focal = [replace(found, manipulated=renamed(found.manipulated)) for found in resource.focal_device]
            return replace(resource, focal_device=focal)
        case _:
            return resource
