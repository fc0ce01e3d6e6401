"""What docs/operations.md and deploy/ say is what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from cds_service.observability.logs import FIELDS, LINE_FIELDS
from cds_service.observability.metrics import Metrics
from cds_service.protocol.trace import PHASES
from fhir_mappings.fhir.needs import CORE_SOURCES, DATA_NEEDS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
ALERTS = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text(encoding="utf-8"))
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
DASHBOARD = json.loads((ROOT / "deploy/grafana/lumbar-cds.json").read_text(encoding="utf-8"))
EXPRESSIONS = [rule["expr"] for rule in RULES]
EXPRESSIONS += [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]

_SELECTOR = re.compile(r"(lumbar_cds_\w+)(?:\{([^}]*)\})?")
_GROUPED = re.compile(r"by \(([^)]*)\)")
_MATCHED = re.compile(r"(\w+)\s*[!=]=?~?\s*\"")


def rows(name: str) -> list[list[str]]:
    """Return the cells of a table between its markers, without its head."""
    found = re.search(rf"<!-- {name}:begin -->\n(.*?)<!-- {name}:end -->", PAGE, re.DOTALL)
    assert found
    lines = found[1].strip().splitlines()[2:]
    return [[cell.strip().replace("`", "") for cell in line.strip("|").split("|")] for line in lines]


def declared() -> dict[str, tuple[str, tuple[str, ...], str]]:
    """Return type, labels and meaning of every metric by the name under which it is documented."""
    metrics = Metrics()
    return {
        metric._name + ("_total" if metric._type == "counter" else ""): (
            str(metric._type),
            metric._labelnames,
            metric._documentation,
        )
        for metric in metrics._registry._collector_to_names
        if isinstance(metric, MetricWrapperBase)
    }


def series() -> dict[str, set[str]]:
    """Return the labels of every series that Prometheus stores, by name."""
    found: dict[str, set[str]] = {}
    for name, (kind, labels, _) in declared().items():
        for suffix in ("_bucket", "_count", "_sum") if kind == "histogram" else ("",):
            found[name + suffix] = {*labels, *(["le"] if suffix == "_bucket" else [])}
    return found


def test_each_metric_is_explained() -> None:
    """The table holds every metric with its type, labels and meaning, and no other."""
    expected = [[name, kind, ", ".join(labels), meaning] for name, (kind, labels, meaning) in declared().items()]
    assert sorted(rows("metrics")) == sorted(expected)


def test_each_field_is_explained() -> None:
    """The table holds every field that a log line can have, and no other."""
    assert [row[0] for row in rows("fields")] == [*LINE_FIELDS, *FIELDS]


def test_each_phase_is_explained() -> None:
    """The table holds every phase in its order."""
    assert [row[0] for row in rows("phases")] == list(PHASES)


def test_unread_core_sources_are_alerted() -> None:
    """The alert watches every source that answers rest on, whatever kept it from being read."""
    (rule,) = [rule for rule in RULES if rule["alert"] == "LumbarCdsCoreSourceUnread"]
    watched = re.search(r'source=~"([^"]+)"', rule["expr"])
    assert watched
    assert set(watched[1].split("|")) == {need.key for need in DATA_NEEDS if need.resource_type in CORE_SOURCES}


def test_each_alert_says_what_to_do() -> None:
    """Whoever is woken finds a next step."""
    assert [row[0] for row in rows("alerts")] == [rule["alert"] for rule in RULES]
    assert all(len(row[1]) > 20 for row in rows("alerts"))


def test_alerts_are_complete() -> None:
    """Each alert has a name of its own, a severity and a sentence."""
    assert len({rule["alert"] for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        assert rule["annotations"]["summary"].endswith((".", "?"))
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_expressions_ask_for_what_there_is(expression: str) -> None:
    """Alerts and dashboard name series and labels that exist: one that does not would never fire."""
    known = series()
    asked = _SELECTOR.findall(expression)
    assert asked or expression.startswith("up{")
    labels: set[str] = set()
    for name, matchers in asked:
        assert name in known
        assert set(_MATCHED.findall(matchers)) <= known[name]
        labels |= known[name]
    for names in _GROUPED.findall(expression):
        assert {name.strip() for name in names.split(",")} <= labels
    assert expression.count("(") == expression.count(")")


def test_legends_name_labels_that_remain() -> None:
    """A legend does not ask for a label that its expression has summed away."""
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            (name, _), *_ = _SELECTOR.findall(target["expr"])
            grouped = _GROUPED.findall(target["expr"])
            left = {part.strip() for part in grouped[0].split(",")} if grouped else series()[name]
            assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= left


def test_panels_do_not_overlap() -> None:
    """Every panel of the dashboard has an id and a place of its own."""
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(places)) == len(places)
    assert all(x < 24 for x, _ in places)
