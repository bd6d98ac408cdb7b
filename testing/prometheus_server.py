"""Debian's Prometheus with the rules of `docker/prometheus`, on loopback."""

import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from testing.packages.prometheus import NODE_EXPORTER, PROMETHEUS, PROMTOOL
from testing.server import free_port
from testing.waiting import wait_for

RULES = Path(__file__).resolve().parent.parent / "docker" / "prometheus"
INTERVAL = "1s"
"""Also the longest time of a scrape, which a busy machine needs."""

STOP_S = 60


@dataclass(frozen=True)
class PrometheusServer:
    """A running Prometheus.

    Attributes:
        http: A client of its API.
    """

    http: httpx.Client

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the series of an instant query.

        Raises:
            AssertionError: The expression is an error.
        """
        return self._result("query", query=expression)

    def query_range(
        self, expression: str, start: float, end: float, step: float
    ) -> list[dict[str, Any]]:
        """Return the series of a range query; times in seconds."""
        return self._result("query_range", query=expression, start=start, end=end, step=step)

    def wait_for(self, expression: str) -> None:
        """Wait until an expression has a series."""
        wait_for(lambda: self.query(expression), expression)

    def wait_for_scrape(self) -> None:
        """Wait until all targets were read after this moment."""
        now = time.time()
        # Of an expression, `timestamp` would be the time of its evaluation.
        self.wait_for(f"min(timestamp(up)) > {now} and min(up) == 1")

    def _result(self, kind: str, **parameters: str | float) -> list[dict[str, Any]]:
        answer = self.http.get(f"/api/v1/{kind}", params=parameters).json()
        assert answer["status"] == "success", answer
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found


@contextmanager
def running_prometheus(
    folder: Path, targets: Mapping[str, Sequence[str]], history: str = ""
) -> Iterator[PrometheusServer]:
    """Run Prometheus during the body; it scrapes and evaluates every second.

    Args:
        folder: Gets its configuration, data and log.
        targets: The addresses of each job.
        history: Samples of the past, in the format of OpenMetrics.
    """
    data = folder / "data"
    if history:
        _add_history(folder, data, history)
    (folder / "prometheus.yml").write_text(yaml.safe_dump(_configure(folder, targets)))
    address = f"127.0.0.1:{free_port()}"
    options = {
        "config.file": folder / "prometheus.yml",
        "storage.tsdb.path": data,
        "web.listen-address": address,
    }
    arguments = [f"--{name}={value}" for name, value in options.items()]
    client = httpx.Client(base_url=f"http://{address}", timeout=120, trust_env=False)
    with _running([PROMETHEUS, *arguments], folder / "prometheus.log"), client:
        wait_for(lambda: _is_ready(client, "/-/ready"), "Prometheus")
        yield PrometheusServer(client)


@contextmanager
def running_node_exporter(folder: Path) -> Iterator[str]:
    """Run node exporter during the body; yield the address where it shows the files of a folder.

    Args:
        folder: The folder with the files, as `*.prom`.
    """
    address = f"127.0.0.1:{free_port()}"
    options = ("collector.disable-defaults", "collector.textfile")
    values = {"collector.textfile.directory": folder, "web.listen-address": address}
    command: list[str | Path] = [
        NODE_EXPORTER,
        *(f"--{name}" for name in options),
        *(f"--{name}={value}" for name, value in values.items()),
    ]
    with (
        _running(command, folder / "node-exporter.log"),
        httpx.Client(base_url=f"http://{address}", trust_env=False) as client,
    ):
        wait_for(lambda: _is_ready(client, "/"), "node exporter")
        yield address


def _configure(folder: Path, targets: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Write copies of the rules that are evaluated often; return the configuration."""
    for name in ("rules.yml", "alerts.yml"):
        rules = (RULES / name).read_text()
        (folder / name).write_text(re.sub(r"interval: \S+", f"interval: {INTERVAL}", rules))
    jobs = [
        {"job_name": job, "static_configs": [{"targets": list(addresses)}]}
        for job, addresses in targets.items()
    ]
    return {
        "global": {
            "scrape_interval": INTERVAL,
            "scrape_timeout": INTERVAL,
            "evaluation_interval": INTERVAL,
        },
        "rule_files": ["rules.yml", "alerts.yml"],
        "scrape_configs": jobs,
    }


def _add_history(folder: Path, data: Path, history: str) -> None:
    file = folder / "history"
    file.write_text(history)
    command: list[str | Path] = [PROMTOOL, "tsdb", "create-blocks-from", "openmetrics", file, data]
    subprocess.run(command, check=True, capture_output=True)


def _is_ready(client: httpx.Client, path: str) -> bool:
    with suppress(httpx.ConnectError):
        return client.get(path).is_success
    return False


@contextmanager
def _running(command: Sequence[str | Path], log: Path) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        yield
    finally:
        process.terminate()
        process.wait(STOP_S)
