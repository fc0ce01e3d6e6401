"""What clinicians have said of the guideline as it is in force for a client: approved, or not validated, and which.

The fingerprint stands for everything a reviewer reads: version, numbers, sentences, codes and what the site has chosen.
A page's own prose is left out, since rewording it changes nothing that a clinician is told about a patient.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from cards.guideline.approval import ApprovalState, approval_state
from cards.guideline.guideline import GUIDELINE_ID, GUIDELINE_VERSION
from fhir_mappings.terminology.index import bundled_value_sets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cards.decision.assessment import AssessmentProfile
    from cards.guideline.approval import Approval
    from cards.guideline.wording import Wording
    from cds_service.config.site import Site

# Prose of pages, not of cards.
_OF_PAGES: Final = frozenset({"approval", "criteria-page", "form", "review"})
_GROUP, _GROUPS = 4, 3


@dataclass(frozen=True, slots=True)
class Standing:
    """How the guideline stands at a site; `sentence` says it, and `caution` what an approval leaves open."""

    state: ApprovalState
    fingerprint: str
    sentence: str
    caution: str = ""

    @property
    def approved(self) -> bool:
        """Whether a site's clinicians have approved this very guideline."""
        return self.state is ApprovalState.IN_FORCE


def standings(standing_by_client: Mapping[str, Standing]) -> tuple[tuple[tuple[str, ...], Standing], ...]:
    """Return each standing once, with the clients for which it holds."""
    found: dict[Standing, list[str]] = {}
    for client, standing in standing_by_client.items():
        found.setdefault(standing, []).append(client)
    return tuple((tuple(clients), standing) for standing, clients in found.items())


def told(standing_by_client: Mapping[str, Standing]) -> str:
    """Return how the guideline stands as one line; with the clients where it differs between them."""
    found = standings(standing_by_client)
    if len(found) == 1:
        return found[0][1].sentence
    return " ".join(f"For {', '.join(clients)}: {standing.sentence}" for clients, standing in found)


def standing_of(site: Site, profile: AssessmentProfile, wording: Wording) -> Standing:
    """Return how the guideline stands as a site file, the settings and a catalogue put it in force."""
    print_ = fingerprint(site, profile, wording)
    state = approval_state(site.approval, GUIDELINE_VERSION, print_)
    values = {"version": GUIDELINE_VERSION, "fingerprint": print_, **_values(site.approval)}
    loose = state is ApprovalState.IN_FORCE and not values["approved_fingerprint"]
    return Standing(
        state,
        print_,
        wording.text("approval", state.value, **values),
        wording.text("approval", "no_fingerprint", **values) if loose else "",
    )


def fingerprint(site: Site, profile: AssessmentProfile, wording: Wording) -> str:
    """Return twelve digits that change with anything a reviewer of the guideline reads."""
    content: dict[str, Any] = {
        "guideline": [GUIDELINE_ID, GUIDELINE_VERSION],
        "thresholds": asdict(profile.thresholds),
        "treat_conditional_as": profile.treat_conditional_as,
        "messages_off": sorted(profile.messages_off),
        "ask_questions_at": site.ask_questions_at,
        "orders_by_text": site.orders_by_text,
        "wording": {name: part for name, part in wording.table.items() if name not in _OF_PAGES},
        "value_sets": _bundled_digest(),
        "codes": sorted(_codes(site)),
    }
    digest = hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()
    return "-".join(digest[start : start + _GROUP] for start in range(0, _GROUP * _GROUPS, _GROUP))


def _codes(site: Site) -> Iterator[tuple[str, ...]]:
    for addition in site.terminology.additions:
        yield addition.concept, addition.member.system, addition.member.code, str(addition.member.branch)
    for local in site.terminology.local_codes:
        yield "=", local.local.system, local.local.code, local.standard.system, local.standard.code


@cache
def _bundled_digest() -> str:
    """Return a hash of the bundled value sets, read once a process."""
    digest = hashlib.sha256()
    for file in sorted(bundled_value_sets().iterdir(), key=lambda item: item.name):
        if file.is_file():
            digest.update(f"{file.name}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def _values(approval: Approval | None) -> dict[str, str]:
    if approval is None:
        return {"by": "", "on": "", "approved_version": "", "approved_fingerprint": ""}
    return {
        "by": approval.by,
        "on": approval.on.isoformat(),
        "approved_version": approval.guideline,
        "approved_fingerprint": approval.fingerprint,
    }
