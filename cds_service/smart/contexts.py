"""The context of a form: what a card hands to the form through the EHR, signed, short-lived and about nobody.

`appContext` travels through the EHR and the browser, so it may end in their logs. It holds references and ids of our
own tables and nothing that a record says; the patient is in it only as a keyed hash, by which a form that was opened in
another patient's chart is found out. The signature keeps anybody else from asking for advice in the client's name.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import jwt

from cds_service.protocol.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

# A card is read within minutes; a form that was opened from it must be done by then too.
LIFETIME: Final = 30 * 60  # seconds
# Equal cards of a few minutes are equal byte for byte, whichever way the chart came: a context counts from here.
_STEP: Final = 5 * 60  # seconds
_ALGORITHM: Final = "HS256"
_PURPOSE: Final = "lumbar-mri-form"
_LONGEST: Final = 4000  # characters
_HASH_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class FormContext:
    """What a form is about: whose client, which message of a card and order, and what was asked.

    `study` are the codings of what was ordered, for an EHR whose drafts nobody can read. `patient` is a keyed hash;
    empty in the context of a form that no card opened.
    """

    client: str
    card: str = ""
    order: str = ""
    study: tuple[tuple[str, str], ...] = ()
    questions: tuple[str, ...] = ()
    patient: str = ""


class ContextError(ServiceError):
    """403: a form without a context of ours, or with one that has run out."""

    def __init__(self) -> None:
        """Say the same of every context, so that nothing can be learned by trying."""
        message = "This form has run out, or was not opened by this service; please open it again from the card."
        super().__init__(HTTPStatus.FORBIDDEN, "expired", message, ("form.context",))


@dataclass(frozen=True, slots=True)
class FormContexts:
    """Signs contexts and reads them back; safe to share between threads."""

    key: bytes = field(repr=False)
    clock: Callable[[], datetime]

    @classmethod
    def of(cls, key: bytes | None, clock: Callable[[], datetime]) -> FormContexts:
        """Return contexts under a key that is derived for them; without one, of this process and its workers alone."""
        secret = key or secrets.token_bytes(32)
        return cls(hmac.digest(secret, _PURPOSE.encode(), hashlib.sha256), clock)

    def sign(self, context: FormContext) -> str:
        """Return a context as it travels."""
        now = int(self.clock().timestamp()) // _STEP * _STEP
        claims: dict[str, Any] = {"aud": _PURPOSE, "iat": now, "exp": now + _STEP + LIFETIME, "client": context.client}
        claims |= {"card": context.card, "order": context.order, "patient": context.patient}
        claims |= {"study": [list(coding) for coding in context.study], "questions": list(context.questions)}
        return jwt.encode({name: value for name, value in claims.items() if value}, self.key, _ALGORITHM)

    def read(self, text: object) -> FormContext:
        """Return the context that a text is; ContextError where it is forged, damaged or has run out."""
        if not isinstance(text, str) or len(text) > _LONGEST:
            raise ContextError
        # The time is judged by the clock that everything else here goes by.
        options: Any = {"require": ["exp", "client"], "verify_exp": False, "verify_iat": False}
        try:
            claims = jwt.decode(text, self.key, [_ALGORITHM], audience=_PURPOSE, options=options)
        except jwt.InvalidTokenError:
            raise ContextError from None
        if claims["exp"] <= self.clock().timestamp():
            raise ContextError
        return FormContext(
            client=claims["client"],
            card=claims.get("card", ""),
            order=claims.get("order", ""),
            study=tuple((system, code) for system, code in claims.get("study", ())),
            questions=tuple(claims.get("questions", ())),
            patient=claims.get("patient", ""),
        )

    def patient_mark(self, client: str, patient_id: str) -> str:
        """Return the keyed hash of a client's patient."""
        return hmac.digest(self.key, f"{client}\0{patient_id}".encode(), hashlib.sha256)[:_HASH_BYTES].hex()
