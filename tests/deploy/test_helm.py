"""The Helm chart: rendered by Helm's own library, valid Kubernetes, and as careful as docs/operations.md says."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import kubernetes_validate  # type: ignore[import-untyped] # ships no types
import pytest
import yaml

from cds_service import __version__
from cds_service.config.settings import load_settings

helm = pytest.importorskip("helm_python", reason="Helm's library has no build for this platform")

CHART: Final = Path(__file__).parents[2] / "deploy" / "helm" / "lumbar-cds"
KUBERNETES: Final = ("1.29", "1.34")
OPTIONS: Final = {
    "autoscaling": {"enabled": True},
    "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
    "switches": {"existingConfigMap": "switches"},
    "clients": {"existingConfigMap": "clients"},
    "secrets": {"metricsToken": {"name": "tokens"}, "adminToken": {"name": "tokens"}},
    "image": {"digest": f"sha256:{'0' * 64}"},
    "imagePullSecrets": [{"name": "registry"}],
    "podLabels": {"team": "imaging"},
    "podAnnotations": {"note": "x"},
    "nodeSelector": {"kubernetes.io/arch": "amd64"},
    "tolerations": [{"key": "dedicated", "operator": "Exists"}],
    "affinity": {"podAntiAffinity": {}},
}
USUAL: Final = {
    "ConfigMap",
    "Deployment",
    "NetworkPolicy",
    "PodDisruptionBudget",
    "Service",
    "ServiceAccount",
}


def rendered(values: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the manifests by kind, as `helm template` makes them."""
    with helm.Chart.load(str(CHART)) as chart:
        chart.validate_schema(values or {})
        files = chart.render(values or {}, name="advice", namespace="imaging")
    texts = [text for name, text in files.items() if name.endswith(".yaml")]
    return {one["kind"]: one for text in texts for one in yaml.safe_load_all(text) if one}


def container(manifests: dict[str, Any]) -> dict[str, Any]:
    """Return the only container."""
    (only,) = manifests["Deployment"]["spec"]["template"]["spec"]["containers"]
    return dict(only)


@pytest.mark.parametrize("values", [None, OPTIONS], ids=["as-it-is", "every-option"])
def test_chart_is_sound(values: dict[str, Any] | None) -> None:
    """Helm finds nothing to complain of, and each manifest fits the schemas of old and new Kubernetes, no name more."""
    assert [one for one in helm.lint(str(CHART), values, strict=True)["messages"] if "icon" not in str(one)] == []
    for version in KUBERNETES:
        for kind, manifest in rendered(values).items():
            if kind != "ServiceMonitor":  # a resource of the Prometheus Operator, not of Kubernetes
                kubernetes_validate.validate(manifest, version, strict=True)


def test_options_are_off() -> None:
    """Autoscaling and monitoring need what a cluster may not have, so they wait until they are asked for."""
    assert set(rendered()) == USUAL
    asked = {"HorizontalPodAutoscaler", "ServiceMonitor"}
    assert set(rendered(OPTIONS)) == (USUAL | asked) - {"ConfigMap"}
    assert "replicas" not in rendered(OPTIONS)["Deployment"]["spec"]  # or each upgrade would undo the autoscaler


def test_pod_may_do_little() -> None:
    """The container is nobody in particular, cannot write but where it must, and has no rights in the cluster."""
    manifests = rendered()
    pod = manifests["Deployment"]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["runAsUser"] == 10001
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not pod["automountServiceAccountToken"]
    assert container(manifests)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    written = [mount["mountPath"] for mount in container(manifests)["volumeMounts"] if not mount.get("readOnly")]
    assert written == ["/data", "/tmp"]


def test_secrets_are_references() -> None:
    """No secret can be given as a value: it would stand in the release, and in everybody's history."""
    found = {one["name"]: one for one in container(rendered(OPTIONS))["env"]}
    secret = ("DATABASE_URL", "REDIS_URL", "HASH_KEY", "METRICS_TOKEN", "ADMIN_TOKEN")
    for name in secret:
        assert set(found[f"LUMBAR_CDS_{name}"]["valueFrom"]) == {"secretKeyRef"}
    with pytest.raises(helm.HelmError, match="LUMBAR_CDS_HASH_KEY"):
        rendered({"settings": {"LUMBAR_CDS_HASH_KEY": "in the open"}})


def test_service_takes_the_settings() -> None:
    """Every variable that the chart sets is a setting that the service knows."""
    taken = [
        load_settings({one["name"]: one.get("value", "x" * 24) for one in container(rendered(values))["env"]})
        for values in (None, OPTIONS)
    ]
    assert [str(settings.public_url) for settings in taken] == ["https://cds.example.org"] * 2
    assert str(taken[1].switches) == "/etc/lumbar-cds/switches/switches.toml"


def test_probes_ask_the_right_questions() -> None:
    """A pod is restarted only when it is dead, and gets calls only when it is ready."""
    only = container(rendered())
    paths = {name: only[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness", "readiness")}
    assert paths == {"startup": "/readyz", "liveness": "/livez", "readiness": "/readyz"}
    startup = only["startupProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] >= 60
    assert all(only[f"{name}Probe"]["timeoutSeconds"] >= 2 for name in paths)


def test_pod_has_time_to_drain() -> None:
    """Calls under way are finished: the pause and gunicorn's twenty seconds fit before the kill."""
    manifests = rendered()
    pause = int(container(manifests)["lifecycle"]["preStop"]["exec"]["command"][1])
    assert manifests["Deployment"]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] >= pause + 20 + 10
    assert manifests["Deployment"]["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_network_is_closed_but_for_what_is_needed() -> None:
    """Calls come in on one port; name servers, https and the stores are reached, a cloud's metadata service is not."""
    policy = rendered()["NetworkPolicy"]["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert [port["port"] for rule in policy["ingress"] for port in rule["ports"]] == ["http"]
    assert sorted({port["port"] for rule in policy["egress"] for port in rule["ports"]}) == [53, 443, 5432, 6379]
    blocks = [to["ipBlock"] for rule in policy["egress"] for to in rule.get("to", [])]
    assert all(block["except"] for block in blocks)


@pytest.mark.parametrize(
    "values",
    [
        {"publicURL": "https://cds.example.org"},
        {"publicUrl": "cds.example.org"},
        {"replicaCount": 0},
        {"secrets": {"hashKey": "in the open"}},
        {"image": {"digest": "latest"}},
        {"settings": {"WORKERS": "2"}},
        {"settings": {"LUMBAR_CDS_INSECURE": "true"}},
    ],
    ids=str,
)
def test_mistake_in_the_values_is_refused(values: dict[str, Any]) -> None:
    """A misspelt or impossible value stops the installation instead of being left out."""
    with pytest.raises(helm.HelmError):
        rendered(values)


def test_labels_tie_everything_together() -> None:
    """Service, budget and policy select the pods that the deployment makes."""
    manifests = rendered()
    labels = manifests["Deployment"]["spec"]["template"]["metadata"]["labels"].items()
    selectors = [
        manifests["Service"]["spec"]["selector"],
        manifests["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        manifests["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
        manifests["Deployment"]["spec"]["selector"]["matchLabels"],
    ]
    assert all(selector.items() <= labels for selector in selectors)


def test_chart_is_of_this_version() -> None:
    """The chart runs the image of the software that it lies beside."""
    assert yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"] == __version__
    assert container(rendered())["image"] == f"lumbar-mri-cds:{__version__}"
