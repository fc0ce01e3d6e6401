"""GET /fhir/ValueSet and /fhir/ValueSet/{id}."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.valueset import ValueSet

from tests.terminology import bundled_index

if TYPE_CHECKING:
    from tests.protocol.builders import HookClient

ADDRESS = "/fhir/ValueSet"
PUBLIC = "https://lumbar-mri-cds.org/fhir/ValueSet"


def _ids(client: HookClient, query: str) -> list[str]:
    bundle = client.open(f"{ADDRESS}{query}").json
    found = [entry["resource"]["id"] for entry in bundle.get("entry", [])]
    assert bundle["total"] == len(found)
    return found


def test_lists_every_bundled_value_set(client: HookClient) -> None:
    """The list is a searchset of all concepts, each with the full URL that its own canonical URL has."""
    bundle = client.open(ADDRESS).json
    concepts = bundled_index().concept_ids
    assert (bundle["resourceType"], bundle["type"], bundle["total"]) == ("Bundle", "searchset", len(concepts))
    assert {entry["resource"]["id"].replace("-", "_") for entry in bundle["entry"]} == concepts
    assert [entry["fullUrl"] for entry in bundle["entry"]] == [entry["resource"]["url"] for entry in bundle["entry"]]


def test_list_is_valid_fhir(client: HookClient) -> None:
    """The Bundle and every ValueSet in it are valid FHIR R4B."""
    Bundle.model_validate_json(client.open(ADDRESS).text)


@pytest.mark.parametrize("query", ["?url=nothing", "?_id=fever,esr"])
def test_filtered_list_is_valid_fhir(client: HookClient, query: str) -> None:
    """A list that is filtered, or empty, is valid FHIR R4B too."""
    Bundle.model_validate_json(client.open(f"{ADDRESS}{query}").text)


def test_gives_one_value_set(client: HookClient) -> None:
    """A value set has its own address, with canonical URL, version and copyright notes."""
    reply = client.open(f"{ADDRESS}/cauda-equina")
    value_set = ValueSet.model_validate_json(reply.text)
    assert reply.status == 200
    assert value_set.url == f"{PUBLIC}/cauda-equina"
    assert value_set.version
    assert value_set.copyright


@pytest.mark.parametrize("name", ["nothing", "cauda_equina", "FEVER", "..%2F..%2Fetc"])
def test_unknown_value_set_is_not_found(client: HookClient, name: str) -> None:
    """An unknown id is answered with 404 and an OperationOutcome that says where the ids are."""
    reply = client.open(f"{ADDRESS}/{name}")
    assert reply.status == 404
    assert reply.codes == ["not-found"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (f"?url={PUBLIC}/fever", ["fever"]),
        (f"?url={PUBLIC}/nothing", []),
        ("?_id=fever", ["fever"]),
        ("?_id=fever,esr", ["esr", "fever"]),
        ("?name=Feve", ["fever"]),
        ("?name=FEVER", ["fever"]),
        ("?name=ever", []),
        (f"?_id=fever&url={PUBLIC}/fever", ["fever"]),
        (f"?_id=esr&url={PUBLIC}/fever", []),
    ],
)
def test_filters(client: HookClient, query: str, expected: list[str]) -> None:
    """Ids and URLs match exactly, names from their beginning; several filters all have to fit."""
    assert _ids(client, query) == expected


@pytest.mark.parametrize("query", ["?_count=1", "?status=draft", "?url=", "?x=%FF"])
def test_other_parameters_are_ignored(client: HookClient, query: str) -> None:
    """What is no filter of this service, or is empty, changes nothing."""
    assert len(_ids(client, query)) == client.open(ADDRESS).json["total"]


def test_says_what_was_searched_for(client: HookClient) -> None:
    """The self link holds the filters that were understood, and no others."""
    (link,) = client.open(f"{ADDRESS}?x=1&_id=fever%26esr").json["link"]
    assert link == {"relation": "self", "url": f"{PUBLIC}?_id=fever%26esr"}


@pytest.mark.parametrize("path", [ADDRESS, f"{ADDRESS}/fever", f"{ADDRESS}?name=fever"])
def test_may_be_cached(client: HookClient, path: str) -> None:
    """Answers are FHIR JSON with an ETag, and are not sent again to who has them."""
    reply = client.open(path)
    assert reply.headers["Content-Type"] == "application/fhir+json"
    assert reply.headers["Cache-Control"] == "public, max-age=300"
    again = client.open(path, headers={"If-None-Match": reply.headers["ETag"]})
    assert (again.status, again.text) == (304, "")


def test_is_the_same_for_every_caller(client: HookClient) -> None:
    """Nothing in the answer depends on the host name that a client used."""
    plain = client.open(ADDRESS).text
    assert client.open(ADDRESS, headers={"Host": "other.example"}).text == plain


def test_is_read_only(client: HookClient) -> None:
    """Nobody can change a value set."""
    assert client.open(ADDRESS, "POST", data="{}", content_type="application/json").status == 405
