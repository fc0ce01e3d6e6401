"""Where input comes in from outside, and what must hold whatever comes: an answer or a refusal that says so.

Each target is a Hypothesis test. A few examples of each run with the other tests, always the same; `make fuzz` runs
them for as long as one likes, always others. What that finds becomes a test of its own, or an `@example` here.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

from fhir.resources.R4B.operationoutcome import OperationOutcome
from hypothesis import given
from hypothesis import strategies as st

from cds_service.auth.verifiers.callers import Credentials
from cds_service.clients.file.reading import load_clients
from cds_service.config.settings import load_settings
from cds_service.config.site import load_site
from cds_service.egress.addresses import EgressError, read_address
from cds_service.egress.network import Network
from cds_service.protocol.errors import SettingsError
from cds_service.server.arrivals import Arrival
from cds_service.server.claims import claimed_client
from cds_service.server.dispatch import lane_of
from fhir_mappings.devices.carriers import udis_of
from fhir_mappings.devices.labels import label_of_udi
from fhir_mappings.devices.udi import parse_udi
from fhir_mappings.fhir.dates import parse_date, parse_period
from fhir_mappings.fhir.resources import Device
from fhir_mappings.fhir_client.links import is_below, resolve_link
from fhir_mappings.fhir_client.scopes import Scopes
from fhir_mappings.words.matcher import mentions_in, topics_in
from tests.fuzz import shapes
from tests.labels import TABLE
from tests.property.advice import index
from tests.property.test_robustness import JSON
from tests.property.test_tokens import CLAIMS, HEADERS, outcome
from tests.protocol.builders import NOW, SERVICES, SIGN, HookClient, Reply, make_app
from tests.unit.cds_service.auth.builders import SERVICE, bearer, claims_now, header_of, sign

TARGETS: Final[dict[str, Callable[[], None]]] = {}
BASE: Final = "https://fhir.example/r4"
_TODAY: Final = NOW.date()
_FOLDER: Final = tempfile.TemporaryDirectory(prefix="fuzz-")


def target(test: Callable[..., None]) -> Callable[..., None]:
    """Enter a target into the list."""
    TARGETS[test.__name__] = test
    return test


@cache
def client() -> HookClient:
    """Return a client of one application for all targets."""
    return HookClient(make_app(log_level="error"))


def check(reply: Reply, *refusals: int) -> None:
    """Fail unless an answer is one, or a refusal of the kinds that bad input may have."""
    assert reply.status in (200, *refusals), reply
    if reply.status != 200:
        OperationOutcome.model_validate_json(reply.text)


@target
@given(shapes.broken(shapes.as_bytes(shapes.requests())) | st.binary(max_size=300), st.sampled_from(SERVICES))
def body(data: bytes, service: str) -> None:
    """Bytes that are no JSON, or JSON that is cut, doubled or mixed up."""
    check(client().call(service, data=data), 400, 412)


@target
@given(shapes.as_bytes(shapes.damaged(shapes.requests())), st.sampled_from(SERVICES))
def envelope(data: bytes, service: str) -> None:
    """A request with anything in the place of some of its values."""
    check(client().call(service, data=data), 400, 412)


@target
@given(shapes.charts())
def resources(prefetch: dict[str, Any]) -> None:
    """Records with anything inside, under any key."""
    request = dict(shapes.sound_request())
    check(client().call(SIGN, request | {"prefetch": request["prefetch"] | prefetch}), 400, 412)


@target
@given(shapes.as_bytes(shapes.feedback()) | st.binary(max_size=100))
def feedback(data: bytes) -> None:
    """Feedback with anything inside."""
    check(client().report(SIGN, data=data), 400)


_DATES: Final = shapes.pieces("2026", "-", "02", "30", "T", "12:00", ":60", "Z", "+14:00", ".999", "24", "0000", " ")


@target
@given(st.lists(_DATES | shapes.STRANGE, min_size=1, max_size=4))
def dates(texts: list[Any]) -> None:
    """What stands where a date belongs: a date, or nothing known; and comparing it is no crash either."""
    for text in texts:
        for found in parse_date(text), parse_period(text, texts[0]), parse_period(None, text):
            found.within(42, _TODAY)
            found.on_or_before(_TODAY - timedelta(days=1))
            found.after(parse_date(texts[-1]))


_UDIS: Final = shapes.pieces(
    *("(01)", "{01}", "01", "00000000000017", "00643169001763", "(17)", "17", "271231", "(10)", "10", "(21)", "21"),
    *("LOT7", "\x1d", "<GS>", "]C1", "]d2", "+", "H123ABC1", "/", "$$", "=/", "A9999XYZ100T0944", "=,", " ", "MDE="),
)


@target
@given(_UDIS, st.sampled_from(("deviceIdentifier", "carrierHRF", "carrierAIDC", "value")), shapes.STRANGE)
def udis(text: str, place: str, strange: Any) -> None:
    """Parts of UDIs of all issuers in no order, in every place of a Device, and anything beside them."""
    assert parse_udi(text).text == text
    label_of_udi(parse_udi(text), TABLE)
    udis_of(Device(udi_carrier=[{place: text}, strange], udi=strange, identifier=[{"value": text}, strange]))


_WORDS: Final = shapes.pieces(
    *("denies ", "no ", "weak", "ness ", "legs ", "saddle numbness", "history of ", "mother had ", "cancer", "?", ". "),
    *(", ", "\n", "and ", "or ", "not ", "fever", "pacemaker", "weight loss", "since ", "2 weeks", "urinary retention"),
)


@target
@given(_WORDS)
def words(text: str) -> None:
    """Sentences of the words that the matcher knows, in no order."""
    mentions_in(text)
    topics_in(text)


@target
@given(shapes.pieces("patient/", "user/", "system/", "*", ".", "read", "rs", "Condition", "?", "=", " ", "cruds", "&"))
def scopes(text: str) -> None:
    """What an authorization server grants."""
    found = Scopes.parse(text)
    assert found.read("Condition") is not None
    assert found.search("Observation") is not None


_LINKS: Final = shapes.pieces(
    BASE, "/", "..", "%2e", "?", "#", "@", "\\", "http:", "//", "[", "]", "Condition", ":", "&"
)


@target
@given(_LINKS)
def links(text: str) -> None:
    """A next page or a server as somebody else writes it: refused, or below the base."""
    found = resolve_link(text, f"{BASE}/Condition?patient=1", BASE)
    assert found is None or is_below(found, BASE)
    try:
        read_address(text, Network())
    except EgressError:
        return


@target
@given(CLAIMS, HEADERS, st.lists(shapes.pieces("Bearer ", "e30", ".", "=", "-"), max_size=2), st.booleans())
def tokens(claims: dict[str, Any], header: dict[str, Any], values: list[str], signed: bool) -> None:
    """Tokens of any content, and headers that hold none: a caller or a reason."""
    found = bearer(sign(claims_now() | claims, header_of() | header)) if signed else Credentials(SERVICE, tuple(values))
    assert outcome(found)


_KEYS: Final = (
    *("extends", "authentication", "issuers", "iss", "keys", "jku", "fhir", "bases", "mode", "pilot", "origins"),
    *("certificates", "network", "shape", "site_file", "calls_per_minute", "language", "sources"),
)
_TOML: Final = shapes.pieces(
    *(
        "[clients.a]\n",
        'extends = "development"\n',
        "issuers = [",
        "]\n",
        "{",
        "}",
        "fhir.",
        'bases = "x"\n',
        '"',
        "\n",
    ),
    *("mode = 'pilot'\n", "= ", "1", "[thresholds]\n", "adult_age = 18\n", "[approval]\n", "date = 2026-02-30\n", "#"),
)
_TABLES: Final = st.dictionaries(
    st.sampled_from(("clients", "default", "x")),
    st.dictionaries(st.sampled_from(("a", "b")), st.dictionaries(st.sampled_from(_KEYS), shapes.ANYTHING)) | JSON,
    max_size=3,
)


def _named(load: Callable[[], object]) -> None:
    """Fail unless something can be loaded, or says why it cannot."""
    problems: tuple[str, ...] = ("it can",)
    try:
        load()
    except SettingsError as refusal:
        problems = refusal.problems
    assert problems


@target
@given(shapes.as_bytes(_TABLES) | _TOML.map(str.encode) | st.binary(max_size=40), st.sampled_from((".toml", ".yaml")))
def configuration(data: bytes, ending: str) -> None:
    """A clients file or a site file with anything inside: it is understood, or every reason is named."""
    file = Path(_FOLDER.name) / f"file{ending}"
    file.write_bytes(data)
    for load in (load_clients, lambda found: load_site(found, index())):
        _named(partial(load, file))


@target
@given(
    st.dictionaries(
        st.sampled_from(("PORT", "WORKERS", "WAIT_MS", "PROFILE", "PUBLIC_URL", "LANGUAGE", "DEMO", "X")),
        shapes.pieces("1", "-", "e", "true", "http://", "production", ".") | st.text(max_size=5),
        max_size=3,
    )
)
def settings(variables: dict[str, str]) -> None:
    """Any value of a setting."""
    _named(lambda: load_settings({f"LUMBAR_CDS_{name}": value for name, value in variables.items()}))


_HEADS: Final = shapes.pieces(
    *("POST ", "GET ", "/livez", "/cds-services/x", " HTTP/1.1\r\n", "Host: a\r\n", "Content-Length: ", "5", "\r\n"),
    *("Transfer-Encoding: chunked\r\n", "Authorization: Bearer e30.", "e30", ".x", "Expect: 100-continue\r\n", "hello"),
)


@target
@given(_HEADS.map(lambda text: text.encode("utf-8", "replace")), st.lists(st.integers(1, 30), min_size=1, max_size=5))
def connection(data: bytes, sizes: list[int]) -> None:
    """What arrives on a connection, in pieces of any size."""
    arrival, start = Arrival(100), 0
    for size in (*sizes, len(data)):
        arrival.feed(data[start : start + size])
        start += size
    assert bytes(arrival.data) == data
    lane_of(arrival.data)
    claimed_client(arrival.data, {"": ""})
