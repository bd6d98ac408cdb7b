"""The log: one line of JSON per entry, without text of clients, written without blocking."""

import fcntl
import json
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.logs import QUEUE_LINES
from testing.multipart import multipart
from testing.server import STUB, Server, serving
from testing.waiting import PATIENCE_S, wait_for
from tests.support.client import answer, assert_problem, logged, metric, new_track, post, post_body

FILE_NAMES = {
    "a path": b"../../../../not-for-the-log",
    "a line break": b"a\r\nX-Injected: not-for-the-log\r\n.mp3",
    "an escape sequence": b"\x1b[2J\x1b[31mnot-for-the-log",
    "a null byte": b"a\x00not-for-the-log",
    "no Unicode": b"\xff\xfe\xc3not-for-the-log",
    "4 kB": b"not-for-the-log" * 280,
}
SMALL_PIPE = 4096
SHORTEST_LINE = 50


def entries(log: bytes) -> list[dict[str, Any]]:
    """All whole lines; each must be JSON."""
    return [json.loads(line) for line in log.splitlines(keepends=True) if line.endswith(b"\n")]


def test_a_request_is_logged_with_its_figures(stub: Server) -> None:
    body = multipart(new_track(30))  # comes in several pieces
    line = logged(stub, post_body(stub, body).headers["X-Request-ID"])
    assert (line["method"], line["route"], line["status"]) == ("POST", "/suggest-tags", 200)
    assert line["level"] == "INFO"
    assert line["time"].endswith("+00:00")
    assert line["error"] is None
    assert line["bytes_received"] == len(body)
    assert list(line["stages_ms"]) == ["receive", "decode", "queue", "infer", "derive"]
    assert 0 < line["stages_ms"]["receive"] < line["seconds"] * 1000


def test_a_refusal_is_logged_with_its_kind(stub: Server) -> None:
    refused = stub.http.get("/taggram", params={"track_id": "not-for-the-log"})
    line = logged(stub, refused.headers["X-Request-ID"])
    assert (line["status"], line["error"]) == (422, "invalid_parameter")
    missed = stub.http.get("/not-for-the-log")
    line = logged(stub, missed.headers["X-Request-ID"])
    assert (line["route"], line["error"]) == ("unmatched", "not_found")
    assert b"not-for-the-log" not in stub.log.read_bytes()


@pytest.mark.parametrize("what", FILE_NAMES)
def test_file_names_never_reach_the_log(stub: Server, what: str) -> None:
    before = stub.log.stat().st_size
    body = multipart(b"text", b'form-data; name="file"; filename="' + FILE_NAMES[what] + b'"')
    response = post_body(stub, body)
    assert response.is_client_error
    assert b"not-for-the-log" not in response.content
    logged(stub, response.headers["X-Request-ID"])
    log = stub.log.read_bytes()[before:]
    assert b"not-for-the-log" not in log
    assert {entry["message"] for entry in entries(log)} == {"request"}


def test_every_line_is_json_from_the_start(stub: Server) -> None:
    wait_for(lambda: b"ready: " in stub.log.read_bytes(), "the line that says it is ready")
    messages = [entry["message"] for entry in entries(stub.log.read_bytes())]
    assert any(message.startswith("ready: ") for message in messages)
    assert b"\x1b" not in stub.log.read_bytes()


@dataclass(frozen=True)
class Piped:
    """A server whose output is a small pipe.

    Attributes:
        server: The running service.
        pipe: The end to read from.
        overfull: More lines than it can hold.
    """

    server: Server
    pipe: int
    overfull: int

    def read(self) -> bytes:
        """Return the content of the pipe."""
        try:
            return os.read(self.pipe, 2**20)
        except BlockingIOError:
            return b""


@contextmanager
def piped(folder: Path) -> Iterator[Piped]:
    """Run a server whose standard output and error go to a pipe that is not read yet."""
    log = folder / "log"
    os.mkfifo(log)
    pipe = os.open(log, os.O_RDONLY | os.O_NONBLOCK)
    size = fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, SMALL_PIPE)  # at least a page of memory
    try:
        with serving(log, {"TAGGRAM_MODELS": '["msd-musicnn"]'}, STUB) as server:
            yield Piped(server, pipe, size // SHORTEST_LINE)
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(PATIENCE_S) == 0
    finally:
        os.close(pipe)


def test_an_unread_log_blocks_neither_requests_nor_shutdown(tmp_path: Path) -> None:
    with piped(tmp_path) as blocked:
        server = blocked.server
        send(server, 2 * QUEUE_LINES + blocked.overfull)  # the writer may hold a full queue too
        answer(post(server, new_track()))
        assert_problem(post(server, b"text"), 415, "unsupported_audio")
        assert metric(server, "taggram_log_lines_dropped_total") > 0

        log = bytearray()

        def goes_on() -> bool:
            server.http.get("/health/live", headers={"X-Request-ID": "read-again"})
            log.extend(blocked.read())
            return b"read-again" in log

        wait_for(goes_on, "a new line in the log")
        assert len(entries(bytes(log))) >= QUEUE_LINES

        send(server, blocked.overfull)  # the pipe is not read while the service ends, either


def send(server: Server, times: int) -> None:
    """Have it log this number of lines, by requests that do not wait for each other's answers."""
    address = ("127.0.0.1", server.http.base_url.port)
    with socket.create_connection(address, PATIENCE_S) as connection:
        connection.sendall(times * b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answers = b""
        while answers.count(b"HTTP/1.1 200 OK") < times:
            received = connection.recv(2**16)
            assert received, "the service closed the connection"
            answers += received
