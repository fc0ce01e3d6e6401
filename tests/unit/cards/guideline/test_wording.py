"""The catalogue: complete for the code, completed from English for another language, clear about what is missing."""

from __future__ import annotations

import ast
import re
import string
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from cards.guideline.guideline import MESSAGES
from cards.guideline.wording import Wording, WordingError, completed, load_wording
from cards.response.text import LONGEST_SUMMARY
from cards.suggestions.drafts import concept_of
from fhir_mappings.criteria.implants import IMPLANTS
from fhir_mappings.criteria.registry import CRITERIA
from fhir_mappings.fhir.dates import UNKNOWN_DATE, DateInterval, parse_date
from fhir_mappings.fhir.needs import DATA_NEEDS
from fhir_mappings.orders.names import ContrastClass
from fhir_mappings.questionnaire.table import CHOICES, question_texts
from fhir_mappings.terminology.concepts import CES_ITEMS
from tests.unit.cards.advice import english
from tests.unit.fhir_mappings.words.test_matcher import TOPICS

ROOT = Path(__file__).parents[4]
SOURCES = [*(ROOT / "cards").rglob("*.py"), *(ROOT / "fhir_mappings").rglob("*.py")]
CODE = "\n".join(file.read_text(encoding="utf-8") for file in SOURCES)
# Placeholders that the texts of messages can hold.
FILLED = {"finding", "followup", "red_flags", "days", "when", "reason", "sources", "count", "number"}


def sentences(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Yield every sentence of a catalogue with its path."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from sentences(value, (*path, key))
    elif isinstance(node, list):
        for value in node:
            yield from sentences(value, path)
    elif isinstance(node, str):
        yield ".".join(path), node


ALL = list(sentences(english().table))


def placeholders(text: str) -> set[str]:
    """Return the names in braces of a sentence."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("message", MESSAGES.values(), ids=lambda message: message.id)
def test_every_message_has_its_words(message: Any) -> None:
    """A message has a title and a text, a summary if it can lead, and its citations and override reasons exist."""
    english().text("messages", message.id, "title")
    assert english().get("messages", message.id, "text")
    if message.lead:
        assert "default" in english().get("messages", message.id, "summary")
    for citation in message.citations:
        english().text("citations", citation)
    for reason in message.overrides:
        assert set(english().get("overrides", reason)) == {"system", "code", "display"}


def test_no_words_for_messages_that_do_not_exist() -> None:
    """A message that was removed from the code leaves no words behind."""
    assert set(english().get("messages")) == set(MESSAGES)


@pytest.mark.parametrize("message", MESSAGES.values(), ids=lambda message: message.id)
def test_every_summary_fits_without_its_findings(message: Any) -> None:
    """The words of a summary leave room for what is found."""
    for name, text in english().table["messages"][message.id].get("summary", {}).items():
        assert len(text) <= LONGEST_SUMMARY, name
        assert placeholders(text) <= FILLED


@pytest.mark.parametrize("message", MESSAGES.values(), ids=lambda message: message.id)
def test_texts_hold_known_placeholders_only(message: Any) -> None:
    """A text with a name in braces that nobody fills would be a crash on a rare card."""
    for path, text in sentences(english().get("messages", message.id)):
        assert placeholders(text) <= FILLED, path


def test_sentences_are_clean() -> None:
    """No sentence is empty, double-spaced or shouts in code, and each can be formatted."""
    for path, text in ALL:
        assert text == text.strip(), path
        assert text, path
        assert "  " not in text, path
        placeholders(text)


def constants(node: ast.AST) -> set[str]:
    """Return the texts in a piece of code, but for those that are handed to a function."""
    if isinstance(node, ast.Call):
        return set()
    own = {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set[str]()
    return own.union(*map(constants, ast.iter_child_nodes(node)))


def asked_in(tree: ast.AST) -> Iterator[str]:
    """Yield the ids of questions in a module: given to a finding, or collected in a list that is called so."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in ("questions.append", "asked.append", "self.questions.append", "symptoms.file"):
                yield from constants(node.args[-1])
            for keyword in node.keywords:
                if keyword.arg == "questions" and isinstance(keyword.value, ast.Tuple | ast.List):
                    yield from constants(keyword.value)
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "questions":
            value = node.value.body if isinstance(node.value, ast.IfExp) else node.value
            if isinstance(value, ast.Tuple | ast.List):
                yield from constants(value)


def test_every_question_has_its_words() -> None:
    """Each question that a criterion or the decision can ask, and each hint topic, is worded."""
    known = set(english().get("questions"))
    asked = {name for file in SOURCES for name in asked_in(ast.parse(file.read_text(encoding="utf-8")))}
    assert len(asked) > 10
    assert asked <= known
    assert {f"hint_{topic}" for topic in TOPICS} <= known


def test_no_question_is_worded_in_vain() -> None:
    """A question that no criterion asks is a leftover."""
    for name in english().get("questions"):
        assert f'"{name}"' in CODE or name.startswith("hint_") or name in CHOICES, name


# What excludes, denies or qualifies something, and is never itself the evidence that a card names.
NEVER_NAMED = {
    *(
        "bladder_exclude",
        "steroid_excluded",
        "family_history_cancer",
        "device_external_ignore",
        "imaging_result_status",
    ),
    *("mr_unsafe", "mr_no_label", "mr_conditional", "mr_safe", "pregnancy_absent"),
}


def test_every_name_of_a_finding_has_its_words() -> None:
    """What a summary can name is named in words, never by the name of a value set."""
    known = set(english().get("concepts"))
    assert set(IMPLANTS) | set(CES_ITEMS) <= known
    assert {f"hint_{topic}" for topic in TOPICS} <= known
    used = {name for criterion in CRITERIA for name in criterion.concepts}
    assert used - known <= NEVER_NAMED


@pytest.mark.parametrize(
    "note", ["suspected", "inactive", "preliminary", "conflicting", "possible", "progressive", "removed"]
)
def test_every_note_has_its_words(note: str) -> None:
    """A remark on a line of evidence is worded."""
    assert english().text("notes", note)


def test_mr_statuses_are_notes() -> None:
    """What a device says of its MR status is worded for the line of evidence."""
    for label in ("mr_unsafe", "mr_conditional", "mr_safe", "mr_no_label"):
        assert english().text("notes", label)


@pytest.mark.parametrize("label", ["mr_unsafe", "mr_conditional", "mr_no_label"])
def test_labels_name_their_release(label: str) -> None:
    """What the label of a model says is told with where it was looked up, and in which release."""
    assert english().note(f"label_{label}", date(2026, 11, 1)).endswith("(AccessGUDID, 1 Nov 2026)")


def test_sources_and_studies_have_their_words() -> None:
    """Every source that may be missing, and every study that can be ordered, is named in words."""
    for need in DATA_NEEDS:
        assert english().text("sources", need.resource_type)
    for contrast in ContrastClass:
        assert english().text("orders", contrast.value)
    for orderable in english().get("suggestions", "orderables"):
        assert concept_of(orderable)


def test_override_reasons_are_one_system_of_codes() -> None:
    """Reasons to override have distinct codes of the HL7 system and say what they mean here."""
    reasons = english().get("overrides").values()
    assert {reason["system"] for reason in reasons} == {
        "http://terminology.hl7.org/CodeSystem/non-adherence-reason-codes"
    }
    assert len({reason["code"] for reason in reasons}) == len(list(reasons))
    assert all(reason["display"] for reason in reasons)


@pytest.mark.parametrize(
    ("path", "named"),
    [
        (("messages", "C-NONE"), "messages.C-NONE"),
        (("card", "order", "below"), "card.order.below"),
        (("nowhere",), "nowhere"),
    ],
)
def test_missing_entry_names_its_path(path: tuple[str, ...], named: str) -> None:
    """Whoever translates a catalogue learns which entry is missing, and in which language."""
    with pytest.raises(WordingError, match=f"'xx' has no entry '{re.escape(named)}'"):
        Wording("xx", english().table).get(*path)
    assert Wording("xx", {}).find(*path, default="instead") == "instead"


@pytest.fixture
def catalogues(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of catalogues that holds the English one."""
    folder = tmp_path / "catalogues"
    folder.mkdir()
    original = ROOT / "cards" / "guideline" / "catalogues" / "en.toml"
    (folder / "en.toml").write_bytes(original.read_bytes())
    monkeypatch.setattr("cards.guideline.wording.resources.files", lambda _package: tmp_path)
    return folder


def test_partial_catalogue_falls_back_to_english(catalogues: Path) -> None:
    """A language that words two sentences gets the others in English, and its own where it has them."""
    (catalogues / "de.toml").write_text(
        '[card]\nwhy = "**In der Akte:**"\n[messages.C-EDU]\ntitle = "Für den Patienten"\n', encoding="utf-8"
    )
    german = load_wording("de")
    assert german.language == "de"
    assert german.text("card", "why") == "**In der Akte:**"
    assert german.text("messages", "C-EDU", "title") == "Für den Patienten"
    assert german.text("card", "footer") == english().text("card", "footer")
    assert german.get("messages", "C-EDU", "text") == english().get("messages", "C-EDU", "text")


@pytest.mark.parametrize("language", ["fr", "../en", "en.toml", ""])
def test_unknown_language_is_refused(catalogues: Path, language: str) -> None:
    """A language without a catalogue, or a name that is no language, is refused at start."""
    with pytest.raises(WordingError, match="no wording catalogue"):
        load_wording(language)


def test_broken_catalogue_is_refused(catalogues: Path) -> None:
    """A catalogue that is no TOML says so and which one it is."""
    (catalogues / "fr.toml").write_text("[card\n", encoding="utf-8")
    with pytest.raises(WordingError, match="'fr'"):
        load_wording("fr")


def test_completing_replaces_whole_sentences() -> None:
    """A sentence, a list of paragraphs, or a table in the place of a sentence is taken as the translator wrote it."""
    base = {"a": {"b": "1", "c": ["2", "3"]}, "d": "4"}
    assert completed(base, {"a": {"c": ["5"]}, "e": "6"}) == {"a": {"b": "1", "c": ["5"]}, "d": "4", "e": "6"}
    assert completed(base, {"d": {"x": "7"}})["d"] == {"x": "7"}
    assert base["d"] == "4"


@pytest.mark.parametrize(
    ("when", "text"),
    [
        (parse_date("2026-06-02"), "2 Jun 2026"),
        (parse_date("2026-06"), "Jun 2026"),
        (parse_date("2026"), "2026"),
        (DateInterval(parse_date("2025-12-01").earliest, parse_date("2026-01-31").latest), "2025-2026"),
        (DateInterval(None, parse_date("2026-06-02").latest), "2 Jun 2026"),
        (DateInterval(parse_date("2026-06-02").earliest, None), "2 Jun 2026"),
        (UNKNOWN_DATE, "undated"),
    ],
)
def test_date_is_written_as_far_as_it_is_known(when: DateInterval, text: str) -> None:
    """A day, a month, a year, a span of years or nothing is written as people write it."""
    assert english().day(when) == text


def test_english_is_the_default() -> None:
    """Without a language the English catalogue is loaded, and it says so of itself."""
    assert load_wording().table["meta"]["language"] == "en"
    with (ROOT / "cards" / "guideline" / "catalogues" / "en.toml").open("rb") as file:
        assert load_wording("en").table == {"questions": question_texts(), **tomllib.load(file)}


def test_variant_falls_back_to_the_default() -> None:
    """The first variant with words of its own is used, else the default."""
    assert english().variant("C-EMERG-CES", "summary", ("none", "blocked", "named")).startswith("Emergency")
    assert english().variant("C-EMERG-CES", "summary", ("none",)).startswith("MRI now")
