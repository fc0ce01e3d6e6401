"""The bundled demo requests: every one keeps its promise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from cds_service.demo.requests import Demo, find_demo, load_demos
from fhir_mappings.fhir.searches import templates_for

if TYPE_CHECKING:
    from tests.protocol.builders import HookClient

DEMOS = pytest.mark.parametrize("demo", load_demos(), ids=lambda demo: demo.name)


def answer(client: HookClient, demo: Demo) -> Any:
    """Return the answer to a demo."""
    return client.call(f"lumbar-mri-{demo.hook}", data=demo.body())


def test_both_hooks_are_shown() -> None:
    """There are at least eight demos, some for each hook, each under one name."""
    demos = load_demos()
    assert len({demo.name for demo in demos}) == len(demos) >= 8
    assert {demo.hook for demo in demos} == {"order-select", "order-sign"}


@DEMOS
def test_promised_advice_is_given(client: HookClient, demo: Demo) -> None:
    """The first message and the outcome are those of the index; an unrelated order has none."""
    reply = answer(client, demo)
    if demo.outcome is None:
        assert reply.json == {"cards": []}
    else:
        (found,) = reply.assessments
        assert (found["outcome"], found["messages"][0]) == (demo.outcome, demo.message)
        assert reply.cards


@DEMOS
def test_request_is_what_the_templates_ask_for(demo: Demo) -> None:
    """A demo sends exactly the prefetch keys that the service publishes, for an invented patient."""
    request = msgspec.json.decode(demo.body())
    assert request["hook"] == demo.hook
    assert set(request["prefetch"]) == set(templates_for())
    assert request["context"]["patientId"] == request["prefetch"]["patient"]["id"] == f"demo-{demo.name}"
    assert request["prefetch"]["patient"]["name"][0]["family"].startswith("Demo-")


def test_unknown_demo_is_not_found() -> None:
    """A name that is none of the demos finds nothing."""
    assert find_demo("../settings") is None
