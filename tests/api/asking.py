"""What the tests of the API send, and what they hold the answers against."""

import http.client
import io
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import soundfile
from prometheus_client.parser import text_string_to_metric_families

from testing.server import Server

BOUNDARY = b"a-boundary-that-no-audio-has"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY.decode()}"
PATIENCE_S = 30


def post(server: Server, audio: bytes | Path, **query: object) -> httpx.Response:
    """Upload a file as its part `file`."""
    data = audio if isinstance(audio, bytes) else audio.read_bytes()
    return server.http.post("/suggest-tags", params=query, files={"file": data})


def answer(response: httpx.Response) -> dict[str, Any]:
    """The body of an answer that must be a good one."""
    assert response.status_code == httpx.codes.OK, response.text
    return response.json()


def assert_problem(response: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    """Hold a refusal against the form that all have; its body."""
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
    """One value of /metrics; 0 where nothing was counted yet."""
    return series(server).get((name, frozenset(labels.items())), 0.0)


def heard_s(server: Server, model: str) -> float:
    """The seconds of audio that a model has heard so far."""
    return metric(server, "taggram_audio_seconds_total", model=f"{model}/1")


def wait_for_uploads(server: Server, count: int) -> None:
    """Wait until the server holds so many uploads."""
    deadline = time.monotonic() + PATIENCE_S
    while metric(server, "taggram_uploads_in_flight") != count:
        assert time.monotonic() < deadline, f"there were never {count} uploads in flight"
        time.sleep(0.02)


def eventually(condition: Callable[[], bool]) -> None:
    """Wait until it comes true."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.005)


def kept_uploads(server: Server, folder: Path) -> list[str]:
    """The files without a name that the server holds open in a folder."""
    kept = []
    for descriptor in Path(f"/proc/{server.process.pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # it was closed meanwhile
            kept.append(str(descriptor.readlink()))
    return [path for path in kept if path.startswith(f"{folder}/") and path.endswith("(deleted)")]


def logged(server: Server, request_id: str) -> dict[str, Any]:
    """The line of the log about a request; it is written after the answer is sent."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        for line in server.log.read_text().splitlines(keepends=True):
            if line.endswith("\n") and request_id in line:
                entry: dict[str, Any] = json.loads(line)
                if entry["message"] == "request":
                    return entry
        time.sleep(0.02)
    raise AssertionError(f"the log has no line about {request_id}")


def noise(seconds: float, rate: int = 16_000, seed: int = 0) -> np.ndarray:
    """White noise, (samples,): another seed, another track."""
    samples = np.random.default_rng(seed).uniform(-0.3, 0.3, round(seconds * rate))
    return samples.astype(np.float32)


def encoded(
    samples: np.ndarray, rate: int = 16_000, container: str = "FLAC", subtype: str | None = None
) -> bytes:
    """Samples as the bytes of an audio file."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=container, subtype=subtype)
    return file.getvalue()


def multipart(data: bytes, disposition: bytes = b'form-data; name="file"; filename="a"') -> bytes:
    """A body with one part, byte for byte as it is sent."""
    head = b"--" + BOUNDARY + b"\r\nContent-Disposition: " + disposition + b"\r\n\r\n"
    return head + data + b"\r\n--" + BOUNDARY + b"--\r\n"


def post_body(server: Server, body: bytes, content_type: str = MULTIPART) -> httpx.Response:
    """Upload a body as it is."""
    return server.http.post("/suggest-tags", content=body, headers={"Content-Type": content_type})


@contextmanager
def upload(server: Server, **headers: str) -> Iterator[http.client.HTTPConnection]:
    """An upload whose headers are sent and whose body the test sends piece by piece."""
    connection = http.client.HTTPConnection(
        "127.0.0.1", server.http.base_url.port, timeout=PATIENCE_S
    )
    try:
        connection.putrequest("POST", "/suggest-tags")
        for name, value in {"Content-Type": MULTIPART, **headers}.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        yield connection
    finally:
        connection.close()


def response_to(connection: http.client.HTTPConnection) -> httpx.Response:
    """What the server answers to an upload, whole or not."""
    response = connection.getresponse()
    return httpx.Response(response.status, headers=response.getheaders(), content=response.read())
