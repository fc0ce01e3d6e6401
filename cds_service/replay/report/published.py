"""The figures of a replay next to published ones: they are counted differently, and only their size compares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cards.guideline.guideline import Outcome
from cds_service.replay.report.cells import part_told, share_told
from cds_service.replay.report.parts import Section, table, words, written

if TYPE_CHECKING:
    from cds_service.replay.report.result import Result

_VA: Final = "Gidwani et al., American Journal of Managed Care 2016;22(2), fiscal year 2012"
_MID: Final = "Medicare Imaging Demonstration, American Journal of Roentgenology 2017;208:351"
_OVERRIDES: Final = "Chen et al. 2020, as told in JMIR 2024 e53951, table 2"
# What the VA counted as red flags is told by these outcomes and by no other.
_RED_FLAG: Final = f"outcome IN ('{Outcome.EMERGENCY.value}', '{Outcome.URGENT.value}')"
_AFTER_CARE: Final = "R-FAIL6W"
_NOBODY: Final = "nobody saw a card"


def published_section(result: Result) -> Section:
    """Return the published figures, each with what was found here."""
    met = f"list_contains(met, '{_AFTER_CARE}')"
    total, inappropriate, after_care, by_flag, carded = result.row(
        f"SELECT count(*), count(*) FILTER (outcome = '{Outcome.NOT_APPROPRIATE.value}'),"  # noqa: S608 - constants of ours
        f" count(*) FILTER ({met} AND NOT {_RED_FLAG}), count(*) FILTER ({_RED_FLAG} AND NOT {met}),"
        " count(*) FILTER (is_carded) FROM orders"
    )
    untold = "not in these records" if "met" in result.not_told else ""
    care = _told(after_care, total, f"six weeks of care on record ({_AFTER_CARE}), neither emergency nor urgent")
    alone = _told(by_flag, total, "emergency or urgent, and no six weeks of care on record")
    rows = [
        ("Inappropriate", "31 % of 110,661", _told(inappropriate, total, "not appropriate"), _VA),
        ("Appropriate by conservative care alone", "53 %", untold or care, _VA),
        ("Appropriate by a red flag alone", "4 %", untold or alone, _VA),
        ("Alerts that were ignored", "98.9 %, on 98,894 orders", _ignored(result, carded, total), _MID),
        ("Overridden because of more than six weeks", "37 %", _NOBODY, _OVERRIDES),
        ("Overridden because of a deficit", "14 %", _NOBODY, _OVERRIDES),
        ("Overridden because of trauma", "10 %", _NOBODY, _OVERRIDES),
    ]
    columns = (words("published", "Published"), words("here", "Here"), words("source", "Source"))
    return Section(
        "published",
        "Next to published figures",
        "Each was counted by rules of its own, from claims or from clicks. A figure here that is far from all of them "
        "is more often a matter of the data than of the clinicians.",
        tables=(table("figures", "Published figures", words("figure", "Figure"), *columns, rows=rows),),
    )


def _ignored(result: Result, carded: int, total: int) -> str:
    shown = _told(carded, total, "orders with a card")
    return f"{shown}; {'silent mode' if result.is_of_records else 'a replay'} cannot tell what is ignored"


def _told(part: int, whole: int, what: str) -> str:
    share = share_told(part, whole)
    count = f"{written(part_told(part, whole))} of {whole:,}"
    return f"{count}: {what}" if share is None else f"{written(share)} % ({count}): {what}"
