"""Shim until the matcher lands."""

from __future__ import annotations

from fhir_mappings.chart.hints import affirms
from fhir_mappings.chart.hints import hints_in as topics_in

__all__ = ["LONGEST_QUOTE", "affirms", "quoted", "topics_in"]
LONGEST_QUOTE = 60


def quoted(text: str, topic: str) -> str:
    """Shim."""
    return text[:LONGEST_QUOTE] if topic else ""
