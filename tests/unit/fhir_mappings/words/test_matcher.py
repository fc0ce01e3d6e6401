"""What a text raises: phrases, what denies or doubts them, and whose they are."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from fhir_mappings.words import matcher
from fhir_mappings.words.matcher import affirms, mentions_in, quote_of, topics_in, unplaced_suspicions
from fhir_mappings.words.order_text import stated_emergencies, stated_implants, stated_values
from fhir_mappings.words.phrases import Line, compiled, lines_of
from fhir_mappings.words.therapy import stated_therapy
from fhir_mappings.words.topics import AGENT, topics_of
from fhir_mappings.words.vocabulary import is_readable

HERE = Path(__file__).parent


def table(name: str) -> list[list[str]]:
    """Return the rows of a table beside this file, line ends written out."""
    rows = [row.split("\t") for row in (HERE / name).read_text(encoding="utf-8").splitlines() if row[:1] != "#"]
    return [[row[0].replace("\\n", "\n"), *row[1:]] for row in rows]


PHRASES = table("phrases_table.tsv")
ASKED = (Path(matcher.__file__).with_name("phrases.tsv")).read_text(encoding="utf-8")
TOPICS = {line.kind for line in lines_of(ASKED) if not line.kind.startswith("!")} - {AGENT}


@pytest.mark.parametrize(("text", "topics", "why"), PHRASES)
def test_what_a_text_raises(text: str, topics: str, why: str) -> None:
    """Each line of the table raises the topics that it names, and no other, in capitals too."""
    expected = frozenset(topics.replace("-", "").split())
    assert topics_in(text) == expected, why
    if why != "abbreviations in capitals only":
        assert topics_in(text.upper()) == expected, why


@pytest.mark.parametrize(("text", "unplaced"), table("suspicions_table.tsv"))
def test_what_is_suspected_and_not_placed(text: str, unplaced: str) -> None:
    """Each suspicion of the table is quoted, unless a topic asks about it or it is plain back trouble."""
    found = [text[mention.start : mention.end] for mention in unplaced_suspicions(text)]
    assert found == ([] if unplaced == "-" else [unplaced])


def test_table_knows_every_topic() -> None:
    """A topic that no line of the table raises would be untested."""
    assert {topic for _, topics, _ in PHRASES for topic in topics.split()} == {*TOPICS, "-"}


@pytest.mark.parametrize("agent", ["Gadolinium", "gadobutrol", "Gadavist", "CONTRAST DYE", "IV contrast media"])
def test_in_a_list_of_allergies_an_agent_is_an_allergy(agent: str) -> None:
    """The name of a contrast agent says nothing by itself, and says it all where allergies are listed."""
    assert topics_in(agent) == frozenset()
    assert topics_in(agent, about="allergy") == {"contrast_allergy"}


@pytest.mark.parametrize(
    ("text", "standing"),
    [
        ("fever", "affirmed"),
        ("?discitis", "suspected"),
        ("no fever", "denied"),
        ("mother had cancer", "family"),
        ("return if fever", "advice"),
        ("fever: no", "template_no"),
        ("history of foot drop", "past"),
    ],
)
def test_standing(text: str, standing: str) -> None:
    """A mention says how the text stands to it."""
    assert [mention.standing for mention in mentions_in(text)] == [standing]


def test_mention_has_its_place_in_the_original_text() -> None:
    """Folded letters, double spaces and letters that grow in small type move no mention."""
    text = "İSTANBUL \t ß  New  FOOT-DROP, left"
    (mention,) = mentions_in(text)
    assert text[mention.start : mention.end] == "FOOT-DROP"


def test_quotation_is_of_whole_words_and_short() -> None:
    """A question quotes the words around, at most sixty characters, as they were written."""
    text = f"{'before ' * 20}<b>Saddle numbness</b> &amp; {'after ' * 20}"
    (mention,) = mentions_in(text)
    quote = quote_of(text, mention)
    assert len(quote) <= 60
    assert quote.startswith("…before")
    assert quote.endswith("after…")
    assert "Saddle numbness</b> &amp;" in quote
    assert quote_of("a\nfoot drop\nb", mentions_in("a\nfoot drop\nb")[0]) == "foot drop"
    glued = "carcinom" * 50
    assert len(quote_of(glued, mentions_in(glued)[0])) <= 60


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Pain only when standing", True),
        ("Saddle", True),
        ("no saddle", False),
        ("denies numbness, tingling, saddle", False),
        ("No fever. Saddle", True),
        ("side saddle: no", False),
        ("back", False),
    ],
)
def test_affirms(text: str, expected: bool) -> None:
    """A pattern is affirmed where the text says it without denying it."""
    assert affirms(text, re.compile(r"\b(?:saddle|standing)\b")) is expected


def test_codes_settle_their_topics() -> None:
    """A concept of the record settles what its own words would ask."""
    assert topics_of(["cauda_equina", "implant_icd"]) == {"ces", "surgery", "implant"}
    assert topics_of(["gadolinium_allergy"]) == {"contrast_allergy"}


@pytest.mark.parametrize("phrase", ["<2> fever", "[new]"])
def test_phrase_that_could_be_empty_is_refused(phrase: str) -> None:
    """A table whose phrase begins with nothing is a mistake of its author."""
    with pytest.raises(ValueError, match=r"begins with a gap|may be empty"):
        compiled([Line("risk", "", phrase)])


def test_line_without_its_columns_is_refused() -> None:
    """A line that lost a tab is reported with its number."""
    with pytest.raises(ValueError, match="line 2 of a table"):
        list(lines_of("# remark\nrisk fever\n"))


HOSTILE = (
    "no weak ",
    "denies fever, weakness, ",
    "mother father cancer, ",
    "r/o CES, ",
    "r/o CES or ",
    "? CES ",
    "return if weak ",
    "weakness: no ",
    "[ ] fever ",
    "allergy gadolinium ",
    "red flags (fever ",
    "history of 2019 fall ",
    "failed 6 weeks PT, ",
    "PVR 650 mL ",
    "EHL 2/5 on R, ",
    "ESR/CRP 98/120 ",
    "bladder scan scan ",
    "leg leg 3/5",
    "3/2/2025: foot drop. ",
    "copied note 3/2/2025 ",
    "considering stimulator ",
    "benign benign ",
    "- weak\n",
    "x",
    ",",
    "?",
    "(",
    " -",
    "\n",
    "….",
)
READERS: tuple[Callable[[str], Any], ...] = (
    topics_in,
    stated_emergencies,
    stated_implants,
    stated_values,
    stated_therapy,
    is_readable,
    lambda text: affirms(text, re.compile(r"\bweak\b")),
)


def work(reader: Callable[[str], Any], text: str) -> int:
    """Return how many calls, of our functions and of built-in ones, a reader needs for a text."""
    count = 0

    def counted(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        reader(text)
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("unit", HOSTILE, ids=repr)
def test_work_grows_with_the_text_and_no_faster(unit: str) -> None:
    """Twice the text is twice the work, whatever is written."""
    for reader in READERS:
        once = work(reader, (unit * 1200)[:1200])
        assert work(reader, (unit * 2400)[:2400]) <= 2.3 * once + 200


def test_a_long_text_is_read_to_its_end() -> None:
    """Sixty-four thousand characters of noise hide no foot drop behind them."""
    assert topics_in("back pain. " * 5800 + "New foot drop.") == {"motor"}
