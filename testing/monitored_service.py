"""A service with stubs in the place of its networks, its history and a run, read by Prometheus."""

import itertools
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from app.catalogue.run_metrics import report_run
from app.catalogue.summary import Summary
from testing.prometheus_server import (
    PrometheusServer,
    running_node_exporter,
    running_prometheus,
)
from testing.redis_server import RedisServer
from testing.server import STUB, Server, serving
from testing.sounds import encoded, noise

MODEL = "msd-musicnn"
BROKEN = b"This is a shopping list."
RATE = 16_000
DAY_S = 24 * 3600
HALF_DAY_S = DAY_S // 2
SETTINGS = {
    "TAGGRAM_MODELS": f'["{MODEL}"]',
    "TAGGRAM_REDIS_TIMEOUT_S": "10",
    "TAGGRAM_SECRET": "a made-up secret of thirty-two or more characters",
}


@dataclass(frozen=True)
class MonitoredService:
    """A running service and what it works with.

    Attributes:
        server: The service.
        redis: Its cache.
        prometheus: Reads its metrics.
    """

    server: Server
    redis: RedisServer
    prometheus: PrometheusServer
    _seeds: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def send_each_kind(self) -> None:
        """Send an upload, a cached one, a broken one and feedback; then one while Redis is dead."""
        assert self.server.http.post("/models/reload").is_success
        track = _make_track(8, seed=0)  # the same each time, so that its first tag is counted again
        suggested = self.upload(track).raise_for_status().json()
        assert self.upload(track).raise_for_status().json()["cached"]
        assert self.upload(BROKEN).is_client_error
        self._give_feedback(suggested)
        with self.redis.dead():
            self.upload(self.new_track(8)).raise_for_status()
            assert "taggram_cache_down 1.0" in self.server.http.get("/metrics").text

    def new_track(self, seconds: int) -> bytes:
        """Return a track that was not sent before."""
        return _make_track(seconds, next(self._seeds))

    def upload(self, audio: bytes) -> httpx.Response:
        """Send a track and return the answer."""
        return self.server.http.post("/suggest-tags", files={"file": audio})

    def _give_feedback(self, suggested: dict[str, Any]) -> None:
        shown = [
            {"tag": each["tag"], "score": each["score"], "accepted": True}
            for each in suggested["suggestions"]
        ]
        names = ("track_id", "models", "vocabulary", "vocabulary_version", "pooling", "confidence")
        given = {name: suggested[name] for name in names}
        body = {**given, "id": str(uuid4()), "shown": shown, "added": []}
        self.server.http.post("/feedback", json=body).raise_for_status()


def _make_track(seconds: int, seed: int) -> bytes:
    return encoded(noise(seconds * RATE, seed), RATE, "FLAC")


@contextmanager
def monitored_service(folder: Path) -> Iterator[MonitoredService]:
    """Run a service, its Redis and a Prometheus during the body.

    Prometheus also knows fifteen days of a service whose first tag changed on the last one, and a
    run over a catalogue in which half of the tracks failed.

    Args:
        folder: Gets all that they write; its content is deleted.
    """
    redis = RedisServer(folder)
    redis.start()
    settings = {
        **SETTINGS,
        "TAGGRAM_REDIS_URL": redis.url,
        "TAGGRAM_CATALOGUE": str(folder / "catalogue"),
    }
    runs = folder / "runs"
    runs.mkdir()
    _report_a_run(runs / "catalogue.prom")
    try:
        with serving(folder / "log", settings, STUB) as server, running_node_exporter(runs) as node:
            jobs = {"taggram": [f"127.0.0.1:{server.http.base_url.port}"], "catalogue": [node]}
            with running_prometheus(folder, jobs, _weeks_of_tags(server)) as prometheus:
                yield MonitoredService(server, redis, prometheus)
    finally:
        redis.kill()
        shutil.rmtree(folder, ignore_errors=True)


def _report_a_run(path: Path) -> None:
    """Write the metrics of a run in which half of the tracks failed."""
    with report_run(path, 0.1) as report:
        report.summary = Summary(2, inferred=1, audio_s=180.0, seconds=3.0)
        report.summary.fail("silent_audio", "/music/1", "It is silent.")


def _weeks_of_tags(server: Server) -> str:
    """Return fifteen days in which one tag was first, and then another one for a day."""
    listed = server.http.get("/vocabularies").raise_for_status().json()
    tags = next(each["tags"] for each in listed if each["name"] == "subgenres")
    first, second = (each["tag"] for each in tags[:2])
    now = int(time.time())
    lines = ["# TYPE taggram:first_tags:increase1h gauge"]
    for tag in (first, second):
        labels = f'{{job="taggram",vocabulary="subgenres",models="{MODEL}/1",tag="{tag}"}}'
        for moment in range(now - 15 * DAY_S, now, HALF_DAY_S):
            is_first = (tag == first) == (moment < now - DAY_S)
            lines.append(f"taggram:first_tags:increase1h{labels} {50 * is_first} {moment}")
    return "\n".join([*lines, "# EOF\n"])
