"""The generated pages in docs/ are those that the code would write now."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from cds_service.cli.main import main
from cds_service.guideline.markdown import criteria_page
from tests.spec.document import scenarios_page

if TYPE_CHECKING:
    from collections.abc import Callable

DOCS = Path(__file__).parents[4] / "docs"
PAGES = pytest.mark.parametrize(
    ("name", "write"), [("criteria.md", criteria_page), ("scenarios.md", scenarios_page)], ids=["criteria", "scenarios"]
)
_LINK = re.compile(r"\]\((\w+\.md)?#([\w-]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
# Cells may hold an escaped bar.
_CELL_END = re.compile(r"(?<!\\)\|")


@PAGES
def test_page_is_up_to_date(name: str, write: Callable[[], str]) -> None:
    """A changed rule, number, code, sentence or scenario changes the page that reviewers read."""
    same = (DOCS / name).read_text(encoding="utf-8") == write()
    assert same, f"docs/{name} is not what the code says; `make docs` writes it anew"


@PAGES
def test_links_lead_somewhere(name: str, write: Callable[[], str]) -> None:
    """Every link within a page has its heading."""
    page = write()
    headings = {heading.lower().replace(" ", "-").replace(",", "").replace(".", "") for heading in _headings(page)}
    assert {anchor for file, anchor in _LINK.findall(page) if not file} <= headings


@PAGES
def test_headings_are_unique(name: str, write: Callable[[], str]) -> None:
    """No two headings of a page share an anchor."""
    headings = [heading.lower() for heading in _headings(write())]
    assert len(headings) == len(set(headings))


@PAGES
def test_tables_are_well_formed(name: str, write: Callable[[], str]) -> None:
    """All rows of a table have as many cells as its head."""
    for block in write().split("\n\n"):
        if block.startswith("|"):
            assert len({len(_CELL_END.findall(row)) for row in block.splitlines()}) == 1, block[:200]


def test_criteria_page_holds_no_open_placeholder() -> None:
    """Thresholds are filled in; what stays in braces stands in a card's summary or in a suggestion's label."""
    lines = [line for line in criteria_page().splitlines() if "{" in line]
    assert all(line.startswith(("- Summary", "- Suggestions:")) or "`" in line for line in lines)


def test_cpt_codes_are_bare_numbers() -> None:
    """No descriptor stands beside a CPT code."""
    rows = [line for line in criteria_page().splitlines() if line.startswith(("| CPT ", "| not CPT "))]
    assert rows
    assert all(re.fullmatch(r"\| (?:not )?CPT \| `\d{5}`(?:, `\d{5}`)* \|  \|", row) for row in rows)


def test_command_prints_the_criteria_page() -> None:
    """`lumbar-cds criteria` prints the page that stands in docs/."""
    assert CliRunner().invoke(main, ["criteria"]).output == criteria_page()


def test_command_writes_the_criteria_page(tmp_path: Path) -> None:
    """`lumbar-cds criteria --output FILE` writes the page to a file."""
    file = tmp_path / "criteria.md"
    assert CliRunner().invoke(main, ["criteria", "--output", str(file)]).exit_code == 0
    assert file.read_text(encoding="utf-8") == criteria_page()


def _headings(page: str) -> list[str]:
    return [heading.replace("`", "") for heading in _HEADING.findall(page)]
