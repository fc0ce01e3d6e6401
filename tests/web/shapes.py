"""Cards as each kind of EHR would show them, drawn from the answers that its profile gets.

No EHR's own look is copied: what is drawn is what its documentation says it shows of a card, and how much room it
gives it. Epic's advisory shows descriptions and not labels, and the reasons to acknowledge; Oracle's panel is an eighth
of a screen; the sandbox makes a button of each label.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from importlib import resources
from typing import Any, Final

from jinja2 import Environment, StrictUndefined

from cards.response.client_shape import SiteCode
from cards.suggestions.drafts import orderables
from cds_service.clients.file.profile_builder import build_profile
from cds_service.clients.file.ready_made import complete_table
from cds_service.clients.profile import ClientProfile
from cds_service.config.settings import load_settings
from cds_service.hooks.adviser import Adviser
from cds_service.pages.rendering.markdown import block_html
from cds_service.protocol.envelope import read_hook_request
from fhir_mappings.chart.chart import read_chart
from fhir_mappings.fhir.prefetch import read_prefetch
from tests.terminology import bundled_index

_ISSUERS: Final = [{"iss": "https://ehr.example", "jku": "https://ehr.example/keys"}]
_CATALOGUE: Final = "urn:com.epic.cdshooks.action.code.system.preference-list-item"


@dataclass(frozen=True)
class Panel:
    """How one kind of EHR shows a card: the profile it is answered by, its width, and which parts it shows."""

    name: str
    extends: str
    width: int
    shows: str  # of a suggestion: `description`, `label`, or nothing
    acknowledges: bool = True


PANELS: Final = (
    Panel("epic", "epic-like", 620, "description"),
    Panel("narrow", "oracle-like", 180, "", acknowledges=False),
    Panel("sandbox", "cds-hooks-sandbox", 600, "label"),
    Panel("info", "strict", 600, ""),
)


def profile_of(panel: Panel) -> ClientProfile:
    """Return the profile of a panel's client; an Epic-like site has built some of the orders."""
    table = complete_table({"extends": panel.extends, "issuers": _ISSUERS})
    client = build_profile(panel.name, table)
    if panel.name == "epic":
        # What this site has not built is told in words.
        built = {name: SiteCode(_CATALOGUE, name.upper()) for name in orderables() if not name.startswith("order_x")}
        return replace(client, shape=replace(client.shape, orderables=built))
    return replace(client, shape=replace(client.shape, action_style="info")) if panel.name == "info" else client


@cache
def _cases() -> Mapping[str, Any]:
    file = resources.files("cds_service.pages.criteria") / "gallery.json"
    cases: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return cases


def cards_for(panel: Panel, message: str) -> list[dict[str, Any]]:
    """Return the cards that a panel's client gets in the case of a message."""
    request = _cases()[message]["request"]
    adviser = Adviser.of(profile_of(panel), load_settings({}), bundled_index())
    read = read_hook_request(json.dumps(request).encode(), request["hook"])
    chart = read_chart(read.patient_id, read_prefetch(read.prefetch), adviser.index)
    ordered = date.fromisoformat(request["context"]["draftOrders"]["entry"][0]["resource"]["authoredOn"])
    assessments = adviser.assess(adviser.orders(read), chart, ordered)
    found: list[dict[str, Any]] = json.loads(json.dumps(adviser.respond(assessments, read).document, default=float))[
        "cards"
    ]
    return found


_PAGE: Final = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{{ panel.name }}</title><style>
body { font: 14px/1.4 "Liberation Sans", sans-serif; margin: 12px; color: #1f2a35; background: #e7ebee; }
main { width: {{ panel.width }}px; }
article { background: #fff; border: 1px solid #b9c3cc; border-top: 5px solid #1c5b9c; margin-bottom: 12px; }
article { padding: 10px; }
article.warning { border-top-color: #b87000; } article.critical { border-top-color: #a6211a; }
h2 { font-size: 1.05em; margin: 0 0 6px; } p { margin: 0 0 8px; } ul { margin: 0 0 8px; padding-left: 18px; }
.order { display: flex; gap: 8px; align-items: center; border-top: 1px solid #dfe5ea; padding: 6px 0; }
.order span { border: 1px solid #8a97a4; border-radius: 3px; padding: 2px 8px; min-width: 52px; text-align: center; }
.order .on { background: #0b5d7a; color: #fff; } .reasons span, .press { display: inline-block; border: 1px solid
#8a97a4; border-radius: 3px; padding: 2px 8px; margin: 0 4px 4px 0; } .press { background: #0b5d7a; color: #fff; }
small { color: #53616f; }
</style></head><body><main>
{% for card in cards %}<article class="{{ card.indicator }}"><h2>{{ card.summary }}</h2>{{ card.detail | markdown }}
{% for item in card.get("suggestions", ()) %}{% if panel.shows == "description" %}
{% set act = item.actions[0] %}{% set verb = {"create": "Order", "delete": "Remove", "update": "Change"}[act.type] %}
<div class="order"><span{% if item.get("isRecommended") %} class="on"{% endif %}>{{ verb }}</span>
<div>{{ act.description }}</div></div>
{% elif panel.shows == "label" %}<div><span class="press">{{ item.label }}</span></div>{% endif %}{% endfor %}
{% if panel.acknowledges and card.get("overrideReasons") %}<p class="reasons"><small>Acknowledge:</small><br>
{% for reason in card.overrideReasons %}<span>{{ reason.display }}</span>{% endfor %}</p>{% endif %}
<small>{{ card.source.label }}</small></article>{% endfor %}</main></body></html>"""


def page_of(panel: Panel, *messages: str) -> str:
    """Return a page that shows the cards of some messages as a panel does."""
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    environment.filters["markdown"] = block_html
    cards = [card for message in messages for card in cards_for(panel, message)]
    return environment.from_string(_PAGE).render(panel=panel, cards=cards)
