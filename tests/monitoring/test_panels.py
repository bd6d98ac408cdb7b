"""All panels of the dashboard show something, read by a real Prometheus from a real service."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from testing.grafana.dashboard import FILE
from testing.monitored_service import monitored_service
from testing.packages.prometheus import NODE_EXPORTER, PROMETHEUS
from testing.prometheus_server import PrometheusServer
from tests.docs.pages import blocks, doc

VARIABLES = {
    "$__rate_interval": "10m",
    "$__range": "1h",
    "$instance": ".*",
    "$vocabulary": ".*",
}


@dataclass(frozen=True)
class Target:
    """An expression of a panel."""

    panel: str
    expression: str

    @property
    def filled_in(self) -> str:
        """Return the expression with the values that Grafana gives its variables."""
        text = self.expression
        for name, value in VARIABLES.items():
            text = text.replace(name, value)
        return text


def targets() -> list[Target]:
    """List the expressions of all panels."""
    panels = json.loads(FILE.read_text())["panels"]
    return [
        Target(panel["title"], target["expr"])
        for panel in panels
        for target in panel.get("targets", ())
    ]


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusServer]:
    """A Prometheus that has read a service with traffic of each kind, and the result of a run."""
    for program in (PROMETHEUS, NODE_EXPORTER):
        if not program.is_file():
            pytest.skip(f"{program.name} is not at {program}; see `make test`")
    with monitored_service(tmp_path_factory.mktemp("monitoring")) as service:
        # Some counters begin with the first traffic, and the second one increases them.
        for _ in range(2):
            service.prometheus.wait_for_scrape()
            service.send_each_kind()
        service.prometheus.wait_for_scrape()
        yield service.prometheus


@pytest.mark.parametrize("target", targets(), ids=lambda target: target.panel)
def test_each_expression_of_each_panel_has_a_value(
    target: Target, prometheus: PrometheusServer
) -> None:
    prometheus.wait_for(target.filled_in)


@pytest.mark.parametrize("query", blocks(doc("runbook"), "promql"))
def test_each_query_of_the_runbook_can_be_evaluated(
    query: str, prometheus: PrometheusServer
) -> None:
    prometheus.query(query)


def test_traffic_of_each_kind_is_seen(prometheus: PrometheusServer) -> None:
    for counter in (
        'taggram_request_seconds_count{route="/suggest-tags", status="200"}',
        'taggram_errors_total{kind="unsupported_audio"}',
        'taggram_cache_lookups_total{result="hit"}',
        'taggram_cache_failures_total{operation="get"}',
        'taggram_feedback_accepted_total{rank="1"}',
        'taggram_reloads_total{result="replaced"}',
        "taggram_first_tags_total",
        "taggram_batch_windows_count",
    ):
        prometheus.wait_for(f"increase({counter}[10m]) > 0")


def test_a_run_that_failed_and_a_drift_alert(prometheus: PrometheusServer) -> None:
    prometheus.wait_for('ALERTS{alertname="TaggramCatalogueRunFailed", alertstate="firing"}')
    prometheus.wait_for('ALERTS{alertname="TaggramTagDrift", vocabulary="subgenres"}')
    firing = 'ALERTS{alertname=~"TaggramDown|TaggramModelFallback", alertstate="firing"}'
    assert not prometheus.query(firing)
