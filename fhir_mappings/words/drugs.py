"""What drugs a text names: generic names and brands, as prescriptions carry them when they carry no code that we know.

A name says less than a code: the same steroid is a tablet, an inhaler or a cream. So a text that also names a form for
one part of the body states no systemic drug.
"""

from __future__ import annotations

import re
import unicodedata
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from fhir_mappings.words.phrases import Line
from fhir_mappings.words.tokens import remembered

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_WORD: Final = re.compile(r"[a-z0-9]+")
_NAME: Final = re.compile(r"[a-z]{3,}")
_SEPARATOR: Final = re.compile(r"[;\r\n]+")
_NO_CONCEPTS: Final[frozenset[str]] = frozenset()

# Forms for one part of the body.
_LOCAL: Final = re.compile(
    "aerosol|actuat|cream|dermal|drops?|ear|enema|eyes?|foam|gel|hfa|intraarticular|lotion|nasal|nostril|ointment|otic"
    "|paste|patch|rectal|scalp|shampoo|spray|suppository|vaginal"
    "|(?:inhal|nebuli|ophth|topical|intranas|intravitre).*"
)
# What such a form takes the sense from, and what is left of it: an inhaled steroid is known as no systemic one.
_SYSTEMIC_ONLY: Final = frozenset(
    {"steroid_systemic_drug", "nsaid_drug", "analgesic_adjunct_drug", "immunosuppressant_drug", "antineoplastic_drug"}
)
_STEROID, _EXCLUDED_STEROID, _ANTICOAGULANT = "steroid_systemic_drug", "steroid_excluded", "anticoagulant_drug"
_LINE_CARE: Final = frozenset({"flush", "lock"})

# What a drug means that somebody mentions outside of a prescription ("on tamoxifen").
_MEANS: Final = {
    "antineoplastic_drug": "cancer",
    "immunosuppressant_drug": "risk",
    "osteoporosis_drug": "risk",
}
_FORM_IN_WORDS: Final = "eye|drop|ophthalmic|ointment|cream|topical|gel|ear|solution|emulsion"

# Words that stand in the place of a drug's name without naming one.
_NO_NAME: Final = re.compile(
    "and|apply|capsules?|chewable|daily|delayed|disintegrating|dose|drugs?|each|extended|for|generic|hour|immediate"
    "|inject(?:able|ion|or)?|ingredient|meq|mcg|med|medications?|medicines?|mouth|ndc|none|not|oral|order|pack|pen|per"
    "|pills?|powder|prefilled|product|qty|refill|release|rxnorm|see|solution|subcutaneous|suspension|sustained|syringe"
    "|tab|tablets?|take|the|twice|units?|unknown|unspecified|use|with"
)


def load_drug_names() -> Mapping[str, tuple[tuple[tuple[str, ...], str], ...]]:
    """Return the table beside this module: by the first word of a name, the words of the name and its concept."""
    table: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for line in (files("fhir_mappings.words") / "drug_names.tsv").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, concept, _ = line.split("\t")
            words = _words(name)
            table.setdefault(words[0], []).append((words, concept))
    return {first: tuple(names) for first, names in table.items()}


def drug_phrases() -> Iterator[Line]:
    """Yield the names as phrases: in a note a drug tells of what it is given for, unless in a form for one part."""
    for names in _NAMES.values():
        for words, concept in names:
            if topic := _MEANS.get(concept):
                name = " ".join(words)
                yield Line(topic, "", name)
                yield Line(f"!{topic}", "", f"{name} <3> {_FORM_IN_WORDS}")
                yield Line(f"!{topic}", "", f"topical|ophthalmic|eye <2> {name}")


def drug_concepts(name: str) -> frozenset[str]:
    """Return the concepts of the drugs that a text names by whole words, in any case.

    A steroid in a form for one part of the body is `steroid_excluded`; other drugs in such a form are nothing. A form
    belongs to the drugs on its side of a semicolon or a new line.
    """
    return _NO_CONCEPTS.union(*map(_stated, _SEPARATOR.split(name)))


def _stated(text: str) -> frozenset[str]:
    words = _words(text)
    found = {
        concept
        for position, first in enumerate(words)
        for drug, concept in _NAMES.get(first, ())
        if words[position : position + len(drug)] == drug
    }
    if found and any(map(_LOCAL.fullmatch, words)):
        local = {_EXCLUDED_STEROID} if _STEROID in found else set()
        return frozenset((found - _SYSTEMIC_ONLY) | local)
    return frozenset(found - {_ANTICOAGULANT} if _LINE_CARE.intersection(words) else found)


def is_drug_name_readable(name: str) -> bool:
    """Whether a text has a word that can be the name of a drug; numbers, units, forms and "unknown" are none."""
    return any(
        _NAME.fullmatch(word) and not (_NO_NAME.fullmatch(word) or _LOCAL.fullmatch(word)) for word in _words(name)
    )


@remembered
def _words(text: str) -> tuple[str, ...]:
    """Return the words of a text in small letters and without accents; digits are part of a word."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return tuple(_WORD.findall("".join(char for char in plain if not unicodedata.combining(char))))


_NAMES: Final = load_drug_names()
