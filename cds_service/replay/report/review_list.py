"""The list for chart review: orders that would have been deferred, and after which something is on record.

It holds references, hashed unless the replay was made to keep them, and days: it is to be kept as charts are.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from cds_service.records.insights.table import ExportTable

if TYPE_CHECKING:
    from pathlib import Path

    from cds_service.replay.report.result import Result

COLUMNS: Final = ("order", "patient", "ordered_on", "reason", "outcome", "event", "what", "days_after", "reference")
_ORDERS: Final = """
    SELECT "order", patient, CAST(day AS VARCHAR), reason, outcome, event.kind, event.what, event.days, event.reference
    FROM (SELECT *, unnest(later) AS event FROM orders WHERE is_deferred)
    ORDER BY day, "order", event.days, event.kind, event.what
"""


def write_review_list(result: Result, file: Path) -> int:
    """Write the list, readable by its owner alone, and return how many lines it has."""
    rows = result.rows(_ORDERS)
    text = ExportTable(COLUMNS, tuple(rows)).csv()
    write_private(file, text)
    return len(rows)


def write_private(file: Path, text: str) -> None:
    """Write a file, whole or not at all, that its owner alone may read."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(
        os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8", newline=""
    ) as stream:
        stream.write(text)
    draft.replace(file)
