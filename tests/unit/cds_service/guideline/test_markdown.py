"""The criteria in short: written as the code would write them now, and short enough to be read."""

from __future__ import annotations

import json
import re
from pathlib import Path

from click.testing import CliRunner

from cards.guideline.wording import load_wording
from cds_service.cli.main import main
from cds_service.guideline.markdown import bundled_guideline, criteria_page

PAGE = Path(__file__).parents[4] / "docs" / "criteria.md"
# More is a reference, which the pages are, and not something that a person reads.
MOST_LINES = 300
# Cells may hold an escaped bar.
_CELL_END = re.compile(r"(?<!\\)\|")


def test_page_is_up_to_date() -> None:
    """A changed rule or number changes the page that reviewers read."""
    same = PAGE.read_text(encoding="utf-8") == criteria_page()
    assert same, f"docs/{PAGE.name} is not what the code says; `make docs` writes it anew"


def test_page_can_be_read() -> None:
    """However many rules there are, the page stays short."""
    assert len(criteria_page().splitlines()) <= MOST_LINES


def test_each_rule_stands_with_its_numbers() -> None:
    """Every outcome and rule has a row, and every threshold stands on the page with its value."""
    page, guideline = criteria_page(), bundled_guideline(load_wording())
    assert all(f"| {item.position} | `{item.id}` |" in page for item in guideline.outcomes)
    for rule in guideline.rules:
        (row,) = [line for line in page.splitlines() if line.startswith(f"| `{rule.id}` |")]
        assert all(f"`{item.name}` {item.value:g} " in row for item in (rule.inputs.numbers if rule.inputs else ()))
        assert all(f"`{message}`" in row for message in rule.messages)
    assert all(f"`{item.name}` {item.value:g} " in page for item in guideline.numbers)


def test_tables_are_well_formed() -> None:
    """All rows of a table have as many cells as its head."""
    for block in criteria_page().split("\n\n"):
        if block.startswith("|"):
            assert len({len(_CELL_END.findall(row)) for row in block.splitlines()}) == 1, block[:200]


def test_no_placeholder_is_open() -> None:
    """Thresholds are filled in."""
    assert "{" not in criteria_page()


def test_cpt_codes_are_bare_numbers() -> None:
    """No descriptor stands beside a CPT code, in whichever form the guideline is given."""
    concepts = bundled_guideline(load_wording()).concepts
    entries = [entry for concept in concepts for entry in concept.codes if entry.system == "CPT"]
    assert entries
    assert all(not entry.display and all(re.fullmatch(r"\d{5}", code) for code in entry.codes) for entry in entries)


def test_command_prints_the_page() -> None:
    """`lumbar-cds criteria` prints the page that stands in docs/."""
    assert CliRunner().invoke(main, ["criteria"]).output == criteria_page()


def test_command_writes_the_page(tmp_path: Path) -> None:
    """`lumbar-cds criteria --output FILE` writes the page to a file."""
    file = tmp_path / "criteria.md"
    assert CliRunner().invoke(main, ["criteria", "--output", str(file)]).exit_code == 0
    assert file.read_text(encoding="utf-8") == criteria_page()


def test_command_prints_the_whole_guideline_as_json() -> None:
    """`lumbar-cds criteria --json` gives every part of the guideline, for reading without a running service."""
    document = json.loads(CliRunner().invoke(main, ["criteria", "--json"]).output)
    guideline = bundled_guideline(load_wording())
    assert [rule["sentence"] for rule in document["rules"]] == [rule.sentence for rule in guideline.rules]
    assert [concept["id"] for concept in document["concepts"]] == [concept.id for concept in guideline.concepts]
