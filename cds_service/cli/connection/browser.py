"""Whether a web page of an origin may call the service from a browser (CORS)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cds_service.cli.connection.check import Check, failed, passed, skipped
from cds_service.clients.cors_origins import allows_origin, origin_problem, tidy_origin
from cds_service.protocol.discovery import SERVICES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cds_service.cli.connection.our_service import Answer, OurService
    from cds_service.clients.profile import ClientProfile

_NEEDED: Final = ("authorization", "content-type")


def browser_checks(client: ClientProfile, origins: Sequence[str], url: str, service: OurService) -> Iterator[Check]:
    """Yield the checks of each origin: listed by the client, discovery readable, hook calls allowed in advance."""
    if not origins:
        yield skipped("cors.listed", url, "no web page was named", "Name the origin of one with --origin.")
        return
    for origin in map(tidy_origin, origins):
        yield _listed(client, origin)
        discovery = f"{url}/cds-services"
        yield _readable(origin, discovery, service.ask("GET", discovery, {"Origin": origin}))
        hook = f"{discovery}/{SERVICES[0].id}"
        asking = {
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": ",".join(_NEEDED),
        }
        yield _allowed(origin, hook, service.ask("OPTIONS", hook, asking))


def _listed(client: ClientProfile, origin: str) -> Check:
    if problem := origin_problem(origin):
        return failed(
            "cors.listed", origin, f"it {problem}", "An origin is scheme and host, such as https://ehr.example."
        )
    if allows_origin(client, origin):
        return passed("cors.listed", origin, f"the client {client.name} lists it")
    remedy = f'Add "{origin}" to clients.{client.name}.origins.'
    return failed("cors.listed", origin, f"the client {client.name} does not list it", remedy)


def _readable(origin: str, url: str, answer: Answer | None) -> Check:
    if answer is None:
        return _silent("cors.discovery", origin, url)
    allowed = answer.headers.get("Access-Control-Allow-Origin")
    if allowed == origin:
        return passed("cors.discovery", origin, "the page may read discovery")
    says = f"HTTP {answer.status}, and " + ("no origin is allowed" if allowed is None else "another origin is allowed")
    return failed("cors.discovery", origin, says, _REMEDY)


def _allowed(origin: str, url: str, answer: Answer | None) -> Check:
    if answer is None:
        return _silent("cors.hook", origin, url)
    headers = answer.headers
    methods = _words(headers.get("Access-Control-Allow-Methods", ""))
    names = _words(headers.get("Access-Control-Allow-Headers", ""))
    lacking = [] if headers.get("Access-Control-Allow-Origin") == origin else ["the origin"]
    lacking += [] if {"post", "*"} & methods else ["POST"]
    lacking += [name for name in _NEEDED if name not in names]
    if not lacking:
        return passed("cors.hook", origin, "the page may call hooks, and bring a token")
    return failed("cors.hook", origin, f"HTTP {answer.status}, without {', '.join(lacking)}", _REMEDY)


def _words(text: str) -> set[str]:
    return {word.strip().lower() for word in text.split(",")}


def _silent(check_id: str, origin: str, url: str) -> Check:
    remedy = "Start it with `lumbar-cds serve`, or name another address with --url."
    return failed(check_id, origin, f"no service answers at {url}", remedy)


_REMEDY: Final = (
    "List the origin and restart the service; a proxy must neither answer OPTIONS itself nor take headers off."
)
