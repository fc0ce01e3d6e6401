"""What a Python process of Spark keeps between tasks: the assessor, which takes a moment to make."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cds_service.replay.assessing import Assessor
    from cds_service.replay.setup import ReplaySetup

_MADE: dict[bytes, Assessor] = {}


def assessor_of(setup: ReplaySetup) -> Assessor:
    """Return the assessor of a setup, made once a process."""
    known = pickle.dumps(setup)
    if known not in _MADE:
        _MADE.clear()
        _MADE[known] = setup.assessor()
    return _MADE[known]
