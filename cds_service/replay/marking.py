"""Which patients are worth a second look: those with an order, a study that may stand for one, or a painful visit.

Every resource of an export passes here, and most charts hold nothing of ours. What a study is depends on its code and
its place on the body alone, and the same few codes come again and again, so each is recognised once.
"""

from __future__ import annotations

import enum
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec

from cds_service.replay.orders import Kind, draft_for_study

if TYPE_CHECKING:
    from cds_service.replay.orders import Recogniser

_MOST_REMEMBERED: Final = 50_000
_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+-]{0,39}")
_SYSTEM: Final = re.compile(r"(?:https?://|urn:)[^\s|]{1,150}")
WITHOUT_CODE: Final = "no code"


class Mark(enum.IntFlag):
    """What a resource makes of its patient."""

    ORDER = 1
    STUDY = 2
    PAIN = 4
    UNRECOGNISED = 8  # an order that is named like an MRI of the spine, and nobody can tell which


WANTED: Final = {Kind.ORDERS: Mark.ORDER, Kind.STAND_INS: Mark.STUDY, Kind.WHAT_IF: Mark.PAIN}


class _Coded(msgspec.Struct, rename="camel", gc=False):
    code: msgspec.Raw = msgspec.Raw()
    procedure_code: msgspec.Raw = msgspec.Raw()
    body_site: msgspec.Raw = msgspec.Raw()
    reason_code: msgspec.Raw = msgspec.Raw()


_CODED: Final = msgspec.json.Decoder(_Coded)


@dataclass(slots=True)
class Marker:
    """Marks the resources of an export, and counts the orders that look like ours and are not recognised, by code."""

    recogniser: Recogniser
    what_if: bool = False
    unrecognised: Counter[str] = field(default_factory=Counter)
    _known: dict[tuple[str, bytes], tuple[Mark, str]] = field(default_factory=dict)

    @property
    def types(self) -> frozenset[str]:
        """The types of which a resource can have a mark."""
        return _PAINFUL if self.what_if else _ORDERED

    def mark(self, line: bytes, resource_type: str) -> Mark:
        """Return what a resource of one of the types makes of its patient."""
        coded = _CODED.decode(line)
        parts = (coded.code, coded.procedure_code, coded.body_site, *([coded.reason_code] if self.what_if else []))
        key = (resource_type, b"\0".join(map(bytes, parts)))
        if key not in self._known:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            self._known[key] = self._told(coded, resource_type)
        mark, name = self._known[key]
        if name:
            self.unrecognised[name] += 1
        return mark

    def _told(self, coded: _Coded, resource_type: str) -> tuple[Mark, str]:
        names = ("code", "procedureCode", "bodySite", "reasonCode")
        parts = (coded.code, coded.procedure_code, coded.body_site, coded.reason_code)
        resource = {name: msgspec.json.decode(part) for name, part in zip(names, parts, strict=True) if bytes(part)}
        resource["resourceType"] = resource_type
        if resource_type in _PAINFUL:
            return (Mark.PAIN if self.recogniser.is_about_pain(resource) else Mark(0)), ""
        if resource_type != "ServiceRequest":
            return (Mark.STUDY if self.recogniser.is_lumbar_mri(draft_for_study(resource)) else Mark(0)), ""
        if self.recogniser.is_lumbar_mri(resource):
            return Mark.ORDER, ""
        if self.recogniser.looks_like_one(resource):
            return Mark.UNRECOGNISED, first_code(resource.get("code"))
        return Mark(0), ""


_PAINFUL: Final = frozenset({"Condition", "Encounter"})
_ORDERED: Final = frozenset({"ServiceRequest", "ImagingStudy", "Procedure"})


def first_code(concept: object) -> str:
    """Return the first code of an orderable as `system|code`; what may be somebody's words is left out."""
    codings = concept.get("coding") if isinstance(concept, dict) else None
    for coding in codings if isinstance(codings, list) else []:
        system, code = (coding.get("system"), coding.get("code")) if isinstance(coding, dict) else (None, None)
        if isinstance(code, str) and (found := written_code(system if isinstance(system, str) else "", code)):
            return found
    return WITHOUT_CODE


def written_code(system: str, code: str) -> str:
    """Return `system|code` where both are what they should be; empty where one may hold words."""
    if not _CODE.fullmatch(code) or (system and not _SYSTEM.fullmatch(system)):
        return ""
    return f"{system}|{code}"
