"""The addresses that are asked: each need's read or search, single resources by id, Medications by their ids.

Every id that comes from a request or a record goes into an address only if it can be nothing but an id there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from urllib.parse import quote

from fhir_mappings.fhir.needs import DATA_NEEDS
from fhir_mappings.fhir.searches import Search
from fhir_mappings.fhir_client.links import resolve_link
from fhir_mappings.orders.orders import ImagingOrder

# FHIR's characters and those of servers that take more; real ids exceed FHIR's length.
_ID = re.compile(r"[A-Za-z0-9._~-]{1,256}")
# What an order may refer to and the criteria read; the patient is read anyway.
_REFERABLE = frozenset(need.resource_type for need in DATA_NEEDS) - {"Patient"}


class Target(NamedTuple):
    """A resource that a reference leads to."""

    resource_type: str
    id: str

    @property
    def path(self) -> str:
        """`Type/id`, relative to a server's base."""
        return f"{self.resource_type}/{self.id}"


def is_sendable(resource_id: str) -> bool:
    """Whether an id can go into an address: legal, and no `..` that a server would take for a step up."""
    return bool(_ID.fullmatch(resource_id)) and bool(resource_id.strip("."))


def search_url(base: str, search: Search, patient_id: str) -> str:
    """Return the address of a read or search for a patient, whose id is one path segment or one value."""
    return _below(base, search.query(quote(patient_id, safe="")))


def resource_url(base: str, target: Target) -> str:
    """Return the address of a read."""
    return _below(base, target.path)


def medications_url(base: str, ids: Sequence[str]) -> str:
    """Return the address of a search for Medications by their ids."""
    return _below(base, f"Medication?_id={','.join(ids)}&_count={len(ids)}")


def relative(url: str, base: str) -> str:
    """Return an address below a base as an entry of a batch names it."""
    return url.removeprefix(f"{base.rstrip('/')}/")


def target_of(reference: str, base: str) -> Target | None:
    """Return where a relative reference, or an absolute one below the base, leads; None for any other."""
    root = f"{base.rstrip('/')}/"
    url = resolve_link(reference, root, base)
    if url is None or not url.startswith(root):
        return None
    resource_type, _, rest = url.removeprefix(root).partition("/")
    resource_id = rest.partition("/_history/")[0]
    return Target(resource_type, resource_id) if resource_type.isalpha() and is_sendable(resource_id) else None


def order_references(orders: Iterable[ImagingOrder]) -> tuple[str, ...]:
    """Return what the reasons and the supporting information of orders refer to and the request does not carry."""
    found = {
        reference: None
        for order in orders
        for reference in (*order.reason_references, *order.supporting_references)
        if reference not in order.companions and not reference.startswith(("#", "urn:"))
    }
    return tuple(found)


def order_targets(references: Iterable[str], base: str) -> tuple[Target, ...]:
    """Return the resources behind references of an order, each once, as far as the criteria read their types."""
    targets = (target_of(reference, base) for reference in references)
    return tuple(dict.fromkeys(target for target in targets if target and target.resource_type in _REFERABLE))


def _below(base: str, path: str) -> str:
    return f"{base.rstrip('/')}/{path}"
