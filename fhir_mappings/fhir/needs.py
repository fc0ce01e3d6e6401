"""What data the criteria need: the one list behind the prefetch templates and behind the service's own searches.

Templates keep to what CDS Hooks 2.0 allows and real clients survive: first-level context tokens only, no parameter
twice, `_count` on every search (clients add none), newest first where the server is asked to sort. Statuses and
dates are not filtered here: a resolved cauda equina syndrome or a cancer in remission matters, and servers that
ignore a parameter would answer differently from those that do not. One thing goes beyond the subset of queries that
CDS Hooks recommends: templates for prescriptions include the Medications that these refer to, as US Core has servers
support, because a prescription whose drug is not known cannot clear anybody.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

PATIENT = "{{context.patientId}}"


@dataclass(frozen=True, slots=True)
class DataNeed:
    """One source of data: a read of one resource, or a search bound to the patient."""

    key: str
    resource_type: str
    required: bool = False
    patient_parameter: str = "patient"
    parameters: tuple[tuple[str, str], ...] = ()
    can_show_red_flags: bool = False
    include: str = ""

    def query(self, patient: str, parameters: tuple[tuple[str, str], ...] | None = None) -> str:
        """Return the FHIR read or search, relative to the server's base, for a patient id or a prefetch token.

        `parameters` take the place of the usual ones of a search.
        """
        if not self.parameters:
            return f"{self.resource_type}/{patient}"
        search = [(self.patient_parameter, patient), *(self.parameters if parameters is None else parameters)]
        return f"{self.resource_type}?" + "&".join(f"{name}={value}" for name, value in search)


def _search(  # noqa: PLR0913 - one line a need
    key: str, resource_type: str, count: int, sort: str = "", *, red_flags: bool = False, include: str = ""
) -> DataNeed:
    sorting = (("_sort", sort),) if sort else ()
    parameters = (*sorting, ("_count", str(count)))
    return DataNeed(key, resource_type, parameters=parameters, can_show_red_flags=red_flags, include=include)


DATA_NEEDS: tuple[DataNeed, ...] = (
    DataNeed("patient", "Patient", required=True),
    DataNeed("conditions", "Condition", required=True, parameters=(("_count", "500"),), can_show_red_flags=True),
    _search("observations", "Observation", 500, "-date", red_flags=True),
    _search("procedures", "Procedure", 200, "-date", red_flags=True),
    _search("encounters", "Encounter", 200, "-date", red_flags=True),
    _search("medications", "MedicationRequest", 200, "-authoredon", red_flags=True, include="medication"),
    _search("medicationStatements", "MedicationStatement", 100, red_flags=True, include="medication"),
    _search("devices", "Device", 100),
    _search("deviceUseStatements", "DeviceUseStatement", 100),
    _search("diagnosticReports", "DiagnosticReport", 100, "-date", red_flags=True),
    _search("imagingStudies", "ImagingStudy", 50, "-started"),
    _search("allergies", "AllergyIntolerance", 100),
    _search("serviceRequests", "ServiceRequest", 100, "-authored", red_flags=True),
    _search("appointments", "Appointment", 50, "-date", red_flags=True),
    _search("questionnaireResponses", "QuestionnaireResponse", 20, "-authored"),
)

# The sources that could show a reason against waiting: a red flag, a drug that is a risk, a referral to surgery. When
# one of them is not read whole, "not appropriate" cannot be said.
RED_FLAG_SOURCES: tuple[str, ...] = tuple(need.resource_type for need in DATA_NEEDS if need.can_show_red_flags)
# Of them, those that must be read whole for "not appropriate" whoever asks. The others count where a client offers
# them: a typical EHR has no MedicationStatement, and that alone must not keep advice from being given.
CORE_SOURCES: tuple[str, ...] = (
    "Condition",
    "Encounter",
    "Observation",
    "Procedure",
    "MedicationRequest",
    "DiagnosticReport",
)
# Sources that a client may do without: absent from what it offers, they leave nothing open.
SUPPLEMENTARY_SOURCES: tuple[str, ...] = (
    *(name for name in RED_FLAG_SOURCES if name not in CORE_SOURCES),
    "QuestionnaireResponse",
)


def is_wanted(need: DataNeed) -> bool:
    """Whether a source is asked for, and missed, even where a client is said to have none."""
    return need.required or need.resource_type in CORE_SOURCES


def needs_of(offered: Collection[str] | None) -> tuple[DataNeed, ...]:
    """Return what is asked of a client that has some resource types: those, and what every answer rests on.

    None, where nobody has said what it has, asks for everything.
    """
    return tuple(need for need in DATA_NEEDS if offered is None or need.resource_type in offered or is_wanted(need))
