"""A marked patient goes every way through a running service; afterwards nothing of the patient is found there."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest
import requests
from sqlalchemy import select

from cds_service.records.opening import open_database
from cds_service.records.tables import FEEDBACK, METADATA
from tests.ehr import PUBLIC_URL, Ehr, clients_file, hook
from tests.loopback_server import serving
from tests.protocol.builders import SERVICES, SIGN
from tests.safety.marked import (
    COMMENT,
    CRASH_PROGRAM,
    FAILURES,
    MARKS,
    answer,
    bodies,
    feedback,
    fetching,
    marked_request,
)
from tests.service import Running, free_port

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = pytest.mark.slow

_STRANGE: Final = ("User-Agent", "Referer", "Cookie", "X-Forwarded-For", "Accept-Language")
STRANGE_HEADERS: Final = dict.fromkeys(_STRANGE, MARKS["header"])
PAGES: Final = (
    "/",
    "/criteria",
    "/docs",
    "/openapi.json",
    "/livez",
    "/readyz",
    "/metrics",
    "/cds-services",
    "/demo",
    "/insights",
    "/calls",
)
CLIENTS: Final = ("open", "signed")


@dataclass
class Visit:
    """Everything that was sent to a running service, and what came back."""

    service: Running
    ehr: Ehr
    replies: list[requests.Response] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    shared_numbers: list[bytes] = field(default_factory=list)

    @property
    def output(self) -> str:
        """Everything that the service has printed."""
        return self.service.output.read_text(encoding="utf-8")

    def post(self, client: str, path: str, body: Any, **headers: str) -> requests.Response:
        """Post as a client, which signs the call where it has to."""
        given = {"Content-Type": "application/json", **STRANGE_HEADERS}
        if client == "signed":
            token = self.ehr.token(path, tenant="north", sub=MARKS["claim"], name=MARKS["claim"])
            self.tokens.append(token)
            given["Authorization"] = f"Bearer {token}"
        else:
            given["Origin"] = "https://open.example"
        return self.send("POST", path, body if isinstance(body, bytes) else json.dumps(body).encode(), given | headers)

    def send(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> requests.Response:
        """Send anything."""
        with requests.Session() as session:  # a connection for each, which any worker may take
            session.trust_env = False
            reply = session.request(
                method,
                f"{self.service.url}{path}",
                data=body,
                headers=dict(headers),
                timeout=30,
                allow_redirects=False,
            )
        self.replies.append(reply)
        return reply

    def statuses(self) -> set[int]:
        """Return which statuses came back."""
        return {reply.status_code for reply in self.replies}


def call_in_every_way(visit: Visit, client: str) -> None:
    """Send every hook call that needs no other server, and all feedback."""
    for service in SERVICES:
        visit.post(client, hook(service), marked_request(service))
    for body in bodies().values():
        visit.post(client, hook(SIGN), body)
        visit.post(client, f"{hook(SIGN)}/feedback", body)
    for headers in ({"Content-Type": MARKS["header"]}, {"Content-Encoding": MARKS["header"]}):
        visit.post(client, hook(SIGN), marked_request(), **headers)
    for entries in feedback().values():
        visit.post(client, f"{hook(SIGN)}/feedback", {"feedback": entries})


def fetch_in_every_way(visit: Visit, client: str, port: int) -> None:
    """Send hook calls whose data come from servers that work, fail, hang, lead away or are not there."""
    base = f"http://127.0.0.1:{port}/{MARKS['server']}"
    for kind in FAILURES:
        visit.post(client, hook(SIGN), fetching(f"{base}/{kind}"))
    for address in (
        f"http://127.0.0.1:{free_port()}/{MARKS['server']}",
        f"https://{MARKS['server']}.example/fhir",
        f"http://{MARKS['user']}:{MARKS['token']}@127.0.0.1:{port}/fhir",
        f"file:///{MARKS['server']}",
        f"http://169.254.169.254/{MARKS['server']}",
    ):
        visit.post(client, hook(SIGN), fetching(address))
    visit.post(client, hook(SIGN), fetching(f"{base}/data", access_token=f"{MARKS['token']}\r\nX: {MARKS['token']}"))
    visit.post(client, hook(SIGN), fetching(f"{base}/data", token_type=MARKS["token"]))
    visit.post(client, hook(SIGN), fetching(f"{base}/data", patient=f"{MARKS['patient']}-2"))


def be_refused_in_every_way(visit: Visit) -> None:
    """Send tokens that do not hold, with marks in each part of them."""
    endpoint, mark = hook(SIGN), MARKS["claim"]
    now = visit.ehr.now
    headers: list[dict[str, Any]] = [
        {"kid": mark},
        {"jku": f"https://{mark}.example/jwks"},
        {"typ": mark},
        {mark: mark},
    ]
    tokens = [visit.ehr.token(endpoint, header, tenant="north") for header in headers]
    tokens += [
        visit.ehr.token(endpoint, **({"tenant": "north"} | claims))
        for claims in (
            {"iss": f"https://{mark}.example"},
            {"aud": f"https://{mark}.example"},
            {"tenant": mark},
            {"exp": now - 3600, "iat": now - 7200, "sub": mark},
            {"exp": mark},
            {"iat": [mark]},
        )
    ]
    tokens += [
        visit.tokens[0],
        f"{visit.ehr.token(endpoint)[:-9]}AAAAAAAAA",
        mark,
        f"{mark}.{mark}.{mark}",
        mark * 2000,
    ]
    for token in tokens:
        visit.tokens.append(token)
        given = {"Authorization": f"Bearer {token}", "Origin": f"https://{MARKS['origin']}.example"}
        visit.send("POST", endpoint, json.dumps(marked_request()).encode(), STRANGE_HEADERS | given)
    visit.send("POST", endpoint, b"{}", {"Authorization": f"Basic {mark}"})


def look_around(visit: Visit) -> None:
    """Open every page, and addresses that are none, with marks in query, path, method and headers."""
    mark = MARKS["address"]
    for path in (*PAGES, f"/{mark}", f"/cds-services/{mark}", "/fhir/ValueSet", f"/fhir/ValueSet/{mark}"):
        for method in "GET", "POST", "OPTIONS", mark.upper():
            given = STRANGE_HEADERS | {"Origin": f"https://{MARKS['origin']}.example", "Accept": MARKS["header"]}
            visit.send(method, f"{path}?patient={mark}&{mark}={mark}", None, given)


@pytest.fixture(scope="module")
def visit(tmp_path_factory: pytest.TempPathFactory) -> Visit:
    """A service with two workers that the patient has gone through, and that has been stopped."""
    folder = tmp_path_factory.mktemp("marked")
    (folder / "metrics").mkdir()
    (folder / "program.py").write_text(CRASH_PROGRAM, encoding="utf-8")
    ehr = Ehr("https://ehr.example", "ehr", now=int(time.time()))
    limits = {"limits": {"max_body_bytes": 500_000}, "fhir": {"deadline_ms": 500, "connect_ms": 200, "read_ms": 300}}
    clients: dict[str, dict[str, Any]] = {
        "signed": {
            "extends": "development",
            "authentication": "cds-hooks-jwt",
            "issuers": [{"iss": ehr.iss, "keys": [ehr.jwk], "tenants": ["north"]}],
            **limits,
        },
        "open": {"extends": "development", "origins": ["https://open.example"], **limits},
    }
    settings = {
        "CLIENTS_FILE": str(clients_file(folder, clients)),
        "PUBLIC_URL": PUBLIC_URL,
        "LOG_FORMAT": "json",
        "LOG_LEVEL": "debug",
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROMETHEUS_MULTIPROC_DIR", str(folder / "metrics"))
        patch.setenv("PYTHONPATH", ".")
        service = Running(folder, workers=2, settings=settings, program=[str(folder / "program.py")])
    stopping = threading.Event()
    # A new store of used tokens refuses what was issued before it was made.
    visit = Visit(service, replace(ehr, now=int(time.time())))
    try:
        with serving() as elsewhere, serving(partial(answer, stopping, f"http://127.0.0.1:{elsewhere.port}")) as fhir:
            for client in CLIENTS:
                call_in_every_way(visit, client)
                fetch_in_every_way(visit, client, fhir.port)
            assert elsewhere.received == []
            stopping.set()
        be_refused_in_every_way(visit)
        look_around(visit)
        visit.shared_numbers += [file.read_bytes() for file in (folder / "metrics").rglob("*") if file.is_file()]
        assert service.stop() == 0
    finally:
        stopping.set()
        service.stop()
    return visit


def marks_in(text: str, *more: str) -> set[str]:
    """Return the marks that a text holds, in whatever case."""
    lowered = text.lower()
    return {mark for mark in (*MARKS.values(), *more) if mark.lower() in lowered}


def parts(tokens: list[str]) -> set[str]:
    """Return what of tokens must not be found anywhere: payloads and signatures that are long enough to mean it."""
    return {part for token in tokens for part in token.split(".")[1:] if len(part) > 20}


def test_every_way_was_gone(visit: Visit) -> None:
    """The visit was answered in every way there is, and each answer has a line in the log."""
    assert visit.statuses() >= {200, 400, 401, 404, 405, 412, 413, 415, 500}
    assert 302 not in visit.statuses()
    output = visit.output
    # What is too large to be a header is refused by the server before it comes to us.
    unanswered = [reply for reply in visit.replies if "X-Request-ID" not in reply.headers]
    assert [reply.status_code for reply in unanswered] == [431]
    answered = [reply.headers["X-Request-ID"] for reply in visit.replies if reply not in unanswered]
    missing = [request_id for request_id in answered if f'"{request_id}"' not in output]
    assert missing == []
    for word in (
        "builtins.RuntimeError",
        "builtins.ValueError",
        '"refusal":"signature"',
        '"timeout"',
        '"level":"debug"',
    ):
        assert word in output


def test_nothing_is_logged(visit: Visit) -> None:
    """No line, at whatever level, holds anything of patient, user, token or what another server said."""
    output = visit.output
    assert marks_in(output, COMMENT) == set()
    assert [part for part in parts(visit.tokens) if part in output] == []


def test_metrics_hold_nothing(visit: Visit) -> None:
    """Neither the numbers nor the files in which workers share them hold anything that was sent."""
    told = [reply.text for reply in visit.replies if "lumbar_cds_hook_calls_total" in reply.text]
    shared = [content.decode("latin-1") for content in visit.shared_numbers]
    assert told
    assert any("lumbar_cds_hook_calls_total" in content for content in shared)
    assert marks_in("".join(told + shared), COMMENT) == set()


def test_errors_repeat_nothing(visit: Visit) -> None:
    """No error, and no header of any answer, repeats what was sent."""
    for reply in visit.replies:
        assert marks_in(str(reply.headers), COMMENT) == set()
        if reply.status_code != 200:
            assert marks_in(reply.text, COMMENT) == set()
            assert [part for part in parts(visit.tokens) if part in reply.text] == []


def test_pages_repeat_nothing(visit: Visit) -> None:
    """A page does not show what stood in its address."""
    pages = [reply for reply in visit.replies if reply.request.method != "POST"]
    assert len(pages) > len(PAGES)
    assert [reply.request.path_url for reply in pages if marks_in(reply.text)] == []


def test_nothing_is_stored_but_the_comment(visit: Visit) -> None:
    """After a stop the data folder holds nothing of the patient; what a clinician wrote is where it belongs."""
    database = open_database(None, visit.service.data)
    with database.read() as connection:
        for table in METADATA.sorted_tables:
            columns = [column for column in table.c if column is not FEEDBACK.c.comment]
            stored = [tuple(row) for row in connection.execute(select(*columns))]
            assert marks_in(repr(stored), COMMENT) == set(), table.name
        comments = connection.execute(select(FEEDBACK.c.client, FEEDBACK.c.comment)).all()
        statuses = set(connection.execute(select(METADATA.tables["invocations"].c.status)).scalars())
        replay_safe = {row.client for row in connection.execute(select(METADATA.tables["invocations"].c.client))}
    database.close()
    assert sorted(comments) == [(client, f"{COMMENT} says no") for client in CLIENTS]
    assert statuses >= {200, 400, 412, 500}
    assert replay_safe == set(CLIENTS)
    files = [file for file in visit.service.data.rglob("*") if file.is_file()]
    assert {"records.sqlite3", "replay.sqlite3", "calls.sqlite3", "identity.key"} <= {file.name for file in files}
    for file in files:
        content = file.read_bytes().decode("latin-1")
        assert marks_in(content) == set(), file.name
        assert (COMMENT in content) is (file.name == "records.sqlite3")
        assert [part for part in parts(visit.tokens) if part in content] == []
