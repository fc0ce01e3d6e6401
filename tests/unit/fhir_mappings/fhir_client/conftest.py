"""A client with workers for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.unit.fhir_mappings.fhir_client.asking import Asking


@pytest.fixture
def asking() -> Iterator[Asking]:
    """Return a client with a worker for each need."""
    with ThreadPoolExecutor(16) as executor:
        yield Asking(executor)
