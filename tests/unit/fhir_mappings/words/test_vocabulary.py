"""Whether a text can be read: English medical words can; other languages, slips and dangerous abbreviations cannot."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from fhir_mappings.words.matcher import topics_in
from fhir_mappings.words.vocabulary import VOCABULARY, is_readable

NAMES = Path(__file__).parents[3] / "data" / "gps_names.tsv.gz"
ASKING = Path(__file__).parent / "gps_asking.tsv"

READABLE = (
    "Hypertension",
    "HTN, HLD, GERD",
    "T2DM",
    "DM2",
    "f/u HTN",
    "CKD stage 3",
    "Low back pain, unspecified",
    "MRI LUMBAR SPINE WO CONTRAST",
    "Benign prostatic hyperplasia",
    "Annual wellness visit",
    "Encounter for immunization",
    "Intervertebral disc degeneration, L4-L5",
    "headaches",
    "Crohn's disease",
    "Sjögren's syndrome",
    "Refugee (person)",
    "Serving in military service (finding)",
)
FOREIGN = (
    "Rückenschmerzen",
    "Kreuzschmerzen",
    "Bandscheibenvorfall L4/5",
    "Harnverhalt",
    "Wirbelkörperfraktur",
    "Hypertonie",
    "Cauda-(equina-)Syndrom, inkomplett",
    "Prostatakarzinom",
    "Spondylodiszitis",
    "Zustand nach Laminektomie",
    "Herzschrittmacher",
    "Diabetes mellitus, entgleist",
    "Schwäche im linken Bein",
    "Lumboischialgie",
    "Spinalkanalstenose",
    "Lumbalgia",
    "Dolor lumbar",
    "Hernia discal",
    "Hipertensión arterial",
    "Cáncer de mama",
    "Diabetes mellitus tipo 2 con complicaciones",
    "Retención urinaria",
    "Fractura vertebral",
    "Absceso epidural",
    "Osteomielitis",
    "Marcapasos",
    "Lombalgie",
    "Lombosciatique",
    "Cancer du sein",
    "Rétention urinaire",
    "Hernie discale",
    "Fièvre",
    "Stimulateur cardiaque",
    "Mal di schiena",
    "Ernia del disco",
    "Ritenzione urinaria",
    "Dor lombar",
    "Rugpijn",
    "Ból kręgosłupa",
    "腰痛",
    "Боль в спине",
    "腰痛 spine",
)
SLIPS = ("Hypertenson", "Cauda eqina", "retenton of urine", "spinl absces", "oseomyelitis")
# Multiple myeloma, spinal cord injury, spinal epidural abscess, arteriovenous malformation, Guillain-Barré.
DANGEROUS = ("MM", "SCI", "SEA", "AVM", "GBS", "MM in remission", "AVM of spine")
NOTHING = ("", "L4", "M54.5", "7", "?", "x 3")


@pytest.mark.parametrize("text", READABLE)
def test_english_medical_words_are_read(text: str) -> None:
    """What an ordinary problem list holds is readable, so that no topic in it counts."""
    assert is_readable(text)


@pytest.mark.parametrize("text", [*FOREIGN, *SLIPS, *DANGEROUS, *NOTHING])
def test_what_cannot_be_read_is_not_taken_for_harmless(text: str) -> None:
    """Another language, a slip of the pen, an abbreviation that may be anything, or no word at all is not readable."""
    assert not is_readable(text)


def names() -> Iterator[tuple[str, str]]:
    """Yield the concepts of the Global Patient Set with their names, without the tag in parentheses."""
    with gzip.open(NAMES, "rt", encoding="utf-8") as lines:
        for line in lines:
            code, name = line.rstrip("\n").split("\t")
            yield code, re.sub(r" \([^()]*\)$", "", name)


@pytest.mark.slow
def test_names_that_ask_are_the_reviewed_ones() -> None:
    """Of the 26,158 names of the Global Patient Set those of the list ask, each with its topics, and no other."""
    asking = [f"{code}\t{name}\t{' '.join(sorted(raised))}" for code, name in names() if (raised := topics_in(name))]
    assert asking == ASKING.read_text(encoding="utf-8").splitlines()


@pytest.mark.slow
def test_names_of_disorders_can_be_read() -> None:
    """The names that a coded record brings along are readable, but for a few with an abbreviation or a formula."""
    with gzip.open(NAMES, "rt", encoding="utf-8") as lines:
        disorders = [
            line.split("\t")[1].removesuffix(" (disorder)\n") for line in lines if line.endswith("(disorder)\n")
        ]
    unread = [name for name in disorders if not is_readable(name)]
    assert len(disorders) > 6000
    assert len(unread) <= 0.02 * len(disorders), unread[:20]


def test_vocabulary_is_whole() -> None:
    """A list that lost its lines would make every record ask."""
    assert len(VOCABULARY) > 12000
