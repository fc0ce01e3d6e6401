"""A device record of AccessGUDID, as any of its files tells it, and whether its label is worth keeping."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fhir_mappings.devices.labels import MrStatus
from fhir_mappings.devices.udi import identifier_key

# What AccessGUDID and openFDA write in `MRISafetyStatus`.
STATUSES: Final = {
    "mr unsafe": MrStatus.UNSAFE,
    "mr conditional": MrStatus.CONDITIONAL,
    "mr safe": MrStatus.SAFE,
    "labeling does not contain mri safety information": MrStatus.SILENT,
}
_PUBLISHED: Final = ("", "published")
_GTIN: Final = 14


@dataclass(frozen=True, slots=True)
class DeviceRecord:
    """One device model; `implantable` is None where the file does not tell, `status` where its text is not known.

    `others` are further identifiers of it: of its package, or of another issuer.
    """

    device_identifier: str
    status: MrStatus | None
    company: str
    version: str
    record_status: str = ""
    version_date: str = ""
    implantable: bool | None = None
    others: tuple[str, ...] = ()

    @property
    def is_published(self) -> bool:
        """Whether it is in force: what is no longer sold is, since it is in the body, but not what was withdrawn."""
        return self.record_status.casefold() in _PUBLISHED

    @property
    def is_kept(self) -> bool:
        """Whether the table holds it: what is in force, in the body for all that is known, and tells something.

        That a label is silent is worth knowing of implants only: of most models nobody asks.
        """
        if self.status is None or not self.is_published:
            return False
        return self.implantable is True if self.status is MrStatus.SILENT else self.implantable is not False


def key_of(device_identifier: str) -> int | str:
    """Return a device identifier as the table keys it: a GTIN as a number, any other as text."""
    key = device_identifier if _is_gtin(device_identifier) else identifier_key(device_identifier)
    return int(key) if _is_gtin(key) else key


def _is_gtin(text: str) -> bool:
    return len(text) == _GTIN and text.isascii() and text.isdigit()
