"""What the API description allows, and what it does not: every address answers as described, and never with a 500."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from tests.protocol.builders import make_app

pytestmark = pytest.mark.slow

schema = schemathesis.openapi.from_wsgi("/openapi.json", make_app(log_level="error"))


@schema.parametrize()
@settings(
    max_examples=40,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_every_address_answers_as_described(case: Any) -> None:
    """Sound and unsound requests get an answer of a described status and form."""
    case.call_and_validate(checks=[not_a_server_error, response_schema_conformance, status_code_conformance])
