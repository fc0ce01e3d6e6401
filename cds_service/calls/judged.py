"""A judged call: what is kept for whoever connects an EHR. Fixed words, counts and names of fields, no more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

State = Literal["pass", "warn", "fail"]
Kind = Literal["refused", "assessed", "unrelated", "feedback"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Finding:
    """How one check ended; `seen` is a sentence without any value of the call."""

    check: str
    state: State
    seen: str = ""


@dataclass(frozen=True, slots=True)
class JudgedCall:
    """One call of a client; `client` is empty where nobody could say whose it was.

    `prefetch` says how each key came, `sources` how each source was had in the end, `fhir` how the service's own FHIR
    calls ended, `scopes` which resource types a token names. `tolerated` are the fixed words of what was not held
    against the call.
    """

    at: float
    request_id: str
    client: str
    kind: Kind
    service: str
    status: int
    milliseconds: float
    mode: str = ""
    orders: int = 0
    unrecognised_orders: int = 0
    findings: tuple[Finding, ...] = ()
    prefetch: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    fhir: Mapping[str, int] = field(default_factory=dict)
    phases: Mapping[str, float] = field(default_factory=dict)
    scopes: tuple[str, ...] = ()
    tolerated: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[Finding, ...]:
        """What was against the specification, or not to be answered."""
        return tuple(finding for finding in self.findings if finding.state == "fail")
