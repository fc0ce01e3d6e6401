"""What became of a file of AccessGUDID, for whoever imports it: what was read, what was not, what is there now.

Texts come from the file as they are; whoever shows them takes out what a terminal would obey.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cds_service.gudid.table import ATTRIBUTION, is_stale
from fhir_mappings.devices.labels import MrStatus

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from pathlib import Path

    from cds_service.gudid.delimited import Tally
    from cds_service.gudid.table import TableFacts
    from cds_service.gudid.writing import Written
    from fhir_mappings.devices.labels import DeviceLabel
    from fhir_mappings.devices.udi import Udi

# By the words of AccessGUDID.
STATUSES: Final = {
    MrStatus.UNSAFE: "MR Unsafe",
    MrStatus.CONDITIONAL: "MR Conditional",
    MrStatus.SAFE: "MR Safe",
    MrStatus.SILENT: "Labeling does not contain MRI Safety Information",
}


def written_report(written: Written, into: Path) -> str:
    """Return what a new table holds, and what could not be read."""
    return "\n".join([*_read(written), *_held(written, into), "", ATTRIBUTION])


def changed_report(written: Written, into: Path) -> str:
    """Return what an update changed, and what could not be read."""
    done = f"{written.changed:,} identifiers added or changed, {written.deleted:,} deleted"
    return "\n".join([*_read(written), done, *_held(written, into)])


def facts_line(facts: TableFacts, today: date) -> str:
    """Return in one line which labels are in force."""
    line = f"Device labels: AccessGUDID of {facts.released}, {facts.rows:,} device identifiers"
    if not facts.with_kinds:
        line += "; not told which are implants (import the whole archive)"
    if is_stale(facts.released, today):
        line += "\n  CAUTION: more than a year old: implants of today are not in it; import a new release"
    return line


def label_report(udi: Udi, label: DeviceLabel | None, facts: TableFacts) -> str:
    """Return what is known of a UDI or a device identifier."""
    lines = [f"issuer: {udi.issuer or 'not told by this text'}"]
    lines.append(f"device identifier: {udi.device_identifier or 'none can be read'}")
    lines += [] if udi.is_sound else ["CAUTION: its check digit does not fit; was it typed right?"]
    parts = {"lot": udi.lot, "serial": udi.serial, "expires": udi.expires, "made": udi.manufactured}
    lines += [f"{name}: {value}" for name, value in parts.items() if value]
    if label is None:
        lines.append(f"MR status: not in the table of {facts.released}; that says nothing of the device")
    else:
        lines.append(f"company: {label.company or 'not told'}")
        lines.append(f"version or model: {label.version or 'not told'}")
        lines.append(f"MR status on the label: {STATUSES[label.status]} (AccessGUDID, {facts.released})")
        lines.append("This is the label of the model, not a clearance of what is in a patient.")
    return "\n".join(lines)


def _read(written: Written) -> Iterator[str]:
    yield from _tally("devices", written.devices)
    if written.beside.rows:
        yield from _tally("rows of kinds and further identifiers", written.beside)
    if written.withdrawn:
        yield f"{written.withdrawn:,} devices are no longer published and were left out"
    if written.strange:
        named = ", ".join(f"{status or '(empty)'} ({count:,})" for status, count in written.strange.most_common())
        yield f"MR status not known, left out: {named}"


def _tally(what: str, tally: Tally) -> Iterator[str]:
    yield f"{tally.rows:,} {what} read"
    if tally.mended:
        yield f"  {tally.mended:,} of them from rows with quotation marks, line breaks or separators in their texts"
    if tally.unread:
        lines = ", ".join(f"{line:,}" for line in tally.unread_lines)
        more = ", …" if tally.unread > len(tally.unread_lines) else ""
        yield f"  {tally.unread:,} rows could not be read and are NOT in the table (lines {lines}{more})"


def _held(written: Written, into: Path) -> Iterator[str]:
    yield f"{into}: AccessGUDID of {written.facts.released}, {written.facts.rows:,} device identifiers,"
    yield f"  {written.size / 1e6:,.1f} MB:"
    for status, name in STATUSES.items():
        yield f"  {written.by_status[status]:>9,}  {name}"
    if not written.facts.with_kinds:
        yield "Which of them are implants was not told; import the whole archive to leave the others out."
