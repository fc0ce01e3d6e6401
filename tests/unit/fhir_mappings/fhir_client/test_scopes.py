"""What a token's scopes cover, in both versions of SMART."""

from __future__ import annotations

import pytest

from fhir_mappings.fhir_client.scopes import Access, Scopes

NONE, RESTRICTED, FULL = Access.NONE, Access.RESTRICTED, Access.FULL


@pytest.mark.parametrize(
    ("scope", "read", "search"),
    [
        # none given: the server decides
        (None, FULL, FULL),
        # version 1
        ("patient/Condition.read", FULL, FULL),
        ("user/*.read", FULL, FULL),
        ("system/Condition.*", FULL, FULL),
        ("patient/*.*", FULL, FULL),
        ("patient/Condition.write", NONE, NONE),
        ("patient/Observation.read", NONE, NONE),
        ("launch openid patient/Condition.read fhirUser", FULL, FULL),
        # version 2
        ("patient/Condition.rs", FULL, FULL),
        ("patient/Condition.r", FULL, NONE),
        ("patient/Condition.s", NONE, FULL),
        ("user/Condition.cruds", FULL, FULL),
        ("user/*.cud", NONE, NONE),
        ("patient/Condition.rs?category=problem-list-item", RESTRICTED, RESTRICTED),
        ("patient/Condition.rs?", RESTRICTED, RESTRICTED),
        ("patient/Condition.rs?category=a patient/Condition.s", RESTRICTED, FULL),
        ("patient/*.r patient/Condition.s?code=x", FULL, RESTRICTED),
        # nothing that opens a resource
        ("", NONE, NONE),
        ("launch openid profile", NONE, NONE),
        ("patient/Condition", NONE, NONE),
        ("patient/Condition.", NONE, NONE),
        ("patient/Condition.sr", NONE, NONE),
        ("patient/Condition.reads", NONE, NONE),
        ("patient/condition.read", NONE, NONE),
        ("practice/Condition.read", NONE, NONE),
        ("patient/Condition.read?category=a", NONE, NONE),
        ("xpatient/Condition.read", NONE, NONE),
    ],
)
def test_access(scope: str | None, read: Access, search: Access) -> None:
    """A type may be read or searched as far as some scope says, and one scope's narrowness does not narrow another."""
    scopes = Scopes.parse(scope)
    assert (scopes.read("Condition"), scopes.search("Condition")) == (read, search)
