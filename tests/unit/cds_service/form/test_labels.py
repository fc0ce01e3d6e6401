"""What the form says of a UDI: what was read, and the label of its model as what it is."""

from __future__ import annotations

import pytest

from cards.guideline.wording import load_wording
from cds_service.form.labels import said_of_udi
from fhir_mappings.devices.labels import NO_LABELS
from tests.labels import CONDITIONAL, TABLE, UNLISTED, UNSAFE

ONLY_A_LABEL = "not a clearance of what is in this patient"


@pytest.mark.parametrize(("identifier", "status"), [(CONDITIONAL, "MR Conditional"), (UNSAFE, "MR Unsafe")])
def test_label_is_called_a_label(identifier: str, status: str) -> None:
    """The status is told with the model, the day of the table, and that it clears nobody."""
    read, label, only = said_of_udi(f"(01){identifier}(21)S1", TABLE, load_wording())
    assert identifier in read
    assert label == f"Label of this model (Example Devices Model 1) in AccessGUDID, 2 Mar 2026: {status}."
    assert ONLY_A_LABEL in only


def test_unlisted_model_is_unknown() -> None:
    """A model that the table does not hold is not called safe."""
    assert "not known" in said_of_udi(UNLISTED, TABLE, load_wording())[-1]


def test_without_a_table_it_says_so() -> None:
    """A site that has imported no table is told, and what was read stands all the same."""
    said = said_of_udi(f"(01){UNSAFE}", NO_LABELS, load_wording())
    assert "not looked up at this site" in said[-1]
    assert len(said) == 2


def test_wrong_check_digit_is_told() -> None:
    """A digit that was mistyped is looked at again."""
    said = said_of_udi("(01)00000000000018", TABLE, load_wording())
    assert any("check digit" in sentence for sentence in said)


def test_nothing_typed_says_nothing() -> None:
    """No UDI, no sentence."""
    assert said_of_udi("", TABLE, load_wording()) == ()
