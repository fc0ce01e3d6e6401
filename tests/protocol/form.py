"""A form as its page sends it, for tests of the endpoint."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from cds_service.smart.contexts import FormContext
from tests.protocol.builders import PATIENT, SIGN, bundle, hook_request, lumbar_mri, make_app, prefetch

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.test import TestResponse

    from cds_service.smart.contexts import FormContexts

CPT_CODING: Final = ("http://www.ama-assn.org/go/cpt", "72148")
OWN_ORIGIN: Final = "http://localhost"


class Form:
    """A form of the first client, asked of an application in this process."""

    def __init__(self, app: Flask | None = None, **settings: Any) -> None:
        """Take an application, or make one."""
        self.app = app or make_app(**settings)
        self.flask = self.app.test_client()

    @property
    def contexts(self) -> FormContexts:
        """What signs contexts here."""
        found: FormContexts = self.app.extensions["engine"].contexts
        return found

    def context(self, **changes: Any) -> str:
        """Return the context of a card about the usual order and patient."""
        client = self.app.extensions["engine"].clients[0].name
        usual = {
            "client": client,
            "order": "ServiceRequest/mri-1",
            "study": (CPT_CODING,),
            "patient": self.contexts.patient_mark(client, PATIENT),
        }
        return self.contexts.sign(FormContext(**(usual | changes)))

    def body(self, answers: Any = None, *, implant: Any = None, context: Any = None, **members: Any) -> dict[str, Any]:
        """Return a form about an order without a reason, unless other members are given."""
        order = lumbar_mri(reasonCode=None)
        request = hook_request(SIGN, order, prefetch=unclear_record(), **members)
        form = {"context": self.context() if context is None else context, "answers": answers or {}}
        return request | {"form": form | ({"implant": implant} if implant else {})}

    def ask(self, body: Any, **options: Any) -> TestResponse:
        """Send a form."""
        sent = {"data": json.dumps(body), "content_type": "application/json", "base_url": OWN_ORIGIN} | options
        return self.flask.post("/form/assess", **sent)

    def answer(self, answers: Any = None, **members: Any) -> Any:
        """Return the advice on a form."""
        return self.told(self.body(answers, **members))

    def told(self, body: Any) -> Any:
        """Return the advice on a form that was written out."""
        response = self.ask(body)
        assert response.status_code == 200, response.text
        return response.json


def unclear_record() -> dict[str, Any]:
    """Return a record that was read whole and says nothing of the pain."""
    return prefetch(conditions=bundle())


def ids(questions: Any) -> list[str]:
    """Return the ids of some questions."""
    return [question["id"] for question in questions]
