"""What the service computes when, of one request and of eight: a picture of each.

`python -m loadtests.serving.stages --timeline` draws `.cache/bench/timeline-1.png` and
`timeline-8.png`: the requests, the decoders, melgrams, each network, and the cores that are busy.
It prints the time in which less than 1.5 of two cores were busy, before the first network, between
the networks, and after the last one.
"""

import json
import sys
import tempfile
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import psutil
from matplotlib.axes import Axes

from app.plot_style import ACCENT, LINE, MUTED, PNG_DPI, SECOND, blank
from loadtests.report import RESULTS, Row, publish
from loadtests.service import service, stage_seconds
from loadtests.tracks import encoded
from testing.server import Server

AT_ONCE = (1, 8)
SECONDS = 165
PERIOD_S = 0.004
BUSY_CORES = 1.5
COMMAND = (sys.executable, "-c", "from loadtests.serving.traced_service import app; app()")
MELGRAM = "melgram"

Span = tuple[float, float]


@dataclass(frozen=True)
class Load:
    """The cores that processes used between two samples.

    Attributes:
        times: When each period ended, by the monotonic clock.
        service: Cores used by the service's own process.
        decoders: The same, by the process id of each decoder.
    """

    times: np.ndarray
    service: np.ndarray
    decoders: dict[int, np.ndarray]

    @property
    def total(self) -> np.ndarray:
        """Cores used by all processes."""
        total: np.ndarray = np.sum([self.service, *self.decoders.values()], axis=0)
        return total


def main() -> None:
    """Measure, draw and print."""
    rows: list[Row] = []
    for at_once in AT_ONCE:
        with tempfile.TemporaryDirectory() as folder:
            events = Path(folder) / "events"
            settings = {"TIMELINE_FILE": str(events), "TAGGRAM_MAX_BACKLOG_S": "60"}
            with service(settings, COMMAND) as server:
                _post(server, encoded(SECONDS, 200))  # warms up
                events.write_text("")
                requests, load = _measure(server, at_once)
            spans = _read(events)
        _draw(RESULTS / f"timeline-{at_once}.png", requests, load, spans)
        rows.append({"requests": at_once, **_gaps(requests, load, spans)})
    notes = ["Pictures: .cache/bench/timeline-1.png and timeline-8.png"]
    publish("timeline", f"MP3s of {SECONDS} s, and the time with idle cores", rows, notes)


def _measure(server: Server, at_once: int) -> tuple[list[tuple[Span, float]], Load]:
    """Send tracks at once; return each request's span and end of upload, and the load meanwhile."""
    files = [encoded(SECONDS, 20 * number) for number in range(at_once)]
    sampler = _Sampler(psutil.Process(server.process.pid))
    with ThreadPoolExecutor(at_once) as clients:
        requests = list(clients.map(lambda file: _post(server, file), files))
    return requests, sampler.stop()


def _post(server: Server, file: bytes) -> tuple[Span, float]:
    begin = time.monotonic()
    answer = httpx.post(
        f"{server.http.base_url}/suggest-tags", files={"file": file}, timeout=120, trust_env=False
    )
    end = time.monotonic()
    answer.raise_for_status()
    return (begin, end), begin + stage_seconds(answer.headers)["receive"]


class _Sampler:
    """Reads the CPU time of a process and its children every few milliseconds."""

    def __init__(self, process: psutil.Process) -> None:
        self._pid = process.pid
        self._children = [child.pid for child in process.children()]
        self._samples: list[tuple[float, dict[int, int]]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> Load:
        """End, and return the cores used."""
        self._ended.set()
        self._thread.join()
        times = np.array([when for when, _ in self._samples])
        pids = {pid for _, used in self._samples for pid in used}
        cores = {
            pid: np.diff([used.get(pid, 0) for _, used in self._samples]) / 1e9 / np.diff(times)
            for pid in pids
        }
        cores = {pid: np.clip(each, 0, None) for pid, each in cores.items()}
        return Load(times[1:], cores.pop(self._pid), cores)

    def _run(self) -> None:
        while not self._ended.wait(PERIOD_S):
            decoders = [pid for child in self._children for pid in _list_children(child)]
            pids = [self._pid, *self._children, *decoders]
            self._samples.append((time.monotonic(), {pid: _cpu_ns(pid) for pid in pids}))


def _list_children(pid: int) -> list[int]:
    """Return the children of a process with one thread, such as the fork server."""
    with suppress(OSError):
        return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))
    return []


def _cpu_ns(pid: int) -> int:
    """Return the CPU time of a process's threads, in nanoseconds; 0 if it has ended."""
    used = 0
    for path in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with suppress(OSError):
            used += int(path.read_text().split()[0])
    return used


def _read(events: Path) -> dict[str, list[Span]]:
    spans = defaultdict[str, list[Span]](list)
    for line in events.read_text().splitlines():
        name, begin, end = json.loads(line)
        spans[name].append((begin, end))
    return spans


def _gaps(
    requests: list[tuple[Span, float]], load: Load, spans: dict[str, list[Span]]
) -> dict[str, float]:
    """Return seconds in all, and those with idle cores before, between and after the networks."""
    begin, end = min(span[0] for span, _ in requests), max(span[1] for span, _ in requests)
    networks = [span for name, of_name in spans.items() if name != MELGRAM for span in of_name]
    first, last = min(span[0] for span in networks), max(span[1] for span in networks)
    idle = load.total < BUSY_CORES
    lengths = np.diff(load.times, prepend=load.times[0] - PERIOD_S)

    def seconds(since: float, until: float) -> float:
        return float(lengths[idle & (load.times > since) & (load.times <= until)].sum())

    inside = (load.times > begin) & (load.times <= end)
    return {
        "seconds": end - begin,
        "busy cores, mean": float(np.average(load.total[inside], weights=lengths[inside])),
        "idle before the first network": seconds(begin, first),
        "idle between": seconds(first, last),
        "idle after the last": seconds(last, end),
    }


def _draw(
    path: Path, requests: list[tuple[Span, float]], load: Load, spans: dict[str, list[Span]]
) -> None:
    zero = min(span[0] for span, _ in requests)
    busy = {pid: cores for pid, cores in load.decoders.items() if cores.max() > BUSY_CORES / 5}
    names = [f"request {number}" for number in range(1, len(requests) + 1)]
    names += [f"decoder {number}" for number in range(1, len(busy) + 1)]
    names += sorted(spans, key=lambda name: (name != MELGRAM, name))
    figure = blank(9, 1.6 + 0.24 * len(names))
    rows, cores = figure.subplots(2, 1, sharex=True, height_ratios=[len(names), 4])
    for row, ((begin, end), received) in enumerate(requests):
        _bar(rows, row, (begin - zero, received - zero), LINE)
        _bar(rows, row, (received - zero, end - zero), MUTED)
    for row, used in enumerate(busy.values(), len(requests)):
        rows.fill_between(load.times - zero, row + 0.4, row + 0.4 - 0.8 * np.clip(used, 0, 1),
                          color=SECOND, step="pre", linewidth=0)  # fmt: skip
    for row, name in enumerate(names[len(requests) + len(busy) :], len(requests) + len(busy)):
        for begin, end in spans[name]:
            _bar(rows, row, (begin - zero, end - zero), ACCENT)
    rows.set_yticks(range(len(names)), names)
    rows.invert_yaxis()
    cores.fill_between(load.times - zero, load.total, color=MUTED, step="pre", linewidth=0)
    cores.set(xlabel="seconds", ylabel="busy cores", ylim=(0, None), xlim=(0, None))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=PNG_DPI)


def _bar(axes: Axes, row: int, span: Span, colour: str) -> None:
    axes.barh(row, span[1] - span[0], left=span[0], height=0.8, color=colour, linewidth=0)
