"""A client of the service: sends uploads, checks answers, reads the metrics and the log."""

import http.client
import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from testing.multipart import CONTENT_TYPE
from testing.processes import opened
from testing.server import Server
from testing.sounds import encoded, noise
from testing.waiting import PATIENCE_S, wait_for

_new_seeds = itertools.count(1_000)


def noise_file(seconds: float, seed: int = 0, rate: int = 16_000) -> bytes:
    """White noise as FLAC: another seed, another track."""
    return encoded(noise(round(seconds * rate), seed), rate, "FLAC")


def new_track(seconds: float = 4) -> bytes:
    """A track that no test has uploaded, so that no cache has it."""
    return noise_file(seconds, next(_new_seeds))


def post(server: Server, audio: bytes | Path, **query: object) -> httpx.Response:
    """Upload a file as the part `file`."""
    data = audio if isinstance(audio, bytes) else audio.read_bytes()
    return server.http.post("/suggest-tags", params=query, files={"file": data})


def post_body(server: Server, body: bytes, content_type: str = CONTENT_TYPE) -> httpx.Response:
    """Upload a body as it is."""
    return server.http.post("/suggest-tags", content=body, headers={"Content-Type": content_type})


@contextmanager
def upload(server: Server, **headers: str) -> Iterator[http.client.HTTPConnection]:
    """Send the headers of an upload; the test sends the body piece by piece."""
    port = server.http.base_url.port
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        connection.putrequest("POST", "/suggest-tags")
        for name, value in {"Content-Type": CONTENT_TYPE, **headers}.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        yield connection
    finally:
        connection.close()


def response_to(connection: http.client.HTTPConnection) -> httpx.Response:
    """The answer to an upload that may not be complete."""
    response = connection.getresponse()
    return httpx.Response(response.status, headers=response.getheaders(), content=response.read())


def answer(response: httpx.Response) -> dict[str, Any]:
    """The body of an answer, which must be 200."""
    assert response.status_code == httpx.codes.OK, response.text
    return response.json()


def assert_problem(response: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    """Check the status, the type and the form of a refusal; its body."""
    problem = response.json()
    assert (response.status_code, problem["type"]) == (status, f"/problems/{kind}"), problem
    assert response.headers["Content-Type"] == "application/problem+json"
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    assert problem["request_id"] == response.headers["X-Request-ID"]
    return problem


def series(server: Server) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """All of /metrics: values by name and labels."""
    exposition = server.http.get("/metrics").text
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
    }


def metric(server: Server, name: str, **labels: str) -> float:
    """One value of /metrics; 0 if nothing was counted yet."""
    return series(server).get((name, frozenset(labels.items())), 0.0)


def inferred_s(server: Server, model: str) -> float:
    """The seconds of audio that a model has scored so far."""
    return metric(server, "taggram_audio_seconds_total", model=f"{model}/1")


def wait_for_uploads(server: Server, count: int) -> None:
    """Wait until this number of uploads is in flight."""
    wait_for(
        lambda: metric(server, "taggram_uploads_in_flight") == count, f"{count} uploads in flight"
    )


def kept_uploads(server: Server, folder: Path) -> list[str]:
    """The files without a name that the server holds open in a folder."""
    files = opened(server.process.pid)
    return [path for path in files if path.startswith(f"{folder}/") and path.endswith("(deleted)")]


def logged(server: Server, request_id: str) -> dict[str, Any]:
    """The line of the log about a request; it is written after the answer is sent."""

    def look() -> dict[str, Any] | None:
        lines = server.log.read_text().splitlines(keepends=True)
        entries = [json.loads(line) for line in lines if request_id in line and line[-1] == "\n"]
        return next((entry for entry in entries if entry["message"] == "request"), None)

    entry = wait_for(look, f"a line of the log about {request_id}")
    assert entry is not None
    return entry
