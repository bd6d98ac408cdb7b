"""One level of load by locust, in a separate process: locust patches blocking calls of Python.

`loadtests.serving.load` starts it with the service's address, the folder of tracks and the level.
It prints a line when it begins, and its outcome in one line of JSON.
"""

import ipaddress
import itertools
import json
import random
import sys
import time
from pathlib import Path
from typing import Any

import gevent
from gevent.event import Event
from gevent.lock import BoundedSemaphore
from locust import FastHttpUser, constant, task
from locust.env import Environment
from locust.exception import StopUser

from loadtests.lookalikes import lookalike
from loadtests.service import stage_seconds
from loadtests.serving.load_profile import MIXES, Level, Result, Upload
from testing.multipart import CONTENT_TYPE, multipart

HEADERS = {"Content-Type": CONTENT_TYPE}
CONNECTIONS = 256
"""At once. An upload that waits for one has left late, which the report shows."""

TIMEOUT_S = 300.0

FLOODER = "192.0.2.1"


def artist(number: int) -> str:
    """An address of its own for each upload, as a proxy on this machine would forward it."""
    return str(ipaddress.IPv4Address("10.0.0.0") + number % 2**24)


class Uploader(FastHttpUser):
    """Uploads tracks, new and known ones in turn as the mix wants; `main` fills it in."""

    abstract = True
    network_timeout = connection_timeout = TIMEOUT_S
    concurrency = CONNECTIONS
    wait_time = constant(0)
    level: Level
    tracks: list[bytes]
    finished = Event()
    numbers = itertools.count()
    connections = BoundedSemaphore(CONNECTIONS)

    def upload(self, due: float) -> None:
        """Upload the next track; `main` collects the outcome."""
        with self.connections:
            number = next(self.numbers)
            body = multipart(self.track(number))
            flooders = self.is_flooders(number)
            context = {"due": due, "sent": time.perf_counter(), "flooders": flooders}
            sender = FLOODER if flooders else artist(number)
            headers = {**HEADERS, "X-Forwarded-For": sender}
            self.client.post("/suggest-tags", body, headers=headers, context=context)  # type: ignore[arg-type]

    def is_flooders(self, number: int) -> bool:
        """Return whether an upload is sent by the flooding client."""
        share = self.level.flooders_share
        return int((number + 1) * share) > int(number * share)

    def track(self, number: int) -> bytes:
        """A track that was uploaded before the level, or one that never was."""
        share = MIXES[self.level.mix]
        mp3 = self.tracks[number % len(self.tracks)]
        known = int((number + 1) * share) > int(number * share)
        return mp3 if known else lookalike(mp3, f"{self.level.name} {number}")


class ClosedLoop(Uploader):
    """One of the users who upload again as soon as they are answered."""

    @task
    def again(self) -> None:
        """Upload once."""
        self.upload(time.perf_counter())


class OpenLoop(Uploader):
    """A crowd whose uploads are sent at fixed times."""

    @task
    def crowd(self) -> None:
        """Let all uploads leave when they are due, and wait for their answers.

        The moments are those of a Poisson process of which the number of arrivals is known:
        uniform. So bursts are as usual, and a short level is not short of uploads by chance.
        """
        count = max(1, round(self.level.rate * self.level.seconds))
        chance = random.Random(20260101)
        start = time.perf_counter()
        delays = [chance.uniform(0, self.level.seconds) for _ in range(count)]
        gevent.joinall(
            [gevent.spawn_later(delay, self.upload, start + delay) for delay in delays],
            raise_error=True,
        )
        gevent.sleep(max(0.0, start + self.level.seconds - time.perf_counter()))
        self.finished.set()
        raise StopUser


def run(url: str, folder: Path, level: Level) -> Result:
    """Load the service; all uploads are answered when this returns."""
    users: type[Uploader] = ClosedLoop if level.users else OpenLoop
    users.level, users.host = level, url
    users.tracks = [path.read_bytes() for path in sorted(folder.glob("*.mp3"))]
    environment = Environment(user_classes=[users], stop_timeout=TIMEOUT_S, catch_exceptions=False)
    uploads: list[Upload] = []
    start, start_cpu = time.perf_counter(), time.process_time()

    def keep(response: Any, exception: Exception | None, context: Any, **_: Any) -> None:  # noqa: ANN401 - locust's
        uploads.append(_upload(response, exception, context, start))

    environment.events.request.add_listener(keep)  # type: ignore[no-untyped-call]
    runner = environment.create_local_runner()
    runner.start(level.users or 1, spawn_rate=level.users or 1)
    users.finished.wait(level.seconds if level.users else None)
    runner.quit()
    cores = (time.process_time() - start_cpu) / (time.perf_counter() - start)
    return Result(uploads, cores)


def _upload(
    response: Any,  # noqa: ANN401 - locust's
    exception: Exception | None,
    context: dict[str, Any],
    start: float,
) -> Upload:
    ended = time.perf_counter()
    return Upload(
        due_s=context["due"] - start,
        sent_s=context["sent"] - start,
        ended_s=ended - start,
        answer=str(response.status_code) if response.status_code else repr(exception)[:80],
        flooders=context["flooders"],
        cached=b'"cached":true' in (response.content or b""),
        stages=stage_seconds(response.headers or {}),
    )


def main() -> None:
    """Run the level that the command line describes."""
    url, folder, level = sys.argv[1:]
    print("begins", flush=True)
    print(run(url, Path(folder), Level(**json.loads(level))).to_json(), flush=True)


if __name__ == "__main__":
    main()
