"""MRI safety of implants (R-MR) and artifact from spinal hardware (R-ARTIFACT).

A missing MR status is unknown, never safe; no device on record is no proof that there is none; an inactive device is
not an explanted one. Several records of one kind of implant describe the same device where a Device resource of that
kind states its MR status; otherwise the worst reading wins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from fhir_mappings.chart.entries import ChartEntry, reference_of
from fhir_mappings.chart.places import places_of
from fhir_mappings.chart.readers import device_concepts, procedure_date
from fhir_mappings.chart.statuses import is_disregarded
from fhir_mappings.criteria.facts import Facts
from fhir_mappings.criteria.findings import Evidence, Finding, Status
from fhir_mappings.devices.labels import MrStatus
from fhir_mappings.devices.mr_status import DeviceStatus, Kind, device_status
from fhir_mappings.devices.references import label_in_references
from fhir_mappings.fhir.datatypes import reference_id
from fhir_mappings.fhir.dates import UNKNOWN_DATE, DateInterval
from fhir_mappings.fhir.resources import Device, DeviceUseStatement, Procedure
from fhir_mappings.terminology.code_systems import CPT, canonical_system
from fhir_mappings.words.matcher import quoted
from fhir_mappings.words.record_names import names_external_device

SOURCES = ("Device", "Procedure", "Condition")

# Implants that a scan can stop, move or heat dangerously: held until their MR status is known.
HELD = (
    "implant_pacemaker",
    "implant_icd",
    "implant_vad",
    "implant_neurostimulator",
    "implant_cochlear",
    "implant_pump",
    "implant_aneurysm_clip",
    "implant_other",
)
# Passive implants: routine screening.
SCREENED = (
    "implant_embolization_coil",
    "implant_csf_shunt",
    "implant_cardiac_passive",
    "implant_spinal_hardware",
    "implant_joint",
)
_METAL = "retained_metal"
_PUMP = "external_pump"
SHUNT = "implant_csf_shunt"
# Screened implants that routine screening settles without anybody being interrupted.
PASSIVE = ("implant_cardiac_passive", "implant_joint", "implant_embolization_coil")
CARDIAC = ("implant_pacemaker", "implant_icd", "implant_vad")
_NEAR_CANAL = re.compile(r"\b(?:spinal canal|canal|spinal cord|spine|spinal|vertebra\w*|orbit\w*|eyes?|intraocular)\b")
IMPLANTS = (*HELD, *SCREENED, _METAL, _PUMP)
# An explant that names no device clears implants of this kind only. The removal of a pacemaker clears no
# defibrillator: it may be the day of the upgrade.
_REMOVALS = {
    "implant_pacemaker": "implant_cardiac_removed",
    "implant_neurostimulator": "implant_neurostimulator_removed",
}
# Groups of different things: a label on one of them says nothing of another.
_GROUPS = ("implant_other", *SCREENED)
_SITES = re.compile(r"\b(vagal|sacral|spinal)\b")
_EYE_PREFIXES = ("H446", "H055")
_CPT_ARTHRODESIS = "22"  # the spine's fusions; its decompressions begin with 63
_EYE_SNOMED = "82576008"


class Risk(IntEnum):
    """What one implant means for the scan, the worst last."""

    NONE = 0
    REMOVED = 1
    SCREEN = 2
    CONDITIONAL = 3
    HOLD = 4
    UNSAFE = 5


_TAGS = {
    Risk.REMOVED: "removed",
    Risk.SCREEN: "screen",
    Risk.CONDITIONAL: "conditional",
    Risk.HOLD: "hold",
    Risk.UNSAFE: "unsafe",
}


@dataclass(frozen=True, slots=True)
class _Implant:
    risk: Risk
    evidence: Evidence


def r_mr(facts: Facts) -> Finding:
    """What the recorded implants mean for an MRI; tags name every risk found.

    MET where something has to be done about an implant. Never NOT_MET: absence of a record is not absence.
    """
    found = [implant for implant in _implants(facts) if implant.risk is not Risk.NONE]
    found.sort(key=lambda implant: (-implant.risk, implant.evidence.reference))
    tags = {_TAGS[implant.risk] for implant in found}
    if any(implant.evidence.concept == _PUMP for implant in found):
        tags.add("external_pump")
    evidence = tuple(implant.evidence for implant in found)
    if not tags & {"hold", "unsafe"} and (unidentified := _unidentified(facts, evidence)):
        tags.add("unidentified")
        evidence = (*evidence, *unidentified)
    status = Status.MET if evidence else Status.UNKNOWN
    return Finding("R-MR", status, evidence, SOURCES, facts.chart.incomplete(SOURCES), (), frozenset(tags))


def _implants(facts: Facts) -> Iterator[_Implant]:
    devices = _devices(facts)
    explained = {concept for found in devices if found.explains for concept in found.concepts} - set(_GROUPS)
    known = {found.device.id for found in devices}
    for found in devices:
        yield _device(facts, found)
    yield from _named_by_udi(facts)
    for concept in IMPLANTS:
        for entry in facts.asserted(concept):
            if isinstance(entry.resource, Device) or concept in explained:
                continue
            if isinstance(entry.resource, Procedure) and not known.isdisjoint(_acted_on(entry.resource, "implanted")):
                continue
            yield _recorded(facts, concept, entry)


def _unidentified(facts: Facts, known: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    """Return what may be an implant and does not say which: a device of unknown kind, or words about one."""
    explained = {item.reference for item in known} | {reference_of(found.device) for found in _devices(facts)}
    devices = [
        Evidence(line.reference, "unknown_device", when=line.when, quote=line.said, place="device")
        for line in facts.chart.ledger.unrecognised("Device", "DeviceUseStatement")
        if line.reference not in explained
    ]
    devices += [
        Evidence(line.reference, "unknown_device", when=line.when, quote=line.said, place=line.place)
        for line in facts.chart.ledger.unrecognised("Condition", "Encounter")
        if line.span == "safety" and line.reference not in explained
    ]
    words = [
        Evidence(
            remark.reference, "hint_implant", (), remark.when, "", (), quoted(remark.text, "implant"), remark.place
        )
        for remark in facts.remarks
        if "implant" in remark.topics and remark.reference not in explained
    ]
    return tuple(dict.fromkeys((*devices, *words)))


@dataclass(frozen=True, slots=True)
class _OnRecord:
    """A Device of the record or the order, with its implant concepts and its MR status."""

    device: Device
    concepts: tuple[str, ...]
    mr: DeviceStatus

    @property
    def explains(self) -> bool:
        """Whether its own status settles what other records of its kind leave open; a reassuring one does not.

        Nor does a label that contradicts what the record states.
        """
        contradicted = self.mr.is_of_label and bool(self.device.safety)
        return self.mr.status not in ("", "mr_safe") and not contradicted and self.device.status != "inactive"


def _devices(facts: Facts) -> tuple[_OnRecord, ...]:
    """Return each usable Device that is an implant, or of which an MR status is known."""
    return facts.once("devices on record", lambda: tuple(_on_record(facts)))


def _on_record(facts: Facts) -> Iterator[_OnRecord]:
    for device in facts.devices():
        if is_disregarded(device):
            continue
        coded, _ = device_concepts(device, facts.chart.index)
        concepts = tuple(name for name in IMPLANTS if name in coded.concepts)
        external = "device_external_ignore" in coded.concepts
        status = device_status(device, _kind(facts, device, concepts, external), facts.chart.index, facts.chart.labels)
        if concepts or ((device.safety or status.status) and not external):
            yield _OnRecord(device, concepts, status)


def _kind(facts: Facts, device: Device, concepts: tuple[str, ...], external: bool) -> Kind:  # noqa: FBT001
    """Return what a device is; of one outside the body, by its code or its name, no label is looked up."""
    if concepts:
        return Kind.HELD if set(concepts) & set(HELD) else Kind.SCREENED
    outside = external or any(names_external_device(place.text) for place in places_of(device, facts.chart.index))
    return Kind.EXTERNAL if outside else Kind.UNKNOWN


def _device(facts: Facts, found: _OnRecord) -> _Implant:
    device, concepts = found.device, found.concepts
    concept = concepts[0] if concepts else "implant_other"
    inactive = device.status == "inactive" or _use_has_ended(facts, device)
    removed = _is_removed(facts, concept, device)
    risk = _risk(facts, found.mr.status, concepts)
    notes = [found.mr.note] if found.mr.note else []
    notes += ["inactive"] if inactive else []
    if removed and inactive:
        risk = min(risk, Risk.REMOVED)
        notes.append("removed")
    elif removed:
        # Said to be in use, and said to be taken out since.
        risk = max(risk, Risk.HOLD)
        notes.append("conflicting")
    elif inactive and risk is not Risk.NONE:
        # Inactive is not explanted, and nobody looks after it any more.
        risk = max(risk, Risk.HOLD)
    coded, named = device_concepts(device, facts.chart.index)
    codes = tuple(code for name, code in coded.codes if name == concept)
    place = "device" if named else ""
    return _Implant(risk, Evidence(reference_of(device), concept, codes, UNKNOWN_DATE, "", tuple(notes), named, place))


def _named_by_udi(facts: Facts) -> Iterator[_Implant]:
    """Yield the devices that a use or a procedure names by a UDI, and that did not come, where their label warns."""
    if facts.chart.labels.released is None:
        return
    known = {device.id for device in facts.devices()}
    for kind in ("DeviceUseStatement", "Procedure"):
        for record in facts.chart.resources.get(kind, ()):
            if not isinstance(record, DeviceUseStatement | Procedure) or is_disregarded(record):
                continue
            label = label_in_references(record, known, facts.chart.labels)
            if label is None or label.status not in (MrStatus.UNSAFE, MrStatus.CONDITIONAL):
                continue
            over = isinstance(record, DeviceUseStatement) and record.status in ("completed", "stopped")
            risk = _risk(facts, label.status, ())
            notes = (f"label_{label.status}", *(("inactive",) if over else ()))
            evidence = Evidence(reference_of(record), "implant_other", notes=notes)
            yield _Implant(max(risk, Risk.HOLD) if over else risk, evidence)


def _risk(facts: Facts, label: str, concepts: tuple[str, ...]) -> Risk:
    if label == "mr_unsafe":
        return Risk.UNSAFE
    if label == "mr_conditional":
        return Risk.HOLD if facts.treat_conditional_as == "hold" else Risk.CONDITIONAL
    if label == "mr_safe":
        return Risk.NONE
    return Risk.SCREEN if concepts and not set(concepts) & set(HELD) else Risk.HOLD


def _use_has_ended(facts: Facts, device: Device) -> bool:
    """Whether a DeviceUseStatement says that the use is over, which is not an explant either."""
    return device.id in facts.once("ended uses", lambda: _ended_uses(facts))


def _ended_uses(facts: Facts) -> set[str | None]:
    uses = facts.chart.resources.get("DeviceUseStatement", ())
    over = (use for use in uses if isinstance(use, DeviceUseStatement) and use.status in ("completed", "stopped"))
    return {reference_id(use.device, "Device") for use in over} - {None}


def _recorded(facts: Facts, concept: str, entry: ChartEntry) -> _Implant:
    """Return an implant known from a diagnosis, a procedure, a contact or the order, without a Device's status."""
    held = _in_danger(entry) if concept == _METAL else concept in HELD
    risk = Risk.HOLD if held else Risk.SCREEN
    evidence = facts.evidence(entry, concept)
    if _is_removed(facts, concept, None):
        removed = Evidence(evidence.reference, concept, evidence.codes, evidence.when, "", (*evidence.notes, "removed"))
        return _Implant(Risk.REMOVED, removed)
    return _Implant(risk, evidence)


def _in_danger(entry: ChartEntry) -> bool:
    """Whether metal lies in or near the eye or the spinal canal, by its code or by the words beside it."""
    return bool(_NEAR_CANAL.search(entry.words)) or any(
        code.code.replace(".", "").upper().startswith(_EYE_PREFIXES) or code.code == _EYE_SNOMED
        for code in entry.codes_of(_METAL)
    )


def _is_removed(facts: Facts, concept: str, device: Device | None) -> bool:
    """Whether the implant was taken out, certainly later than every record that it was in."""
    implanted = _implanted(facts, concept)
    explants = facts.once("explants", lambda: _explants(facts)).get(device.id if device else None, ())
    if any(_is_done_after(facts, removal, implanted) for removal in explants):
        return True
    # A removal that names no device clears nothing whose implantation is undated: it may be of an older device.
    return implanted is not None and facts.once(("removed", concept), lambda: _is_kind_removed(facts, concept))


def _is_kind_removed(facts: Facts, concept: str) -> bool:
    """Whether a removal that names no device is of this kind, and later than every record that one was in.

    It is not where a record of this kind of implant is of another site than the removal: vagal, sacral, spinal.
    """
    if concept not in _REMOVALS:
        return False
    implanted = _implanted(facts, concept)
    sites = {site for entry in facts.asserted(concept) for site in _sites(entry, concept)}
    return any(
        isinstance(entry.resource, Procedure)
        and sites <= _sites(entry, _REMOVALS[concept])
        and _is_done_after(facts, entry.resource, implanted)
        for entry in facts.stated(_REMOVALS[concept])
    )


def _is_done_after(facts: Facts, removal: Procedure, implanted: DateInterval | None) -> bool:
    when = procedure_date(removal)
    done = removal.status == "completed" and when.is_known and when.on_or_before(facts.as_of) is True
    return done and (implanted is None or when.after(implanted) is True)


def _sites(entry: ChartEntry, concept: str) -> set[str]:
    names = " ".join(code.display.casefold() for code in entry.codes_of(concept))
    found = set(_SITES.findall(names))
    return found | ({"spinal"} if "laminectomy" in names else set())


def _implanted(facts: Facts, concept: str) -> DateInterval | None:
    """Return when records other than Devices say, at the latest, that the implant was put in or was still there.

    None where no record says so, and an unknown date where one of them is undated.
    """
    return facts.once(("implanted", concept), lambda: _newest(facts, concept))


def _newest(facts: Facts, concept: str) -> DateInterval | None:
    said = [found.asserted.latest for found in facts.asserted(concept) if not isinstance(found.resource, Device)]
    dated = [day for day in said if day is not None]
    if not said:
        return None
    return DateInterval(latest=max(dated)) if len(dated) == len(said) else UNKNOWN_DATE


def _explants(facts: Facts) -> dict[str | None, list[Procedure]]:
    """Return the procedures that name a device as explanted, by its id."""
    found: dict[str | None, list[Procedure]] = {}
    for procedure in facts.chart.resources.get("Procedure", ()):
        if isinstance(procedure, Procedure):
            for device in _acted_on(procedure, "explanted"):
                found.setdefault(device, []).append(procedure)
    return found


def _acted_on(procedure: Procedure, action: str) -> set[str]:
    """Return the ids of the devices that a procedure names as implanted or explanted."""
    acted = (focal.manipulated for focal in procedure.focal_device if focal.action and focal.action.has_code(action))
    return {name for name in (reference_id(reference, "Device") for reference in acted) if name}


def r_artifact(facts: Facts) -> Finding:
    """Whether metal in the lumbar spine may spoil the picture; its MR safety is R-MR's question."""
    hardware = facts.asserted("implant_spinal_hardware")
    fusions = [entry for entry in facts.asserted("prior_lumbar_surgery") if is_fusion(entry)]
    evidence = [
        facts.evidence(entry, "implant_spinal_hardware", "prior_lumbar_surgery") for entry in (*hardware, *fusions)
    ]
    return facts.finding("R-ARTIFACT", evidence, sources=SOURCES, met=bool(evidence))


def is_fusion(entry: ChartEntry) -> bool:
    """Whether an operation fuses vertebrae, by this project's own display of its code, or by CPT's chapter of it."""
    arthrodesis = any(
        canonical_system(code.system) == CPT and code.code.strip().startswith(_CPT_ARTHRODESIS)
        for code in entry.codes_of("prior_lumbar_surgery")
    )
    return arthrodesis or any(
        word in code.display.casefold()
        for code in entry.codes_of("prior_lumbar_surgery")
        for word in ("arthrodesis", "fusion of", "spinal fusion", "lumbosacral fusion")
    )
