"""From the first answer of a new process to its last."""

import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from testing.server import COMMAND, START_S, Server, free_port
from tests.api.asking import (
    assert_problem,
    encoded,
    noise,
)

NEEDS_MODELS = ["/health/ready", "/taggram?track_id=" + "0" * 64]
NEEDS_NONE = ["/health/live", "/metrics", "/vocabularies", "/models", "/docs"]


@dataclass(frozen=True)
class Started:
    """A process that nobody waited for.

    Attributes:
        server: The running service, loaded by now.
        early: What it answered at first, by path.
        early_upload: What it answered at first to an upload.
    """

    server: Server
    early: dict[str, httpx.Response]
    early_upload: httpx.Response


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """See `Started`."""
    port = free_port()
    log = tmp_path_factory.mktemp("starting") / "log"
    environment = {**os.environ, "PORT": str(port), "TAGGRAM_MODELS": '["msd-musicnn"]'}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [COMMAND, "serve"], env=environment, stdout=output, stderr=output
        )
    address = f"http://127.0.0.1:{port}"
    with httpx.Client(base_url=address, timeout=START_S, trust_env=False) as http:
        server = Server(http, process, log)
        try:
            wait_for(server, "/health/live")
            early = {path: http.get(path) for path in NEEDS_MODELS}
            early_upload = http.post("/suggest-tags", files={"file": encoded(noise(4))})
            early |= {path: http.get(path) for path in NEEDS_NONE}
            wait_for(server, "/health/ready")
            yield Started(server, early, early_upload)
        finally:
            process.kill()
            process.wait()


def wait_for(server: Server, path: str) -> None:
    """Wait until the server answers with 200."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        assert server.process.poll() is None, server.log.read_text()
        try:
            if server.http.get(path).status_code == httpx.codes.OK:
                return
        except httpx.ConnectError:
            pass
        time.sleep(0.02)
    raise AssertionError(server.log.read_text())


def assert_not_ready(response: httpx.Response) -> None:
    if response.status_code == httpx.codes.OK:
        pytest.skip("the models were loaded before anyone could ask")
    assert_problem(response, 503, "not_ready")
    assert int(response.headers["Retry-After"]) > 0


@pytest.mark.parametrize("path", NEEDS_MODELS)
def test_what_needs_the_models_is_not_ready_until_they_are_loaded(
    started: Started, path: str
) -> None:
    assert_not_ready(started.early[path])


def test_uploads_are_asked_to_come_again_until_the_models_are_loaded(started: Started) -> None:
    assert_not_ready(started.early_upload)


@pytest.mark.parametrize("path", NEEDS_NONE)
def test_what_needs_no_model_is_answered_from_the_start(started: Started, path: str) -> None:
    assert started.early[path].status_code == httpx.codes.OK
