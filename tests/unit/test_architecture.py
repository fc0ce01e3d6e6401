"""One direction through the house: who may import whom, and that the clinical part asks nobody for anything."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

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
    ("cards/guideline/wording.py", "_read"),
    ("cards/suggestions/drafts.py", "_orderables"),
    ("cards/guideline/changelog.py", "load_changelog"),
    ("fhir_mappings/terminology/site_terminology.py", "load_site_terminology"),
    ("fhir_mappings/terminology/value_set_files.py", "read_resource"),
    ("fhir_mappings/terminology/index.py", "from_directory"),
    ("fhir_mappings/terminology/icd10cm.py", "load_table"),
    ("fhir_mappings/questionnaire/table.py", "_load"),
    ("fhir_mappings/words/drugs.py", "load_drug_names"),
    ("fhir_mappings/words/matcher.py", "load_table"),
    ("fhir_mappings/words/vocabulary.py", "_load"),
}

# The rooms, from the ground up: a folder of modules (or, at the top, one module), and the rooms it may import from. A
# room must be entered here before anything can be put into it, and may only lean on those above it in this list.
ROOMS: dict[str, str] = {
    "fhir_mappings/words": "",
    "fhir_mappings/terminology": "",
    "fhir_mappings/fhir": "fhir_mappings/terminology",
    "fhir_mappings/devices": "fhir_mappings/fhir fhir_mappings/terminology",
    "fhir_mappings/questionnaire": "fhir_mappings/fhir fhir_mappings/words",
    "fhir_mappings/chart": (
        "fhir_mappings/questionnaire fhir_mappings/devices fhir_mappings/fhir fhir_mappings/terminology"
        " fhir_mappings/words"
    ),
    "fhir_mappings/orders": (
        "fhir_mappings/chart fhir_mappings/questionnaire fhir_mappings/fhir fhir_mappings/terminology"
        " fhir_mappings/words"
    ),
    "fhir_mappings/criteria": (
        "fhir_mappings/orders fhir_mappings/chart fhir_mappings/questionnaire fhir_mappings/devices"
        " fhir_mappings/fhir fhir_mappings/terminology fhir_mappings/words"
    ),
    "fhir_mappings/fhir_client": "fhir_mappings/orders fhir_mappings/chart fhir_mappings/fhir",
    "cards/guideline": "fhir_mappings/*",
    "cards/decision": "cards/guideline fhir_mappings/*",
    "cards/suggestions": "cards/decision cards/guideline fhir_mappings/*",
    "cards/response": "cards/suggestions cards/decision cards/guideline fhir_mappings/*",
    "cds_service/protocol/schemas": "",
    "cds_service/protocol": "cds_service/protocol/schemas fhir_mappings/fhir",
    "cds_service/overload": "cds_service/protocol",
    "cds_service/config": "cds_service/protocol/* cards/* fhir_mappings/*",
    "cds_service/gudid": "cds_service/protocol fhir_mappings/devices",
    "cds_service/egress": "cds_service/protocol/* fhir_mappings/fhir_client",
    "cds_service/records": "cds_service/protocol",
    "cds_service/records/migrations": "cds_service/records",
    "cds_service/records/migrations/versions": "",
    "cds_service/records/insights": "cds_service/records",
    "cds_service/demo": "cds_service/records cds_service/protocol cards/guideline fhir_mappings/fhir",
    "cds_service/clients": (
        "cds_service/config cds_service/egress cds_service/protocol cards/response fhir_mappings/fhir"
    ),
    "cds_service/clients/file": (
        "cds_service/clients cds_service/config cds_service/egress cds_service/protocol/* cards/guideline"
        " cards/response"
    ),
    "cds_service/smart": "cds_service/clients cds_service/protocol",
    "cds_service/auth/replay": "cds_service/protocol",
    "cds_service/auth/verifiers": (
        "cds_service/auth/replay cds_service/clients/* cds_service/egress fhir_mappings/fhir_client"
    ),
    "cds_service/auth": "cds_service/auth/* cds_service/clients/* cds_service/egress cds_service/protocol",
    "cds_service/observability": (
        "cds_service/clients cds_service/config cds_service/records cds_service/protocol cards/guideline"
        " fhir_mappings/fhir"
    ),
    "cds_service/calls": ("cds_service/clients cds_service/protocol fhir_mappings/fhir fhir_mappings/fhir_client"),
    "cds_service/guideline": "cds_service/protocol cards/* fhir_mappings/*",
    "cds_service/openapi": "cds_service/demo cds_service/protocol/*",
    "cds_service/hooks": (
        "cds_service/auth/* cds_service/smart cds_service/clients/* cds_service/config cds_service/egress"
        " cds_service/gudid"
        " cds_service/overload cds_service/records cds_service/protocol cards/* fhir_mappings/*"
    ),
    "cds_service/pages/plots": "",
    "cds_service/pages/rendering": "cds_service/protocol",
    "cds_service/form": (
        "cds_service/pages/rendering cds_service/hooks cds_service/smart cds_service/overload cds_service/auth"
        " cds_service/clients cds_service/protocol cards/* fhir_mappings/*"
    ),
    "cds_service/pages/form": (
        "cds_service/pages/rendering cds_service/smart cds_service/clients cds_service/protocol fhir_mappings/fhir"
        " cards/guideline"
    ),
    "cds_service/pages/demo_smart": (
        "cds_service/pages/rendering cds_service/smart cds_service/protocol fhir_mappings/fhir"
    ),
    "cds_service/pages/insights": (
        "cds_service/pages/plots cds_service/pages/rendering cds_service/records/* cds_service/auth/*"
        " cds_service/protocol cards/guideline fhir_mappings/fhir"
    ),
    "cds_service/pages/calls": (
        "cds_service/pages/insights cds_service/pages/rendering cds_service/calls cds_service/protocol"
    ),
    "cds_service/pages/criteria": (
        "cds_service/pages/rendering cds_service/hooks cds_service/guideline cds_service/protocol cards/*"
        " fhir_mappings/*"
    ),
    "cds_service/pages/review": (
        "cds_service/pages/rendering cds_service/pages/criteria cds_service/hooks cds_service/guideline"
        " cds_service/config cds_service/protocol cards/* fhir_mappings/*"
    ),
    "cds_service/pages/why": "cds_service/pages/rendering cds_service/pages/criteria cards/guideline",
    "cds_service/pages/scenarios": "cds_service/pages/rendering cds_service/protocol",
    "cds_service/pages/demo": (
        "cds_service/pages/rendering cds_service/hooks cds_service/clients cds_service/demo cds_service/protocol"
        " cards/* fhir_mappings/*"
    ),
    "cds_service/pages/api": "cds_service/pages/rendering cds_service/demo cds_service/openapi cds_service/protocol",
    "cds_service/pages": (
        "cds_service/pages/* cds_service/hooks cds_service/smart cds_service/calls cds_service/auth/*"
        " cds_service/clients cds_service/config cds_service/protocol cards/guideline"
    ),
    "cds_service/app.py": (
        "cds_service/pages/* cds_service/form cds_service/hooks cds_service/calls cds_service/guideline"
        " cds_service/observability"
        " cds_service/auth/*"
        " cds_service/clients cds_service/config cds_service/demo cds_service/gudid cds_service/records"
        " cds_service/protocol fhir_mappings/fhir_client"
    ),
    "cds_service/server": (
        "cds_service/app.py cds_service/hooks cds_service/observability cds_service/clients cds_service/config"
        " cds_service/demo cds_service/overload cds_service/protocol cards/guideline"
    ),
    "cds_service/replay": (
        "cds_service/hooks cds_service/clients/* cds_service/config cds_service/records cds_service/records/insights"
        " cds_service/protocol cards/* fhir_mappings/*"
    ),
    "cds_service/replay/report": (
        "cds_service/replay cds_service/pages/plots cds_service/pages/rendering cds_service/records/insights"
        " cds_service/protocol cards/guideline fhir_mappings/criteria fhir_mappings/terminology"
    ),
    "cds_service/replay/compare": (
        "cds_service/replay cds_service/replay/report cds_service/records/insights cds_service/protocol cards/guideline"
    ),
    "cds_service/replay/export": "cds_service/protocol fhir_mappings/fhir fhir_mappings/orders",
    "cds_service/replay/synthetic": "",
    "cds_service/replay/local": (
        "cds_service/replay cds_service/replay/export cds_service/hooks cds_service/clients cds_service/config"
        " cds_service/protocol cards/guideline"
    ),
    "cds_service/replay/spark": (
        "cds_service/replay cds_service/replay/export cds_service/replay/local cds_service/config cds_service/protocol"
    ),
    "cds_service/cli/connection": (
        "cds_service/auth/verifiers cds_service/clients/* cds_service/config cds_service/egress cds_service/protocol"
        " fhir_mappings/fhir fhir_mappings/fhir_client"
    ),
    "cds_service/cli/configuration": ("cds_service/hooks cds_service/clients cds_service/config cds_service/protocol"),
    "cds_service/cli/trying": "cds_service/clients",
    "cds_service/cli/orderables": "fhir_mappings/orders fhir_mappings/terminology",
    "cds_service/cli/replaying": "cds_service/replay/synthetic",
    "cds_service/cli/snomed": (
        "cds_service/egress fhir_mappings/fhir_client fhir_mappings/terminology fhir_mappings/words"
    ),
    "cds_service/cli/gudid": "cds_service/gudid fhir_mappings/devices",
    "cds_service/cli": (
        "cds_service/cli/* cds_service/server cds_service/app.py cds_service/pages/review cds_service/pages/criteria"
        " cds_service/hooks cds_service/guideline cds_service/observability cds_service/clients/* cds_service/config"
        " cds_service/egress cds_service/demo cds_service/gudid cds_service/records cds_service/replay/*"
        " cds_service/protocol cards/response cards/suggestions cards/guideline fhir_mappings/devices"
        " fhir_mappings/fhir fhir_mappings/fhir_client fhir_mappings/terminology"
    ),
    "cds_service/__main__.py": "cds_service/cli",
}
# More than this many modules side by side are no longer one room.
MODULES_A_ROOM = 15


def room_of(file: Path) -> str:
    """Return the room that a file of the packages is in: its folder, or itself at the top of a package."""
    folder = file.parent.relative_to(ROOT).as_posix()
    return relative(file) if folder in PACKAGES and file.name != "__init__.py" else folder


def room_of_module(module: str, name: str) -> str:
    """Return the room of `from module import name`."""
    for dotted in (f"{module}.{name}", module):
        path = ROOT / dotted.replace(".", "/")
        if path.with_suffix(".py").is_file():
            return room_of(path.with_suffix(".py"))
        if (path / "__init__.py").is_file():
            return path.relative_to(ROOT).as_posix()
    raise AssertionError(f"{module} is no module of ours")


def rooms_imported(file: Path) -> Iterator[str]:
    """Yield the rooms of our packages that a file imports from; a package's own face is no room."""
    for node in ast.walk(parse(file)):
        if isinstance(node, ast.Import):
            assert not {alias.name.split(".")[0] for alias in node.names} & {*PACKAGES}, "use from … import …"
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in PACKAGES:
            yield from (room_of_module(node.module or "", alias.name) for alias in node.names)


def allowed(room: str) -> set[str]:
    """Return the rooms that a room may import from, `x/*` being x and the rooms in it, but not the room itself."""
    found: set[str] = set()
    for entry in ROOMS[room].split():
        folder = entry.removesuffix("/*")
        found |= {name for name in ROOMS if name == folder or (entry != folder and name.startswith(f"{folder}/"))}
        assert folder in ROOMS or any(name.startswith(f"{folder}/") for name in ROOMS), f"{room}: no room {folder}"
    return found - {room}


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


@cache
def parse(file: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(file.read_text(encoding="utf-8"), relative(file))


def test_files_are_found() -> None:
    """A test that looks at no file would pass for ever."""
    assert all(len(files) > 5 for files in FILES.values())


def test_imports_run_one_way() -> None:
    """The reading of records knows neither cards nor the service, and the cards do not know the service."""
    wrong = {
        relative(file): found
        for file in CLINICAL
        if (found := set(imported(parse(file))) & {*FORBIDDEN[file.relative_to(ROOT).parts[0]], "."})
    }
    assert wrong == {}


def test_every_module_is_in_a_room_that_is_entered() -> None:
    """A new room is a decision: it is entered above, with what it may lean on, before a module stands in it."""
    files = [file for name in PACKAGES for file in FILES[name] if file.name != "__init__.py"]
    assert {room_of(file) for file in files} == set(ROOMS) - {"cds_service/protocol/schemas"}


def test_a_room_leans_only_on_rooms_it_may() -> None:
    """No arrow but those in the table, none of them up: so no circle either."""
    known = list(ROOMS)
    assert {room for room in known if any(known.index(room) <= known.index(other) for other in allowed(room))} == set()
    wrong = {}
    for name in PACKAGES:
        for file in FILES[name]:
            room = room_of(file)
            if room in ROOMS and (found := set(rooms_imported(file)) - {room, *PACKAGES} - allowed(room)):
                wrong[relative(file)] = found
    assert wrong == {}


def test_a_room_is_one_room() -> None:
    """A folder that can no longer be taken in at a glance is parted."""
    modules = {room: [file for file in (ROOT / room).glob("*.py") if file.name != "__init__.py"] for room in ROOMS}
    assert {room: len(files) for room, files in modules.items() if len(files) > MODULES_A_ROOM} == {}


def test_clinical_code_asks_nobody() -> None:
    """The same order and chart on the same day give the same advice: no clock, no environment, no chance."""
    wrong = {
        relative(file): found
        for file in CLINICAL
        if (found := asked(parse(file)) | (OUTSIDE & set(imported(parse(file)))))
    }
    assert wrong == {}


def test_files_are_read_by_loaders_only() -> None:
    """Nothing is read from disk while a call is answered, and a loader that reads no file is not excepted."""
    assert {(relative(file), function) for file in CLINICAL for function in readers(parse(file))} == LOADERS
