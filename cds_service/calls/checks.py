"""The checks: what CDS Hooks asks of a call, where it says so, and what to do about a failure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_SPECIFICATION: Final = "https://cds-hooks.hl7.org/2.0/"
_HOOKS: Final = "https://cds-hooks.org/hooks/"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what is asked, by which part of the specification, and the remedy."""

    id: str
    asks: str
    link: str
    remedy: str


def _of(identifier: str, asks: str, section: str, remedy: str) -> Check:
    link = section if section.startswith("https:") else f"{_SPECIFICATION}#{section}"
    return Check(identifier, asks, link, remedy)


_LIST: Final = (
    _of(
        "CRED-TOKEN",
        "A call to a service that requires authentication brings a signed token: `Authorization: Bearer <JWT>`.",
        "trusting-cds-clients",
        "Turn signing on in the EHR for this endpoint, and send one Authorization header.",
    ),
    _of(
        "CRED-HEADER",
        "The token's header has `typ` = JWT, a `kid`, and an asymmetric `alg`; ES384 and RS384 are recommended.",
        "jwt-signing-algorithm",
        "Set the signing algorithm of the EHR's endpoint to RS384 or ES384; never none, never HS256.",
    ),
    _of(
        "CRED-CLAIMS",
        "The token has the claims `iss`, `aud`, `exp`, `iat` and `jti`.",
        "trusting-cds-clients",
        "Complete the claims in the EHR's endpoint configuration.",
    ),
    _of(
        "CRED-AUDIENCE",
        "The claim `aud` is the address that is called.",
        "trusting-cds-clients",
        "Have the analyst copy the address from `lumbar-cds client-sheet`; or list what was typed under `audiences`.",
    ),
    _of(
        "CRED-ACCEPTED",
        "The caller is known to this service, and its proof holds.",
        "trusting-cds-clients",
        "Compare `iss`, `jku` and algorithms with the clients file (`lumbar-cds check-config`).",
    ),
    _of(
        "REQ-JSON",
        "The body is one JSON object in UTF-8.",
        "use-of-json",
        "Send `Content-Type: application/json`, uncompressed, and nothing around the object.",
    ),
    _of(
        "REQ-HOOK",
        "`hook` is the hook of the service that is called.",
        "http-request_1",
        "Call the service whose id ends in the hook that fires.",
    ),
    _of(
        "REQ-INSTANCE",
        "`hookInstance` is a UUID, another for each call.",
        "hookinstance",
        "Make a new UUID for each call; feedback and repeats are told apart by it.",
    ),
    _of(
        "REQ-EMPTY",
        "No value is null, an empty text, list or object; what has no value is left out.",
        "use-of-json",
        "Leave the members out. They are tolerated here, and may not be elsewhere.",
    ),
    _of(
        "REQ-SERVER",
        "`fhirServer` is there when `fhirAuthorization` is, and begins with https.",
        "http-request_1",
        "Name the FHIR base address that was agreed on (`fhir.bases` of the client).",
    ),
    _of(
        "REQ-TOKEN",
        "`fhirAuthorization` has `access_token`, `token_type` = Bearer, `expires_in`, `scope` and `subject`.",
        "passing-the-access-token-to-the-cds-service",
        "Complete it; without a token leave `fhirAuthorization` out.",
    ),
    _of(
        "REQ-SCOPES",
        "The token's scopes cover what this service asks for.",
        "fhir-resource-access",
        "Grant the scopes that `lumbar-cds client-sheet` lists, or accept that these sources are not looked at.",
    ),
    _of(
        "REQ-PATIENT",
        "`context.patientId` is the bare id of a Patient.",
        f"{_HOOKS}order-sign/",
        "Send the id without `Patient/`.",
    ),
    _of(
        "REQ-USER",
        "`context.userId` is `Practitioner/id` or `PractitionerRole/id`.",
        f"{_HOOKS}order-sign/",
        "Send who is at work. Without it there is no pilot by user, and every refusal looks alike.",
    ),
    _of(
        "REQ-DRAFTS",
        "`context.draftOrders` is a Bundle of the unsigned orders, each with a type and an id.",
        f"{_HOOKS}order-sign/",
        "Grant the scope of unsigned orders; an EHR that may not send them leaves them out.",
    ),
    _of(
        "REQ-SELECTIONS",
        "In order-select, `context.selections` are `Type/id` of orders in `draftOrders`.",
        f"{_HOOKS}order-select/",
        "Send references such as `ServiceRequest/123`; without any, every draft order counts.",
    ),
    _of(
        "REQ-SUBJECT",
        "The draft orders are for the patient in context.",
        f"{_HOOKS}order-sign/",
        "Find out why orders of two patients are in one call: none of them is assessed.",
    ),
    _of(
        "PRE-KEYS",
        "Prefetch comes under the keys that this service lists, and no others.",
        "prefetch-template",
        "Copy keys and templates from `lumbar-cds client-sheet`, letter for letter.",
    ),
    _of(
        "PRE-REQUIRED",
        "The data without which there is no advice come in prefetch, or can be fetched.",
        "prefetch-template",
        "Add these templates to the EHR's prefetch, or a fhirServer and a token that covers them; null says none.",
    ),
    _of(
        "PRE-FAILED",
        "Each prefetch query was answered with data, not with an OperationOutcome.",
        "prefetch-template",
        "Try the template against the FHIR server by hand: a scope or a parameter is not taken.",
    ),
    _of(
        "PRE-TYPE",
        "What stands under a key is of the type that its template asks for.",
        "prefetch-template",
        "Two templates have probably been exchanged.",
    ),
    _of(
        "PRE-WHOLE",
        "A prefetched search is whole: no link to a next page, and as many entries as its total.",
        "prefetch-template",
        "Raise the page size (`_count`) of this template; what was cut off counts as not read.",
    ),
    _of(
        "FHIR-ANSWERS",
        "The FHIR server answers what the service asks for with the token of the call.",
        "fhir-resource-access",
        "See how the calls ended below: not-listed is the clients file, unauthorized the token, timeout the network.",
    ),
    _of(
        "ANS-STATUS",
        "The call was answered with 200.",
        "http-status-codes_1",
        "The fields at fault are named below and in the OperationOutcome of the answer.",
    ),
    _of(
        "ANS-TIME",
        "The answer took no more than about 500 ms.",
        "providing-fhir-resources-to-a-cds-service",
        "See the phases below: fetch is the FHIR server's share; what comes in prefetch need not be fetched.",
    ),
    _of(
        "FB-REPORT",
        "Feedback is a list of outcomes, each with its card, `accepted` or `overridden`, and a time in UTC.",
        "feedback",
        "The fields at fault are named below; the whole batch may be sent again.",
    ),
    _of(
        "FB-REASON",
        "The reason of an override stands in `overrideReason.reason`.",
        "feedback",
        "Nothing: `overrideReasons` and a reason in `extension` are read here too.",
    ),
)
CHECKS: Final[Mapping[str, Check]] = {check.id: check for check in _LIST}
