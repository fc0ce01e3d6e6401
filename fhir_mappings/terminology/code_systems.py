"""Code systems and codes as clients write them, and the one form in which they are compared.

Clients write the same code in many ways (OIDs, bare names, versions, ICD-10-CM without its dot). This is the one place
where that is evened out; a system that is not known here, such as a hospital's own, is left as it is.
"""

from __future__ import annotations

import functools
import re
from typing import Final

SNOMED_CT: Final = "http://snomed.info/sct"
LOINC: Final = "http://loinc.org"
ICD_10_CM: Final = "http://hl7.org/fhir/sid/icd-10-cm"
CPT: Final = "http://www.ama-assn.org/go/cpt"
RXNORM: Final = "http://www.nlm.nih.gov/research/umls/rxnorm"
NCIT: Final = "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl"
RADLEX: Final = "http://radlex.org"
NDC: Final = "http://hl7.org/fhir/sid/ndc"
# Whatever edition of ICD-10 that is not said to be the American one: the editions agree in their short codes only.
ICD_10: Final = "ICD-10"

# Spellings seen in the field, lower case, as http, without "www." and trailing slash. The address of international
# ICD-10 is read as ICD-10-CM because clients put CM codes under it; ICD-9-CM and ICD-10-PCS are other systems and stay
# out. Level I of HCPCS is CPT, and the codes of level II begin with a letter, so the two never meet.
_SPELLINGS: Final = {
    "http://snomed.info/sct": SNOMED_CT,
    "http://loinc.org": LOINC,
    "http://hl7.org/fhir/sid/icd-10-cm": ICD_10_CM,
    "http://hl7.org/fhir/sid/icd-10-us": ICD_10_CM,
    "http://hl7.org/fhir/sid/icd-10": ICD_10_CM,
    "http://fhir.de/codesystem/bfarm/icd-10-gm": ICD_10,
    "http://fhir.de/codesystem/dimdi/icd-10-gm": ICD_10,
    "http://id.who.int/icd/release/10": ICD_10,
    "http://ama-assn.org/go/cpt": CPT,
    "http://ama-assn.org/cpt": CPT,
    "http://cms.gov/medicare/coding/hcpcsreleasecodesets": CPT,
    "http://nlm.nih.gov/research/umls/rxnorm": RXNORM,
    "http://ncicb.nci.nih.gov/xml/owl/evs/thesaurus.owl": NCIT,
    "http://radlex.org": RADLEX,
    "http://hl7.org/fhir/sid/ndc": NDC,
}
_OIDS: Final = {
    "2.16.840.1.113883.6.96": SNOMED_CT,
    "2.16.840.1.113883.6.1": LOINC,
    "2.16.840.1.113883.6.90": ICD_10_CM,
    "2.16.840.1.113883.6.3": ICD_10_CM,
    "2.16.840.1.113883.6.12": CPT,
    "2.16.840.1.113883.6.285": CPT,
    "2.16.840.1.113883.6.88": RXNORM,
    "2.16.840.1.113883.3.26.1.1": NCIT,
    "2.16.840.1.113883.6.256": RADLEX,
    "2.16.840.1.113883.6.69": NDC,
}
# Names that senders write where the address belongs, those of HL7 version 2 among them, without blanks and hyphens.
_NAMES: Final = {
    "snomed": SNOMED_CT,
    "snomedct": SNOMED_CT,
    "sct": SNOMED_CT,
    "loinc": LOINC,
    "ln": LOINC,
    "icd10cm": ICD_10_CM,
    "i10c": ICD_10_CM,
    "icd10": ICD_10,
    "i10": ICD_10,
    "icd10gm": ICD_10,
    "icd10am": ICD_10,
    "icd10ca": ICD_10,
    "icd10who": ICD_10,
    "cpt": CPT,
    "cpt4": CPT,
    "c4": CPT,
    "hcpcs": CPT,
    "rxnorm": RXNORM,
    "ndc": NDC,
}
_OTHER_EDITION: Final = re.compile(r"http://hl7\.org/fhir/sid/icd-10-(?!cm$|us$|p)[a-z]{2,3}")
_NAME_PARTS: Final = re.compile(r"[\s_-]+")
_WEB: Final = re.compile(r"https?://(?:www\.)?")
_SNOMED_EDITION: Final = "http://snomed.info/sct/"

# Longest system and code, in characters, worth looking at, SNOMED CT expressions with their terms included; anything
# longer is no code, and caching it would let one request fill the memory.
LONGEST_SYSTEM: Final = 200
LONGEST_CODE: Final = 256


def canonical_system(system: str) -> str:
    """Return the one URI of a code system that is known by several; another system comes back stripped.

    A bare name is read where it can mean one system only; "ICD10" leaves the edition open and is read as `ICD_10`.
    """
    return _canonical_system(system) if len(system) <= LONGEST_SYSTEM else system.strip()


@functools.lru_cache(maxsize=512)
def _canonical_system(system: str) -> str:
    stripped = system.strip()
    spelling = _WEB.sub("http://", stripped.lower().partition("|")[0].rstrip("/#"), count=1)
    if spelling.startswith(_SNOMED_EDITION):
        return SNOMED_CT
    if _OTHER_EDITION.fullmatch(spelling):
        return ICD_10
    if "/" not in spelling:
        name = _OIDS.get(spelling.removeprefix("urn:oid:")) or _NAMES.get(_NAME_PARTS.sub("", spelling))
        return name or stripped
    return _SPELLINGS.get(spelling, stripped)


def canonical_code(system: str, code: str) -> str:
    """Return the form in which a code is compared; the system may be in any spelling."""
    canonical = canonical_system(system)
    if canonical in (ICD_10_CM, ICD_10):
        return code.strip().upper().replace(".", "")
    return code.strip().upper() if canonical in (CPT, LOINC) else code.strip()
