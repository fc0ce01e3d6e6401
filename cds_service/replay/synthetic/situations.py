"""The situations that are planted in synthetic populations, as their table tells them."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

import msgspec

SYSTEMS = {
    "cpt": "http://www.ama-assn.org/go/cpt",
    "icd": "http://hl7.org/fhir/sid/icd-10-cm",
    "loinc": "http://loinc.org",
    "ncit": "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl",
    "rxnorm": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "sct": "http://snomed.info/sct",
}


class Code(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A code behind the short name of its system, and what it is called."""

    code: str
    text: str


class Fact(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"visit_class": "class"}):
    """A record: what it is of, and how many days after the order it was made, negative for before."""

    type: str
    code: str
    text: str
    day: int = 0
    status: str = ""
    visit_class: str = "AMB"
    value: float | None = None
    unit: str = ""
    safety: str = ""


class Situation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A patient with an order, and what is known of the answer."""

    name: str
    weight: int
    age: int
    sex: str
    outcome: str
    messages: tuple[str, ...]
    order: Code
    facts: tuple[Fact, ...]
    reason: Code | None = None
    status: str = "completed"
    later: tuple[Fact, ...] = ()
    events: tuple[str, ...] = ()
    left_out: str = ""


@cache
def load_situations() -> tuple[Situation, ...]:
    """Return the table, each that is `like` another with what that one has."""
    text = files(__package__).joinpath("situations.toml").read_text(encoding="utf-8")
    found: dict[str, dict[str, object]] = {}
    for row in tomllib.loads(text)["situation"]:
        found[row["name"]] = found.get(row.pop("like", ""), {}) | row
    return msgspec.convert(list(found.values()), tuple[Situation, ...])


def coding(code: str, text: str = "") -> dict[str, str]:
    """Return a Coding for a code behind the short name of its system."""
    system, _, value = code.partition(" ")
    return {"system": SYSTEMS[system], "code": value} | ({"display": text} if text else {})
