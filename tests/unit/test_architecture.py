"""One direction through the house: who may import whom, and that the clinical part asks nobody for anything."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("fhir_mappings", "cards", "cds_service")
FILES = {name: sorted((ROOT / name).rglob("*.py")) for name in PACKAGES}
CLINICAL = [*FILES["fhir_mappings"], *FILES["cards"]]

# What a package must not import: the rooms after it, and what belongs to the outside.
FORBIDDEN = {
    "fhir_mappings": {"cards", "cds_service", "flask", "werkzeug", "requests", "gunicorn", "click"},
    "cards": {"cds_service", "flask", "werkzeug", "requests", "gunicorn", "click"},
}
# Modules that answer with the time, the environment, chance or the network, and attributes that do.
OUTSIDE = {"os", "time", "random", "secrets", "socket", "subprocess", "urllib", "http", "logging"}
# A module of those packages that only takes texts apart and puts them together.
HARMLESS = {"urllib.parse"}
ASKING = {"now", "utcnow", "today", "getenv", "environ", "uuid1", "uuid4"}
READING = {"open", "read_text", "read_bytes", "iterdir", "glob", "rglob"}
# Where files are read, each once at start.
LOADERS = {
    ("cards/wording.py", "_read"),
    ("cards/drafts.py", "_orderables"),
    ("cards/changelog.py", "load_changelog"),
    ("fhir_mappings/site_terminology.py", "load_site_terminology"),
    ("fhir_mappings/value_set_files.py", "read_resource"),
    ("fhir_mappings/terminology.py", "from_directory"),
}

# The rooms of the service in which clients are met: who is known, from where may be fetched, and who may call. Each may
# import those before it.
ROOMS = ("egress", "clients", "auth")


def relative(file: Path) -> str:
    """Return a file's path as this test names it."""
    return file.relative_to(ROOT).as_posix()


def imported(tree: ast.AST) -> Iterator[str]:
    """Yield the top-level names of everything a module imports, wherever in it; of harmless modules the whole name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = ["." if node.level else node.module or ""]
        else:
            continue
        yield from (name if name in HARMLESS or name == "." else name.split(".")[0] for name in names)


def readers(node: ast.AST, function: str = "module") -> Iterator[str]:
    """Yield the functions that open or read a file; `module` stands for code outside of any."""
    for child in ast.iter_child_nodes(node):
        inside = child.name if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) else function
        if isinstance(child, ast.Call):
            called = child.func
            name = (
                called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""
            )
            if name in READING:
                yield inside
        yield from readers(child, inside)


def asked(tree: ast.AST) -> set[str]:
    """Return the attributes of a module's code that ask for the time, the environment or chance."""
    return {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} & ASKING


def parse(file: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(file.read_text(encoding="utf-8"), relative(file))


def test_files_are_found() -> None:
    """A test that looks at no file would pass for ever."""
    assert all(len(files) > 5 for files in FILES.values())


@pytest.mark.parametrize("file", CLINICAL, ids=relative)
def test_imports_run_one_way(file: Path) -> None:
    """The reading of records knows neither cards nor the service, and the cards do not know the service."""
    assert not FORBIDDEN[file.relative_to(ROOT).parts[0]] & set(imported(parse(file)))
    assert "." not in set(imported(parse(file)))


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_of_the_service_are_no_circle(room: str) -> None:
    """Fetching knows no clients file and no tokens, and the clients file knows no tokens."""
    later = {f"cds_service.{name}" for name in ROOMS[ROOMS.index(room) + 1 :]}
    files = sorted((ROOT / "cds_service" / room).rglob("*.py"))
    assert files
    for file in files:
        modules = {node.module or "" for node in ast.walk(parse(file)) if isinstance(node, ast.ImportFrom)}
        assert not {".".join(module.split(".")[:2]) for module in modules} & later, relative(file)


@pytest.mark.parametrize("file", CLINICAL, ids=relative)
def test_clinical_code_asks_nobody(file: Path) -> None:
    """The same order and chart on the same day give the same advice: no clock, no environment, no chance."""
    assert not asked(parse(file))
    assert not OUTSIDE & set(imported(parse(file)))


@pytest.mark.parametrize("file", CLINICAL, ids=relative)
def test_files_are_read_by_loaders_only(file: Path) -> None:
    """Nothing is read from disk while a call is answered."""
    assert {(relative(file), function) for function in readers(parse(file))} <= LOADERS


def test_list_of_loaders_is_current() -> None:
    """A loader that no longer reads a file is no longer excepted."""
    assert {(relative(file), function) for file in CLINICAL for function in readers(parse(file))} == LOADERS
