"""HTTP: addresses, methods, media types, sizes, request ids, health."""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.protocol.builders import SELECT, SERVICES, SIGN, HookClient, feedback_entry, hook_request, make_app

if TYPE_CHECKING:
    from cds_service.protocol.feedback import FeedbackEvent

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.mark.parametrize(
    "path", ["/nothing", "/cds-services/unknown", "/cds-services/unknown/feedback", "/cds-services/a/b/c"]
)
def test_unknown_address_is_404(client: HookClient, path: str) -> None:
    """An address that offers nothing says so."""
    reply = client.open(path, "POST", json={})
    assert (reply.status, reply.codes) == (404, ["not-found"])


def test_service_id_cannot_leave_its_place(client: HookClient) -> None:
    """An encoded path in a service id finds nothing."""
    assert client.open("/cds-services/..%2f..%2fetc%2fpasswd", "POST", json={}).status == 404


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/cds-services", "GET"),
        ("DELETE", "/cds-services", "GET"),
        ("GET", f"/cds-services/{SELECT}", "POST"),
        ("GET", f"/cds-services/{SIGN}/feedback", "POST"),
        ("POST", "/livez", "GET"),
    ],
)
def test_wrong_method_is_405(client: HookClient, method: str, path: str, allowed: str) -> None:
    """A method that an address does not answer is refused, and those that it answers are named."""
    reply = client.open(path, method)
    assert (reply.status, reply.codes) == (405, ["not-supported"])
    assert allowed in reply.headers["Allow"]


@pytest.mark.parametrize("path", ["//cds-services", "/cds-services/", "/cds-services//", "///cds-services///"])
def test_slashes_do_not_matter_in_discovery(client: HookClient, path: str) -> None:
    """Extra slashes are served, never redirected."""
    assert len(client.open(path).json["services"]) == 2


@pytest.mark.parametrize("path", [f"/cds-services//{SIGN}", f"/cds-services/{SIGN}/", f"//cds-services//{SIGN}//"])
def test_slashes_do_not_matter_in_hooks(client: HookClient, path: str) -> None:
    """A body sent to an address with extra slashes is answered, not lost in a redirect."""
    assert client.open(path, "POST", json=hook_request(SIGN)).json["cards"]
    assert client.open(f"{path}/feedback/", "POST", json={"feedback": [feedback_entry()]}).status == 200


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/fhir+json",
        "application/fhir+json; fhirVersion=4.0",
        "application/json+fhir",
        None,
    ],
)
def test_json_by_any_name_is_read(client: HookClient, content_type: str | None) -> None:
    """JSON is accepted under its own name, under FHIR's names, and without any."""
    assert client.call(SIGN, hook_request(SIGN), content_type=content_type).status == 200


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/fhir+xml", "multipart/form-data"]
)
def test_other_media_types_are_415(client: HookClient, service: str, content_type: str) -> None:
    """A body that is declared as something else is not guessed at, for hooks and for feedback."""
    assert client.call(service, hook_request(service), content_type=content_type).status == 415
    assert client.report(service, [feedback_entry()], content_type=content_type).status == 415


def test_compressed_body_is_415(client: HookClient) -> None:
    """Compression is refused by name rather than failing as broken JSON."""
    assert client.call(SIGN, hook_request(SIGN), headers={"Content-Encoding": "gzip"}).status == 415


@pytest.fixture(scope="module")
def small_client() -> HookClient:
    """A client of a service that takes bodies of at most 10,000 bytes."""
    return HookClient(make_app(max_body_bytes=10_000))


@pytest.mark.parametrize(("size", "status"), [(10_000, 200), (10_001, 413)])
@pytest.mark.parametrize("declared", [True, False])
def test_limit_is_exact(small_client: HookClient, size: int, status: int, declared: bool) -> None:
    """A body of the largest size is read and one byte more is refused, whether or not it declares its length."""
    body = json.dumps(hook_request(SIGN)).encode().ljust(size)
    streamed = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    options = {"data": body} if declared else {"input_stream": io.BytesIO(body), "environ_overrides": streamed}
    assert small_client.call(SIGN, **({"data": None} | options)).status == status


def test_body_over_the_limit_is_413(small_client: HookClient) -> None:
    """A body that declares more than the limit is refused."""
    reply = small_client.call(SIGN, hook_request(SIGN, padding="x" * 10_000))
    assert (reply.status, reply.codes) == (413, ["too-long"])
    assert small_client.report(SIGN, [feedback_entry(padding="x" * 10_000)]).status == 413


def test_request_id_is_made_up(client: HookClient) -> None:
    """Each answer has a request id, a new one unless the caller brings one."""
    first, second = (client.open("/livez").headers["X-Request-ID"] for _ in range(2))
    assert UUID.fullmatch(first)
    assert first != second


@pytest.mark.parametrize("offered", ["abc", "A-1_b.2", "x" * 64])
def test_sane_request_id_is_kept(client: HookClient, offered: str) -> None:
    """A caller's own request id comes back, so that both logs can be searched for it."""
    reply = client.open("/nothing", headers={"X-Request-ID": offered})
    assert reply.headers["X-Request-ID"] == offered


@pytest.mark.parametrize("offered", ["", "a b", "x" * 65, "a;b", "é", "a\tb", "<script>"])
def test_odd_request_id_is_replaced(client: HookClient, offered: str) -> None:
    """What could be an injection, or a name, is not repeated."""
    reply = client.open("/nothing", headers={"X-Request-ID": offered})
    assert UUID.fullmatch(reply.headers["X-Request-ID"])


def test_times_are_told_where_answers_explain_themselves(client: HookClient) -> None:
    """A developer sees in the browser what took how long; a client in production learns nothing about us."""
    reply = client.call(SIGN, hook_request(SIGN))
    assert re.fullmatch(r"(\w+;dur=\d+\.\d, )+total;dur=\d+\.\d", reply.headers["Server-Timing"])
    assert client.report(SIGN, [feedback_entry()]).headers["Server-Timing"].startswith("authenticate;dur=")
    quiet = HookClient(make_app(explain=False))
    assert "Server-Timing" not in quiet.call(SIGN, hook_request(SIGN)).headers


def test_alive_and_ready() -> None:
    """Both health addresses answer without a body being sent, and nothing between keeps the answer."""
    client = HookClient(make_app())  # its own: one that was told of a FHIR server reports a circuit
    assert client.open("/livez").json["status"] == "ok"
    assert client.open("/readyz").json == {
        "status": "ready",
        "feedback": "ok",
        "switches": "ok",
        "tokens": "ok",
        "modes": {"on": 2},
    }
    assert client.open("/readyz").headers["Cache-Control"] == "no-store"


def test_ready_without_a_feedback_store() -> None:
    """A broken feedback store is reported and does not stop the advice."""

    class Broken:
        def record(self, events: tuple[FeedbackEvent, ...]) -> int:
            raise NotImplementedError

        def available(self) -> bool:
            return False

    client = HookClient(make_app(feedback=Broken()))  # type: ignore[arg-type] # narrower on purpose
    assert client.open("/readyz").json == {
        "status": "ready",
        "feedback": "unavailable",
        "switches": "ok",
        "tokens": "ok",
        "modes": {"on": 2},
    }
    assert client.call(SIGN, hook_request(SIGN)).status == 200
