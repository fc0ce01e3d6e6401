"""FHIR knowledge files read whole or not at all: what a ValueSet selects, as members that can be looked up.

A file that would be understood in part only is refused with its name, the place inside it and the reason, because a
code that is silently left out is a red flag that is never found.
"""

from __future__ import annotations

import re
from itertools import product
from string import ascii_uppercase, digits
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeVar

import msgspec
from pydantic import ValidationError

from fhir_mappings.terminology.code_systems import ICD_10_CM, canonical_code, canonical_system

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from importlib.resources.abc import Traversable
    from pathlib import Path

    from pydantic import BaseModel

ICD_CATEGORY: Final = 3  # characters of an ICD-10-CM category, the shortest code there is
ICD_FULL: Final = 7  # characters of the longest ICD-10-CM code, without its dot

_T = TypeVar("_T")


class KnowledgeError(ValueError):
    """A knowledge file that cannot be used: which file, where inside it, and why."""

    def __init__(self, file: str, path: str, reason: str) -> None:
        """Keep the three parts for a caller that reports them separately."""
        super().__init__(f"{file}: {path}: {reason}")
        self.file = file
        self.path = path
        self.reason = reason


class Place(NamedTuple):
    """Where in which file, for messages."""

    file: str
    path: str = "$"

    def at(self, step: str) -> Place:
        """Return a place further inside."""
        return Place(self.file, f"{self.path}.{step}")

    def error(self, reason: str) -> KnowledgeError:
        """Return the error that says what is wrong here."""
        return KnowledgeError(self.file, self.path, reason)


class _Concept(msgspec.Struct):
    code: str
    display: str = ""


class _Filter(msgspec.Struct):
    property: str
    op: str
    value: str


class Part(msgspec.Struct, rename="camel"):
    """An include or exclude of a value set's compose."""

    system: str = ""
    concept: tuple[_Concept, ...] = ()
    filter: tuple[_Filter, ...] = ()
    value_set: tuple[str, ...] = ()


class _Compose(msgspec.Struct):
    include: tuple[Part, ...]
    exclude: tuple[Part, ...] = ()


class _Document(msgspec.Struct, rename="camel"):
    """What is read of a value set; `fhir.resources` checks the rest."""

    resource_type: Literal["ValueSet"]
    id: str
    compose: _Compose
    status: str = ""
    version: str = ""


class ValueSetFile(NamedTuple):
    """A value set as it was read: as JSON for publishing, and typed for compiling."""

    place: Place
    raw: Mapping[str, Any]
    document: _Document

    @property
    def concept(self) -> str:
        """The concept that the value set is about."""
        return self.document.id.replace("-", "_")

    def included(self) -> Iterator[Member]:
        """Yield what the value set includes; KnowledgeError for what cannot be compiled."""
        for number, part in enumerate(self.document.compose.include):
            yield from _members(part, self.place.at(f"compose.include[{number}]"))

    def excluded(self) -> Iterator[Member]:
        """Yield what the value set excludes; KnowledgeError for what cannot be compiled."""
        for number, part in enumerate(self.document.compose.exclude):
            yield from _members(part, self.place.at(f"compose.exclude[{number}]"))


class Member(NamedTuple):
    """A code of a value set as written; with `branch` an ICD-10-CM code, canonical, and every code below it."""

    place: Place
    system: str
    code: str
    display: str = ""
    branch: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """System and code in the form in which they are compared."""
        return canonical_system(self.system), canonical_code(self.system, self.code)


def _value_set() -> type[BaseModel]:
    from fhir.resources.R4B.valueset import ValueSet  # noqa: PLC0415 - slow to import, and only a site's files need it

    return ValueSet


def read_value_set(file: Traversable | Path, *, is_ours: bool = False) -> ValueSetFile:
    """Read and validate one file; KnowledgeError when it is not a FHIR R4 ValueSet with an id and a compose.

    Our own files are validated by a test, once and for all.
    """
    place, raw, document = read_resource(file, None if is_ours else _value_set, _Document)
    if not document.compose.include:
        raise place.at("compose.include").error("is empty: a concept without codes is never found")
    return ValueSetFile(place, raw, document)


def read_resource(
    file: Traversable | Path, model: Callable[[], type[BaseModel]] | None, kind: type[_T]
) -> tuple[Place, Mapping[str, Any], _T]:
    """Return a file as JSON and as what is read of it, valid as its FHIR model; else KnowledgeError."""
    place = Place(str(file))
    try:
        data = file.read_bytes()
        raw = msgspec.json.decode(data, type=dict[str, Any])
        document = msgspec.convert(raw, kind)
        if model is not None:
            model().model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        raise place.at(".".join(map(str, first["loc"]))).error(first["msg"]) from error
    except RecursionError:
        raise place.error("is nested too deeply") from None
    except (OSError, UnicodeDecodeError, msgspec.DecodeError) as error:
        reason, _, path = str(error).partition(" - at `")
        raise KnowledgeError(place.file, path.rstrip("`") or place.path, reason) from error
    return place, raw, document


def _members(part: Part, place: Place) -> Iterator[Member]:
    """Yield the members of an include or exclude; KnowledgeError when it says something that cannot be compiled."""
    if part.value_set:
        raise place.at("valueSet").error("references to other value sets are not supported")
    if not part.system:
        raise place.at("system").error("is missing")
    if len(part.filter) + bool(part.concept) != 1:
        raise place.error("needs either concepts or exactly one filter (filters of one include are ANDed)")
    for number, item in enumerate(part.concept):
        yield Member(place.at(f"concept[{number}]"), part.system, item.code, item.display)
    system = canonical_system(part.system)
    for condition in part.filter:
        for root in _roots(system, condition, place.at("filter[0]")):
            yield Member(place.at("filter[0]"), system, root, branch=True)


def _roots(system: str, condition: _Filter, place: Place) -> list[str]:
    """Return the canonical ICD-10-CM codes that, each with all codes below it, are what a filter selects."""
    if system != ICD_10_CM:
        raise place.error(f"a filter on {system} needs a terminology server; list the codes")
    match condition.property, condition.op:
        case "concept", "is-a":
            root = canonical_code(system, condition.value)
            if not (root.isalnum() and ICD_CATEGORY <= len(root) <= ICD_FULL):
                raise place.at("value").error(f"{condition.value!r} is not an ICD-10-CM code")
            return [root]
        case "code", "regex":
            return _categories(condition.value, place.at("value"))
        case unsupported:
            raise place.at("op").error(f"{' '.join(unsupported)!r} is not supported")


def _categories(pattern: str, place: Place) -> list[str]:
    """Return the ICD-10-CM categories that a regular expression selects with all of their codes."""
    try:
        matcher = re.compile(pattern)
    except re.error as error:
        raise place.error(f"is not a regular expression: {error}") from error
    every = map("".join, product(ascii_uppercase, digits, digits + ascii_uppercase))
    chosen = [category for category in every if matcher.fullmatch(category)]
    if not chosen or not all(matcher.fullmatch(f"{category}.9XXA") for category in chosen):
        raise place.error("must match whole categories: the category itself and every code below it")
    return chosen
