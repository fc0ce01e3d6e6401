"""What a site has changed of the guideline, in lines for a reviewer: numbers, messages, choices and codes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from cds_service.config.site import Site
from cds_service.pages.criteria.editions import Edition

# More would crowd the rules out of the sheet; a whole list stands in the site's own files.
_MOST_CODES, _OF_ONE_CONCEPT = 96, 12


def site_changes(edition: Edition) -> Iterator[str]:
    """Yield every change as a line of plain text."""
    guideline, site = edition.guideline, edition.adviser.site
    for number in guideline.numbers:
        if number.changed:
            yield f"{number.name}: {number.value:g} {number.unit} instead of {number.usual:g}"
    if off := [f"{message.id} ({message.title})" for message in guideline.messages if message.off]:
        yield f"Messages turned off: {'; '.join(off)}"
    if edition.adviser.profile.treat_conditional_as == "hold":
        yield "MR Conditional implants hold the scan instead of warning"
    if site.ask_questions_at != "sign":
        yield f"Questions are asked at: {site.ask_questions_at} (usually sign)"
    if not site.orders_by_text:
        yield "Orders are recognised by their codes only, not by their words"
    yield from _codes(site)


def _codes(site: Site) -> Iterator[str]:
    """Yield the codes that each concept gains, and the local codes that stand for known ones."""
    added = defaultdict[str, list[str]](list)
    for addition in site.terminology.additions:
        below = " and below" if addition.member.branch else ""
        added[addition.concept].append(f"{addition.member.code}{below} {addition.member.display}".strip())
    most = max(1, min(_OF_ONE_CONCEPT, _MOST_CODES // max(1, len(added))))
    for concept, codes in sorted(added.items()):
        yield f"Codes added to {concept}: {_few(codes, most)}"
    mapped = [f"{local.local.code} as {local.standard.code}" for local in site.terminology.local_codes]
    if mapped:
        yield f"Local codes: {_few(mapped, _OF_ONE_CONCEPT)}"


def _few(codes: list[str], most: int) -> str:
    more = f"; and {len(codes) - most} more" if len(codes) > most else ""
    return "; ".join(codes[:most]) + more
