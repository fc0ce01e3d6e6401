"""How long the laws are tried: the same examples on every run, or many fresh ones to look for trouble.

`PROPERTY_EXAMPLES=20` runs twenty times as many examples as usual, each time others.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, settings

_FACTOR = int(os.environ.get("PROPERTY_EXAMPLES", "1"))
# A usual run tries half of the examples that a law names, but not fewer than these: all laws together take long.
_SHARE = 2
_FEW = 40


def law(examples: int) -> Callable[[Any], Any]:
    """Return the settings of a law that is tried with this many examples on a usual run.

    Without explanations, which take longer than the law itself; without a deadline, since a busy machine is no defect;
    and without a database, since a failure that matters becomes a scenario of its own.
    """
    return settings(
        max_examples=examples * _FACTOR if _FACTOR > 1 else max(examples // _SHARE, min(examples, _FEW)),
        derandomize=_FACTOR == 1,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
