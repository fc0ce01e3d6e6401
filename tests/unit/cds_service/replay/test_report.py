"""The report of a replay: right numbers, no patient in it, and nothing told that is not known."""

from __future__ import annotations

import csv
import json
import stat
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from cds_service.cli.main import main
from cds_service.protocol.errors import SettingsError
from cds_service.replay.from_records import NOT_TOLD
from cds_service.replay.report.writing import write_report
from cds_service.replay.rows import Alternative, Counted, LaterEvent, OrderRow
from tests.replay_rows import DAY, deferred, invented_year, order, write_result
from tests.web.html import Html

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

NOW: Final = datetime(2026, 6, 2, 12, tzinfo=UTC)
FLAG: Final = LaterEvent("red-flag", "cord_compression", 20, "Condition/secret-1")
STAY: Final = LaterEvent("admission", "EMER", 60, "Encounter/secret-2")
SURGERY: Final = LaterEvent("surgery", "prior_lumbar_surgery", 70, "Procedure/secret-3")
UNFOLLOWED: Final = DAY + timedelta(days=89)


def reported(folder: Path, rows: Iterable[OrderRow], **summary: Any) -> dict[str, Any]:
    """Write the report of rows, and return its JSON."""
    write_report(write_result(folder, rows, **summary), NOW)
    found: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return found


def review_list(folder: Path) -> list[dict[str, str]]:
    """Return the list for chart review."""
    with (folder / "review.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _without(column: str, folder: Path) -> None:
    """Take a column out of rows, as an earlier version wrote them."""
    for file in (folder / "rows").glob("*.parquet"):
        pq.write_table(pq.read_table(file).drop_columns([column]), file)


def test_rows_of_an_earlier_version_are_reported(tmp_path: Path) -> None:
    """What that version did not count is not told as none."""
    _without("updated_later", write_result(tmp_path, [order(1)]))
    write_report(tmp_path, NOW)
    assert "not counted by the version that replayed" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_rows_that_lack_more_are_refused(tmp_path: Path) -> None:
    """What a report cannot do without is named, with what to do."""
    _without("timing", write_result(tmp_path, [order(1)]))
    with pytest.raises(SettingsError, match="have no timing; replay the export"):
        write_report(tmp_path, NOW)


def test_what_became_of_the_deferred_is_exact(tmp_path: Path) -> None:
    """Patients count once, by their first deferred order; followed are those known of 90 days later."""
    rows = [
        *(deferred(number) for number in range(7)),
        deferred(7, later=(FLAG, STAY)),
        deferred(8, later=(STAY,), followed_to=UNFOLLOWED),
        deferred(9, followed_to=None),
        # One patient: an order that was not deferred, then one that was, then another; only the second counts.
        order(20, patient="p", later=(SURGERY,)),
        deferred(21, patient="p", day=DAY + timedelta(days=1), later=(FLAG,)),
        deferred(22, patient="p", day=DAY + timedelta(days=2), later=(SURGERY,)),
        *(order(number) for number in range(30, 42)),
        order(42, later=(SURGERY,)),
    ]
    found = reported(tmp_path, rows)["follow_up"]
    assert (found["orders"], found["deferred_orders"]) == (26, 12)
    told = found["deferred"]
    assert (told["patients"], told["followed"]) == (11, 9)
    assert told["red-flag"] == {
        "patients": 2,
        "percent": 18.2,
        "low": 5.1,
        "high": 47.7,
        "followed": {"patients": 2, "percent": 22.2, "low": 6.3, "high": 54.7},
    }
    assert (told["admission"]["patients"], told["admission"]["followed"]["patients"]) == (2, 1)
    assert (told["any"]["patients"], told["any"]["followed"]["patients"]) == (3, 2)
    assert (told["soon"]["patients"], told["soon"]["followed"]["patients"]) == (2, 2)
    others = found["not_deferred"]
    assert (others["patients"], others["followed"], others["surgery"]["patients"]) == (13, 13, 1)


def test_page_begins_with_the_number_of_the_board(tmp_path: Path) -> None:
    """The number, the interval and who could be followed stand before everything but that nobody has validated it."""
    reported(tmp_path, [*(deferred(number) for number in range(40)), deferred(40, later=(FLAG,))])
    text = Html((tmp_path / "report.html").read_text(encoding="utf-8")).text
    board = text.index("41 patients would have been told to wait. 41 of them can be followed")
    assert text.index("Not validated by clinicians.") < board < text.index("Lumbar MRI orders")
    assert "1 of 41 on record (2.4 %, 95 % interval 0.4 to 12.6); of the 41 followed 1 (2.4 %" in text


def test_records_left_out_for_their_last_update_are_told(tmp_path: Path) -> None:
    """How many orders lacked a record of which only a later update is known, by type, few as few."""
    rows = [order(number, updated_later=(Counted("Device", 2),)) for number in range(20)]
    rows.append(order(20, updated_later=(Counted("Condition", 1),)))
    told = reported(tmp_path, rows)["sections"]["replay"]["updated_later"]
    assert [(line["type"], line["orders"], line["records"]) for line in told] == [
        ("Device", 20, 40),
        ("Condition", "<11", "<11"),
    ]


def test_what_stands_for_orders_is_said(tmp_path: Path) -> None:
    """Visits are not called orders, and studies that stand for their orders are told as that."""
    reported(tmp_path / "a", [order(number, origin="what-if") for number in range(20)])
    reported(tmp_path / "b", [order(number, origin="ImagingStudy") for number in range(20)])
    visits, studies = (Html((tmp_path / name / "report.html").read_text(encoding="utf-8")).text for name in ("a", "b"))
    assert "20 visits for back pain of 20 patients, each answered as if a lumbar MRI had been ordered there" in visits
    assert "20 orders are not in the data: a study or a procedure that was done stands for them" in studies


def test_orders_are_counted_by_what_they_are_broken_down_by(tmp_path: Path) -> None:
    """Months, clinics, specialties and reasons, each with its orders, cards, advice to wait, outcomes and messages."""
    april = DAY + timedelta(days=40)
    rows = [
        *(order(number) for number in range(30)),
        *(deferred(number, clinic="South", day=april) for number in range(30, 50)),
        *(order(number, clinic="South", cards=(), day=april) for number in range(50, 75)),
        *(order(number, clinic=f"Small {number}", specialty="") for number in range(75, 90)),
    ]
    sections = reported(tmp_path, rows)["sections"]
    assert sections["month"]["orders"] == [
        {"month": "2025-03", **_line(45, 45, 100.0, 0, 0.0)},
        {"month": "2025-04", **_line(45, 20, 44.4, 20, 44.4)},
    ]
    assert sections["clinic"]["orders"] == [
        {"clinic": "South", **_line(45, 20, 44.4, 20, 44.4)},
        {"clinic": "North", **_line(30, 30, 100.0, 0, 0.0)},
        {"clinic": "15 others with fewer than 11 orders each", **_line(15, 15, 100.0, 0, 0.0)},
    ]
    assert [row["specialty"] for row in sections["specialty"]["orders"]] == ["Family medicine", "not in the data"]
    assert sections["reason"]["orders"][0]["reason"] == "ICD-10-CM M54.50 Low back pain, nonspecific"
    assert sections["clinic"]["outcomes"][0] == {"clinic": "South", "CANNOT_DETERMINE": 25, "NOT_APPROPRIATE": 20}
    assert sections["clinic"]["messages"][0] == {"clinic": "South", "C-INFO-NEED": 25, "C-NOTAPP-6W": 20}
    assert sections["outcomes"]["outcomes"][0]["orders"] == 70
    message = sections["messages"]["messages"][0]
    assert (message["id"], message["orders"], message["on_card"], message["percent"]) == ("C-INFO-NEED", 70, 45, 50.0)


def _line(orders: int, carded: int, share: float, waiting: int, waiting_share: float) -> dict[str, Any]:
    counts = {"orders": orders, "carded": carded, "carded_percent": share}
    return counts | {"deferred": waiting, "deferred_percent": waiting_share}


def test_small_counts_are_not_said(tmp_path: Path) -> None:
    """A month with few orders, an outcome of few and a part of few are shown as <11, and nothing is drawn of them."""
    rows = [
        *(order(number) for number in range(60)),
        *(deferred(number) for number in range(60, 64)),
        *(order(number, day=DAY + timedelta(days=60)) for number in range(64, 67)),
        *(order(number, day=DAY + timedelta(days=90)) for number in range(67, 97)),
    ]
    sections = reported(tmp_path, rows)["sections"]
    months = {row["month"]: row for row in sections["month"]["orders"]}
    assert [months[name]["orders"] for name in ("2025-03", "2025-05", "2025-06")] == [64, "<11", "11+"]
    assert months["2025-05"]["carded"] is None
    assert months["2025-03"]["deferred"] == "<11"
    assert months["2025-03"]["deferred_percent"] is None
    assert [row["orders"] for row in sections["outcomes"]["outcomes"]] == ["11+", "<11"]
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "2025-05: &lt;11 orders" in page
    assert "2025-05: 3" not in page


def test_unread_and_missing_are_ranked(tmp_path: Path) -> None:
    """Sources and codes by how many orders they touch, and the orderables that nobody recognised."""
    rows = [
        order(
            number,
            unread=(Counted("Condition", 2),) if number < 15 else (),
            unread_codes=(Counted("urn:local|A", 2),) if number < 15 else (Counted("urn:local|B", 1),),
            missing=("Device",),
        )
        for number in range(40)
    ]
    orderables = [{"name": "urn:local|MR99", "count": 77}, {"name": "urn:local|MR98", "count": 2}]
    unread = reported(tmp_path, rows, unrecognised_orders=orderables)["sections"]["unread"]
    assert unread["sources"] == [
        {"source": "Conditions", "type": "Condition", "orders": 15, "percent": 37.5, "entries": 30}
    ]
    assert [(row["code"], row["orders"], row["entries"]) for row in unread["codes"]] == [
        ("urn:local B", 25, 25),
        ("urn:local A", 15, 30),
    ]
    assert unread["missing"] == [{"source": "Devices", "type": "Device", "orders": 40, "percent": 100.0}]
    assert [row["orders"] for row in unread["orderables"]] == [77, "<11"]


def test_other_thresholds_are_told(tmp_path: Path) -> None:
    """How many orders another number would have answered otherwise, and how many would then be not appropriate."""
    rows = [
        deferred(
            number, alternatives=(Alternative("conservative_care", 28, "APPROPRIATE" if number < 20 else "URGENT"),)
        )
        for number in range(40)
    ]
    found = reported(tmp_path, rows)["sections"]["thresholds"]
    assert found["thresholds"] == [
        {"threshold": "Conservative care, days", "value": 28, "changed": 40, "before": 40, "after": 0}
    ]
    assert [(row["after"], row["orders"]) for row in found["moves"]] == [("Appropriate", 20), ("Urgent", 20)]


def test_published_figures_stand_beside_those_of_here(tmp_path: Path) -> None:
    """The share of inappropriate orders is told beside that of the VA, with its source."""
    rows = [*(deferred(number) for number in range(20)), *(order(number) for number in range(20, 80))]
    first = reported(tmp_path, rows)["sections"]["published"]["figures"][0]
    assert first["published"] == "31 % of 110,661"
    assert first["here"] == "25.0 % (20 of 80): not appropriate"
    assert "Gidwani" in first["source"]


def test_no_identifier_is_in_page_and_json(tmp_path: Path) -> None:
    """Hashes of orders and patients, and references, stand in the list for review and nowhere else."""
    rows = [deferred(number, later=(FLAG, STAY), patient=f"patient-{number}-secret") for number in range(30)]
    reported(tmp_path, rows, identified=True)
    files = [(tmp_path / name).read_text(encoding="utf-8") for name in ("report.html", "report.json")]
    for text in files:
        assert "secret" not in text
        assert not any(row.order in text for row in rows)
    listed = review_list(tmp_path)
    assert len(listed) == 60
    assert (listed[0]["event"], listed[0]["days_after"], listed[0]["reference"]) == ("red-flag", "20", FLAG.reference)
    assert all(stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600 for name in ("report.html", "review.csv"))


def test_list_for_review_holds_no_formula(tmp_path: Path) -> None:
    """What a spreadsheet would compute begins with an apostrophe; orders without an event are not listed."""
    reported(tmp_path, [deferred(1, patient="=cmd()", later=(FLAG,)), deferred(2), order(3, later=(FLAG,))])
    assert [row["patient"] for row in review_list(tmp_path)] == ["'=cmd()"]


def test_page_needs_nothing_from_outside(tmp_path: Path) -> None:
    """No script, no address to load anything from, and a policy that forbids it; links stay within the page."""
    reported(tmp_path, invented_year(200))
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "src=" not in page
    assert "<link" not in page
    assert "default-src 'none'" in page
    html = Html(page)
    assert html.dead_links() == set()
    assert all(link.startswith("#") for link in html.links)


def test_clinic_is_no_markup(tmp_path: Path) -> None:
    """What a site calls a clinic is shown as text."""
    reported(tmp_path, [order(number, clinic="<img src=x>") for number in range(20)])
    assert "<img" not in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_what_records_do_not_know_is_said(tmp_path: Path) -> None:
    """A report of records says of each part that they cannot tell that it is not in them, and lists nobody."""
    rows = [deferred(number, clinic="", later=()) for number in range(30)]
    found = reported(tmp_path, rows, replayed="records", not_told=list(NOT_TOLD))
    assert found["follow_up"] is None
    absent = {name for name, section in found["sections"].items() if "absent" in section}
    assert absent == {"follow-up", "clinic", "specialty", "reason", "thresholds"}
    assert all("ot in these records" in found["sections"][name]["absent"] for name in absent)
    assert not (tmp_path / "review.csv").exists()
    assert "safety board" not in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_nothing_replayed_is_a_report_too(tmp_path: Path) -> None:
    """Without a single order the report says so, and divides by nothing."""
    found = reported(tmp_path, [], left_out={"cancelled": 12})
    assert (found["orders"], found["first"]) == (0, None)
    assert found["sections"]["replay"]["left_out"] == [{"why": "cancelled", "orders": 12}]
    assert "Nobody would have been told to wait." in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_result_of_a_job_is_reported(tmp_path: Path) -> None:
    """What Spark has left in a folder, its summary in parts, is reported by the command, and anew as often as asked."""
    write_result(tmp_path / "out", [order(number) for number in range(20)])
    (tmp_path / "out" / "summary").mkdir()
    summary = json.dumps({"replayed": "orders", "left_out": {"cancelled": 33}})
    (tmp_path / "out" / "summary" / "part-00000-1.txt").write_text(f"{summary}\n", encoding="utf-8")
    (tmp_path / "out" / "summary.json").unlink()
    for _ in range(2):
        told = CliRunner().invoke(main, ["replay", "--report", "--out", str(tmp_path / "out")])
        assert told.exit_code == 0, told.output
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert report["sections"]["replay"]["left_out"] == [{"why": "cancelled", "orders": 33}]
    (tmp_path / "none").mkdir()
    refused = CliRunner().invoke(main, ["replay", "--report", "--out", str(tmp_path / "none")])
    assert refused.exit_code == 1
    assert "holds no rows" in refused.output


def test_result_that_is_none_is_refused(tmp_path: Path) -> None:
    """A folder without rows, a replay that is not finished, and a summary that is no JSON are told as that."""
    with pytest.raises(SettingsError, match="holds no rows"):
        write_report(tmp_path)
    write_result(tmp_path, [order(1)])
    (tmp_path / "summary.json").write_text("[", encoding="utf-8")
    with pytest.raises(SettingsError, match="is no JSON object"):
        write_report(tmp_path)
    (tmp_path / "summary.json").rename(tmp_path / "replay.json")
    with pytest.raises(SettingsError, match="not finished"):
        write_report(tmp_path)


@pytest.mark.slow
def test_from_export_to_report(tmp_path: Path) -> None:
    """An invented population, exported, replayed and reported by commands: orders and advice are as is known."""
    runner = CliRunner()
    export, out = str(tmp_path / "export"), tmp_path / "out"
    runner.invoke(main, ["replay-data", "--patients", "60", "--orders-share", "1", "--out", export])
    told = runner.invoke(main, ["replay", export, "--out", str(out), "--processes", "1"])
    assert told.exit_code == 0, told.output
    with (tmp_path / "export" / "expected.csv").open(encoding="utf-8", newline="") as file:
        expected = [row["outcome"] for row in csv.DictReader(file) if row["outcome"]]
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert report["orders"] == len(expected)
    assert report["orders_told_to_wait"] == expected.count("NOT_APPROPRIATE")
