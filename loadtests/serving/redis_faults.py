"""The cost of a stopped or dead Redis, and the time until its hits are back.

`python -m loadtests.serving.redis_faults [ROUNDS]` requests one taggram repeatedly from a running
service, so that only the lookup in Redis takes time. In each round Redis is stopped (or killed),
requests go on, and Redis is started again.
"""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
from rich.progress import track

from loadtests.report import Row, argument, out, publish, spread
from loadtests.service import service
from loadtests.tracks import encoded
from testing.redis_server import RedisServer
from testing.server import Server

ROUNDS = 5
REQUESTS = 200
"""In each round, once the service knows that Redis is down."""

DOWN_S = 1.0
"""How long Redis is down at least, so that the service probes it more than once."""

SECRET = "only for as long as this benchmark runs"


@dataclass
class Fault:
    """A way for Redis to be down, and its cost: in ms, and in s until it was back.

    Attributes:
        begin: Cause the fault.
        end: Start Redis again.
        first: The first request during the fault.
        after: Those that follow.
        back: From Redis being back until the first hit.
        failed: Requests that were answered neither with a taggram nor with 404.
    """

    begin: Callable[[], None]
    end: Callable[[], None]
    first: list[float] = field(default_factory=list)
    after: list[float] = field(default_factory=list)
    back: list[float] = field(default_factory=list)
    failed: int = 0


def main() -> None:
    """Measure and print."""
    rounds = argument(ROUNDS)
    with tempfile.TemporaryDirectory() as folder:
        redis = RedisServer(Path(folder))
        redis.start()
        try:
            well, faults = _measured(redis, rounds)
        finally:
            redis.kill()
    baseline, baseline_p99 = (float(ms) for ms in np.percentile(well, (50, 99)))
    rows = [_row(name, fault, baseline) for name, fault in faults.items()]
    publish(
        "redis_faults",
        f"Added to GET /taggram by a Redis that is down, {rounds} times, each {REQUESTS} requests",
        rows,
        [
            f"Added to the {baseline:.1f} ms (p99 {baseline_p99:.1f} ms) of a miss in a service "
            "with a working Redis."
        ],
    )


def _measured(redis: RedisServer, rounds: int) -> tuple[list[float], dict[str, Fault]]:
    settings = {
        "TAGGRAM_MODELS": '["msd-musicnn"]',
        "TAGGRAM_REDIS_URL": redis.url,
        "TAGGRAM_SECRET": SECRET,
    }
    faults = {
        "stopped (SIGSTOP)": Fault(redis.freeze, redis.thaw),
        "killed (SIGKILL)": Fault(redis.kill, redis.start),
    }
    with service(settings) as server:
        analysed = server.http.post("/suggest-tags", files={"file": encoded(10)}).raise_for_status()
        url = analysed.json()["taggram_url"]
        unknown = httpx.URL(url).copy_set_param("track_id", "0" * 64)
        well = [_requested(server, str(unknown))[0] for _ in range(rounds * REQUESTS)]
        for name, fault in faults.items():
            for _ in track(range(rounds), name, console=out, transient=True):
                _round(server, url, fault, redis)
    return well, faults


def _round(server: Server, url: str, fault: Fault, redis: RedisServer) -> None:
    """One outage, from the last hit before it to the first hit after it."""
    assert _requested(server, url)[1] == httpx.codes.OK
    with redis.client() as client:
        kept = {name: client.get(name) for name in client.scan_iter()}
    fault.begin()
    began = time.monotonic()
    answers = [_requested(server, url) for _ in range(1 + REQUESTS)]
    time.sleep(max(0.0, DOWN_S - (time.monotonic() - began)))
    fault.end()
    with redis.client() as client:
        client.mset(kept)  # a killed Redis is empty after its start
    back = time.monotonic()
    while (answer := _requested(server, url))[1] != httpx.codes.OK:
        answers.append(answer)
    fault.back.append(time.monotonic() - back)
    fault.first.append(answers[0][0])
    fault.after += [ms for ms, _ in answers[1:]]
    fault.failed += sum(status != httpx.codes.NOT_FOUND for _, status in answers)


def _requested(server: Server, url: str) -> tuple[float, int]:
    """A request's ms and status."""
    begun = time.perf_counter()
    status = server.http.get(url).status_code
    return (time.perf_counter() - begun) * 1000, status


def _row(name: str, fault: Fault, baseline: float) -> Row:
    p50, p99 = np.percentile(fault.after, (50, 99)) - baseline
    return {
        "Redis is": name,
        "the first, ms": spread([ms - baseline for ms in fault.first], 1),
        "then p50 ms": float(p50),
        "p99 ms": float(p99),
        "back, s": spread(fault.back),
        "failed": fault.failed,
    }


if __name__ == "__main__":
    main()
