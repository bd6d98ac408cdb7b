"""From the first answer of a new process to its last, or to why it ended."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from testing.forked_services import fork_service
from testing.server import START_S, free_port
from tests.support.client import assert_problem, noise_file

NEEDS_MODELS = ["/health/ready", "/taggram?track_id=" + "0" * 64]
NEEDS_NONE = ["/health/live", "/metrics", "/vocabularies", "/models", "/docs"]
COMMAND = (sys.executable, "-m", "tests.api.loading_service", "serve")


@dataclass(frozen=True)
class Started:
    """What a process answered while its models were being loaded.

    Attributes:
        early: By path.
        early_upload: To an upload.
    """

    early: dict[str, httpx.Response]
    early_upload: httpx.Response


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """See `Started`; by now the models are loaded."""
    folder = tmp_path_factory.mktemp("starting")
    port, log, loading = free_port(), folder / "log", folder / "loading"
    loading.touch()
    environment = {**os.environ, "HOST": "127.0.0.1", "PORT": str(port), "LOADING": str(loading)}
    with log.open("wb") as output:
        process = subprocess.Popen(COMMAND, env=environment, stdout=output, stderr=output)
    address = f"http://127.0.0.1:{port}"
    with httpx.Client(base_url=address, timeout=START_S, trust_env=False) as http:
        try:
            wait_until_ok(http, "/health/live", process, log)
            early = {path: http.get(path) for path in NEEDS_MODELS + NEEDS_NONE}
            early_upload = http.post("/suggest-tags", files={"file": noise_file(4)})
            loading.write_text("loaded")
            wait_until_ok(http, "/health/ready", process, log)
            yield Started(early, early_upload)
        finally:
            process.kill()
            process.wait(300)


def wait_until_ok(
    http: httpx.Client, path: str, process: subprocess.Popen[bytes], log: Path
) -> None:
    """Wait until the server answers with 200."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if http.get(path).status_code == httpx.codes.OK:
                return
        except httpx.ConnectError:
            pass
        time.sleep(0.02)
    raise AssertionError(log.read_text())


def assert_not_ready(response: httpx.Response) -> None:
    assert_problem(response, 503, "not_ready")
    assert int(response.headers["Retry-After"]) > 0


@pytest.mark.parametrize("path", NEEDS_MODELS)
def test_requests_that_need_models_are_not_ready_until_they_are_loaded(
    started: Started, path: str
) -> None:
    assert_not_ready(started.early[path])


def test_uploads_are_answered_503_until_the_models_are_loaded(started: Started) -> None:
    assert_not_ready(started.early_upload)


@pytest.mark.parametrize("path", NEEDS_NONE)
def test_requests_that_need_no_model_are_answered_from_the_start(
    started: Started, path: str
) -> None:
    assert started.early[path].status_code == httpx.codes.OK


def end(folder: Path, outcome: str, level: str) -> tuple[list[dict[str, str]], str]:
    """Start a process that ends while it loads its models: its log, and the line for people."""
    (folder / "loading").write_text(outcome)
    settings = {"PORT": "0", "LOADING": str(folder / "loading"), "TAGGRAM_LOG_LEVEL": level}
    ended = subprocess.run(
        COMMAND,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (1, ""), ended.stderr
    lines = ended.stderr.splitlines()
    [error_line] = [line for line in lines if line.startswith("taggram: ")]
    lines.remove(error_line)
    return [json.loads(line) for line in lines], error_line


def test_a_model_that_a_library_cannot_load_ends_the_start_with_the_cause(tmp_path: Path) -> None:
    log, error_line = end(tmp_path, "NameError: name 'tensorflow' is not defined", "debug")

    assert error_line == (
        "taggram: the models can't be loaded: NameError: name 'tensorflow' is not defined; "
        "with TAGGRAM_LOG_LEVEL=debug the log holds the traceback"
    )
    [traced] = [line for line in log if "exception" in line]
    assert (traced["level"], traced["message"]) == ("DEBUG", "the models can't be loaded")
    assert "Traceback" in traced["exception"]
    assert "loading_service.py" in traced["exception"]


def test_a_setup_error_ends_the_start_with_its_message(tmp_path: Path) -> None:
    log, error_line = end(tmp_path, "SetupError: our-tagger/1 can't run on openvino", "info")

    assert error_line == "taggram: our-tagger/1 can't run on openvino"
    assert not [line for line in log if "exception" in line]


def test_a_socket_folder_with_too_long_a_path_ends_the_start_with_one_line(
    tmp_path: Path,
) -> None:
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    log = tmp_path / "log"
    service = fork_service({**os.environ, "PORT": str(free_port()), "TMPDIR": str(folder)}, log)
    assert service.wait(300) == 1
    assert "set TMPDIR" in log.read_text()
    assert "Traceback" not in log.read_text()
