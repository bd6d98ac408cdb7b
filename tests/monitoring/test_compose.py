"""`docker/compose.yaml` gives Prometheus and Grafana the files and names that they refer to."""

import json
from typing import Any

import pytest
import yaml

from testing.grafana.dashboard import FILE
from tests.conftest import REPOSITORY

DOCKER = REPOSITORY / "docker"
PROVISIONING = DOCKER / "grafana" / "provisioning"


def load(path: str) -> Any:
    return yaml.safe_load((DOCKER / path).read_text())


@pytest.fixture
def services() -> dict[str, Any]:
    return load("compose.yaml")["services"]


def mounts(service: dict[str, Any]) -> dict[str, str]:
    """The sources of a service's mounts, by the path in its container."""
    pairs = (volume.removesuffix(":ro").rsplit(":", 1) for volume in service["volumes"])
    return {target: source for source, target in pairs}


def test_the_rules_are_where_prometheus_reads_them(services: dict[str, Any]) -> None:
    assert mounts(services["prometheus"])["/etc/prometheus"] == "./prometheus"
    for name in load("prometheus/prometheus.yml")["rule_files"]:
        assert (DOCKER / "prometheus" / name).is_file()


def test_prometheus_reads_services_that_compose_runs(services: dict[str, Any]) -> None:
    jobs = load("prometheus/prometheus.yml")["scrape_configs"]
    targets = [each for job in jobs for some in job["static_configs"] for each in some["targets"]]
    assert {target.partition(":")[0] for target in targets} <= set(services)


def test_grafana_reads_the_dashboard_and_the_prometheus_of_compose(
    services: dict[str, Any],
) -> None:
    found = mounts(services["grafana"])
    assert found["/etc/grafana/provisioning"] == "./grafana/provisioning"
    (provider,) = load("grafana/provisioning/dashboards/taggram.yml")["providers"]
    folder = found[provider["options"]["path"]]
    assert (DOCKER / folder).resolve() == FILE.parent
    (source,) = load("grafana/provisioning/datasources/prometheus.yml")["datasources"]
    assert source["url"] == "http://prometheus:9090"
    interval = load("prometheus/prometheus.yml")["global"]["scrape_interval"]
    assert source["jsonData"]["timeInterval"] == interval


def test_monitoring_is_optional_and_open_to_this_machine_only(services: dict[str, Any]) -> None:
    for name in ("grafana", "node-exporter"):
        assert services[name]["profiles"] == ["monitoring"]
        ports = services[name].get("ports", [])
        assert all(port.startswith("127.0.0.1:") for port in ports)


def test_runs_are_written_where_node_exporter_reads_them(services: dict[str, Any]) -> None:
    exporter = services["node-exporter"]
    (folder,) = (
        option.partition("=")[2]
        for option in exporter["command"]
        if option.startswith("--collector.textfile.directory=")
    )
    volume = mounts(exporter)[folder]
    written = {source: target for target, source in mounts(services["taggram"]).items()}
    assert written[volume] in (DOCKER / "Dockerfile").read_text()


def test_the_dashboard_uses_the_variables_that_it_defines() -> None:
    board = json.loads(FILE.read_text())
    names = {variable["name"] for variable in board["templating"]["list"]}
    assert names == {"datasource", "instance", "vocabulary"}
    assert {panel["datasource"]["uid"] for panel in board["panels"] if "targets" in panel} == {
        "$datasource"
    }
