"""Which links are followed: the server's own, and nothing that could be read as one while it leads elsewhere."""

from __future__ import annotations

import pytest

from fhir_mappings.fhir_client.links import is_below, resolve_link
from tests.unit.fhir_mappings.fhir_client.server import BASE

PAGE = f"{BASE}/Condition?patient=pat-1"


@pytest.mark.parametrize(
    ("link", "target"),
    [
        (f"{BASE}/Condition?page=2", f"{BASE}/Condition?page=2"),
        (f"{BASE}?_getpages=1c2-3&_bundletype=searchset", f"{BASE}?_getpages=1c2-3&_bundletype=searchset"),
        (f"{BASE}/?_getpages=1", f"{BASE}/?_getpages=1"),
        ("?page=2", f"{BASE}/Condition?page=2"),
        ("Condition?page=2", f"{BASE}/Condition?page=2"),
        ("/fhir/r4/Condition?page=2", f"{BASE}/Condition?page=2"),
        ("//ehr.example/fhir/r4/Condition", f"{BASE}/Condition"),
        (f"{BASE}/Condition?code=a|b,c#top", f"{BASE}/Condition?code=a|b,c"),
        ("HTTPS://EHR.example:443/fhir/r4/Condition", "HTTPS://EHR.example:443/fhir/r4/Condition"),
        (f"{BASE}/Condition?next=https://other.example/../x", f"{BASE}/Condition?next=https://other.example/../x"),
        (f"{BASE}/Condition/%24page", f"{BASE}/Condition/%24page"),
    ],
)
def test_own_links_are_followed(link: str, target: str) -> None:
    """A next page that stays below the server's base is read, however its address is written."""
    resolved = resolve_link(link, PAGE, BASE)
    assert resolved is not None
    assert resolved.casefold() == target.casefold()
    assert is_below(resolved, BASE)


@pytest.mark.parametrize(
    "link",
    [
        "",
        "https://other.example/fhir/r4/Condition",
        "//other.example/fhir/r4/Condition",
        "http://ehr.example/fhir/r4/Condition",
        "https://ehr.example:8443/fhir/r4/Condition",
        "https://ehr.example.other.example/fhir/r4/Condition",
        "https://ehr.example@other.example/fhir/r4/Condition",
        "https://other.example@ehr.example/fhir/r4/Condition",
        "https://user:word@ehr.example/fhir/r4/Condition",
        "https://ehr.example\\@other.example/fhir/r4/Condition",
        "https:\\\\other.example/fhir/r4",
        "https://ehr.example/fhir/r4x/Condition",
        "https://ehr.example/fhir/Condition",
        "https://ehr.example/admin",
        "/admin",
        "../../admin?x=",
        f"{BASE}/../admin",
        f"{BASE}/./Condition",
        f"{BASE}/%2e%2e/admin",
        f"{BASE}/.%2E/admin",
        f"{BASE}/..%2f..%2fadmin",
        f"{BASE}/..%5cadmin",
        f"{BASE}/%252e%252e/admin",
        f"{BASE}/..;/admin",
        f"{BASE}/.;x/admin",
        f"{BASE}/Condition%00",
        f"{BASE}/Condition%0d%0aX-Header:1",
        f"{BASE}/Condition\r\nX-Header: 1",
        f"{BASE}/Con dition",
        f"{BASE}/Bedingung\u00e4",
        f"{BASE}/Condition%",
        f"{BASE}/{'x' * 9000}",
        "https://[::1/fhir/r4/Condition",
        "https://ehr.example:port/fhir/r4/Condition",
        "https://ehr.example:99999/fhir/r4/Condition",
        "https://ehr%2eexample/fhir/r4/Condition",
        "ftp://ehr.example/fhir/r4/Condition",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "data:text/plain,x",
    ],
)
def test_other_links_are_not_followed(link: str) -> None:
    """A link to elsewhere, or that two programs may read differently, takes the token nowhere."""
    assert resolve_link(link, PAGE, BASE) is None


@pytest.mark.parametrize(
    ("url", "base", "below"),
    [
        (BASE, BASE, True),
        (BASE, f"{BASE}/", True),
        (f"{BASE}/", BASE, True),
        ("https://ehr.example/Condition", "https://ehr.example", True),
        ("https://ehr.example/Condition", "https://ehr.example/", True),
        ("http://[::1]:8080/fhir/Condition", "http://[::1]:8080/fhir", True),
        ("http://127.0.0.1:8080/fhir/Condition", "http://127.0.0.1:8080/fhir", True),
        ("http://127.0.0.1:8080/fhir/Condition", "http://127.0.0.1:80/fhir", False),
        ("Condition", BASE, False),
        (f"{BASE}/Condition", "no address", False),
        (f"{BASE}/Con dition", BASE, False),
        (f"{BASE}\\x", BASE, False),
    ],
)
def test_what_lies_below_a_base(url: str, base: str, below: bool) -> None:
    """Origin and path are compared as a server would, with or without a slash at the end."""
    assert is_below(url, base) is below
