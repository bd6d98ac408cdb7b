"""Draws the panels of the dashboard from the queries of Grafana, without Grafana.

`python -m loadtests.monitoring.panels [SECONDS]` sends traffic of each kind to a service with stubs
in the place of its networks, reads it with Debian's Prometheus, and writes
`.cache/bench/panels.png`. The weeks before, which drift needs, and the run over a catalogue are
made up.
"""

import itertools
import json
import math
import random
import tempfile
import time
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm

from loadtests.report import RESULTS, argument, out
from testing.grafana.dashboard import FILE
from testing.monitored_service import BROKEN, MonitoredService, monitored_service
from testing.prometheus_server import PrometheusServer

VARIABLES = {"$__rate_interval": "15s", "$__range": "1h", "$instance": ".*", "$vocabulary": ".*"}
COLUMNS = 4
POINTS = 120
MAX_LEGEND = 8
PERIOD = 50
"""Each kind of request is sent once in this number of uploads."""


def main() -> None:
    """Measure for as long as the command line says, 60 seconds by default, and draw."""
    mpl.use("Agg")
    with (
        tempfile.TemporaryDirectory() as name,
        monitored_service(Path(name)) as service,
    ):
        service.prometheus.wait_for_scrape()
        begin = time.time()
        _send(service, argument(60))
        service.prometheus.wait_for_scrape()
        path = _draw(service.prometheus, begin, time.time())
    out.print(path)


def _send(service: MonitoredService, seconds: int) -> None:
    """Send new tracks, known ones and broken ones in random order, and at times the rest."""
    choice = random.Random(1)
    known = service.new_track(4)
    end = time.monotonic() + seconds
    for number in itertools.count():
        if time.monotonic() > end:
            return
        if number % PERIOD == 0:
            service.send_each_kind()
        new = service.new_track(choice.randint(2, 20))
        service.upload(choice.choice([new, new, new, known, BROKEN]))


def _draw(prometheus: PrometheusServer, begin: float, end: float) -> Path:
    panels = [each for each in json.loads(FILE.read_text())["panels"] if each.get("targets")]
    rows = math.ceil(len(panels) / COLUMNS)
    figure, axes = plt.subplots(rows, COLUMNS, figsize=(5 * COLUMNS, 3 * rows), layout="tight")
    for axis, panel in zip(axes.flat, panels, strict=False):
        axis.set_title(panel["title"], fontsize=9)
        axis.tick_params(labelsize=7)
        series = [
            (_legend(target.get("legendFormat", ""), found["metric"]), found["values"])
            for target in panel["targets"]
            for found in prometheus.query_range(
                _fill_in(target["expr"]), begin, end, (end - begin) / POINTS
            )
        ]
        _draw_panel(axis, panel["type"], series, begin)
    for axis in list(axes.flat)[len(panels) :]:
        axis.set_axis_off()
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / "panels.png"
    figure.savefig(path, dpi=70)
    return path


def _draw_panel(axis: Axes, kind: str, series: list[tuple[str, Any]], begin: float) -> None:
    if not series:
        axis.text(0.5, 0.5, "no data", ha="center", transform=axis.transAxes)
    elif kind == "heatmap":
        _draw_heat_map(axis, series, begin)
    elif kind in {"bargauge", "table"}:
        last = sorted((float(values[-1][1]), name) for name, values in series)
        axis.barh([name[-40:] or "value" for _, name in last], [value for value, _ in last])
    else:
        for name, values in series:
            times, heights = np.array(values, float).T
            axis.plot(times - begin, heights, label=name[-30:])
        axis.set_ylim(bottom=0)
        if len(series) <= MAX_LEGEND:
            axis.legend(fontsize=6)


def _draw_heat_map(axis: Axes, series: list[tuple[str, Any]], begin: float) -> None:
    """Draw the increase of each bucket; buckets of Prometheus are cumulative."""
    ordered = sorted(series, key=lambda each: float(each[0]))
    times = np.array(ordered[0][1], float)[:, 0] - begin
    cumulated = np.array([np.array(values, float)[:, 1] for _, values in ordered])
    cells = np.diff(cumulated, axis=0, prepend=0).clip(0)  # rounding can make less than 0
    axis.pcolormesh(times, np.arange(len(ordered)), cells, cmap="Oranges", norm=PowerNorm(0.5))
    axis.set_yticks(np.arange(len(ordered)), [name for name, _ in ordered], fontsize=5)


def _fill_in(expression: str) -> str:
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    return expression


def _legend(text: str, labels: dict[str, str]) -> str:
    """Fill in a legend; without one, name the labels that tell series apart."""
    if not text:
        shown = ("model", "engine", "precision", "result")
        return " ".join(labels[name] for name in shown if name in labels)
    for name, value in labels.items():
        text = text.replace(f"{{{{{name}}}}}", value)
    return text


if __name__ == "__main__":
    main()
