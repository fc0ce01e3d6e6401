"""Code systems and codes as clients write them, and the one form in which they are compared.

Clients write the same code in many ways (OIDs, versions, ICD-10-CM without its dot). This is the one place where that
is evened out; a system that is not known here, such as a hospital's own, is left as it is.
"""

from __future__ import annotations

import functools
import re
from typing import Final

SNOMED_CT: Final = "http://snomed.info/sct"
LOINC: Final = "http://loinc.org"
ICD_10: Final = "http://hl7.org/fhir/sid/icd-10"
ICD_10_CM: Final = "http://hl7.org/fhir/sid/icd-10-cm"
CPT: Final = "http://www.ama-assn.org/go/cpt"
RXNORM: Final = "http://www.nlm.nih.gov/research/umls/rxnorm"
NCIT: Final = "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl"
RADLEX: Final = "http://radlex.org"

# Spellings seen in the field, lower case, as http, without "www." and trailing slash. International ICD-10 is read as
# ICD-10-CM because clients put CM codes under its name; ICD-9-CM and ICD-10-PCS are other systems and stay out.
_SPELLINGS: Final = {
    "http://snomed.info/sct": SNOMED_CT,
    "urn:oid:2.16.840.1.113883.6.96": SNOMED_CT,
    "http://loinc.org": LOINC,
    "urn:oid:2.16.840.1.113883.6.1": LOINC,
    "http://hl7.org/fhir/sid/icd-10-cm": ICD_10_CM,
    "http://hl7.org/fhir/sid/icd-10-us": ICD_10_CM,
    "http://hl7.org/fhir/sid/icd-10": ICD_10_CM,
    "urn:oid:2.16.840.1.113883.6.90": ICD_10_CM,
    "urn:oid:2.16.840.1.113883.6.3": ICD_10_CM,
    "http://ama-assn.org/go/cpt": CPT,
    "urn:oid:2.16.840.1.113883.6.12": CPT,
    "http://nlm.nih.gov/research/umls/rxnorm": RXNORM,
    "urn:oid:2.16.840.1.113883.6.88": RXNORM,
    "http://ncicb.nci.nih.gov/xml/owl/evs/thesaurus.owl": NCIT,
    "urn:oid:2.16.840.1.113883.3.26.1.1": NCIT,
    "http://radlex.org": RADLEX,
    "urn:oid:2.16.840.1.113883.6.256": RADLEX,
}
_WEB: Final = re.compile(r"https?://(?:www\.)?")
_SNOMED_EDITION: Final = "http://snomed.info/sct/"

# Longest system and code, in characters, worth looking at; anything longer is no code, and caching it would let one
# request fill the memory.
LONGEST_SYSTEM: Final = 200
LONGEST_CODE: Final = 64


def canonical_system(system: str) -> str:
    """Return the one URI of a code system that is known by several; another system comes back stripped.

    Bare names ("ICD10", "SNOMED-CT") are not URIs, and which edition they mean is a guess: they stay unknown.
    """
    return _canonical_system(system) if len(system) <= LONGEST_SYSTEM else system.strip()


@functools.lru_cache(maxsize=512)
def _canonical_system(system: str) -> str:
    stripped = system.strip()
    spelling = _WEB.sub("http://", stripped.lower().partition("|")[0].rstrip("/#"), count=1)
    if spelling.startswith(_SNOMED_EDITION):
        return SNOMED_CT
    return _SPELLINGS.get(spelling, stripped)


def canonical_code(system: str, code: str) -> str:
    """Return the form in which a code is compared; the system may be in any spelling."""
    canonical = canonical_system(system)
    if canonical == ICD_10_CM:
        return code.strip().upper().replace(".", "")
    return code.strip().upper() if canonical in (CPT, LOINC) else code.strip()
