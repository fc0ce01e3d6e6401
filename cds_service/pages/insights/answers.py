"""What clinicians did with the cards: by message, by suggestion, and why they overrode them."""

from __future__ import annotations

from cards.guideline.guideline import POSITION
from cds_service.pages.insights.figures import FEW, Section, Table, count, counted, headings, per_100, percent
from cds_service.pages.insights.labels import InsightsWords
from cds_service.pages.insights.trend import ANSWERS
from cds_service.pages.plots.bars import Bar, Part, Row, bar_plot
from cds_service.pages.plots.scales import Caption, LegendItem
from cds_service.records.insights.insights import Insights
from cds_service.records.insights.responses import CardAnswers, MessageAnswers, ReasonCount, SuggestionAnswers

_NOTHING = "–"
_OUR_RECORD = (
    "The denominator is our own record of the cards that were sent. An EHR reports what was accepted or overridden and "
    "never what was ignored, so the reports alone would flatter."
)


def card_section(insights: Insights) -> Section:
    """Return what was done with all cards."""
    cards = insights.cards
    rows = [Row("All cards shown", "", (_answer_bar("All cards", cards),))] if cards.shown else []
    return Section(
        ident="cards",
        title="What was done with the cards",
        about=f"{_OUR_RECORD} A card is accepted when a suggestion on it ever was taken, its question answered when "
        "only that was pressed, overridden when it was only dismissed, and otherwise has no answer. Of a card without "
        "anything to press nothing can be accepted.",
        plots=(bar_plot(Caption("Answers to all cards", "cards", ANSWERS), rows),),
        table=Table(
            headings(
                "Cards",
                numbers=(
                    "Number",
                    "Of 100 shown",
                ),
            ),
            (
                ("Shown", count(cards.shown), percent(cards.shown, cards.shown)),
                ("With something to press", count(cards.offering), percent(cards.offering, cards.shown)),
                ("Accepted", count(cards.accepted), percent(cards.accepted, cards.shown)),
                ("Question answered", count(cards.answered), percent(cards.answered, cards.shown)),
                ("Overridden", count(cards.overridden), percent(cards.overridden, cards.shown)),
                ("No answer", count(cards.unanswered), percent(cards.unanswered, cards.shown)),
                ("Silent: made and not shown", count(cards.silent), "–"),
            ),
        ),
        export="cards",
    )


def message_section(insights: Insights, words: InsightsWords) -> Section:
    """Return the answers by message."""
    silent = any(message.silent for message in insights.messages)
    messages = sorted(insights.messages, key=_place)
    rows = [_message_row(message, words) for message in messages]
    return Section(
        ident="messages",
        title="Cards, and the answers to them",
        about="One row a kind of card: by the message that leads it. A card counts once, whatever else it says. "
        "“Accepted” is a share of the cards on which something could be, and a dash where nothing could."
        + (" The hollow bar is of cards that silent mode made and nobody saw." if silent else ""),
        plots=(
            bar_plot(
                Caption(
                    "Cards by answer",
                    "cards",
                    (*ANSWERS, *((LegendItem("silent", "silent: not shown"),) if silent else ())),
                ),
                rows,
            ),
        ),
        table=Table(
            headings(
                "Card",
                "Id",
                numbers=(
                    "Shown",
                    "Per 100 orders",
                    "With something to press",
                    "Accepted, of these",
                    "Question answered",
                    "Overridden",
                    "No answer",
                    "Silent",
                ),
            ),
            tuple(
                (
                    words.message(message.message),
                    message.message,
                    count(message.shown),
                    per_100(message.shown, insights.volume.orders),
                    count(message.offering),
                    _with_share(message.accepted, message.offering) if message.offering else _NOTHING,
                    _with_share(message.answered, message.shown),
                    _with_share(message.overridden, message.shown),
                    _with_share(message.unanswered, message.shown),
                    count(message.silent),
                )
                for message in messages
            ),
        ),
        export="messages",
    )


def suggestion_section(insights: Insights, words: InsightsWords) -> Section:
    """Return how often suggestions were accepted."""
    return Section(
        ident="suggestions",
        title="Suggestions, and how often they were taken",
        about="Of the cards shown that offered a suggestion, those on which it was accepted. The same suggestion is "
        "listed for each message that leads the card. … stands for what differs from card to card.",
        plots=(
            bar_plot(
                Caption(
                    "Suggestions, accepted and not",
                    "cards that offered it",
                    (LegendItem("accepted", "accepted"), LegendItem("unanswered", "not accepted")),
                ),
                [_suggestion_row(found, words) for found in insights.suggestions],
            ),
        ),
        table=Table(
            headings(
                "Suggestion",
                "Id",
                "Leading message",
                numbers=(
                    "Offered",
                    "Accepted",
                    "Share",
                ),
            ),
            tuple(
                (
                    words.suggestion(found.key),
                    found.key,
                    f"{words.message(found.lead)} ({found.lead})",
                    count(found.offered),
                    count(found.accepted),
                    percent(found.accepted, found.offered),
                )
                for found in insights.suggestions
            ),
        ),
        export="suggestions",
    )


def reason_section(insights: Insights, words: InsightsWords) -> Section:
    """Return why cards were overridden."""
    overridden = insights.cards.overridden
    return Section(
        ident="reasons",
        title="Why cards were overridden",
        about="Cards shown for which a reason was reported; one that was reported with two counts for both, and one "
        "that was accepted after all for its reason too. Comments are counted and not repeated here: they are free "
        "text and may name a patient.",
        plots=(
            bar_plot(
                Caption("Override reasons", "cards", ()),
                [_reason_row(reason, words, overridden) for reason in insights.reasons],
            ),
        ),
        table=Table(
            headings(
                "Reason",
                "Code",
                "Code system",
                numbers=(
                    "Cards",
                    "With a comment",
                ),
            ),
            tuple(
                (
                    words.reason(reason.code, reason.system, reason.display),
                    reason.code or "–",
                    reason.system or "–",
                    count(reason.cards),
                    count(reason.commented),
                )
                for reason in insights.reasons
            ),
        ),
        export="reasons",
    )


def _place(message: MessageAnswers) -> tuple[int, int, str]:
    """Return the most frequent first; of those as frequent, the one that the guideline puts first."""
    return -message.shown - message.silent, POSITION.get(message.message, len(POSITION)), message.message


def _answer_bar(name: str, answers: CardAnswers | MessageAnswers) -> Bar:
    shown = answers.shown
    parts = (
        Part(answers.accepted, "accepted", _answer_tip(name, answers.accepted, shown, "accepted")),
        Part(answers.answered, "answered", _answer_tip(name, answers.answered, shown, "with a question answered")),
        Part(answers.overridden, "overridden", _answer_tip(name, answers.overridden, shown, "overridden")),
        Part(answers.unanswered, "unanswered", _answer_tip(name, answers.unanswered, shown, "without an answer")),
    )
    taken = f"{percent(answers.accepted, answers.offering)} accepted" if answers.offering else "nothing to press"
    figures = f"{count(shown)} · {taken}" if shown else "none shown"
    return Bar(parts, figures, few=0 < shown < FEW)


def _answer_tip(name: str, part: int, shown: int, what: str) -> str:
    return f"{name}: {count(part)} of {counted(shown, 'card')} {what} ({percent(part, shown)})"


def _message_row(message: MessageAnswers, words: InsightsWords) -> Row:
    title = words.message(message.message)
    bars = [_answer_bar(title, message)]
    if message.silent:
        tip = f"{title}: {counted(message.silent, 'card')} made in silent mode and not shown"
        bars.append(Bar((Part(message.silent, "silent", tip),), f"{count(message.silent)} silent"))
    return Row(title, message.message, tuple(bars))


def _suggestion_row(found: SuggestionAnswers, words: InsightsWords) -> Row:
    name = words.suggestion(found.key)
    left = found.offered - found.accepted
    parts = (
        Part(found.accepted, "accepted", _answer_tip(name, found.accepted, found.offered, "accepted")),
        Part(left, "unanswered", _answer_tip(name, left, found.offered, "not accepted")),
    )
    figures = f"{count(found.accepted)} of {count(found.offered)} ({percent(found.accepted, found.offered)})"
    note = f"with “{words.message(found.lead)}”"
    return Row(name, found.key, (Bar(parts, figures, few=found.offered < FEW),), note)


def _reason_row(reason: ReasonCount, words: InsightsWords, overridden: int) -> Row:
    name = words.reason(reason.code, reason.system, reason.display)
    tip = f"{name}: {counted(reason.cards, 'card')}, {count(reason.commented)} with a comment"
    figures = f"{count(reason.cards)} ({percent(reason.cards, overridden)})" if overridden else count(reason.cards)
    bar = Bar((Part(reason.cards, "overridden", tip),), figures, few=overridden < FEW)
    return Row(name, reason.code, (bar,))


def _with_share(part: int, whole: int) -> str:
    return f"{count(part)} ({percent(part, whole)})" if whole else count(part)
