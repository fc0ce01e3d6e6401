"""The public address of the service as clients see it, through whatever stands before the service.

Most first calls fail here: a proxy that leaves the path on or takes too much off, a redirect that turns a POST into a
GET, a certificate that nobody trusts. It is tried from this machine; that the EHR's network sees the same is not said.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from cds_service.cli.connection.check import Check, failed, passed, skipped
from cds_service.protocol.discovery import SERVICES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cds_service.cli.connection.our_service import Answer, OurService

_PROXY: Final = "The proxy must pass on everything below the public address and take the path of that address off."


def public_checks(url: str, service: OurService) -> Iterator[Check]:
    """Yield the checks of discovery and of a hook at the public address."""
    discovery = _discovery(url, service)
    yield discovery
    if not discovery.facts.get("services"):
        yield skipped("public.hook", url, "discovery was not found there")
        return
    yield _hook(url, service)


def _discovery(url: str, service: OurService) -> Check:
    target = f"{url}/cds-services"
    answer = service.ask("GET", target)
    if answer is None:
        remedy = "Start the service, and let the name lead to it or to the proxy before it."
        return failed("public.discovery", target, "nothing answers, or the connection is not trusted", remedy)
    if answer.redirect:
        remedy = f"{_PROXY} If the new address is the right one, set LUMBAR_CDS_PUBLIC_URL to it."
        return failed("public.discovery", target, f"HTTP {answer.status}: a redirect to {answer.redirect}", remedy)
    ids = _service_ids(answer)
    ours = [one.id for one in SERVICES]
    if ids is None:
        says = f"HTTP {answer.status}, and no discovery document"
        return failed("public.discovery", target, says, _elsewhere(url, service) or _PROXY)
    if lacking := [one for one in ours if one not in ids]:
        remedy = "Another CDS service answers here: correct LUMBAR_CDS_PUBLIC_URL or the proxy."
        return failed("public.discovery", target, f"services of ours are lacking: {', '.join(lacking)}", remedy)
    return passed("public.discovery", target, f"discovery lists {', '.join(ids)}", services=ids)


def _service_ids(answer: Answer) -> list[str] | None:
    """Return the ids of a discovery document; None for anything else."""
    if answer.status != HTTPStatus.OK:
        return None
    try:
        found = json.loads(answer.body)["services"]
        return [str(one["id"])[:100] for one in found]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _elsewhere(url: str, service: OurService) -> str | None:
    """Return where the service is found instead, above or below its public address."""
    parts = urlsplit(url)
    host, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    for place, meaning in (
        (
            host,
            "the path of LUMBAR_CDS_PUBLIC_URL is not passed on; take it out of the setting, or add it in the proxy",
        ),
        (f"{url}{path}", "the proxy takes off a path that is there twice; correct one of the two"),
    ):
        if not path:
            return None
        answer = service.ask("GET", f"{place}/cds-services")
        if answer and _service_ids(answer):
            return f"The service answers at {place}/cds-services: {meaning}."
    return None


def _hook(url: str, service: OurService) -> Check:
    """Send an empty call, which a service of ours refuses in its own words: so the body arrived, and by POST."""
    target = f"{url}/cds-services/{SERVICES[0].id}"
    answer = service.ask("POST", target, {"Content-Type": "application/json"}, b"{}")
    if answer is None:
        return failed("public.hook", target, "nothing answers", "Look at the log of the proxy.")
    if answer.redirect:
        remedy = "Clients send no body to where a redirect leads: name that address, or take the redirect out."
        return failed("public.hook", target, f"HTTP {answer.status}: a redirect to {answer.redirect}", remedy)
    ours = b"OperationOutcome" in answer.body and "X-Request-ID" in answer.headers
    if ours and answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.BAD_REQUEST):
        who = "asks for proof of who calls" if answer.status == HTTPStatus.UNAUTHORIZED else "reads the body"
        return passed("public.hook", target, f"the hook is reached by POST and {who}", http_status=answer.status)
    says = f"HTTP {answer.status}, not an answer of this service"
    return failed(
        "public.hook", target, says, f"{_PROXY} It must allow POST, JSON bodies, and the header Authorization."
    )
