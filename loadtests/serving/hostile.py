"""Latency of valid uploads among hostile ones.

`python -m loadtests.serving.hostile [--seconds 15]` uploads new tracks at fixed times, alone at
first, then while another client sends the whole corpus of hostile files repeatedly, sixteen at a
time: first a remote client, then one on this machine. All share the machine.
"""

import itertools
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

import httpx
import typer
from rich.progress import track

from loadtests.lookalikes import lookalikes
from loadtests.report import Row, out, publish, tally
from loadtests.service import service
from loadtests.serving.health_probe import polling_health
from loadtests.serving.load_profile import percentile
from loadtests.tracks import encoded
from testing.corpus import CORPUS
from testing.process_usage import watched
from testing.server import Server

TRACK_S = 30
EVERY_S = 0.5
"""Seconds between two valid uploads: a quarter of the capacity on two cores."""

AT_ONCE = 16
REFUSED = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
SENDERS = {
    "a stranger": {"X-Forwarded-For": "192.0.2.1"},
    "a client on this machine": {},  # whose rate is not limited
}

PAUSE_S = 0.1
"""Seconds after a refusal: without a pause the client would take the cores of the service."""

cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@dataclass
class Good:
    """What came of the good uploads: seconds from when each was due, if it was tagged."""

    seconds: list[float]
    answers: Counter[int]


@cli.command()
def main(
    seconds: Annotated[
        float, typer.Option(help="For how long good uploads leave, each time.")
    ] = 15,
) -> None:
    """Measure and print."""
    files = [CORPUS[name].make() for name in track(CORPUS, "hostile files", console=out)]
    tracks = lookalikes(encoded(TRACK_S))
    with service() as server:
        _send(server, tracks, 5)  # to warm it up
        rows = [_measured(server, "alone", tracks, seconds, Counter())]
        for who, headers in SENDERS.items():
            with _hostile(server, files, headers) as outcomes:
                rows.append(_measured(server, f"with {who}", tracks, seconds, outcomes))
    notes = [
        f"{row['good uploads']}: the p99 of good uploads is "
        f"{float(row['p99 s'] or 0) / float(rows[0]['p99 s'] or 1):.1f} times as high."
        for row in rows[1:]
    ]
    publish("hostile", f"{TRACK_S} s of MP3 each {EVERY_S:g} s, for {seconds:g} s", rows, notes)


def _measured(
    server: Server, name: str, tracks: Iterator[bytes], seconds: float, outcomes: Counter[int]
) -> Row:
    address = server.http.base_url
    before = outcomes.copy()
    with (
        watched(server.process.pid) as usage,
        polling_health(address.host, address.port or 80) as health,
    ):
        good = _send(server, tracks, seconds)
    assert good.seconds, "no good upload was tagged"
    return {
        "good uploads": name,
        "answers": tally(good.answers.elements()),
        "p50 s": statistics.median(good.seconds),
        "p99 s": percentile(good.seconds, 99),
        "hostile answers": tally((outcomes - before).elements()),
        "health p99 ms": percentile(health.milliseconds, 99),
        "health errors": health.errors,
        "peak MiB": round(usage.peak_mib),
    }


def _send(server: Server, tracks: Iterator[bytes], seconds: float) -> Good:
    """Upload a new track by the clock, each from another address."""
    good = Good([], Counter())
    start = time.monotonic()

    def upload(number: int, mp3: bytes) -> None:
        due = start + number * EVERY_S
        time.sleep(max(0.0, due - time.monotonic()))
        address = {"X-Forwarded-For": f"10.0.{number // 250}.{number % 250 + 1}"}
        response = server.http.post("/suggest-tags", files={"file": mp3}, headers=address)
        good.answers[response.status_code] += 1
        if response.status_code == HTTPStatus.OK:
            good.seconds.append(time.monotonic() - due)

    count = round(seconds / EVERY_S)
    with ThreadPoolExecutor(count) as threads:
        for uploading in [
            threads.submit(upload, *each) for each in enumerate(itertools.islice(tracks, count))
        ]:
            uploading.result()
    return good


@contextmanager
def _hostile(server: Server, files: list[bytes], headers: dict[str, str]) -> Iterator[Counter[int]]:
    """Send hostile files during the body; how they were answered."""
    outcomes: Counter[int] = Counter()
    done = threading.Event()
    turns = itertools.cycle(files)
    lock = threading.Lock()

    def send() -> None:
        with httpx.Client(base_url=server.http.base_url, timeout=120, trust_env=False) as http:
            while not done.is_set():
                with lock:
                    data = next(turns)
                response = http.post("/suggest-tags", files={"file": data}, headers=headers)
                with lock:
                    outcomes[response.status_code] += 1
                if response.status_code in REFUSED:
                    done.wait(PAUSE_S)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        sending = [threads.submit(send) for _ in range(AT_ONCE)]
        try:
            yield outcomes
        finally:
            done.set()
        for one in sending:
            one.result()


if __name__ == "__main__":
    cli()
