"""What a UDI that was typed or scanned says, and the label of its model, as sentences of the form.

The label of a model is shown as that: it is no clearance of what is in this patient.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.devices.labels import label_of_udi
from fhir_mappings.devices.udi import Issuer, parse_udi
from fhir_mappings.fhir.dates import exact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cards.guideline.wording import Wording
    from fhir_mappings.devices.labels import DeviceLabels
    from fhir_mappings.devices.udi import Udi

_PARTS = ("lot", "serial", "manufactured", "expires")


def said_of_udi(text: str, labels: DeviceLabels, wording: Wording) -> tuple[str, ...]:
    """Return sentences on a UDI; none for no text."""
    return tuple(_sentences(parse_udi(text), labels, wording)) if text else ()


def _sentences(udi: Udi, labels: DeviceLabels, wording: Wording) -> Iterator[str]:
    if not udi.device_identifier:
        yield wording.text("form", "udi_unread")
        return
    parts = [wording.text("form", "udi_parts", part, value=value) for part in _PARTS if (value := getattr(udi, part))]
    issuer = udi.issuer if udi.issuer is not Issuer.UNKNOWN else wording.text("form", "udi_no_issuer")
    yield wording.text("form", "udi_read", issuer=issuer, di=udi.device_identifier, parts="".join(parts))
    if not udi.is_sound:
        yield wording.text("form", "udi_unsound")
    if labels.released is None:
        yield wording.text("form", "no_labels")
    elif (label := label_of_udi(udi, labels)) is None:
        yield wording.text("form", "no_label")
    else:
        status = wording.text("form", "label_status", label.status.value)
        model = " ".join(filter(None, (label.company, label.version)))
        day = wording.day(exact(labels.released))
        yield wording.text("form", "label", model=f" ({model})" if model else "", status=status, day=day)
        yield wording.text("form", "label_only")
