"""What a form says of an implant, read as the Device that it describes.

A clinician who is asked which implant it is says it in the words of its label. Read as a Device, the same rules judge
it as one of the record: a kind that is known weighs what it weighs, and one that is not stays unidentified.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fhir_mappings.fhir import resources as fhir
from fhir_mappings.fhir.datatypes import CodeableConcept
from fhir_mappings.questionnaire.table import LINK_PREFIX

IMPLANT_LINK = f"{LINK_PREFIX}implant"
_NONE = frozenset({"", "-", "0", "n/a", "na", "nil", "no", "no leads", "none"})


@dataclass(frozen=True, slots=True)
class ImplantItem:
    """One item of the screening: the name of its part, how it is asked, and what is expected."""

    name: str
    text: str

    @property
    def link_id(self) -> str:
        """The linkId of its item in the Questionnaire."""
        return f"{IMPLANT_LINK}.{self.name}"


@dataclass(frozen=True, slots=True)
class Implant:
    """An implant as somebody described it; what nobody said is empty. `udi` is the carrier as typed or scanned."""

    device: str = ""
    model: str = ""
    leads: str = ""
    where: str = ""
    udi: str = ""

    @property
    def described(self) -> str:
        """What tells which it is, as one name; where that is only its place, the place."""
        named = ", ".join(part for part in (self.device, self.model) if part) or self.udi
        return named or ("" if self.leads_left else self.where)

    @property
    def leads_left(self) -> str:
        """The leads that somebody names; empty where there are none, or nobody said."""
        return "" if self.leads.casefold().strip(" .") in _NONE else self.leads


IMPLANT_ITEMS = (
    ImplantItem("device", "Which implant or device is it?"),
    ImplantItem("model", "Which maker and model?"),
    ImplantItem("leads", "Which leads or electrodes are there, old ones too?"),
    ImplantItem("where", "Where in the body is it?"),
    ImplantItem("udi", "UDI on its card or label"),
)
_BY_LINK = {item.link_id: item.name for item in IMPLANT_ITEMS}


def is_of_implant(item: fhir.QuestionItem) -> bool:
    """Whether an item is one of the screening's."""
    return item.link_id in _BY_LINK


def implant_in(response: fhir.QuestionnaireResponse) -> Implant | None:
    """Return the implant that a form describes, known by the linkIds; None where it describes none."""
    said: dict[str, str] = {}
    pending = list(response.item)
    while pending:
        item = pending.pop()
        pending += item.item
        name = _BY_LINK.get(item.link_id or "")
        value = next((answer.value_string for answer in item.answer if answer.value_string), None)
        if name and value:
            said[name] = value.strip()
    return Implant(**said) if said else None


def stated_devices(response: fhir.QuestionnaireResponse) -> Iterator[fhir.Device]:
    """Yield the implant that a form describes, and the leads it names, as the Devices that a record would have.

    Leads are one of their own: a label of the generator says nothing of what was left in the body.
    """
    implant = implant_in(response)
    if implant is None:
        return
    if name := implant.described:
        yield fhir.Device(
            resource_type="Device",
            id=f"{response.id or ''}#implant",
            type=CodeableConcept(text=name),
            patient=response.subject,
            model_number=implant.model or None,
            udi_carrier=[{"carrierHRF": implant.udi}] if implant.udi else None,
        )
    if implant.leads_left:
        yield fhir.Device(
            resource_type="Device",
            id=f"{response.id or ''}#leads",
            type=CodeableConcept(text=implant.leads_left),
            patient=response.subject,
        )
