"""What a token's scopes cover, in both versions of SMART and as real servers write them."""

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
        # in any case, and as Epic writes them
        ("user/Condition.Read user/Patient.Read", FULL, FULL),
        ("PATIENT/CONDITION.READ", FULL, FULL),
        ("patient/condition.RS", FULL, FULL),
        ("patient/Condition.sr", FULL, FULL),
        ("CONDITION.READ Condition.Search (R4)", FULL, FULL),
        ("Condition.Search (R4) Observation.Read (Labs) (R4)", NONE, FULL),
        ("user/Condition.Write", NONE, NONE),
        ("Observation.Read Condition.Create", NONE, NONE),
        ("patient/Condition.read?category=a", RESTRICTED, RESTRICTED),
        # a verb that cannot be read: the server decides, for this type
        ("patient/Condition.reads", FULL, FULL),
        ("patient/Observation.reads", NONE, NONE),
        # nothing that can be read: the server decides
        ("", FULL, FULL),
        (" ", FULL, FULL),
        ("launch openid profile", FULL, FULL),
        ("epic.scanning.dmsusertoken offline_access system.cds cds.read", FULL, FULL),
        ("patient/Condition", FULL, FULL),
        ("patient/Condition.", FULL, FULL),
        ("practice/Condition.read", FULL, FULL),
        ("Condition.reads", FULL, FULL),
    ],
)
def test_access(scope: str | None, read: Access, search: Access) -> None:
    """A type may be read or searched as far as some scope says, and one scope's narrowness does not narrow another."""
    scopes = Scopes.parse(scope)
    assert (scopes.read("Condition"), scopes.search("Condition")) == (read, search)
