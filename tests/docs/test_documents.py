"""The documents hold together: links lead somewhere, files that are named exist, and walks stay short."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "deploy").rglob("*.md")])
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
# A change that takes more places than this wants a registration merged, not a longer walk.
MOST_FILES = 6

_CODE_BLOCK = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_PATH = re.compile(r"`((?:\w[\w.-]*/)+[\w.-]*|\w+\.md)`")
_STEP = re.compile(r"^\d+\. .*(?:\n   .*)*", re.MULTILINE)

by_name = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: file.relative_to(ROOT).as_posix())


def prose(document: Path) -> str:
    """Return a document without its blocks of code."""
    return _CODE_BLOCK.sub("", document.read_text(encoding="utf-8"))


def anchors(document: Path) -> set[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    headings = (
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in _HEADING.findall(prose(document))
    )
    return set(headings)


def walks() -> dict[str, str]:
    """Return the walks of the contributing guide by their heading."""
    parts = re.split(r"^### (Add .+)$", CONTRIBUTING, flags=re.MULTILINE)
    return {
        title: "\n".join(_STEP.findall(text.split("\n## ")[0]))
        for title, text in zip(parts[1::2], parts[2::2], strict=True)
    }


def test_documents_are_found() -> None:
    """A test that looks at no document would pass for ever."""
    assert {"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"} <= {file.name for file in DOCUMENTS}


@by_name
def test_links_lead_somewhere(document: Path) -> None:
    """A link within the repository names a file that is there, and a heading that it has."""
    for link in _LINK.findall(prose(document)):
        parts = urlsplit(link)
        if parts.scheme:
            assert parts.scheme in ("https", "http"), link
            continue
        target = (document.parent / parts.path).resolve() if parts.path else document
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        assert not parts.fragment or parts.fragment in anchors(target), link


def test_every_document_is_in_the_table() -> None:
    """A reader finds each document by who it is for."""
    table = prose(ROOT / "docs" / "README.md")
    linked = {(ROOT / "docs" / link).resolve() for link in _LINK.findall(table)}
    assert {file for file in DOCUMENTS if file.parent.name != "deploy"} - linked <= {ROOT / "docs" / "README.md"}


def test_files_that_contributors_are_sent_to_exist() -> None:
    """Every path in the contributing guide is there."""
    named = _PATH.findall(CONTRIBUTING)
    assert len(named) > 15
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("walk", ["Add a criterion", "Add a message", "Add a client setting"])
def test_walks_are_short(walk: str) -> None:
    """Whoever adds one of these touches few files, each named in a step of its own."""
    steps = _STEP.findall(walks()[walk])
    assert 0 < len(steps) <= MOST_FILES
    firsts = [_PATH.findall(step.splitlines()[0])[0] for step in steps]
    assert len(set(firsts)) == len(steps)
