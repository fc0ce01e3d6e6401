"""The guideline as JSON, for programs: the whole document, with names as CDS Hooks and FHIR write them."""

from __future__ import annotations

from typing import Any

import msgspec

from cds_service.guideline.document import Guideline
from cds_service.protocol.serialization import encode


def guideline_json(guideline: Guideline) -> bytes:
    """Return the document; lists keep their order, and rules, messages, statements and concepts refer by id."""
    return encode(_renamed(msgspec.to_builtins(guideline)))


def _renamed(value: Any) -> Any:
    """Return plain values with every member in camel case."""
    if isinstance(value, dict):
        return {_camel(name): _renamed(item) for name, item in value.items()}
    return [_renamed(item) for item in value] if isinstance(value, list | tuple) else value


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)
