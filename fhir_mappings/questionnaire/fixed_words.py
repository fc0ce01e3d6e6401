"""Answers in fixed words: written into a note that a person can read, and understood when the next order brings it.

"Saddle numbness, bladder or bowel change: no (asked 28 Nov 2026)". What is understood is a whole statement: fixed
words, or the text of a question, with a plain yes or no behind it. Anything more, and it is read like any other text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from fhir_mappings.fhir.dates import UNKNOWN_DATE, DateInterval, exact, parse_date
from fhir_mappings.questionnaire.table import QUESTIONS, Question

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# A note is short; what stands beyond this is read like any other text.
_LONGEST = 20_000
_LONGEST_NAMES = 400
_ANSWER = re.compile(r"[ \t]*[:?.–-]*[ \t]*(?P<answer>yes|no)\b", re.IGNORECASE)
_NAME = re.compile(r"[“\"]([^“”\"\n]+)[”\"]")
_NAMES = re.compile(
    rf"[ \t]*:?[ \t]*(?P<names>{_NAME.pattern}(?:(?:, | and ){_NAME.pattern})*)(?=[ \t]*(?:\(asked|[.;\n]|$))"
)
# The records that a label names before its answer.
_ABOUT = re.compile(rf"[ \t]*\((?P<names>{_NAME.pattern}(?:, {_NAME.pattern})*)\)")
_DAY = re.compile(
    r"[ \t]*\((?:asked|said|on)[ \t]+(?:(?P<day>\d{1,2}) (?P<month>[A-Za-z]{3})[a-z]* (?P<year>\d{4})"
    r"|(?P<iso>\d{4}-\d\d-\d\d))(?P<more>[^()\n]{0,80})\)",
    re.IGNORECASE,
)
_END = re.compile(r"[ \t]*(?:[.;\n]|$)")
# "no; now yes": which of the two holds cannot be told, and it is read like any other text.
_TAKEN_BACK = re.compile(r"[ \t.;,]*(?:(?:but|now|then|later|today|since|as of)\b[^.;\n]{0,20}?)?\byes\b")
# A value behind the answer: a number with a point or a unit, or a grade of strength; a bare "2." begins the next item.
_VALUE = re.compile(
    r"[ \t.;,:(–-]*\n?[ \t(]*(?P<value>[<>≤≥]?[ \t]?"
    r"(?:\d{2,3}[.,]\d+|\d{1,4}(?=[ \t]*(?:°|[CF]\b|m[lLmg]|cc\b))|[0-5][+-]?/5)"
    r"(?:[ \t]*(?:°[ \t]?)?(?:[CF]\b|m[lL]\b|mm/h\b|mg/d?[lL]\b|cc\b))?)"
)
# What such a number measures, by the question before it, in words that raise nothing by themselves.
_MEASURED = {
    "fever": "temp",
    "inflammation_markers": "CRP",
    "power": "leg strength",
    "motor_changed": "leg strength",
    "hint_motor": "leg strength",
}
_BEGIN = re.compile(r"(?:^|[.;\n])[ \t]*(?:[-*•–][ \t]*)?$")
# The record that a card quotes before its question: "Note: “…” (5 Oct 2026): is a leg weak now?"
_QUOTING = re.compile(r"[“\"][^\n]*[”\"][^\n]{0,40}:[ \t]*$")


@dataclass(frozen=True, slots=True)
class Said:
    """An answer found in a text: to which question, with the day it names and the records it names.

    `quoted` are words of records that stand in it, `more` is what was written beside the day: neither is ours.
    """

    question: str
    yes: bool
    words: str
    when: DateInterval = UNKNOWN_DATE
    named: tuple[str, ...] = ()
    quoted: str = ""
    more: str = ""


def day_in_words(day: date) -> str:
    """Return a day as it stands in fixed words, in any language of the cards."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def written(question: Question, day: date, *, yes: bool, named: Sequence[str] = ()) -> str:
    """Return the fixed words of an answer, with the records that it is about and the day."""
    return f"{words_about(question, named, yes=yes)} (asked {day_in_words(day)})"


def words_about(question: Question, named: Sequence[str] = (), *, yes: bool) -> str:
    """Return the fixed words of an answer with the records that it is about: “Leg weakness now (“numb leg”): no”."""
    about = ", ".join(f"“{plain_name(name)}”" for name in named) if question.named else ""
    return words_beside(question, about, yes=yes)


def words_beside(question: Question, about: str, *, yes: bool) -> str:
    """Return the words of an answer with what it is about: behind words of its own, or in parentheses in the label."""
    words = question.words(yes=yes)
    if not about:
        return words
    own = question.yes if yes else question.no
    return f"{words}: {about}" if own else words.replace(question.label, f"{question.label} ({about})", 1)


def plain_name(name: str) -> str:
    """Return the name of a record as it can stand in quotation marks, on one line."""
    return " ".join(re.sub(r"[“”\"]", " ", name).split())


def answers_in(text: str) -> tuple[tuple[Said, ...], str]:
    """Return the answers in a text, and the text without them."""
    head, tail = _level(text[:_LONGEST]), text[_LONGEST:]
    found: list[tuple[int, int, Said]] = []
    for phrase, question, yes in _phrases_in(head):
        found.extend(_statements(head, text, phrase, question, yes))
    if not found:
        return (), text
    kept: list[str] = []
    said: list[Said] = []
    at = 0
    # Where one phrase lies in another, the wider one was meant.
    for start, end, statement in sorted(found, key=lambda each: (each[0], -each[1])):
        if start < at:
            continue
        kept.append(text[at:start])
        said.append(statement)
        at = end
    rest = "".join([*kept, text[at:_LONGEST], tail])
    return tuple(said), rest if rest.strip(" \t\n.;-*•–") else ""


def _level(text: str) -> str:
    """Return a text in small letters and with plain spaces, each sign where it was."""
    return "".join(_small(sign) for sign in text)


def _small(sign: str) -> str:
    if sign in "\t\u00a0\u202f\r":
        return " "
    small = sign.lower()
    return small if len(small) == 1 else sign


def _phrases_in(head: str) -> Iterator[tuple[str, str, bool | None]]:
    """Yield the phrases of the table that a text holds."""
    for phrase, question, yes in _PHRASES:
        if phrase in head:
            yield phrase, question, yes


def _statements(
    head: str,
    text: str,
    phrase: str,
    question: str,
    yes: bool | None,  # noqa: FBT001 - None asks for the answer
) -> Iterator[tuple[int, int, Said]]:
    """Yield where a phrase is a whole statement, with what it says."""
    at = head.find(phrase)
    while at >= 0:
        if (made := _statement(head, text, at, phrase, question, yes)) is not None:
            yield made
        at = head.find(phrase, at + len(phrase))


def _statement(  # noqa: PLR0913, PLR0917 - where a phrase stands, and what it means
    head: str,
    text: str,
    at: int,
    phrase: str,
    question: str,
    yes: bool | None,  # noqa: FBT001 - as above
) -> tuple[int, int, Said] | None:
    line = max(head.rfind("\n", 0, at) + 1, at - _LONGEST_NAMES)
    before = head[line:at]
    start = at
    named: tuple[str, ...] = ()
    more = ""
    if not _BEGIN.search(before):
        # The text of a question may follow the record that it quotes.
        if phrase not in _TEXTS or not _QUOTING.search(before):
            return None
        start, named = line, tuple(map(plain_name, _NAME.findall(text[line:at])))
    end, inverted = at + len(phrase), phrase in _INVERTED
    quoted = text[start:at]
    takes_names = QUESTIONS[question].named
    if takes_names and yes is None and (about := _ABOUT.match(text, end, end + _LONGEST_NAMES + 40)):
        named, quoted, end = _named(about), about["names"], about.end()
    if yes is None:
        answer = _ANSWER.match(head, end)
        if answer is None:
            return None
        yes, end = (answer["answer"] == "yes") is not inverted, answer.end()
    if takes_names and (names := _NAMES.match(text, end, end + _LONGEST_NAMES + 40)):
        named, quoted, end = _named(names), names["names"], names.end()
    when = UNKNOWN_DATE
    if day := _DAY.match(text, end):
        when, end, more = _date_of(day), day.end(), day["more"].strip()
    if not yes and (value := _VALUE.match(text, end)):
        # "Fever now: no. 39.2 C": the number is what was measured.
        more = f"{more} {_MEASURED.get(question, '')} {value['value']}".strip()
        end = value.end() if not _END.match(head, end) else end
    if not _END.match(head, end) or (not yes and _TAKEN_BACK.match(head, end)):
        return None
    return start, end, Said(question, yes, " ".join(text[start:end].split()), when, named, quoted, more)


def _named(found: re.Match[str]) -> tuple[str, ...]:
    return tuple(map(plain_name, _NAME.findall(found["names"])))


def _date_of(found: re.Match[str]) -> DateInterval:
    if found["iso"]:
        return parse_date(found["iso"])
    month = found["month"].title()
    if month not in _MONTHS:
        return UNKNOWN_DATE
    try:
        return exact(date(int(found["year"]), _MONTHS.index(month) + 1, int(found["day"])))
    except ValueError:
        return UNKNOWN_DATE


def _all_phrases() -> Iterator[tuple[str, str, bool | None]]:
    """Yield all fixed words with the answer they give, and all texts and labels that need one behind them."""
    for question in QUESTIONS.values():
        if not question.label:
            continue
        for yes, words in ((True, question.yes), (False, question.no)):
            if words:
                yield words, question.id, yes
        for words, answer in question.also:
            yield words, question.id, answer == "yes"
        for asked in (question.label, question.text, question.item, *question.inverted):
            if asked:
                yield asked.rstrip("?."), question.id, None


_PHRASES = tuple(
    sorted(
        ((_level(phrase), question, yes) for phrase, question, yes in dict.fromkeys(_all_phrases())),
        key=lambda row: (-len(row[0]), row[0]),
    )
)
_TEXTS = frozenset(_level(question.text.rstrip("?.")) for question in QUESTIONS.values())
_INVERTED = frozenset(_level(text.rstrip("?.")) for question in QUESTIONS.values() for text in question.inverted)


def asked_by(text: str) -> tuple[Question, bool] | None:
    """Return the question of ours that a text is, and whether it asks the other way round; None for any other text."""
    plain = _level(text.strip()).rstrip("?.: ")
    found = _BY_TEXT.get(plain)
    if found is None and _NAME.search(plain):
        # A card asks behind the record that raised the question.
        behind = (text for text in _BY_TEXT if plain.endswith(text) and _QUOTING.search(plain[: -len(text)]))
        found = _BY_TEXT.get(max(behind, key=len, default=""))
    return (QUESTIONS[found], plain in _INVERTED) if found else None


def names_in(text: str) -> tuple[str, ...]:
    """Return the records that a question quotes."""
    return tuple(map(plain_name, _NAME.findall(text)))


_BY_TEXT = {
    _level(asked.rstrip("?.")): question.id
    for question in QUESTIONS.values()
    if question.label
    for asked in (question.text, question.item_text, *question.inverted)
}
