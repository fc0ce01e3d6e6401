"""Several clients of one service: each gets what its own profile says, and nothing of another's."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import pytest

from cards.guideline.wording import Wording, load_wording
from cds_service.demo.requests import find_demo
from tests.ehr import PUBLIC_URL, Ehr, clients_file, hook
from tests.protocol.builders import (
    CPT,
    SELECT,
    SIGN,
    HookClient,
    Reply,
    concept,
    feedback_entry,
    hook_request,
    lumbar_mri,
    make_app,
)
from tests.unit.cds_service.observability.test_metrics import value

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCAL: Final = "http://hospital.example/orders"
EHRS: Final = {name: Ehr(f"https://{name}.example", name) for name in ("alpha", "beta", "gamma", "small")}

PROFILES: Final[dict[str, dict[str, Any]]] = {
    "alpha": {
        "explain": True,
        "verbosity": "all",
        "site_file": "alpha/site.toml",
        "shape": {"link_hosts": [urlsplit(PUBLIC_URL).hostname]},
    },
    "beta": {
        "explain": False,
        "verbosity": "action",
        "site_file": "beta/site.toml",
        "shape": {"action_style": "update", "selection_behavior": "any", "rating_place": "both"},
    },
    "gamma": {"explain": True, "language": "xx", "shape": {"action_style": "info", "rating_place": "root"}},
    "small": {
        "explain": True,
        "limits": {"max_body_bytes": 20_000, "max_orders": 1, "calls_per_minute": 1},
        "shape": {"action_style": "single"},
    },
}


def site(folder: Path, name: str) -> None:
    """Write a site file with one local order code."""
    (folder / name / "fhir").mkdir(parents=True)
    text = f'name = "{name}"\nterminology_folder = "fhir"\n'
    (folder / name / "site.toml").write_text(text, encoding="utf-8")
    element = {"code": f"{name}-MRI", "target": [{"code": "72148", "equivalence": "equivalent"}]}
    group = {"source": LOCAL, "target": CPT, "element": [element]}
    concept_map = {"resourceType": "ConceptMap", "status": "active", "group": [group]}
    (folder / name / "fhir" / "map.json").write_text(json.dumps(concept_map), encoding="utf-8")


def marked(node: Any) -> Any:
    """Return sentences that can be told from the English ones."""
    if isinstance(node, dict):
        return {name: marked(value) for name, value in node.items()}
    return f"xx {node}" if isinstance(node, str) and " " in node else node


def wording(language: str) -> Wording:
    """Return the sentences of a language, of which `xx` is made up."""
    english = load_wording("en")
    table = {**english.table, "messages": marked(english.table["messages"])}
    return Wording("xx", table) if language == "xx" else load_wording(language)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the clients file and what it refers to."""
    folder = tmp_path_factory.mktemp("differences")
    for name in "alpha", "beta":
        site(folder, name)
    issuers = {name: [{"iss": ehr.iss, "keys": [ehr.jwk]}] for name, ehr in EHRS.items()}
    clients_file(folder, {name: {"issuers": issuers[name], **PROFILES[name]} for name in EHRS})
    return folder


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[HookClient]:
    """A service with four clients that differ in everything."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cds_service.hooks.adviser.load_wording", wording)
        patch.setattr("cds_service.clients.file.consistency.load_wording", wording)
        yield HookClient(fresh(folder))


def fresh(folder: Path) -> Any:
    """Return an application whose clients have not called yet."""
    return make_app(
        clients_file=folder / "clients.yaml", public_url=PUBLIC_URL, data_dir=folder / "data", workers=1, explain=False
    )


def call(client: HookClient, name: str, request: Any = None, service: str = SIGN, **options: Any) -> Reply:
    """Call as one of the clients."""
    sent = hook_request(service) if request is None else request
    return client.call(service, sent, headers=EHRS[name].headers(hook(service)), **options)


def actions(reply: Reply) -> list[str]:
    """Return what kinds of actions the suggestions have."""
    suggestions = [suggestion for card in reply.cards for suggestion in card.get("suggestions", ())]
    return sorted({action["type"] for suggestion in suggestions for action in suggestion["actions"]})


def test_each_client_gets_its_shape(client: HookClient) -> None:
    """Suggestions come in the form that a client can take, or not at all; ratings go where it looks for them."""
    alpha, beta, gamma = (call(client, name) for name in ("alpha", "beta", "gamma"))
    assert actions(alpha) == ["create", "delete", "update"]
    assert "update" in actions(beta)
    assert "delete" not in actions(beta)
    assert actions(gamma) == []
    assert "systemActions" not in alpha.json
    assert beta.json["systemActions"] == beta.json["extension"]["systemActions"]
    assert "systemActions" in gamma.json
    assert "systemActions" not in gamma.json["extension"]
    assert {card["selectionBehavior"] for card in beta.cards if "suggestions" in card} == {"any"}


def test_links_lead_where_the_client_allows(client: HookClient) -> None:
    """A link to a host that is not registered with the EHR would be removed there; it is left out."""
    hosts = {name: "links" in call(client, name).cards[0] for name in ("alpha", "beta")}
    assert hosts == {"alpha": True, "beta": False}


def test_answers_explain_themselves_to_those_who_ask(client: HookClient) -> None:
    """Assessments and times are for the client whose profile wants them."""
    alpha, beta = call(client, "alpha"), call(client, "beta")
    assert alpha.assessments
    assert "Server-Timing" in alpha.headers
    assert "org.lumbar-mri-cds.assessments" not in beta.text
    assert "Server-Timing" not in beta.headers


def test_codes_of_one_site_are_unknown_at_another(client: HookClient) -> None:
    """A local code counts for the client whose site maps it, and for nobody else."""
    for code in "alpha", "beta":
        order = lumbar_mri(code=concept(LOCAL, f"{code}-MRI"))
        shown = {name: bool(call(client, name, hook_request(SIGN, order)).cards) for name in ("alpha", "beta", "gamma")}
        assert shown == {name: name == code for name in shown}


def test_each_client_gets_its_language(client: HookClient) -> None:
    """Cards speak the language of the client's clinicians."""
    assert call(client, "gamma").cards[0]["summary"].startswith("xx ")
    assert "xx " not in call(client, "alpha").text


def test_each_client_gets_its_verbosity(client: HookClient) -> None:
    """One client wants to hear that all is well, another only what asks for something."""
    demo = find_demo("failed-six-weeks")
    assert demo
    body = demo.body()
    alpha, beta = (call(client, name, service=SELECT, data=body) for name in ("alpha", "beta"))
    assert [card["indicator"] for card in alpha.cards] == ["info"]
    assert beta.cards == []


def test_consultations_of_clients_are_told_apart(client: HookClient) -> None:
    """The id of a rated order is the client's own, although the other client's order has the same id."""
    url = "http://fhir.org/argonaut/Extension/pama-rating-consult-id"
    found = {
        extension["valueUri"]
        for name in ("beta", "gamma")
        for extension in call(client, name).json["systemActions"][0]["resource"]["extension"]
        if extension["url"] == url
    }
    assert len(found) == 2


def test_limits_are_the_clients_own(folder: Path, client: HookClient) -> None:
    """Size, orders and calls are limited by what was agreed with a client; the others do not notice."""
    large = hook_request(SIGN, padding="x" * 20_000)
    two = hook_request(SIGN, lumbar_mri(1), lumbar_mri(2))
    assert call(client, "alpha", large).status == 200
    assert call(client, "alpha", two).status == 200
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cds_service.hooks.adviser.load_wording", wording)
        patch.setattr("cds_service.clients.file.consistency.load_wording", wording)
        assert call(HookClient(fresh(folder)), "small", large).status == 413
        assert call(HookClient(fresh(folder)), "small", two).codes == ["too-costly"]
        once = HookClient(fresh(folder))
    assert call(once, "small").status == 200
    refused = call(once, "small")
    assert (refused.status, refused.codes) == (429, ["throttled"])
    assert 50 <= int(refused.headers["Retry-After"]) <= 60
    assert "cards" not in refused.json
    assert value(once, "hook_calls_total", client="small", status="429") == 1
    # What clinicians answered is taken all the same.
    feedback = EHRS["small"].headers(f"{hook(SIGN)}/feedback")
    assert once.report(SIGN, [feedback_entry()], headers=feedback).status == 200
    for _ in range(3):
        assert call(once, "alpha").status == 200


def test_calls_at_the_same_time_are_not_mixed_up(client: HookClient) -> None:
    """Clients that call at once about different patients get the answers that they get alone."""
    names = ("alpha", "beta", "gamma")

    def asked(number: int) -> Any:
        name = names[number % len(names)]
        patient = f"{name}-{number % 2}"
        order = lumbar_mri(id=f"order-{patient}", subject={"reference": f"Patient/{patient}"})
        prefetch = hook_request(SIGN)["prefetch"] | {"patient": {"resourceType": "Patient", "id": patient}}
        conditions = json.loads(json.dumps(prefetch["conditions"]).replace("Patient/pat-1", f"Patient/{patient}"))
        request = hook_request(
            SIGN, order, context={"patientId": patient}, prefetch=prefetch | {"conditions": conditions}
        )
        return call(HookClient(client.flask.application), name, request).json

    alone = [asked(number) for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(asked, [number % 6 for number in range(36)]))
    assert together == [alone[number % 6] for number in range(36)]
    for number, answer in enumerate(alone):
        others = [f"order-{name}" for name in names if name != names[number % 3]]
        assert not any(other in json.dumps(answer) for other in others)


def test_feedback_belongs_to_the_client_that_sent_it(client: HookClient) -> None:
    """What a client's clinicians say is counted as theirs."""
    before = value(client, "feedback_total", client="beta")
    client.report(SIGN, [feedback_entry()], headers=EHRS["beta"].headers(f"{hook(SIGN)}/feedback"))
    assert value(client, "feedback_total", client="beta") == before + 1
