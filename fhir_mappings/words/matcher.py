"""Shim until the matcher lands."""

from __future__ import annotations

from fhir_mappings.chart.hints import affirms, may_hold_hint
from fhir_mappings.chart.hints import hints_in as topics_in

__all__ = ["LONGEST_QUOTE", "affirms", "mentions_in", "quoted", "topics_in"]
LONGEST_QUOTE = 60


def mentions_in(text: str) -> tuple[object, ...]:
    """Shim."""
    return (text,) if may_hold_hint(text) else ()


def quoted(text: str, topic: str) -> str:
    """Shim."""
    return text[:LONGEST_QUOTE] if topic else ""
