"""What is known of a device model by its identifier: a place for a look-up that somebody else has made.

The label of a model is not a clearance of what is in this patient: leads, their site and the scanner decide as well.
So a label can warn as much as a record can, and reassures no more than the criteria allow (see `mr_status`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final, Protocol

from fhir_mappings.devices.udi import Udi


class MrStatus(StrEnum):
    """What a label says of MRI, by the names of its concepts."""

    SAFE = "mr_safe"
    CONDITIONAL = "mr_conditional"
    SILENT = "mr_no_label"
    UNSAFE = "mr_unsafe"


_BY_DANGER: Final = (MrStatus.UNSAFE, MrStatus.CONDITIONAL, MrStatus.SILENT, MrStatus.SAFE)


@dataclass(frozen=True, slots=True)
class DeviceLabel:
    """What AccessGUDID says of a device model; texts are empty where it says nothing."""

    device_identifier: str
    status: MrStatus
    company: str = ""
    version: str = ""


class DeviceLabels(Protocol):
    """A look-up of labels, whole and unchanging while calls are answered; `released` is the day it was written."""

    @property
    def released(self) -> date | None:
        """The day of the release; None where there is no table."""

    def label_of(self, device_identifier: str) -> DeviceLabel | None:
        """Return what is known of a model; None where nothing is. Never raises, whatever the identifier."""


class _NoLabels:
    """The look-up of a site that has imported nothing."""

    @property
    def released(self) -> date | None:
        """No day: there is no table."""
        return None

    def label_of(self, device_identifier: str) -> DeviceLabel | None:  # noqa: ARG002 - the interface has it
        """Return nothing."""
        return None


NO_LABELS: Final[DeviceLabels] = _NoLabels()


def label_of_udi(udi: Udi, labels: DeviceLabels) -> DeviceLabel | None:
    """Return what is known of the model of a UDI; the most dangerous one, should it be read in two ways."""
    return worst_label(labels.label_of(key) for key in udi.keys)


def worst_label(found: Iterable[DeviceLabel | None]) -> DeviceLabel | None:
    """Return the most dangerous of some labels; None where nothing is known."""
    return min(filter(None, found), key=lambda label: _BY_DANGER.index(label.status), default=None)
