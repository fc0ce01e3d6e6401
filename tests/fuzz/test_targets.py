"""A few examples of each fuzz target, the same on every run; `make fuzz` tries others for as long as one likes."""

from __future__ import annotations

import pytest

from tests.fuzz.targets import TARGETS
from tests.property.profile import law


@pytest.mark.parametrize("name", TARGETS)
def test_bad_input_is_answered_or_refused(name: str) -> None:
    """Whatever comes in from outside, nothing crashes."""
    law(40)(TARGETS[name])()
