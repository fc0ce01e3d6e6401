"""What stands around a phrase: who denies it, doubts it, tells it of the family or of the past, or warns of it.

One walk over the words of each statement. It leans one way: whatever is not clearly denied, or clearly about somebody
else, counts as said.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fhir_mappings.words.answers import answered_no, answered_yes
from fhir_mappings.words.cues import Cues
from fhir_mappings.words.datings import year_behind
from fhir_mappings.words.phrases import Span
from fhir_mappings.words.tokens import Words

DENIAL_REACH = 12  # words from a denial, or from the last thing it denies
DOUBT_REACH = 8
ADVICE_REACH = 10  # words from a phrase to the advice that follows it
PAST_REACH = 5
NEAR = 2
A_LIST = 2  # things denied before a quality no longer ends the list
_OWN = frozenset(
    {"had", "has", "have", "any", "been", "reported", "experienced", "known", "of", "a", "the", "or"}.union(
        ("hx", "history", "evidence", "sign", "signs", "symptom", "symptoms")
    )
)
_OR = frozenset({"or", "nor"})
# A relative's illness is none of the patient's; a relative who sees a leg give way tells of the patient.
# "S/p fall", "history of infection": the past of these is no past before it is said to be long ago.
EVENTS = frozenset({"trauma", "infection"})
# Things that are planned before they are there.
PLANNED_TOPICS = frozenset({"implant", "surgery"})
PLAN_REACH = 3  # words from a plan to what is planned
_NO_PLAN_OF_IT = frozenset(
    {"with", "has", "have", "had", "and", "mri", "despite", "who", "given", "pt", "patient", "for"}
)
FAMILY_TOPICS = frozenset({"cancer", "risk", "vascular", "implant", "surgery", "mimic"})


@dataclass(frozen=True, slots=True)
class Judged:
    """A phrase with what the words around it say of it."""

    span: Span
    standing: str
    is_weak: bool = False  # a doubt that leans to no
    is_chronic: bool = False
    year: int | None = None  # a year that is written beside it
    is_since: bool = False  # it began in that year, and goes on
    doubt: int | None = None  # the word at which the doubt begins


@dataclass
class _Denial:
    """A denial on its way through a statement."""

    reaches_lists: bool
    anchor: int
    is_own: bool = True
    is_over: bool = False
    comma: bool = False
    has_or: bool = False
    denied: int = 0


@dataclass
class _State:
    """What is in force at a word of a statement."""

    denial: _Denial | None = None
    advice: bool = False
    family: bool = False
    doubt: int | None = None
    doubted: int = 0
    is_weak: bool = False
    past: int = 0
    past_kind: str = ""


def judge(text: Words, spans: Sequence[Span], cues: Cues) -> Iterator[Judged]:
    """Yield each phrase with its standing, in the order of the text."""
    by_start: dict[int, list[Span]] = {}
    for span in spans:
        by_start.setdefault(span.start, []).append(span)
    starts = [at for at in range(len(text)) if text.begins[at]]
    carried = _State()
    for number, low in enumerate(starts):
        high = starts[number + 1] if number + 1 < len(starts) else len(text)
        state = _carried_into(text, low, carried)
        statement = _Statement(text, low, high, cues)
        yield from statement.walk(state, by_start)
        # A heading ("Return if:", "Denies:") holds for the list below it.
        if text.gaps[high].lstrip().startswith(":"):
            carried = _State(denial=state.denial, advice=state.advice, family=state.family)
        elif not text.is_bullet(low) and low:
            carried = _State()


def _carried_into(text: Words, low: int, carried: _State) -> _State:
    if not text.is_bullet(low):
        return _State()
    denial = carried.denial
    held = denial is not None and denial.reaches_lists
    return _State(_Denial(reaches_lists=True, anchor=low) if held else None, carried.advice, carried.family)


class _Statement:
    """One statement of a text."""

    def __init__(self, text: Words, low: int, high: int, cues: Cues) -> None:
        self.text = text
        self.low = low
        self.high = high
        self.cues = cues
        self.last_or = max((at for at in range(low, high) if text.folded[at] in _OR), default=-1)
        self.last_taken_back = max((at for at in range(low, high) if cues.end("taken_back", at)), default=-1)
        self.advice_after = [at for at in range(low, high) if cues.end("advice_after", at)]
        self.clauses: dict[int, str] = {}
        self.clause: list[int] = []
        for at in range(low, high):
            here = self.clause[-1] + 1 if self.clause and text.commas[at] else (self.clause[-1] if self.clause else 0)
            self.clause.append(here)
            for kind in ("family", "family_ill"):
                if cues.end(kind, at):
                    self.clauses[here] = kind

    def walk(self, state: _State, by_start: Mapping[int, Sequence[Span]]) -> Iterator[Judged]:
        """Yield the phrases that begin in this statement."""
        inside = self.low
        for at in range(self.low, self.high):
            if at >= inside:
                self._take(state, at)
            for span in by_start.get(at, ()):
                judged = self._judge(state, span)
                inside = max(inside, span.end)
                yield judged
            self._open(state, at, by_start)

    def _take(self, state: _State, at: int) -> None:
        """Let a word end what it ends."""
        self._let_denial_pass(state.denial, at)
        if self.cues.end("turn", at):
            state.advice = False
            state.past_kind = ""
        if self.cues.end("end", at) and not self.cues.end("doubt", at):
            state.doubt = None
            if self.text.folded[at] != "with":
                state.family = False
        if self.text.commas[at] or self.cues.end("end", at):
            state.past_kind = ""
        if self.text.doubted[at]:
            state.doubt, state.doubted, state.is_weak = at, at, False

    def _let_denial_pass(self, denial: _Denial | None, at: int) -> None:
        if denial is None or denial.is_over or at < denial.anchor:
            return
        word = self.text.folded[at]
        comma = self.text.commas[at]
        denial.comma |= comma
        denial.has_or |= word in _OR
        if denial.is_own and not comma and (word in _OWN or self.cues.end("end_quality", at)):
            return
        joined = self.text.folded[at - 1] in _OR or denial.is_own
        denial.is_own = False
        if self.cues.end("end", at):
            denial.is_over = True
        elif self.cues.end("end_quality", at) and not joined:
            listed = denial.reaches_lists and (denial.denied >= A_LIST or self.last_or > at)
            denial.is_over = not (listed and word not in ("new", "newly"))
        if at - denial.anchor > DENIAL_REACH:
            denial.is_over = True

    def _open(self, state: _State, at: int, by_start: Mapping[int, Sequence[Span]]) -> None:
        """Let a cue that begins at a word open its scope."""
        for cue in self.cues.at.get(at, ()):
            if cue.kind in ("deny_list", "deny_one") and not any(span.start == at for span in by_start.get(at, ())):
                current = state.denial
                if current is None or current.anchor < cue.end or current.is_over:
                    state.denial = _Denial(cue.kind == "deny_list", cue.end)
            elif cue.kind == "advice":
                state.advice = True
            elif cue.kind == "family_head":
                state.family = True
            elif cue.kind in ("doubt", "weak_doubt"):
                state.doubt = state.doubt if state.doubt is not None else at
                state.doubted = cue.end
                state.is_weak = cue.kind == "weak_doubt"
            elif cue.kind in ("past", "long_past"):
                state.past, state.past_kind = cue.end, cue.kind

    def _judge(self, state: _State, span: Span) -> Judged:
        no = answered_no(self.text, span, self.cues.kinds.get("no", {}), self.low, self.high)
        yes = answered_yes(self.text, span, self.cues.kinds.get("yes", {}), self.low, self.high)
        doubt, is_weak = self._doubt(state, span)
        year, is_since = year_behind(self.text, span.end, self.high)
        chronic = self._near(span, "chronic")
        standing = "affirmed"
        if no:
            standing = "template_no"
        elif not yes and not span.is_measured and self._is_denied(state, span):
            standing = "denied"
        elif self._is_of_family(state, span):
            standing = "family"
        elif not yes and self._is_advice(state, span):
            standing = "advice"
        elif self._is_past(state, span):
            standing = "past"
        elif year is None and self._is_planned(span):
            standing = "planned"
        elif doubt is not None and not yes and not span.is_measured:
            standing = "suspected"
        return Judged(span, standing, is_weak, chronic, year, is_since, doubt)

    def _is_denied(self, state: _State, span: Span) -> bool:
        after = span.end
        if self._inside(after) and (self.cues.end("deny_after", after) or self.cues.end("normal_after", after)):
            return self.last_taken_back < after
        if self._is_affirmed(span):
            return False
        if any(self.cues.end("deny_next", at) >= span.start for at in range(max(self.low, span.start - 2), span.start)):
            return True
        denial = state.denial
        if denial is None or denial.is_over or (span.start < denial.anchor and not denial.denied):
            return False
        one = not denial.reaches_lists and denial.comma
        # "No fever, weakness" is a list of findings; "no prior surgery, weakness" is two statements.
        if one and not (denial.denied or denial.has_or or self.last_or > span.start):
            return False
        denial.anchor = span.end
        denial.denied += 1
        denial.is_own = False
        return True

    def _is_affirmed(self, span: Span) -> bool:
        after = span.end
        gap = self.text.gaps[after]
        if gap.lstrip().startswith("+") and not gap.lstrip().startswith("+/-"):
            return True
        if not self._inside(after):
            return False
        word = self.text.folded[after]
        if word[0].isdigit() and not self.text.commas[after] and not self.text.gaps[after + 1].startswith("/"):
            return True
        return self._is_going_on(span)

    def _is_going_on(self, span: Span) -> bool:
        """Whether a phrase is said to be there, or to have begun, in the next words."""
        after = span.end
        return any(
            self.cues.end("affirm_near", at)
            for at in range(after, min(after + NEAR + 1, self.high))
            if not any(self.text.commas[after : at + 1])
        )

    def _is_of_family(self, state: _State, span: Span) -> bool:
        first, last = self.clause[span.start - self.low], self.clause[min(span.end, self.high) - 1 - self.low]
        said = {self.clauses.get(clause) for clause in range(first, last + 1)}
        if span.kind in FAMILY_TOPICS:
            return state.family or bool(said - {None})
        return "family_ill" in said

    def _is_advice(self, state: _State, span: Span) -> bool:
        if state.advice:
            return True
        place = bisect_left(self.advice_after, span.end)
        return place < len(self.advice_after) and self.advice_after[place] - span.end <= ADVICE_REACH

    def _is_past(self, state: _State, span: Span) -> bool:
        kind = "" if self._is_going_on(span) else state.past_kind
        if kind and 0 <= span.start - state.past <= PAST_REACH and (kind == "long_past" or span.kind not in EVENTS):
            return True
        after = range(span.end, min(span.end + NEAR + 2, self.high))
        return any(self.cues.end("past_after", at) for at in after if not any(self.text.commas[span.end + 1 : at + 1]))

    def _is_planned(self, span: Span) -> bool:
        """Whether a thing is only planned; one that is looked after, or to be replaced, is there."""
        if span.kind not in PLANNED_TOPICS:
            return False
        near = range(span.end, min(span.end + NEAR, self.high))
        if any(self.cues.end("in_place", at) for at in near):
            return False
        if any(self.cues.end("plan_after", at) and not any(self.text.commas[span.end : at + 1]) for at in near):
            return True
        for at in range(span.start - 1, max(self.low, span.start - PLAN_REACH - NEAR) - 1, -1):
            if self.text.commas[at + 1]:
                return False
            end = self.cues.end("plan", at)
            if end:
                between = self.text.folded[end : span.start]
                return len(between) <= PLAN_REACH and _NO_PLAN_OF_IT.isdisjoint(between)
        return False

    def _doubt(self, state: _State, span: Span) -> tuple[int | None, bool]:
        after = span.end
        found: int | None = None
        is_weak = False
        if state.doubt is not None and span.start - state.doubted <= DOUBT_REACH:
            found, is_weak = state.doubt, state.is_weak
            state.doubted = span.end
        if "?" in self.text.gaps[after] and self.text.gaps[after].lstrip(" )\"'").startswith("?"):
            found = found if found is not None else span.start
        for at in range(after, min(after + NEAR + 1, self.high)):
            if self.cues.end("weak_after", at):
                found, is_weak = (found if found is not None else span.start), True
            elif self.cues.end("doubt_after", at) and not self.text.commas[at]:
                found = found if found is not None else span.start
        return found, is_weak

    def _near(self, span: Span, kind: str) -> bool:
        before = range(max(self.low, span.start - NEAR), span.start)
        # "Residual" in the name of a volume tells nothing of its age.
        after = range(span.end if span.is_measured else span.start, min(span.end + NEAR, self.high))
        return any(self.cues.end(kind, at) for at in (*before, *after))

    def _inside(self, at: int) -> bool:
        return at < self.high
