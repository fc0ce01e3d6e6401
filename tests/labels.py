"""A table of device labels for tests, made of a few rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from fhir_mappings.devices.labels import DeviceLabel, MrStatus
from fhir_mappings.devices.udi import identifier_key

# Device identifiers with fitting check digits, which stand for no model.
UNSAFE, CONDITIONAL, SAFE, SILENT = "00000000000017", "00000000000024", "00000000000031", "00000000000048"
UNLISTED = "00000000000055"


@dataclass(frozen=True)
class Labels:
    """A look-up in rows that are given."""

    rows: Mapping[str, DeviceLabel]
    released: date | None = field(default=date(2026, 3, 2))

    def label_of(self, device_identifier: str) -> DeviceLabel | None:
        """Return the row of an identifier."""
        return self.rows.get(identifier_key(device_identifier))


TABLE = Labels(
    {
        identifier: DeviceLabel(identifier, status, "Example Devices", "Model 1")
        for identifier, status in (
            (UNSAFE, MrStatus.UNSAFE),
            (CONDITIONAL, MrStatus.CONDITIONAL),
            (SAFE, MrStatus.SAFE),
            (SILENT, MrStatus.SILENT),
        )
    }
)
