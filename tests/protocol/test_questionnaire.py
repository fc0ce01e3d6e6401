"""GET /fhir/Questionnaire/lumbar-mri."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.questionnaire import Questionnaire

from cards.guideline.guideline import GUIDELINE_VERSION
from fhir_mappings.questionnaire.table import QUESTIONNAIRE_URL, published_questions

if TYPE_CHECKING:
    from tests.protocol.builders import HookClient

ADDRESS = "/fhir/Questionnaire/lumbar-mri"


def test_gives_the_questions_of_this_version(client: HookClient) -> None:
    """The Questionnaire is valid R4B, of the guideline's version, with one item a question and three answers."""
    reply = client.open(ADDRESS)
    Questionnaire.model_validate_json(reply.text)
    found = reply.json
    assert reply.headers["Content-Type"].startswith("application/fhir+json")
    assert (found["url"], found["version"]) == (QUESTIONNAIRE_URL, GUIDELINE_VERSION)
    assert [item["linkId"] for item in found["item"]] == [question.link_id for question in published_questions()]
    answers = {tuple(option["valueCoding"]["code"] for option in item["answerOption"]) for item in found["item"]}
    assert answers == {("yes", "no", "unknown")}
    codes = {coding["code"] for item in found["item"] for coding in item.get("code", ())}
    assert codes == {"449813001", "386661006", "448765001", "77386006"}


def test_may_be_kept_for_a_while(client: HookClient) -> None:
    """Whoever has this version learns that it is the same one."""
    first = client.open(ADDRESS)
    again = client.open(ADDRESS, headers={"If-None-Match": first.headers["ETag"]})
    assert "max-age=300" in first.headers["Cache-Control"]
    assert again.status == 304


@pytest.mark.parametrize("name", ["nothing", "LUMBAR-MRI", "lumbar-mri.json"])
def test_there_is_one(client: HookClient, name: str) -> None:
    """Any other id is answered with 404 and an OperationOutcome that says which there is."""
    reply = client.open(f"/fhir/Questionnaire/{name}")
    assert reply.status == 404
    assert reply.codes == ["not-found"]
    assert ADDRESS in reply.text


@pytest.mark.parametrize("url", [QUESTIONNAIRE_URL, f"{QUESTIONNAIRE_URL}|{GUIDELINE_VERSION}", None])
def test_is_found_by_its_canonical_address(client: HookClient, url: str | None) -> None:
    """As a QuestionnaireResponse names it, with the version or without; a search for nothing finds the one there is."""
    reply = client.open("/fhir/Questionnaire", query_string={"url": url} if url else {})
    Bundle.model_validate_json(reply.text)
    assert (reply.status, reply.json["type"], reply.json["total"]) == (200, "searchset", 1)
    assert reply.json["entry"][0]["resource"] == client.open(ADDRESS).json


@pytest.mark.parametrize("url", ["https://example.org/fhir/Questionnaire/lumbar-mri", f"{QUESTIONNAIRE_URL}|0.0.1", ""])
def test_search_for_another_finds_nothing(client: HookClient, url: str) -> None:
    """Another address, or another version, is an empty searchset and no error."""
    reply = client.open("/fhir/Questionnaire", query_string={"url": url})
    assert (reply.status, reply.json["total"]) == (200, 0)
    assert "entry" not in reply.json
