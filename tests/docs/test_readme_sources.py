"""The README names the sources that advice to wait needs."""

from __future__ import annotations

from pathlib import Path

from fhir_mappings.fhir.needs import DATA_NEEDS

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_every_source_that_advice_to_wait_needs_is_named() -> None:
    """An integrator learns which prefetch keys must be answered before the service can advise to wait."""
    _, _, rest = README.partition("read whole:")
    named, _, _ = rest.partition("An EHR that has")
    keys = [need.key for need in DATA_NEEDS if need.can_show_red_flags]
    assert all(f"`{key}`" in named for key in keys)
    assert named.count("`") == 2 * len(keys)
