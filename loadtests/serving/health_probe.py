"""Asks `/health/live` by the clock, over a connection of its own, while something else goes on."""

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

EVERY_S = 0.05


@dataclass
class Health:
    """What was answered.

    Attributes:
        milliseconds: From the moment that each question was due. One that waits for the answer to
            the last is late, so a service that stands still for a second shows in twenty of them.
        errors: Questions without a good answer.
    """

    milliseconds: list[float] = field(default_factory=list)
    errors: int = 0


@contextmanager
def polling_health(host: str, port: int) -> Iterator[Health]:
    """Ask every 50 ms during the body."""
    health = Health()
    done = threading.Event()
    thread = threading.Thread(target=_poll, args=(host, port, health, done), daemon=True)
    thread.start()
    try:
        yield health
    finally:
        done.set()
        thread.join()


def _poll(host: str, port: int, health: Health, done: threading.Event) -> None:
    connection = http.client.HTTPConnection(host, port, timeout=60)
    due = time.monotonic()
    while not done.wait(max(0.0, due - time.monotonic())):
        try:
            connection.request("GET", "/health/live")
            answer = connection.getresponse()
            answer.read()
            health.errors += answer.status != http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            health.errors += 1
            connection.close()  # the next request opens it again
        health.milliseconds.append((time.monotonic() - due) * 1000)
        due += EVERY_S
    connection.close()
