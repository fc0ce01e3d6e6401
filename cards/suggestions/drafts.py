"""The orders that suggestions create or change.

A new order carries over whom it is for, in which encounter, by whom and why. Unless it is plainly sound, it is
validated with `fhir.resources` before it leaves; a carried-over element that a client wrote in a way FHIR does not
allow is left out rather than sent on. A changed order is the order as received with one element replaced.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib import resources
from typing import Any

from fhir.resources.R4B.servicerequest import ServiceRequest
from pydantic import ValidationError

from cards.guideline.wording import Wording
from cards.suggestions.usual import is_plainly_sound
from fhir_mappings.orders.orders import ImagingOrder

_CARRIED = ("encounter", "requester", "authoredOn", "reasonCode", "reasonReference")
_EMPTY: tuple[Any, ...] = (None, "", [], {})
PRIORITIES = ("routine", "urgent", "asap", "stat")  # FHIR request-priority, the most pressing last
_RANK = {priority: rank for rank, priority in enumerate(PRIORITIES)}


@cache
def _orderables() -> dict[str, Any]:
    file = resources.files("cards.suggestions") / "orderables.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))


def orderables() -> tuple[str, ...]:
    """Return the names of everything that suggestions can order."""
    return tuple(_orderables())


def concept_of(orderable: str) -> str:
    """Return the concept an orderable belongs to, to see whether it is among the drafts already."""
    return str(_orderables()[orderable].get("concept", orderable))


def code_of(orderable: str, wording: Wording, systems: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Return the CodeableConcept of an orderable, with the codings of some systems if any of them is known."""
    display = display_of(orderable, wording)
    codings = [{**coding, "display": display} for coding in _orderables()[orderable]["coding"]]
    wanted = [coding for coding in codings if coding["system"] in systems]
    return {"coding": wanted or codings, "text": display}


def display_of(orderable: str, wording: Wording) -> str:
    """Return what an orderable is called."""
    names = {"order_mri_lumbar_wo": "without", "order_mri_lumbar_wo_w": "without-and-with"}
    if orderable in names:
        return wording.text("orders", names[orderable])
    return wording.text("suggestions", "orderables", orderable)


def new_order(  # noqa: PLR0913 - what an order is made of
    orderable: str, order: ImagingOrder, patient_id: str, wording: Wording, *, priority: str = "", note: str = ""
) -> dict[str, Any]:
    """Return a draft ServiceRequest for an orderable on behalf of the same patient as an order."""
    resource: dict[str, Any] = {
        "resourceType": "ServiceRequest",
        "status": "draft",
        "intent": "order",
        "code": code_of(orderable, wording),
        "subject": {"reference": f"Patient/{patient_id}"},
    }
    if priority in PRIORITIES:
        resource["priority"] = priority
    if note:
        resource["note"] = [{"text": note}]
    carried = {element: value for element in _CARRIED if (value := _carried(order.resource.get(element)))}
    if _is_valid({**resource, **carried}):
        return {**resource, **carried}
    for element, value in carried.items():
        if _is_valid({**resource, element: value}):
            resource[element] = value
    ServiceRequest.model_validate(plain(resource))
    return resource


def _carried(value: Any) -> Any:
    """Return an element without references into resources that stay behind."""
    if isinstance(value, list):
        return [item for item in (_carried(item) for item in value) if item]
    if isinstance(value, dict) and str(value.get("reference", "")).startswith("#"):
        return None
    return pruned(value)


def pruned(value: Any) -> Any:
    """Return JSON values without nulls and empty ones, which neither FHIR nor CDS Hooks allow; nothing else changes.

    A list of primitives beside the list of their extensions keeps the nulls that make the two fit.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        members = {
            key: _padded(item) if isinstance(item, list) and _has_twin(value, key) else pruned(item)
            for key, item in value.items()
        }
        return {key: item for key, item in members.items() if item not in _EMPTY}
    if isinstance(value, list):
        return [item for item in map(pruned, value) if item not in _EMPTY]
    return value


def _has_twin(members: Mapping[str, Any], key: str) -> bool:
    twin = key[1:] if key.startswith("_") else f"_{key}"
    return isinstance(members.get(twin), list)


def _padded(values: list[Any]) -> list[Any]:
    kept = [None if item in _EMPTY else item for item in map(pruned, values)]
    return kept if any(item is not None for item in kept) else []


def _is_valid(resource: Mapping[str, Any]) -> bool:
    if is_plainly_sound(resource):
        return True
    try:
        ServiceRequest.model_validate(plain(resource))
    except (ValidationError, ValueError, KeyError, TypeError):
        return False
    return True


def plain(value: Any) -> Any:
    """Return JSON values with Decimals as floats, for validation only."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | type(None)) else float(value)


def with_priority(resource: Mapping[str, Any], priority: str) -> dict[str, Any]:
    """Return an order as received with another priority."""
    return {**resource, "priority": priority}


def with_occurrence(resource: Mapping[str, Any], day: date) -> dict[str, Any]:
    """Return an order as received, to be done from a day on."""
    kept = {name: value for name, value in resource.items() if not name.lstrip("_").startswith("occurrence")}
    return {**kept, "occurrenceDateTime": day.isoformat()}


def with_study(resource: Mapping[str, Any], orderable: str, wording: Wording) -> dict[str, Any]:
    """Return an order as received with another study, coded in the systems that the order uses.

    An R5 order keeps its form: its code is a concept inside a CodeableReference.
    """
    sent = resource.get("code")
    concept = sent.get("concept", sent) if isinstance(sent, dict) else None
    codings = concept.get("coding") if isinstance(concept, dict) else None
    systems = [coding.get("system") for coding in codings or [] if isinstance(coding, dict)]
    used = frozenset(system for system in systems if isinstance(system, str))
    code = code_of(orderable, wording, used)
    is_r5 = isinstance(sent, dict) and not sent.keys().isdisjoint(("concept", "reference"))
    return {**resource, "code": {"concept": code} if is_r5 else code}


def is_below(priority: str, other: str) -> bool:
    """Whether a priority is less pressing than another, one of PRIORITIES; a word unknown to FHIR counts as routine."""
    return _RANK.get(priority, 0) < _RANK[other]


def replaced_in_place(
    order: ImagingOrder, orderable: str, created: Mapping[str, Any], wording: Wording
) -> dict[str, Any]:
    """Return an order as received that has become the order which was to be created in its place.

    It takes over the study, a priority where that is more pressing than the order's own, and notes beside the order's
    own. Nothing else changes: not whom it is for, by whom, why, or what an element unknown here says.
    """
    resource = with_study(order.resource, orderable, wording)
    priority = created.get("priority", "")
    if priority and is_below(order.priority, priority):
        resource["priority"] = priority
    notes = resource.get("note") or []
    if isinstance(notes, list) and (more := [note for note in created.get("note", ()) if note not in notes]):
        resource["note"] = [*notes, *more]
    return pruned(resource)  # type: ignore[no-any-return]  # an object without its empty members is an object
