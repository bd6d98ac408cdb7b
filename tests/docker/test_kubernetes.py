"""`docker/kubernetes`: objects are valid, and agree with each other and with the service."""

import json
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import yaml

from app.api.routes import health, operations
from app.metrics import Metrics
from app.server import CLOSING_S, DRAIN_S
from app.settings import Settings
from tests.conftest import REPOSITORY
from tests.support.kubernetes import Object, assert_valid

FOLDER = REPOSITORY / "docker" / "kubernetes"
GUIDE = (REPOSITORY / "docs" / "kubernetes.md").read_text()
PATHS = {route.path for route in (*health.router.routes, *operations.router.routes)}
CUSTOM_KINDS = {"ServiceMonitor": "monitoring.coreos.com/v1"}


def of_kind(objects: list[Object], kind: str) -> dict[str, Object]:
    """Return the objects of a kind, by name."""
    return {each["metadata"]["name"]: each for each in objects if each["kind"] == kind}


@pytest.fixture
def pods(objects: list[Object]) -> dict[str, Object]:
    """The templates of pods, by the name of their deployment."""
    deployments = of_kind(objects, "Deployment")
    return {name: each["spec"]["template"] for name, each in deployments.items()}


def container_of(pod: Object) -> Object:
    [container] = pod["spec"]["containers"]
    return container


def ports_of(pod: Object) -> dict[str, int]:
    return {each["name"]: each["containerPort"] for each in container_of(pod)["ports"]}


def selected(pods: dict[str, Object], labels: dict[str, str]) -> list[str]:
    """Return the deployments whose pods have these labels."""
    return [
        name for name, pod in pods.items() if labels.items() <= pod["metadata"]["labels"].items()
    ]


def settings_of(objects: list[Object], pods: dict[str, Object]) -> dict[str, str]:
    """Return the settings of the service, without its secret."""
    [source] = container_of(pods["taggram"])["envFrom"]
    return of_kind(objects, "ConfigMap")[source["configMapRef"]["name"]]["data"]


def test_core_kinds_are_valid(objects: list[Object]) -> None:
    for each in objects:
        if each["kind"] in CUSTOM_KINDS:
            assert each["apiVersion"] == CUSTOM_KINDS[each["kind"]]
        else:
            assert_valid(each)


def test_all_objects_are_in_the_namespace(objects: list[Object]) -> None:
    [namespace] = of_kind(objects, "Namespace")
    others = [each for each in objects if each["kind"] != "Namespace"]
    assert {each["metadata"]["namespace"] for each in others} == {namespace}


def test_selectors_match_the_pods_of_one_deployment(
    objects: list[Object], pods: dict[str, Object]
) -> None:
    named = {name: [name] for name in pods}
    targets = {
        "Deployment": named,
        "PodDisruptionBudget": {name: named[name] for name in ("taggram", "taggram-nginx")},
        "Service": {
            "taggram": ["taggram-nginx"],
            "taggram-pods": ["taggram"],
            "taggram-redis": ["taggram-redis"],
        },
    }
    for kind, expected in targets.items():
        found = of_kind(objects, kind)
        selectors = {name: each["spec"]["selector"] for name, each in found.items()}
        assert expected == {
            name: selected(pods, selector.get("matchLabels", selector))
            for name, selector in selectors.items()
        }
    for pod in pods.values():
        for spread in pod["spec"].get("topologySpreadConstraints", []):
            assert spread["labelSelector"]["matchLabels"] == pod["metadata"]["labels"]


def test_services_name_ports_of_their_pods(objects: list[Object], pods: dict[str, Object]) -> None:
    for service in of_kind(objects, "Service").values():
        [name] = selected(pods, service["spec"]["selector"])
        for port in service["spec"]["ports"]:
            assert ports_of(pods[name])[port["targetPort"]] == port["port"]


def test_the_monitor_selects_the_service_with_the_port_of_metrics(
    objects: list[Object], pods: dict[str, Object]
) -> None:
    [monitor] = of_kind(objects, "ServiceMonitor").values()
    labels = monitor["spec"]["selector"]["matchLabels"].items()
    services = of_kind(objects, "Service")
    assert [
        name for name, each in services.items() if labels <= each["metadata"]["labels"].items()
    ] == ["taggram-pods"]
    [endpoint] = monitor["spec"]["endpoints"]
    ports = {each["name"]: each["port"] for each in services["taggram-pods"]["spec"]["ports"]}
    address = settings_of(objects, pods)["TAGGRAM_OPERATIONS_ADDRESS"]
    assert address == f"0.0.0.0:{ports[endpoint['port']]}"
    assert endpoint["path"] in PATHS


def test_everything_that_pods_refer_to_exists(
    objects: list[Object], pods: dict[str, Object]
) -> None:
    secrets = set(re.findall(r"kubectl create secret generic ([\w-]+)", GUIDE))
    maps = of_kind(objects, "ConfigMap")
    for pod in pods.values():
        container = container_of(pod)
        for source in container.get("envFrom", []):
            assert source["configMapRef"]["name"] in maps
        for variable in container.get("env", []):
            assert variable["valueFrom"]["secretKeyRef"]["name"] in secrets
        volumes = {each["name"]: each for each in pod["spec"]["volumes"]}
        assert {each["name"] for each in container["volumeMounts"]} == set(volumes)
        for volume in volumes.values():
            assert volume.get("secret", {}).get("secretName") in {None, *secrets}
        for mount in container["volumeMounts"]:
            if "subPath" in mount:
                name = volumes[mount["name"]]["configMap"]["name"]
                assert mount["subPath"] in maps[name]["data"]


def test_probes_ask_for_ports_and_paths_that_exist(pods: dict[str, Object]) -> None:
    for pod in pods.values():
        container = container_of(pod)
        probes = [container[name] for name in container if name.endswith("Probe")]
        assert {"livenessProbe", "readinessProbe"} <= container.keys()
        for probe in probes:
            if "exec" not in probe:
                asked = probe.get("httpGet") or probe["tcpSocket"]
                assert asked["port"] in ports_of(pod)
                assert asked.get("path") in {None, *PATHS}


def test_all_pods_are_confined(pods: dict[str, Object]) -> None:
    for pod in pods.values():
        assert pod["spec"]["automountServiceAccountToken"] is False
        assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
        assert pod["spec"]["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        container = container_of(pod)
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}
        assert "memory" in container["resources"]["limits"]
        assert all("sizeLimit" in each["emptyDir"] for each in scratch_volumes(pod))


def scratch_volumes(pod: Object) -> Iterator[Object]:
    for volume in pod["spec"]["volumes"]:
        if "emptyDir" in volume:
            yield volume


def test_the_settings_are_those_of_the_service(
    objects: list[Object], pods: dict[str, Object]
) -> None:
    settings = settings_of(objects, pods)
    known = {f"TAGGRAM_{name.upper()}" for name in Settings.model_fields}
    assert settings.keys() | {"TAGGRAM_SECRET"} <= known
    assert Settings(trusted_proxies=json.loads(settings["TAGGRAM_TRUSTED_PROXIES"]))
    redis = urlsplit(settings["TAGGRAM_REDIS_URL"])
    [port] = of_kind(objects, "Service")[redis.hostname]["spec"]["ports"]
    assert redis.port == port["port"]
    [keys] = [each for each in container_of(pods["taggram"])["volumeMounts"] if "readOnly" in each]
    assert settings["TAGGRAM_KEYS_FILE"] == f"{keys['mountPath']}/keys.json"


def test_nginx_finds_each_pod_by_a_name_without_an_address_of_its_own(
    objects: list[Object], pods: dict[str, Object]
) -> None:
    [source] = [
        each["configMap"]["name"]
        for each in pods["taggram-nginx"]["spec"]["volumes"]
        if "configMap" in each
    ]
    files = of_kind(objects, "ConfigMap")[source]["data"]
    assert files["nginx.conf"] == (REPOSITORY / "docker" / "nginx" / "nginx.conf").read_text()
    [(name, namespace, port)] = re.findall(
        r"server ([\w-]+)\.([\w-]+)\.svc\.cluster\.local:(\d+) resolve", files["upstream.conf"]
    )
    service = of_kind(objects, "Service")[name]
    assert service["metadata"]["namespace"] == namespace
    assert service["spec"]["clusterIP"] == "None"
    assert int(port) in [each["port"] for each in service["spec"]["ports"]]


def test_the_autoscaler_reads_metrics_that_the_service_has(
    objects: list[Object], pods: dict[str, Object]
) -> None:
    [scaler] = of_kind(objects, "HorizontalPodAutoscaler").values()
    assert scaler["spec"]["scaleTargetRef"]["name"] in pods
    metrics = scaler["spec"]["metrics"]
    [metric] = [each["pods"]["metric"]["name"] for each in metrics if "pods" in each]
    assert f"\n{metric} ".encode() in Metrics().exposition()
    adapter = yaml.safe_load((FOLDER / "prometheus-adapter.yaml").read_text())
    [rule] = adapter["rules"]["custom"]
    assert rule["seriesQuery"].startswith(f"{metric}{{")
    assert "replicas" not in of_kind(objects, "Deployment")["taggram"]["spec"]


def test_network_policies_open_the_same_ways_at_both_ends(
    objects: list[Object], pods: dict[str, Object]
) -> None:
    leaving, entering = set(), set()
    for policy in of_kind(objects, "NetworkPolicy").values():
        labels = policy["spec"]["podSelector"].get("matchLabels")
        if not labels:
            continue
        [here] = selected(pods, labels)
        for rule in policy["spec"].get("egress", []):
            leaving |= {(here, *way) for way in ways(rule, "to", pods)}
        for rule in policy["spec"].get("ingress", []):
            ports = {each["port"] for each in rule["ports"]}
            assert ports <= ports_of(pods[here]).keys()
            entering |= {(there, here, port) for there, port in ways(rule, "from", pods)}
    assert (
        leaving
        == entering
        == {
            ("taggram-nginx", "taggram", "api"),
            ("taggram", "taggram-redis", "redis"),
        }
    )
    closed = of_kind(objects, "NetworkPolicy")["closed"]["spec"]
    assert closed == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def ways(rule: Object, end: str, pods: dict[str, Object]) -> Iterator[tuple[str, str]]:
    """Yield the deployments and ports of a rule that names pods of this namespace."""
    for peer in rule.get(end, []):
        if "podSelector" in peer:
            [there] = selected(pods, peer["podSelector"]["matchLabels"])
            yield from ((there, port["port"]) for port in rule["ports"])


def test_accepted_uploads_are_answered_before_a_pod_is_killed(pods: dict[str, Object]) -> None:
    container = container_of(pods["taggram"])
    [_, seconds] = container["lifecycle"]["preStop"]["exec"]["command"]
    grace_s = pods["taggram"]["spec"]["terminationGracePeriodSeconds"]
    assert int(seconds) + DRAIN_S + CLOSING_S < grace_s


def test_nginx_and_redis_are_those_of_compose(pods: dict[str, Object]) -> None:
    compose = yaml.safe_load((REPOSITORY / "docker" / "compose.yaml").read_text())["services"]
    for name in ("nginx", "redis"):
        assert container_of(pods[f"taggram-{name}"])["image"] == compose[name]["image"]
