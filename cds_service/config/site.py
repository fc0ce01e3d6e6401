"""The site file: what one hospital changes of the guideline, read once at start.

A file that is not understood whole refuses to start, with the file, the line or the path inside it, and the reason:
a threshold that silently stayed as it was would be believed to be in force. What may be changed, and how far, stands
in `schemas/site.schema.json`; here is what a schema cannot say.
"""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from cards.decision.assessment import MAY_BE_OFF
from cards.guideline.approval import Approval
from cards.guideline.guideline import MESSAGES
from cds_service.config.files import read_toml
from cds_service.protocol import schemas
from cds_service.protocol.errors import SettingsError
from fhir_mappings.criteria.thresholds import Thresholds
from fhir_mappings.terminology.site_terminology import SiteTerminology, load_site_terminology
from fhir_mappings.terminology.value_set_files import KnowledgeError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fhir_mappings.terminology.index import TerminologyIndex

_LONGEST_PROBLEM: Final = 300

# Of these the first must stay below the second, or the criteria that use both contradict each other.
_ORDERED: Final = (
    ("conservative_care", "symptom_free_interval"),
    ("recent_contact", "symptom_free_interval"),
    ("recent_imaging_window", "repeat_imaging_window"),
    ("egfr_severe", "egfr_reduced"),
    ("steroid_days", "steroid_look_back"),
    ("adult_age", "low_energy_trauma_age"),
)


@dataclass(frozen=True, slots=True)
class Site:
    """What a site changes; without a site file, nothing."""

    file: Path | None = None
    name: str = ""
    thresholds: Thresholds = field(default_factory=Thresholds)
    treat_conditional_as: Literal["warn", "hold"] | None = None
    ask_questions_at: Literal["select", "sign", "both"] = "sign"
    orders_by_text: bool = True
    messages_off: frozenset[str] = frozenset()
    terminology: SiteTerminology = field(default_factory=SiteTerminology)
    approval: Approval | None = None

    @property
    def changes_anything(self) -> bool:
        """Whether the guideline is in force here as changed; a site file may also just say what holds anyway."""
        return bool(
            self.thresholds.changes
            or self.treat_conditional_as == "hold"
            or self.ask_questions_at != "sign"
            or not self.orders_by_text
            or self.messages_off
            or self.terminology.additions
            or self.terminology.local_codes
        )


def load_site(file: Path, bundled: TerminologyIndex) -> Site:
    """Return what a site file says; SettingsError names everything in it that cannot be used."""
    document = _plain_dates(read_toml(file))
    if problems := [*_misfits(document)] or [*_contradictions(document)]:
        raise SettingsError(f"{file}: {problem}" for problem in problems)
    return Site(
        file=file,
        name=document["name"].strip(),
        thresholds=_thresholds(document),
        treat_conditional_as=document.get("treat_conditional_as"),
        ask_questions_at=document.get("ask_questions_at", "sign"),
        orders_by_text=document.get("orders_by_text", True),
        messages_off=frozenset(document.get("messages_off", ())),
        terminology=_terminology(file, document.get("terminology_folder"), bundled),
        approval=_approval(document),
    )


def _plain_dates(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the table with a date that TOML knows as one written out, as JSON Schema reads it."""
    return {
        name: value.isoformat() if isinstance(value, date) and not isinstance(value, datetime) else value
        for name, value in document.items()
    }


def _misfits(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield what does not fit the schema."""
    for problem in schemas.SITE.errors(document):
        where, _, reason = problem.partition(": ")
        text = f"{where or 'the file'}: {reason}"
        yield text if len(text) <= _LONGEST_PROBLEM else f"{text[:_LONGEST_PROBLEM]}…"


def _contradictions(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield what fits the schema and cannot be meant."""
    yield from _bad_words(document)
    given = document.get("thresholds", {})
    for name, value in given.items():
        if not math.isfinite(value):
            yield f"thresholds.{name}: {value} is no number to compare with"
    thresholds = _thresholds(document)
    for low, high in _ORDERED:
        below, above = getattr(thresholds, low), getattr(thresholds, high)
        if not below < above:
            yield f"thresholds.{low if low in given else high}: {low} ({below}) must be less than {high} ({above})"
    for position, message in enumerate(document.get("messages_off", ())):
        if message not in MESSAGES:
            near = get_close_matches(message, MESSAGES, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            yield f"messages_off[{position}]: there is no message {message!r}{hint}"
        elif message not in MAY_BE_OFF:
            yield f"messages_off[{position}]: {message} cannot be turned off, because silence would be dangerous"


def _bad_words(document: Mapping[str, Any]) -> Iterator[str]:
    for name in ("name", "approved_by"):
        if any(unicodedata.category(sign) == "Cc" for sign in document.get(name, "")):
            yield f"{name}: holds a control character"
    if "approved_on" in document:
        day = _day(document["approved_on"])
        if day is None:
            yield f"approved_on: there is no day {document['approved_on']}"
        elif day > datetime.now(UTC).date() + timedelta(days=1):  # it may be tomorrow already where the site is
            yield f"approved_on: {day} is still to come; write the day on which the review sheet was signed"


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _approval(document: Mapping[str, Any]) -> Approval | None:
    """Return who has approved which guideline; None where nobody has."""
    if "approved_by" not in document:
        return None
    return Approval(
        by=document["approved_by"].strip(),
        on=date.fromisoformat(document["approved_on"]),
        guideline=document["guideline"],
        fingerprint=document.get("guideline_fingerprint", ""),
    )


def _thresholds(document: Mapping[str, Any]) -> Thresholds:
    given: Mapping[str, Any] = document.get("thresholds", {})
    usual = Thresholds()
    # TOML's 42.0 is the integer 42 to JSON Schema.
    return Thresholds(
        **{name: type(getattr(usual, name))(value) if math.isfinite(value) else value for name, value in given.items()}
    )


def _terminology(file: Path, folder: str | None, bundled: TerminologyIndex) -> SiteTerminology:
    if folder is None:
        return SiteTerminology()
    try:
        return load_site_terminology(file.parent / folder, bundled)
    except KnowledgeError as error:
        raise SettingsError([f"{file}: terminology_folder: {error}"]) from None
