"""What the name of an orderable says: whether it is an MRI of the lumbar spine, and with which contrast.

Order names are the wordings of a site ("MRI SPINE LUMBAR W WO IV CON"), and many sites send nothing else. They are read
only where no code of an order is known: a code says what is ordered, a name only what somebody called it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any

from fhir_mappings.orders.contents import objects

# A name is short. What is longer is a story, and is cut so that a long one costs no more.
_LONGEST_NAME = 400


class ContrastClass(StrEnum):
    """What an MRI order says about intravenous contrast."""

    WITHOUT = "without"
    WITH = "with"
    WITHOUT_AND_WITH = "without-and-with"
    UNSPECIFIED = "unspecified"


_MARKS = re.compile(r"[_^|\[\]*]")
_MR = re.compile(r"\b(?:mri?s?|magnetic resonance|mr imaging)\b")
# Other ways to look, and what is done in the scanner that is no scan of the spine.
_OTHER_STUDY = re.compile(
    r"\b(?:ct|cta|cat scan|computed tomography|computerized tomography|xr|x-? ?rays?|radiograph\w*|ultrasound|pet"
    # "Call us if questions" names no ultrasound.
    r"|(?<!call )(?<!contact )(?<!page )(?<!tell )(?<!notify )(?<!let )(?<!text )(?<!fax )(?<!to )(?<!with )us"
    r"|spect|dexa|dxa|bone scan|fluoro\w*|mra|mrv|\w*angiogra\w*|venogra\w*|guid(?:ed|ance)|biops\w+|puncture"
    r"|aspiration|drain\w*)\b"
)
# A scan that was made already is to be read, or tells somebody else about the patient; it is not to be made.
_NO_NEW_SCAN = re.compile(
    r"\b(?:outside (?:\w+ )?(?:images?|imaging|films?|study|studies|read|mri?|cd|consult\w*)\b"
    r"(?! (?:is |are )?(?:ok|okay|fine|accept\w*|allowed|permitted|approved|facilit\w*|cent\w*))"
    r"|(?:re)?interpretation only|second opinion|over-?read|image import|ref(?:erence)? only"
    r"|^(?:amb(?:ulatory)? |external |internal )?(?:referrals?|refer|consult(?:ation)?s?)\b"
    r"|(?:mri?|scan|study|imaging|spine|contrast) (?:was |is |already |has been )*(?:done|completed|performed|reviewed)"
    r"|(?:results?|report) of\b)"
)
_PLEXUS = re.compile(
    r"\b(?:(?:lumbo-? ?sacral|lumbar|sacral|l/?s|brachial)[ -]+(?:\w+ )?plexus"
    r"|plexus[ ,-]+(?:lumbo-? ?sacral|lumbar|sacral|l/?s|brachial)|plexus)\b"
)
_NOT_LUMBAR = re.compile(r"\b(?:not|no|excluding|except|exclude)(?: the)? (?:lumb\w*|l-? ?spine)")
# Lumbago is a complaint; a boundary before the word keeps Columbia out.
_LUMBAR = re.compile(
    r"\b(?:(?:cervico-?)?(?:thoraco-?|dorso-?)?lumb(?!ag)\w*"
    r"|(?:c[ /&,+-]*)?(?:t[ /&,+-]*)?l[ /-]*(?:s[ /-]*)?(?:spines?|spn|sp)"
    r"|l[1-5] ?[-/] ?(?:l?[1-5]|s1))\b"
)
_SPINE_OR_BACK = re.compile(r"\b(?:spines?|spinal|vertebra\w*|back)\b")
_OTHER_REGION = re.compile(r"\b(?:cervical|thoracic|dorsal|neck|brain|head|sacr(?:um|al)|[ct]-? ?spines?|plexus)\b")

_BOTH = re.compile(r"\+ ?/ ?-|±|\bwwo\b|\bwow\b|\bpre[ -]*(?:and|&|/|\+)?[ -]*post\b(?! op)")
_EITHER = re.compile(r"\b(?:with|w/?) or (?:without|w ?/ ?o|wo)\b|\b(?:without|w ?/ ?o|wo) or (?:with|w)\b")
# With contrast only if somebody decides so later.
_LATER = re.compile(
    r"\b(?:if|when|where|as) (?:clinically |medically |deemed )?(?:indicated|needed|necessary|required|appropriate)\b"
    r"|\bprn\b|\bper radiolog\w+"
)
_AGENT = r"(?:iv |i\.v\. )?(?:contrast|contr|cont|con|gad\w*|dye)"
_WITHOUT = re.compile(
    rf"\bw ?/ ?o(?:ut)?\b|\bw\.o\b\.?|\bwo\b|\bwithout\b|\bnon?[ -]*{_AGENT}\b|\bnoncon\w*|\bun-?enhanced\b|\bplain\b"
)
# "With" is about contrast where nothing else follows it: not "with sedation", "with flexion".
_WITH = re.compile(
    r"\b(?:with|w)\b ?/? ?(?=$|[,;.)&+/-]|(?:iv|i\.v\.|contrast|contr|cont|con|gad\w*|dye|and|then)\b)"
    r"|\bgad\w*|\bpost-? ?contrast\b|\benhanced\b"
)


def lumbar_mri_contrast(names: Iterable[str]) -> ContrastClass | None:
    """Return the contrast class of a study that one of its names calls an MRI of the lumbar spine; None for any other.

    A name of another study beside it settles that it is not one: two meanings are none.
    """
    plain = _plainly(names)
    if any(_OTHER_STUDY.search(name) or _NO_NEW_SCAN.search(name) for name in plain):
        return None
    # The modality may stand in one name and the region in another: "MRI" and "L-spine w/o".
    if not any(_MR.search(name) for name in plain) or not any(_says_lumbar(name) for name in plain):
        return None
    stated = [contrast for name in plain if (contrast := _contrast(name)) is not ContrastClass.UNSPECIFIED]
    return stated[0] if stated else ContrastClass.UNSPECIFIED


def is_like_spine_mri(names: Iterable[str]) -> bool:
    """Whether names speak of an MRI of the spine or the back, and not of another part of it alone."""
    text = " ; ".join(_plainly(names))
    if not _MR.search(text):
        return False
    return _says_lumbar(text) or bool(_SPINE_OR_BACK.search(text) and not _OTHER_REGION.search(text))


def _plainly(names: Iterable[str]) -> list[str]:
    """Return names in a form to search; none where a quick look finds no word for MRI, as in nearly every order."""
    given = list(names)
    quick = "\n".join(given).casefold()
    return [_plain(name) for name in given] if "mr" in quick or "magnetic" in quick else []


def _plain(name: str) -> str:
    """Return a name in small letters, with single spaces, also where a site writes underscores or carets."""
    return " ".join(_MARKS.sub(" ", name[:_LONGEST_NAME].casefold()).split())


def _says_lumbar(name: str) -> bool:
    return bool(_LUMBAR.search(_NOT_LUMBAR.sub(" ", _PLEXUS.sub(" ", name))))


def _contrast(name: str) -> ContrastClass:
    if _EITHER.search(name):
        return ContrastClass.UNSPECIFIED
    stated = _stated_contrast(name)
    if stated is ContrastClass.WITHOUT or not _LATER.search(name):
        return stated
    first = None if _BOTH.search(name) else _WITHOUT.search(name)
    is_first = first is not None and not _WITH.search(name[: first.start()].rstrip())
    return ContrastClass.WITHOUT if is_first else ContrastClass.UNSPECIFIED


def _stated_contrast(name: str) -> ContrastClass:
    if _BOTH.search(name):
        return ContrastClass.WITHOUT_AND_WITH
    rest, without = _WITHOUT.subn(" ", name)
    given = _WITH.search(" ".join(rest.split())) is not None
    if without:
        return ContrastClass.WITHOUT_AND_WITH if given else ContrastClass.WITHOUT
    return ContrastClass.WITH if given else ContrastClass.UNSPECIFIED


def names_of(resource: Mapping[str, Any]) -> list[str]:
    """Return what an order calls its study: text, displays, and with them where on the body it is."""
    code = resource.get("code")
    found = [code] if isinstance(code, str) else [*_words_of_code(code)]
    if found:
        found += [word for site in objects(resource.get("bodySite")) for word in _words_of_code(site)]
    return found


def _words_of_code(code: object) -> Iterator[str]:
    """Yield the text and the displays of a code in plain JSON, also inside an R5 CodeableReference."""
    for concept in objects(code):
        inner = [concept, *objects(concept.get("concept")), *objects(concept.get("reference"))]
        for part in inner:
            texts = [
                part.get("text"),
                part.get("display"),
                *(item.get("display") for item in objects(part.get("coding"))),
            ]
            yield from (text for text in texts if isinstance(text, str) and text)
