"""The terminology as the service builds it, read once in each process of the tests."""

from __future__ import annotations

from functools import cache

from fhir_mappings.terminology.index import TerminologyIndex, bundled_value_sets


@cache
def bundled_index() -> TerminologyIndex:
    """Return the index of the bundled value sets, which never changes."""
    return TerminologyIndex.from_directory(bundled_value_sets())
