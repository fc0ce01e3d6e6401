"""What every page tells of the running service, as plain values handed in by whoever starts it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PageFacts:
    """The facts behind every page.

    `profile` and `authentication` are shown as they are, the second as a sentence. `modes` returns the mode in force
    for each configured client, by its name, `switched` the names of those that the kill switch lowers. `public_url`
    is the address under which browsers and EHRs reach the service, without a slash at its end; where it is empty, the
    address of the request in hand is shown. `standings` say whether clinicians have approved the guideline, each with
    the clients for which it holds, and `approved` that they have for all of them.

    While `insecure` is set, every page carries a red banner with `insecure_reason`. `sandbox_may_call` tells that a
    client lists the public sandbox's origin, `token_needed` that no client may call without a token.
    """

    version: str
    guideline_version: str
    profile: str
    authentication: str
    modes: Callable[[], Mapping[str, str]] = dict
    switched: Callable[[], Collection[str]] = tuple
    public_url: str = ""
    demo_enabled: bool = False
    insights_enabled: bool = False
    calls_enabled: bool = False
    sandbox_may_call: bool = False
    token_needed: bool = False
    standings: Sequence[tuple[tuple[str, ...], str]] = ()
    approved: bool = False
    insecure: bool = False
    insecure_reason: str = "Anyone who reaches this address can call the service."
