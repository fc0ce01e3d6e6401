"""What the fuzz targets are fed: JSON of any shape, sound requests with something wrong in them, and broken bytes."""

from __future__ import annotations

import json
from typing import Any, Final

from hypothesis import strategies as st

from cds_service.demo.requests import load_demos
from tests.property.advice import Json
from tests.property.charts import records
from tests.property.test_robustness import JSON, paths, replaced
from tests.protocol.builders import SERVICES, feedback_entry, hook_request, lumbar_mri

_DEMOS: Final = [json.loads(demo.body()) for demo in load_demos()]
_REQUESTS: Final = [*_DEMOS, *(hook_request(service, lumbar_mri()) for service in SERVICES)]
# What breaks programs: empty, huge, negative, odd characters, and what means something to other programs.
STRANGE: Final[st.SearchStrategy[Any]] = st.sampled_from(
    [
        *("", " ", "\x00", "\u202e", "\ufeff", "\u0130", "A" * 10_000, "%s%n", "{{7*7}}", "../../etc/passwd", "';--"),
        *(
            "0000-00-00",
            "9999-12-31",
            "2026-02-30",
            "2026-13",
            "-1",
            "1e400",
            "null",
            "<script>",
            "http://[",
            "Patient/",
        ),
        *(0, -1, 2**31, 2**63, 10**30, 1e308, -0.0, True, None),
        *([], {}, [[]], {"": ""}, [None] * 50, {"resourceType": "Bundle", "entry": None}),
    ]
)
ANYTHING: Final = STRANGE | JSON


@st.composite
def damaged(draw: st.DrawFn, sound: st.SearchStrategy[Json]) -> Json:
    """A sound document with up to four of its values replaced."""
    document = draw(sound)
    for _ in range(draw(st.integers(1, 4))):
        found = list(paths(document))
        if not found:
            break
        document = replaced(document, draw(st.sampled_from(found)), draw(ANYTHING))
    return document


@st.composite
def broken(draw: st.DrawFn, sound: st.SearchStrategy[bytes]) -> bytes:
    """Sound bytes, some of them cut out, doubled or replaced."""
    data = draw(sound)
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 40)))
        data = data[:start] + draw(st.binary(max_size=6) | st.just(data[start:end] * 2)) + data[end:]
    return data


def requests() -> st.SearchStrategy[dict[str, Any]]:
    """Sound hook requests."""
    return st.sampled_from(_REQUESTS)


def sound_request() -> dict[str, Any]:
    """Return a request that is answered with a card."""
    return dict(_DEMOS[0])


def charts() -> st.SearchStrategy[dict[str, Any]]:
    """Prefetch values of damaged records, some under keys where others belong."""
    keys = st.sampled_from(sorted({key for demo in _DEMOS for key in demo["prefetch"]}))
    bundles = st.lists(damaged(records()), max_size=4).map(
        lambda found: {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": one} for one in found]}
    )
    return st.dictionaries(keys, bundles | ANYTHING, max_size=4)


def feedback() -> st.SearchStrategy[Json]:
    """Feedback with something wrong in it."""
    return damaged(st.just({"feedback": [feedback_entry(), feedback_entry(outcome="accepted")]}))


def pieces(*found: str) -> st.SearchStrategy[str]:
    """Texts that are put together from pieces that mean something, and others."""
    return st.lists(st.sampled_from(found) | st.text(max_size=3), max_size=14).map("".join)


def as_bytes(document: st.SearchStrategy[Json]) -> st.SearchStrategy[bytes]:
    """A document as the bytes that a client sends."""
    return document.map(lambda found: json.dumps(found).encode())
