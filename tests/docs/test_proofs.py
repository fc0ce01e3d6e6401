"""What SECURITY.md and docs/operations.md promise is proved by tests that there are."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
TABLES: Final = {"SECURITY.md": "threats", "docs/operations.md": "faults"}


def rows(document: str) -> list[list[str]]:
    """Return the cells of the table of a document, without its head."""
    text = (ROOT / document).read_text(encoding="utf-8")
    found = re.search(rf"<!-- {TABLES[document]}:begin -->\n(.*?)<!-- {TABLES[document]}:end -->", text, re.DOTALL)
    assert found
    return [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in found[1].splitlines()[2:]]


@cache
def named_in(file: Path) -> set[str]:
    """Return the names of the tests in a file."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


@pytest.mark.parametrize("document", TABLES)
def test_every_row_is_proved(document: str) -> None:
    """Each row is whole and ends with the tests that prove it, each of which is there."""
    table = rows(document)
    assert len(table) > 10
    for row in table:
        assert len(row) == len(table[0])
        assert row[0]
        proofs = re.findall(r"`([^`]+)`", row[-1])
        assert proofs, row[0]
        for proof in proofs:
            file, _, name = proof.partition("::")
            assert (ROOT / file).exists(), proof
            assert name in named_in(ROOT / file), proof


def test_every_test_of_a_fault_can_be_run_alone() -> None:
    """Nobody is sent to a test that is only run where charts from elsewhere are: the proof must be everybody's."""
    for document in TABLES:
        assert "tests/shared/" not in " ".join(row[-1] for row in rows(document))
