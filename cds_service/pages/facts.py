"""What every page tells of the running service, as plain values handed in by whoever starts it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PageFacts:
    """The facts behind every page.

    `profile` and `authentication` are shown as they are, the latter as a sentence; so is what `mode` returns, which is
    asked each time because a switch may have changed it. `public_url` is the address under which browsers and EHRs
    reach the service, without a slash at its end; where it is empty, the address of the request in hand is shown.
    `clients` are the names of the configured clients. While `insecure` is set, every page carries a red banner with
    `insecure_reason`.
    """

    version: str
    guideline_version: str
    profile: str
    mode: Callable[[], str]
    authentication: str
    public_url: str = ""
    clients: tuple[str, ...] = ()
    demo_enabled: bool = False
    insights_enabled: bool = False
    insecure: bool = False
    insecure_reason: str = "Anyone who reaches this address can call the service."
