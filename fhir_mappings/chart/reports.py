"""Reports of imaging: which they are, and whether one came in a form that nobody can read here.

A report as PDF, or as an address where it could be fetched, may say anything, and so may one of the spine of which
nothing came but its name. One about the spine, the abdomen, the
pelvis or no region that it names is a report not read whole; a laboratory's, or one about another region, is aside.
"""

from __future__ import annotations

import re

from fhir_mappings.chart.entries import concepts_of, words_of
from fhir_mappings.chart.places import form_text
from fhir_mappings.fhir import resources as fhir
from fhir_mappings.terminology.index import TerminologyIndex

# HL7 v2 table 0074 (diagnostic service sections), as DiagnosticReport.category bears them.
_IMAGING_SECTIONS = frozenset({"RAD", "RX", "CT", "NMR", "NMS", "RUS", "VUS", "XRC", "OUS"})
_IMAGING = re.compile(
    r"\b(?:radiolog\w*|imaging|x-?rays?|xr|radiographs?|mri?|magnetic resonance|ct|computed tomography|tomograph\w*"
    r"|ultraso\w*|us|sonograph\w*|pet|scintigraph\w*|bone scan|myelogra\w*|fluoroscop\w*)\b"
)
_ELSEWHERE = re.compile(
    r"\b(?:head|brain|skull|face|facial|sinus(?:es)?|orbits?|neck|carotid\w*|thyroid|chest|lungs?|heart|cardiac"
    r"|echo\w*|coronary|breasts?|mammo\w*|shoulders?|arms?|humerus|elbows?|forearms?|wrists?|hands?|fingers?|knees?"
    r"|tibia|ankles?|foot|feet|toes?|dental|teeth|mandible|obstetric\w*|fetal|pregnancy)\b"
)
_SENTENCE = re.compile(r"[.,;:\n!?]+")
_WORD = re.compile(r"[^\W\d_]{2,}")
# A sentence that says where the finding stands, or that there is none yet.
_POINTS_ELSEWHERE = re.compile(
    r"\b(?:see|refer|attach\w*|enclos\w*|scan(?:ned)?(?= (?:document|report|in|into))|pdf|available|pending|dictat\w+"
    r"|transcri\w+|to follow|as above|below|please|thanks?|n/?a|not applicable)\b"
    r"|^\W*(?:(?:final|full|radiology|imaging|diagnostic)\W+)*(?:report|result|conclusion|impression|findings?|study"
    r"|none|final|complete[d]?|done|performed)\W*$"
)
_SPINE = re.compile(r"\b(?:spine|spinal|lumbar|lumbosacral|l-?spine|thoracic|back|sacr\w*|vertebra\w*)\b")
_NEAR = re.compile(r"\b(?:spine|spinal|lumbar|lumbosacral|l-?spine|thoracic|back|abdom\w*|pelvi\w*|sacr\w*|hips?)\b")


def is_unread(report: fhir.DiagnosticReport, index: TerminologyIndex) -> bool:
    """Whether a report of imaging came without what it found: in a form that is not read, or, of the spine, in none.

    A conclusion that only points to the form ("see attached report") says nothing.
    """
    if _concludes(report):
        return False
    if not report.presented_form:
        return _is_of_order(report, index) or bool(_SPINE.search(_name(report)))
    return not all(form_text(form) for form in report.presented_form)


def is_near_imaging(report: fhir.DiagnosticReport, index: TerminologyIndex) -> bool:
    """Whether a report is one of imaging of the spine, the abdomen, the pelvis, or of no region that it names."""
    if _is_of_order(report, index):
        return True
    name = _name(report)
    return _is_imaging(report) and (bool(_NEAR.search(name)) or not _ELSEWHERE.search(name))


def _is_of_order(report: fhir.DiagnosticReport, index: TerminologyIndex) -> bool:
    """Whether a report is of a study that the criteria know as an order."""
    return any(concept.startswith("order_") for concept in concepts_of(report.code, index))


def _concludes(report: fhir.DiagnosticReport) -> bool:
    """Whether a conclusion holds a word of its own."""
    said = [report.conclusion or "", *(text for code in report.conclusion_code for text in words_of(code))]
    if any(coding.code for code in report.conclusion_code for coding in code.coding):
        return True
    sentences = (part for text in said for part in _SENTENCE.split(text.casefold()))
    return any(_WORD.search(part) and not _POINTS_ELSEWHERE.search(part) for part in sentences)


def _is_imaging(report: fhir.DiagnosticReport) -> bool:
    sections = {coding.code for category in report.category for coding in category.coding}
    if sections & _IMAGING_SECTIONS:
        return True
    said = [text for category in report.category for text in words_of(category)]
    return bool(_IMAGING.search(" ".join([_name(report), *said]).casefold()))


def _name(report: fhir.DiagnosticReport) -> str:
    return " ".join(words_of(report.code)).casefold()
