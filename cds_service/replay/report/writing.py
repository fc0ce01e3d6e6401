"""The report of a replay as files: `report.html` for people, `report.json` for programs, `review.csv` for chart review.

The page is one file that asks for nothing outside it and runs no script, so that it can be sent, printed and kept. It
and the JSON are made of the same sections: what may not be said on the one is not in the other.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from cards.guideline.guideline import GUIDELINE_VERSION
from cds_service import __version__
from cds_service.pages.rendering.assets import load_assets
from cds_service.pages.rendering.renderer import Renderer
from cds_service.pages.rendering.service_facts import PageFacts
from cds_service.replay.report.breakdowns import DIMENSIONS, breakdown_section
from cds_service.replay.report.cells import SMALL
from cds_service.replay.report.follow_up import document as follow_up_document
from cds_service.replay.report.follow_up import follow_up_section, read_follow_up
from cds_service.replay.report.names import names
from cds_service.replay.report.outcomes import message_section, outcome_section
from cds_service.replay.report.overview import overview_section, read_overview
from cds_service.replay.report.parts import written
from cds_service.replay.report.published import published_section
from cds_service.replay.report.result import opened
from cds_service.replay.report.review_list import write_private, write_review_list
from cds_service.replay.report.thresholds import threshold_section
from cds_service.replay.report.unread import unread_section

if TYPE_CHECKING:
    from cds_service.replay.report.follow_up import FollowUp
    from cds_service.replay.report.overview import Overview
    from cds_service.replay.report.parts import Section
    from cds_service.replay.report.result import Result

PAGE: Final = "report.html"
JSON: Final = "report.json"
REVIEW: Final = "review.csv"
_STYLES: Final = ("vendor/pico/pico.min.css", "pages.css", "insights.css", "replay.css")


def write_report(out: Path, now: datetime | None = None) -> None:
    """Write the report of the replay in a folder into that folder; SettingsError where there is none."""
    made = (now or datetime.now(UTC)).astimezone(UTC)
    with opened(out) as result:
        overview = read_overview(result)
        follow_up = read_follow_up(result)
        sections = _sections(result, overview, follow_up)
        listed = 0 if "later" in result.not_told else write_review_list(result, out / REVIEW)
        page = page_of(
            "replay_report.html",
            overview=overview,
            follow_up=None if "later" in result.not_told else follow_up,
            sections=sections,
            listed=listed,
            result=result,
            made=made,
            small=SMALL,
        )
        document = _document(result, overview, follow_up, sections, made)
    write_private(out / PAGE, page)
    write_private(out / JSON, msgspec.json.format(msgspec.json.encode(document), indent=2).decode())


def page_of(template: str, **values: Any) -> str:
    """Return a template as one self-contained file that looks like the pages of the service."""
    assets = load_assets()
    renderer = Renderer(PageFacts(__version__, GUIDELINE_VERSION, profile="", authentication=""))
    styles = [assets.inline_style(name) for name in _STYLES]
    return str(renderer.html(template, styles=styles, written=written, **values))


def _sections(result: Result, overview: Overview, follow_up: FollowUp) -> tuple[Section, ...]:
    """Return the sections in the order in which they are read."""
    words = names()
    return (
        follow_up_section(result, follow_up, words),
        outcome_section(result, words),
        message_section(result, words),
        *(breakdown_section(result, dimension, words) for dimension in DIMENSIONS),
        unread_section(result, words),
        threshold_section(result, words),
        published_section(result),
        overview_section(result, overview, words),
    )


def _document(
    result: Result, overview: Overview, follow_up: FollowUp, sections: tuple[Section, ...], made: datetime
) -> dict[str, Any]:
    return {
        "made": made.isoformat(timespec="seconds"),
        "version": __version__,
        "source": "records" if result.is_of_records else "export",
        "first": overview.first,
        "last": overview.last,
        "orders": overview.orders,
        "patients": overview.patients,
        "orders_with_card": overview.carded,
        "orders_told_to_wait": overview.deferred,
        "guidelines": overview.guidelines,
        "clients": overview.clients,
        "sites": overview.sites,
        "follow_up": None if "later" in result.not_told else follow_up_document(follow_up),
        "not_told": sorted(result.not_told),
        "sections": {section.ident: section.document() for section in sections},
    }
