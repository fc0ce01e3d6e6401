"""The reads and searches that bring a need, in the form that a server takes; the same for prefetch and for our own.

Servers differ in what they take: one wants Observations by category and answers any other search with an error,
another knows no sorting. The needs stay one list; a form says how they are written for one server. Where a server
refuses a search, a narrower form says the same with less.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from fhir_mappings.fhir.needs import DATA_NEEDS, PATIENT, DataNeed

# Where the criteria find what they read in Observations. What an order itself refers to is read by its id.
OBSERVATION_CATEGORIES: Final = ("laboratory", "vital-signs", "survey", "exam", "social-history")
_BY_CATEGORY: Final = "Observation"
# Issue codes of FHIR with which servers refuse a search that they would take in another form.
_REFUSALS: Final = frozenset({"required", "not-supported", "invalid", "value", "processing"})


@dataclass(frozen=True, slots=True)
class SearchForm:
    """How searches are written for a server.

    With `categories` there is one search of Observations for each of them. `sort` and `include` say whether `_sort`
    and, in prefetch templates, `_include` may be asked for. `page_size` is asked for in every search: None leaves it
    to each need, 0 asks for none. `is_guess` tells that nobody asked for the categories, so that an Observation without
    one may be missed.
    """

    categories: tuple[str, ...] = ()
    sort: bool = True
    include: bool = True
    page_size: int | None = None
    is_guess: bool = False


USUAL: Final = SearchForm()


@dataclass(frozen=True, slots=True)
class Search:
    """One read or search: the prefetch key of its answer, its parameters beside the patient, what it includes."""

    key: str
    need: DataNeed
    parameters: tuple[tuple[str, str], ...] = ()
    include: str = ""

    def query(self, patient: str) -> str:
        """Return it relative to the server's base, for a patient id or a prefetch token."""
        return self.need.query(patient, self.parameters)

    @property
    def template(self) -> str:
        """The CDS Hooks prefetch template; the service's own searches read what it includes by themselves."""
        return self.query(PATIENT) + (f"&_include={self.need.resource_type}:{self.include}" if self.include else "")


def searches_of(need: DataNeed, form: SearchForm = USUAL) -> tuple[Search, ...]:
    """Return what brings a need: nearly always one read or search."""
    if not need.parameters:
        return (Search(need.key, need),)
    parameters = tuple(_written(need, form))
    include = need.include if form.include else ""
    if not can_be_parted(need) or not form.categories:
        return (Search(need.key, need, parameters, include),)
    return tuple(
        Search(part_key(need, category), need, (("category", category), *parameters), include)
        for category in form.categories
    )


def can_be_parted(need: DataNeed) -> bool:
    """Whether a need can be asked for by category, under keys beside its own."""
    return need.resource_type == _BY_CATEGORY


def part_key(need: DataNeed, category: str) -> str:
    """Return the prefetch key of one category of a need: `observationsVitalSigns`."""
    return need.key + "".join(word[:1].upper() + word[1:] for word in category.split("-"))


def templates_for(form: SearchForm = USUAL, needs: Iterable[DataNeed] = DATA_NEEDS) -> Mapping[str, str]:
    """Return the prefetch templates of some needs by key, for a client whose server takes searches in a form."""
    return {search.key: search.template for need in needs for search in searches_of(need, form)}


def by_category(form: SearchForm) -> SearchForm:
    """Return a form that asks for Observations by category, by the usual ones where it names none."""
    return form if form.categories else replace(form, categories=OBSERVATION_CATEGORIES)


def narrower(form: SearchForm, need: DataNeed, codes: Collection[str]) -> SearchForm | None:
    """Return the form to try after a search of a need was refused with some issue codes; None when none is left.

    `required` says that a parameter is lacking, any other that one is not taken. What only says less of the order and
    the size of pages comes first, since it loses nothing.
    """
    if not need.parameters or _REFUSALS.isdisjoint(codes):
        return None
    splits = need.resource_type == _BY_CATEGORY and not form.categories
    if splits and "required" in codes:
        return by_category(form)
    if form.sort and any(name == "_sort" for name, _ in need.parameters):
        return replace(form, sort=False)
    if form.page_size != 0:
        return replace(form, page_size=0)
    return replace(by_category(form), is_guess=True) if splits else None


def _written(need: DataNeed, form: SearchForm) -> list[tuple[str, str]]:
    written = []
    for name, value in need.parameters:
        if name == "_count":
            if form.page_size != 0:
                written.append((name, str(form.page_size or value)))
        elif name != "_sort" or form.sort:
            written.append((name, value))
    return written
