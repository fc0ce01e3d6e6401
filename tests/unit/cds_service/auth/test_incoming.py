"""Credentials as a web server hands them over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask, request
from werkzeug.middleware.proxy_fix import ProxyFix

from cds_service.auth.incoming import credentials_of
from cds_service.auth.verifiers.callers import Credentials
from tests.unit.cds_service.auth.builders import PUBLIC_URL, SERVICE, Site, client, sign

if TYPE_CHECKING:
    from collections.abc import Mapping


def received(headers: Mapping[str, str], *, proxied: bool = False, **more: Any) -> Credentials:
    """Return what an application sees of a request to the service below a path prefix."""
    app = Flask(__name__)
    seen: list[Credentials] = []

    @app.get(SERVICE)
    def service() -> str:
        seen.append(credentials_of(request))
        return ""

    if proxied:
        app.wsgi_app = ProxyFix(app.wsgi_app)  # type: ignore[method-assign] # as Flask's documentation says
    app.test_client().get(SERVICE, base_url=PUBLIC_URL, headers=headers, **more)
    return seen[0]


def test_request_with_a_token_is_admitted() -> None:
    """The path below the prefix is the endpoint, and the prefix is part of the public address."""
    credentials = received({"Authorization": f"Bearer {sign()}", "Origin": "https://a.example"})
    assert (credentials.endpoint, credentials.origin) == (SERVICE, "https://a.example")
    assert Site([client()]).gate().admit(credentials).client.name == "hospital"


def test_headers_are_found_by_lower_case_name() -> None:
    """Names of headers have no case."""
    assert received({"X-SSL-Client-Verify": "SUCCESS"}).headers["x-ssl-client-verify"] == "SUCCESS"
    assert received({}).authorization == ()


@pytest.mark.parametrize("proxied", [False, True])
def test_remote_address_is_the_connections(proxied: bool) -> None:
    """A caller cannot claim the proxy's address, even where the application believes X-Forwarded-For."""
    forwarded = {"X-Forwarded-For": "10.0.0.1"}
    environ = {"REMOTE_ADDR": "203.0.113.9"}
    assert received(forwarded, proxied=proxied, environ_overrides=environ).remote_address == "203.0.113.9"
