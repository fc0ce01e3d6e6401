"""The body of a hook call, judged by the contract; resources inside are looked at for type and id only."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from cds_service.calls.judged import Finding
from fhir_mappings.fhir.needs import DATA_NEEDS
from fhir_mappings.fhir_client.scopes import Access, Scopes

_TOKEN_MEMBERS: Final = ("access_token", "token_type", "expires_in", "scope", "subject")
_USERS: Final = ("Practitioner/", "PractitionerRole/")
_EMPTY: Final[tuple[Any, ...]] = (None, "", [], {})
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


def envelope_findings(members: Mapping[str, Any], hook: str) -> Iterator[Finding]:
    """Yield how each part of a hook call fits; `members` are decoded, but for `prefetch`."""
    yield _verdict("REQ-HOOK", members.get("hook") == hook, "It is another hook, or none.")
    yield _instance(members.get("hookInstance"))
    yield _empties(members)
    yield from _server(members)
    context = members.get("context")
    yield from _context(context if isinstance(context, dict) else {}, hook)


def granted_types(members: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the types of ours that the scopes of a call let be searched or read; none where none can be read."""
    scopes = _scopes(members)
    if scopes is None or not scopes.are_readable:
        return ()
    return tuple(
        need.resource_type for need in DATA_NEEDS if _covers(scopes, need.resource_type, bool(need.parameters))
    )


def _covers(scopes: Scopes, resource_type: str, searched: bool) -> bool:  # noqa: FBT001 - a property of the need
    return (scopes.search if searched else scopes.read)(resource_type) is not Access.NONE


def _scopes(members: Mapping[str, Any]) -> Scopes | None:
    authorization = members.get("fhirAuthorization")
    if not isinstance(authorization, dict) or not authorization.get("access_token"):
        return None
    scope = authorization.get("scope")
    return Scopes.parse(scope if isinstance(scope, str) else None)


def _verdict(check: str, fits: bool, seen: str) -> Finding:  # noqa: FBT001 - a verdict
    return Finding(check, "pass" if fits else "fail", "" if fits else seen)


def _instance(value: Any) -> Finding:
    try:
        uuid.UUID(value)
    except (ValueError, TypeError, AttributeError):
        missing = not isinstance(value, str) or not value
        return Finding("REQ-INSTANCE", "fail" if missing else "warn", "Missing." if missing else "It is no UUID.")
    return Finding("REQ-INSTANCE", "pass")


def _empties(members: Mapping[str, Any]) -> Finding:
    places = [("", ("hook", "hookInstance", "fhirServer", "fhirAuthorization", "context")), ("context", None)]
    places.append(("fhirAuthorization", _TOKEN_MEMBERS))
    found = []
    for place, names in places:
        holder = members.get(place) if place else members
        if isinstance(holder, dict):
            known = names or ("userId", "patientId", "encounterId", "selections", "draftOrders")
            found += [f"{place}.{name}".lstrip(".") for name in known if name in holder and holder[name] in _EMPTY]
    return Finding("REQ-EMPTY", "warn" if found else "pass", f"Empty: {', '.join(found)}." if found else "")


def _server(members: Mapping[str, Any]) -> Iterator[Finding]:
    server, authorization = members.get("fhirServer"), members.get("fhirAuthorization")
    if server or authorization:
        address = urlsplit(server) if isinstance(server, str) else urlsplit("")
        near = address.hostname in _LOOPBACK
        seen = "fhirAuthorization without fhirServer." if not server else "It does not begin with https."
        state = "pass" if address.scheme == "https" else "warn" if near else "fail"
        yield Finding("REQ-SERVER", state, "" if state == "pass" else seen)  # type: ignore[arg-type] # one of its values
    if isinstance(authorization, dict) and authorization.get("access_token"):
        missing = [name for name in _TOKEN_MEMBERS if authorization.get(name) in _EMPTY]
        is_bearer = str(authorization.get("token_type") or "Bearer").lower() == "bearer"
        faults = [f"missing: {', '.join(missing)}"] if missing else []
        faults += [] if is_bearer else ["token_type is not Bearer"]
        state = "pass" if not faults else "warn" if is_bearer else "fail"
        yield Finding("REQ-TOKEN", state, "; ".join(faults).capitalize() + "." if faults else "")  # type: ignore[arg-type]
    if (scopes := _scopes(members)) is not None:
        yield _coverage(scopes)


def _coverage(scopes: Scopes) -> Finding:
    if not scopes.are_readable:
        return Finding(
            "REQ-SCOPES", "warn", "No scope of a resource can be read: the FHIR server is asked and decides."
        )
    lacking = [need for need in DATA_NEEDS if not _covers(scopes, need.resource_type, bool(need.parameters))]
    if not lacking:
        return Finding("REQ-SCOPES", "pass")
    state = "fail" if any(need.required for need in lacking) else "warn"
    names = ", ".join(need.resource_type for need in lacking)
    return Finding("REQ-SCOPES", state, f"Not granted: {names}.")  # type: ignore[arg-type] # one of its values


def _context(context: Mapping[str, Any], hook: str) -> Iterator[Finding]:
    patient = context.get("patientId")
    if not isinstance(patient, str) or not patient.strip():
        yield Finding("REQ-PATIENT", "fail", "Missing.")
    else:
        bare = "/" not in patient
        yield Finding("REQ-PATIENT", "pass" if bare else "warn", "" if bare else "It is a reference.")
    user = context.get("userId")
    named = isinstance(user, str) and user.startswith(_USERS)
    yield Finding("REQ-USER", "pass" if named else "warn", "" if named else "Missing." if not user else "Another form.")
    bundle = context.get("draftOrders")
    orders = list(_orders(bundle))
    yield _drafts(bundle, orders)
    if hook == "order-select":
        yield _selections(context.get("selections"), orders)
    if isinstance(patient, str) and patient:
        yield _subjects(orders, patient.strip().removeprefix("Patient/"))


def _orders(bundle: Any) -> Iterator[Mapping[str, Any]]:
    entries = bundle.get("entry") if isinstance(bundle, dict) else None
    for entry in entries if isinstance(entries, list) else ():
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(resource, dict) and str(resource.get("resourceType", "")).endswith(("Request", "Order")):
            yield resource


def _drafts(bundle: Any, orders: list[Mapping[str, Any]]) -> Finding:
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        return Finding("REQ-DRAFTS", "fail", "There is no Bundle.")
    if not orders:
        return Finding("REQ-DRAFTS", "warn", "It holds no order.")
    nameless = sum(not isinstance(order.get("id"), str) or not order["id"] for order in orders)
    if nameless:
        return Finding(
            "REQ-DRAFTS", "warn", f"{nameless} of {len(orders)} orders have no id: nothing can replace them."
        )
    typed = bundle.get("type") == "collection"
    return Finding("REQ-DRAFTS", "pass" if typed else "warn", "" if typed else "The Bundle's type is not collection.")


def _selections(selections: Any, orders: list[Mapping[str, Any]]) -> Finding:
    if not isinstance(selections, list) or not selections:
        return Finding("REQ-SELECTIONS", "warn", "None is named: every draft order counts.")
    drafted = {f"{order.get('resourceType')}/{order.get('id')}" for order in orders}
    lost = sum(selection not in drafted for selection in selections if isinstance(selection, str))
    seen = f"{lost} of {len(selections)} are no Type/id of a draft order."
    return Finding("REQ-SELECTIONS", "warn" if lost else "pass", seen if lost else "")


def _subjects(orders: list[Mapping[str, Any]], patient: str) -> Finding:
    named = [order["subject"].get("reference") for order in orders if isinstance(order.get("subject"), dict)]
    others = sum(isinstance(name, str) and name.rstrip("/").rsplit("/", 1)[-1] != patient for name in named)
    seen = f"{others} of {len(orders)} orders name another patient."
    return Finding("REQ-SUBJECT", "fail" if others else "pass", seen if others else "")
