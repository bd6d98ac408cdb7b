"""What one client's many requests for pictures cost another client.

`python -m loadtests.serving.pictures` starts the service as users do. One client asks for 60
different pictures at once; another one, from another address, asks for its own then. Then the same,
but the 60 leave before the other asks.
"""

import contextlib
import http.client
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus

from loadtests.report import Row, publish, tally
from loadtests.service import service
from testing.server import Server
from testing.sounds import encoded, noise

REQUESTS = 60
PATIENCE_S = 120


def main() -> None:
    """Measure and print."""
    with service() as server:
        clip = encoded(noise(30 * 16_000), 16_000, "FLAC")
        suggested = server.http.post("/suggest-tags", files={"file": clip}).json()
        url = f"/taggram?track_id={suggested['track_id']}&vocabulary=raw"
        _request(server, f"{url}&top=3", "127.0.0.1")  # to load the library
        rows = [_measured(server, url, leave=leave) for leave in (False, True)]
    publish("pictures", f"A picture while one client asks for {REQUESTS}", rows)


def _measured(server: Server, url: str, *, leave: bool) -> Row:
    # No picture is requested twice: each shows other tags or another part of the track.
    least = 20 if leave else 10
    urls = [f"{url}&top={least + n % 10}&start_s={3 * (n // 10)}" for n in range(REQUESTS)]
    with _crowd(server, urls, leave) as got:
        time.sleep(1.0)
        if leave:
            time.sleep(0.5)
        begun = time.monotonic()
        answer, retry_after = _request(server, f"{url}&top={40 + leave}", "127.0.0.3")
        seconds = time.monotonic() - begun
    return {
        "the 60": "leave after a second" if leave else "stay",
        "the other's answer": answer,
        "after s": seconds,
        "answers to the 60": tally(status for status, _ in got),
        "their Retry-After": tally(wait for _, wait in got if wait),
        "retry": retry_after,
    }


@contextmanager
def _crowd(server: Server, urls: list[str], leave: bool) -> Iterator[list[tuple[int, str | None]]]:
    """Request all of them at once during the body; yield answers, except of clients that leave."""
    answers: list[tuple[int, str | None]] = []
    lock = threading.Lock()

    def send(url: str) -> None:
        with contextlib.suppress(TimeoutError):
            answer = _request(server, url, "127.0.0.2", 1.0 if leave else PATIENCE_S)
            with lock:
                answers.append(answer)

    with ThreadPoolExecutor(len(urls)) as threads:
        for url in urls:
            threads.submit(send, url)
        yield answers


def _request(
    server: Server, url: str, address: str, patience_s: float = PATIENCE_S
) -> tuple[int, str | None]:
    to = server.http.base_url
    connection = http.client.HTTPConnection(
        to.host, to.port, timeout=patience_s, source_address=(address, 0)
    )
    try:
        connection.request("GET", url, headers={"Accept": "image/png"})
        answer = connection.getresponse()
        answer.read()
        return HTTPStatus(answer.status).value, answer.headers.get("Retry-After")
    finally:
        connection.close()


if __name__ == "__main__":
    main()
