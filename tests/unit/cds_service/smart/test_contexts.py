"""The context that a card hands to its form: signed, short-lived, and about nobody."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import jwt
import pytest

from cds_service.smart.contexts import LIFETIME, ContextError, FormContext, FormContexts

NOW = datetime(2026, 6, 2, 12, tzinfo=UTC)
KEY = b"k" * 32
CONTEXT = FormContext("ehr", "C-INFO-NEED", "ServiceRequest/mri-1", (("http://a", "1"),), ("ces", "fever"), "mark")


def contexts(seconds: float = 0, key: bytes | None = KEY) -> FormContexts:
    """Return contexts under a key, some seconds later."""
    return FormContexts.of(key, lambda: NOW + timedelta(seconds=seconds))


def test_comes_back_as_it_was() -> None:
    """What was signed is read until it runs out."""
    signed = contexts().sign(CONTEXT)
    assert contexts().read(signed) == CONTEXT
    assert contexts(LIFETIME - 1).read(signed) == CONTEXT


def test_runs_out() -> None:
    """A context of earlier is no context."""
    with pytest.raises(ContextError):
        contexts(LIFETIME + 300).read(contexts().sign(CONTEXT))


def test_is_the_same_for_equal_cards() -> None:
    """Two calls of the same moment get the same link, as they get the same card."""
    assert contexts().sign(CONTEXT) == contexts(2).sign(CONTEXT)


@pytest.mark.parametrize(
    "forged",
    [
        jwt.encode({"aud": "lumbar-mri-form", "exp": 2**33, "client": "ehr"}, "o" * 32, "HS256"),
        jwt.encode({"aud": "lumbar-mri-form", "exp": 2**33, "client": "ehr"}, "", "none"),
        contexts(key=b"other").sign(CONTEXT),
        contexts().sign(CONTEXT)[:-2],
        "",
        "a.b.c",
        "x" * 5000,
        None,
        7,
    ],
)
def test_no_other_is_believed(forged: object) -> None:
    """Nobody else can make a context, whatever it looks like."""
    with pytest.raises(ContextError):
        contexts().read(forged)


def test_is_of_no_other_purpose() -> None:
    """What is signed for something else under the same key is no context."""
    own = contexts()
    with pytest.raises(ContextError):
        own.read(jwt.encode({"aud": "other", "exp": 2**33, "client": "ehr"}, own.key, "HS256"))
    with pytest.raises(ContextError):
        own.read(jwt.encode({"aud": "lumbar-mri-form", "client": "ehr"}, own.key, "HS256"))


def test_a_key_that_nobody_set_is_drawn() -> None:
    """Without a key of its own no two services believe each other."""
    with pytest.raises(ContextError):
        contexts(key=None).read(contexts(key=None).sign(CONTEXT))


def test_says_nothing_of_the_patient() -> None:
    """Whoever reads a context finds the order and our own ids; the patient's id is in it as a keyed hash alone."""
    own = contexts()
    mark = own.patient_mark("ehr", "pat-1")
    signed = own.sign(FormContext("ehr", order="ServiceRequest/mri-1", patient=mark))
    claims = json.loads(base64.urlsafe_b64decode(signed.split(".")[1] + "=="))
    assert "pat-1" not in json.dumps(claims)
    assert claims["patient"] == mark
    assert mark not in (own.patient_mark("other", "pat-1"), contexts(key=b"z").patient_mark("ehr", "pat-1"))


def test_repr_hides_the_key() -> None:
    """The key is in no log."""
    assert "kkkk" not in repr(contexts())
    assert str(contexts().key) not in repr(contexts())
