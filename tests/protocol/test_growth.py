"""Answering is linear: twice as much of anything that a client may send takes about twice the steps.

Steps are calls of functions, a number that no busy machine changes. What one call within a library does is not seen.
"""

from __future__ import annotations

import gc
import json
import sys
import threading
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import pytest

from cards.response.fingerprint import IDENTITY
from cds_service.app import create_app
from cds_service.config.settings import load_settings
from cds_service.hooks.storage import Storage
from cds_service.records.feedback import DatabaseFeedbackStore
from cds_service.records.invocations import NullRecorder
from cds_service.records.opening import open_database
from cds_service.records.stores import AnsweredCard, NullFeedbackStore
from tests.protocol.builders import NOW, SELECT, hook_request, lumbar_mri, make_app
from tests.protocol.growth import SHAPES

if TYPE_CHECKING:
    from flask.testing import FlaskClient

_MOST: Final = 2.2


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """A client of an application that keeps feedback and takes as many orders as it can be told to."""
    database = open_database(None, tmp_path_factory.mktemp("records"))
    return make_app(DatabaseFeedbackStore(database), max_orders=200).test_client()


def _steps(client: FlaskClient, path: str, body: bytes) -> int:
    """Return how many calls of functions an answer takes, in all threads that it starts."""
    count = 0

    def step(_frame: object, event: str, _value: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    before = sys.getprofile()
    gc.collect()
    gc.disable()  # what is cleared away when somebody collects is not what this call takes
    threading.setprofile(step)
    sys.setprofile(step)
    try:
        response = client.post(path, data=body, content_type="application/json")
    finally:
        sys.setprofile(before)
        threading.setprofile(None)
        gc.enable()
    assert response.status_code == HTTPStatus.OK, response.text
    return count


@dataclass
class _Answered:
    """Finds as many answered cards as it is told."""

    number: int = 0

    def of(self, *_asked: object) -> tuple[AnsweredCard, ...]:
        """Return cards about the order that is sent, as it was before a change."""
        mark = f"{','.join(IDENTITY)}=no-longer"
        return tuple(AnsweredCard(NOW, "overridden", "", (f"key-{each}",), (mark,)) for each in range(self.number))


def test_twice_as_many_answered_cards_take_twice_the_steps() -> None:
    """What a user has answered before is gone through once."""
    answered = _Answered()
    storage = Storage(NullFeedbackStore(), NullRecorder(), answered=answered)
    client = create_app(load_settings({}), clock=lambda: NOW, storage=storage).test_client()
    path, body = f"/cds-services/{SELECT}", json.dumps(hook_request(SELECT, lumbar_mri())).encode()
    counts = []
    for answered.number in (0, 0, 50, 100):
        counts.append(_steps(client, path, body))
    _, none, once, twice = counts
    assert none < once
    assert twice - none <= _MOST * (once - none)


@pytest.mark.parametrize("name", SHAPES)
def test_twice_as_much_takes_twice_the_steps(client: FlaskClient, name: str) -> None:
    """Texts, orders, records and feedback are each read once, whatever is beside them."""
    path, grown, size = SHAPES[name]
    twice = grown(2 * size)
    client.post(path, data=twice, content_type="application/json")  # what is remembered of words is so for both
    assert _steps(client, path, twice) <= _MOST * _steps(client, path, grown(size))
