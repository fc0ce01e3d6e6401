"""What is known of the MR status of one Device: what its record states, and what the label of its model says.

The record comes first, since it may know the leads and the site. Of the label only what warns counts beside it. Where
the record states nothing the label counts, but never clears a device that a scan can stop, move or heat: it is the
label of one part, and such a device is made of several.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from fhir_mappings.devices.carriers import udis_of
from fhir_mappings.devices.labels import DeviceLabel, DeviceLabels, MrStatus, label_of_udi, worst_label
from fhir_mappings.fhir.datatypes import CodeableConcept
from fhir_mappings.fhir.resources import Device
from fhir_mappings.terminology.code_systems import NCIT
from fhir_mappings.terminology.index import TerminologyIndex


class Kind(Enum):
    """What a device is, as far as it bears on the weight of a label."""

    HELD = auto()  # a scan can stop, move or heat it dangerously
    SCREENED = auto()
    UNKNOWN = auto()
    EXTERNAL = auto()  # not in the body


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    """The MR status of a device as the id of its concept, empty where none is known, and whether a label told it."""

    status: str = ""
    is_of_label: bool = False

    @property
    def note(self) -> str:
        """The note of the wording catalogue that says so; of a label that reassures nothing is said."""
        if not self.is_of_label:
            return self.status
        return "" if self.status == MrStatus.SAFE else f"label_{self.status}"


def device_status(device: Device, kind: Kind, index: TerminologyIndex, labels: DeviceLabels) -> DeviceStatus:
    """Return the MR status of a device."""
    stated = stated_status(device, index)
    label = label_of_device(device, labels) if kind is not Kind.EXTERNAL else None
    if label is not None and _counts(label.status, stated, kind, is_stated=bool(device.safety)):
        return DeviceStatus(label.status.value, is_of_label=True)
    return DeviceStatus(stated)


def label_of_device(device: Device, labels: DeviceLabels) -> DeviceLabel | None:
    """Return what is known of the model of a device, the most dangerous where it carries several UDIs."""
    if labels.released is None:
        return None
    return worst_label(label_of_udi(udi, labels) for udi in udis_of(device))


def _counts(status: MrStatus, stated: str, kind: Kind, *, is_stated: bool) -> bool:
    """Whether what a label says counts beside what the record states, which may be nothing that can be read."""
    if status is MrStatus.UNSAFE:
        return stated != MrStatus.UNSAFE
    if is_stated:
        return status is MrStatus.CONDITIONAL and stated == MrStatus.SAFE
    # A device of unknown kind is asked for, unless its label tells more than that nothing is known.
    return {MrStatus.SAFE: kind is not Kind.HELD, MrStatus.SILENT: kind is not Kind.UNKNOWN}.get(status, True)


def stated_status(device: Device, index: TerminologyIndex) -> str:
    """Return the worst MR status a Device states, as the id of its concept; empty where it states none."""
    found = {
        concept
        for status in device.safety
        for coding in status.coding
        # The element has one code list, whichever name a client gives its system.
        for concept in index.concepts_of(NCIT, coding.code)
    }
    found |= {worded for status in device.safety if (worded := _worded_status(status))}
    return next((name for name in _WORST_FIRST if name in found), "")


_WORST_FIRST: Final = ("mr_unsafe", "mr_no_label", "mr_conditional", "mr_safe")


def _worded_status(status: CodeableConcept) -> str:
    """Read "MR Unsafe" and its like where no code is known; a text may warn, it may not clear."""
    said = [status.text, *(text for coding in status.coding for text in (coding.display, coding.code))]
    words = " ".join(filter(None, said)).casefold()
    if "unsafe" in words or "not safe" in words:
        return "mr_unsafe"
    return "mr_conditional" if "conditional" in words else ""
