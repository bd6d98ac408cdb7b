"""The cost of cached answers: the upload of a known track, and its taggram.

`python -m loadtests.serving.cached [REQUESTS]` uploads a track of about 5 MB once, then requests it
repeatedly over one connection.
"""

import time
from collections.abc import Callable

import httpx
import numpy as np
from rich.progress import track

from loadtests.report import Row, argument, out, publish
from loadtests.service import service
from loadtests.tracks import encoded

REQUESTS = 200
SECONDS = 270
"""As an MP3 about 5 MB."""


def main() -> None:
    """Measure and print."""
    requests = argument(REQUESTS)
    file = encoded(SECONDS)
    with service() as server:

        def upload() -> httpx.Response:
            return server.http.post("/suggest-tags", files={"file": file})

        known = upload().raise_for_status().json()["taggram_url"]
        questions = {
            f"POST /suggest-tags, {len(file) / 1e6:.1f} MB": upload,
            "GET /taggram, JSON": lambda: server.http.get(known),
            "GET /taggram, CSV": lambda: server.http.get(known, headers={"Accept": "text/csv"}),
            "GET /taggram, PNG": lambda: server.http.get(known, headers={"Accept": "image/png"}),
            "GET /health/live": lambda: server.http.get("/health/live"),
        }
        rows = [_row(name, send, requests) for name, send in questions.items()]
    publish("cached", f"Answers from the cache, {requests} of each, one after the other", rows)


def _row(name: str, send: Callable[[], httpx.Response], requests: int) -> Row:
    times = []
    for _ in track(range(requests), name, console=out, transient=True):
        begun = time.perf_counter()
        send().raise_for_status()
        times.append((time.perf_counter() - begun) * 1000)
    p50, p95, p99 = np.percentile(times, (50, 95, 99))
    return {
        "request": name,
        "p50 ms": float(p50),
        "p95 ms": float(p95),
        "p99 ms": float(p99),
        "max ms": max(times),
    }


if __name__ == "__main__":
    main()
