"""All panels of the dashboard show something, read by a real Prometheus from a real service."""

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from app.catalogue.run_metrics import report_run
from app.catalogue.summary import Summary
from testing.grafana.dashboard import FILE
from testing.packages.prometheus import NODE_EXPORTER, PROMETHEUS
from testing.prometheus_server import (
    PrometheusServer,
    running_node_exporter,
    running_prometheus,
)
from testing.redis_server import RedisServer
from testing.server import STUB, Server, serving
from tests.docs.pages import blocks, doc
from tests.support.client import answer, metric, new_track, post

VARIABLES = {
    "$__rate_interval": "10m",
    "$__range": "1h",
    "$instance": ".*",
    "$vocabulary": ".*",
}
DAY_S = 24 * 3600
HALF_DAY_S = DAY_S // 2
MODEL = "msd-musicnn"


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
    folder = tmp_path_factory.mktemp("monitoring")
    redis = RedisServer(folder)
    redis.start()
    settings = {
        "TAGGRAM_MODELS": f'["{MODEL}"]',
        "TAGGRAM_REDIS_URL": redis.url,
        "TAGGRAM_REDIS_TIMEOUT_S": "10",
        "TAGGRAM_SECRET": "a secret of tests, thirty-two or more characters",
        "TAGGRAM_CATALOGUE": str(folder / "catalogue"),
    }
    runs = folder / "runs"
    runs.mkdir()
    report_a_run(runs / "catalogue.prom")
    try:
        with serving(folder / "log", settings, STUB) as server, running_node_exporter(runs) as runs:
            address = f"127.0.0.1:{server.http.base_url.port}"
            history = weeks_of_tags(server)
            with running_prometheus(
                folder, {"taggram": [address], "catalogue": [runs]}, history
            ) as prometheus:
                # Some counters begin with the first traffic, and the second one increases them.
                for _ in range(2):
                    prometheus.wait_for_scrape()
                    send_each_kind(server, redis)
                prometheus.wait_for_scrape()
                yield prometheus
    finally:
        redis.kill()
        shutil.rmtree(folder, ignore_errors=True)


def report_a_run(path: Path) -> None:
    """Write the metrics of a run in which half of the tracks failed."""
    with report_run(path, 0.1) as report:
        report.summary = Summary(2, inferred=1, audio_s=180.0, seconds=3.0)
        report.summary.fail("silent_audio", "/music/1", "It is silent.")


def weeks_of_tags(server: Server) -> str:
    """Fifteen days in which one tag was first, and then another one for a day, as recorded."""
    tags = [tag["tag"] for tag in vocabulary(server)["tags"]][:2]
    now = int(time.time())
    lines = ["# TYPE taggram:first_tags:increase1h gauge"]
    for tag in tags:
        labels = f'{{job="taggram",vocabulary="subgenres",models="{MODEL}/1",tag="{tag}"}}'
        for moment in range(now - 15 * DAY_S, now, HALF_DAY_S):
            is_first = (tag == tags[0]) == (moment < now - DAY_S)
            lines.append(f"taggram:first_tags:increase1h{labels} {50 * is_first} {moment}")
    return "\n".join([*lines, "# EOF\n"])


def vocabulary(server: Server) -> dict:
    listed = answer(server.http.get("/vocabularies"))
    return next(each for each in listed if each["name"] == "subgenres")


def send_each_kind(server: Server, redis: RedisServer) -> None:
    """Send an upload, a cached one, a broken one and feedback; then one while Redis is dead."""
    assert server.http.post("/models/reload").is_success
    track = new_track(8)
    suggested = answer(post(server, track))
    assert answer(post(server, track))["cached"]
    assert post(server, b"This is a shopping list.").is_client_error
    give_feedback(server, suggested)
    with redis.dead():
        answer(post(server, new_track()))
        assert metric(server, "taggram_cache_down") == 1


def give_feedback(server: Server, suggested: dict) -> None:
    shown = [
        {"tag": each["tag"], "score": each["score"], "accepted": True}
        for each in suggested["suggestions"]
    ]
    names = ("track_id", "models", "vocabulary", "vocabulary_version", "pooling", "confidence")
    given = {name: suggested[name] for name in names}
    body = {**given, "id": str(uuid4()), "shown": shown, "added": []}
    assert server.http.post("/feedback", json=body).is_success


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
