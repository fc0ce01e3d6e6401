"""From the bytes of a hook call to a checked request, without looking at the patient's data.

Nearly every order is none of our business, and decoding a chart to find that out would be most of the cost. So the
values of `prefetch` stay undecoded here; only the context, which holds the orders, is read.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from cds_service.protocol import schemas
from cds_service.protocol.errors import BadRequestError, Fault, faults_of
from cds_service.protocol.serialization import decode, decode_members, decode_repaired

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import msgspec

_LOG: Final = logging.getLogger(__name__)

# The members that are read; others, `extension` too, are never decoded, so they cannot break a call.
_MEMBERS: Final = ("hook", "hookInstance", "fhirServer", "fhirAuthorization", "context")
_WITHOUT_SELECTIONS: Final = "order-sign"

# What the schema says too.
HOOKS: Final = frozenset({"order-select", "order-sign"})
_LONGEST_INSTANCE: Final = 200
_LONGEST_ADDRESS: Final = 2000
_TOKEN_MEMBERS: Final = ("access_token", "token_type", "scope", "patient")


@dataclass(frozen=True, slots=True)
class HookRequest:
    """A hook call whose envelope keeps the contract. Its repr shows no patient data and no token."""

    hook: str
    hook_instance: str
    fhir_server: str | None
    fhir_authorization: Mapping[str, Any] | None = field(repr=False)
    context: Mapping[str, Any] = field(repr=False)
    prefetch_text: msgspec.Raw | None = field(repr=False)
    names_other_hook: bool = False
    was_repaired: bool = False

    @property
    def prefetch(self) -> Mapping[str, msgspec.Raw]:
        """The prefetch values by key, each undecoded; telling them apart is left until an order needs them."""
        return {} if self.prefetch_text is None else decode_members(self.prefetch_text, "prefetch")

    @property
    def patient_id(self) -> str:
        """The bare id of the patient in context."""
        return bare_patient_id(self.context["patientId"])

    @property
    def user_id(self) -> str:
        """The user in context, such as `Practitioner/123`; "" where the client named none."""
        user: str = self.context.get("userId") or ""
        return user.strip()

    @property
    def access_token(self) -> str | None:
        """The token for the FHIR server; None where there is none, which some clients write as an empty one."""
        token: str = (self.fhir_authorization or {}).get("access_token") or ""
        return token.strip() or None

    @property
    def draft_orders(self) -> Mapping[str, Any]:
        """The Bundle of draft orders, as received."""
        orders: Mapping[str, Any] = self.context["draftOrders"]
        return orders

    @property
    def lacks_selections(self) -> bool:
        """Whether the hook has selections, and the client, against the contract, says none: then all drafts count."""
        return self.hook == "order-select" and self.selections is None

    @property
    def selections(self) -> Sequence[str] | None:
        """The orders just selected, or None where every order counts: at order-sign, or when they were not named.

        Null and blank entries name nothing: a list of nothing else is no selection. One of no entries selects nothing.
        """
        selections = self.context.get("selections") if self.hook == "order-select" else None
        if not isinstance(selections, list):
            return None
        named = [text for text in selections if isinstance(text, str) and text.strip()]
        return named if named or not selections else None


def bare_patient_id(text: str) -> str:
    """Return the id of a patient that a client names by id or, against the contract, by relative reference."""
    return text.strip().removeprefix("Patient/")


def read_hook_request(body: bytes, hook: str, *, strict_hook: bool = True) -> HookRequest:
    """Return the checked request of a service's hook; ServiceError (400) names every field at fault.

    Without `strict_hook` the service that was called says which hook it is, whatever the request says.
    """
    members, was_repaired = decode_repaired(body)
    envelope: dict[str, Any] = {name: decode(members[name], name) for name in _MEMBERS if name in members}
    faults = []
    names_other_hook = isinstance(envelope.get("hook"), str) and envelope["hook"] != hook
    if names_other_hook:
        if strict_hook:
            faults.append(Fault("value", f"This service answers the hook {hook} only.", ("hook",)))
        else:
            _LOG.warning("a request names another hook than that of the service, which counts")
        envelope["hook"] = _WITHOUT_SELECTIONS  # whichever hook was meant, they may be missing
    prefetch = members.get("prefetch")
    if not _is_object_or_null(prefetch):
        faults.append(Fault("structure", "prefetch is not a JSON object.", ("prefetch",)))
    if not is_sound(envelope):
        faults += faults_of(schemas.HOOK_REQUEST.problems(envelope))
    if faults:
        raise BadRequestError.of(faults)
    return HookRequest(
        hook=hook,
        hook_instance=envelope["hookInstance"],
        fhir_server=(envelope.get("fhirServer") or "").strip() or None,
        fhir_authorization=envelope.get("fhirAuthorization"),
        context=envelope["context"],
        prefetch_text=prefetch if _is_object(prefetch) else None,
        names_other_hook=names_other_hook,
        was_repaired=was_repaired,
    )


def is_sound(envelope: Mapping[str, Any]) -> bool:
    """Whether an envelope certainly keeps the contract; the schema says of any other what is wrong with it, if it is.

    Nearly every envelope is sound, and telling so takes a tenth of what the schema takes.
    """
    hook, server, context = envelope.get("hook"), envelope.get("fhirServer"), envelope.get("context")
    instance = envelope.get("hookInstance")
    if not isinstance(context, dict) or not isinstance(hook, str) or hook not in HOOKS:
        return False
    drafts, selections = context.get("draftOrders"), context.get("selections") if hook == "order-select" else None
    return (
        (_is_text(instance) and len(instance) <= _LONGEST_INSTANCE)
        and (server is None or (isinstance(server, str) and len(server) <= _LONGEST_ADDRESS))
        and _is_sound_authorization(envelope.get("fhirAuthorization"), server)
        and _is_text(context.get("patientId"))
        and all(_is_string_or_null(context.get(name)) for name in ("userId", "encounterId"))
        and isinstance(drafts, dict)
        and drafts.get("resourceType") == "Bundle"
        and isinstance(drafts.get("entry"), list | None)
        and (selections is None or (isinstance(selections, list) and all(type(item) is str for item in selections)))
    )


def _is_sound_authorization(authorization: object, server: str | None) -> bool:
    if authorization is None:
        return True
    if not isinstance(authorization, dict) or not all(map(_is_string_or_null, map(authorization.get, _TOKEN_MEMBERS))):
        return False
    return server is not None or not _is_text(authorization.get("access_token"))


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and bool(value.strip())


def _is_string_or_null(value: object) -> bool:
    return isinstance(value, str | None)


def _is_object(member: msgspec.Raw | None) -> bool:
    # The text is known to be sound JSON, so its first character tells its type.
    return member is not None and bytes(memoryview(member)[:1]) == b"{"


def _is_object_or_null(member: msgspec.Raw | None) -> bool:
    """Whether a prefetch is one, or there is none; some clients send `null` for that."""
    return member is None or _is_object(member) or bytes(memoryview(member)[:1]) == b"n"
