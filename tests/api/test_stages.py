"""An upload is watched while it is answered."""

import json
import signal
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from app.api.watching import MOST_WATCHERS
from testing.server import Server, serving
from tests.api.asking import (
    PATIENCE_S,
    assert_problem,
    encoded,
    eventually,
    multipart,
    noise,
    response_to,
    upload,
    wait_for_uploads,
)

ORDER = ["receive", "queue", "decode", "infer", "derive"]


class Watcher:
    """Reads the stages of an upload in a thread of its own."""

    def __init__(self, server: Server, request_id: str) -> None:
        self.stages: list[str] = []
        self.headers = httpx.Headers()
        self._url = server.http.base_url.join(f"/uploads/{request_id}/stages")
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        eventually(lambda: bool(self.stages))

    def ends(self) -> list[str]:
        """Wait for the end; all stages."""
        self._thread.join(30)
        assert not self._thread.is_alive()
        return self.stages

    def _read(self) -> None:
        with httpx.stream("GET", self._url, timeout=60, trust_env=False) as response:
            self.headers = response.headers
            for line in response.iter_lines():
                if line.startswith("data:"):
                    self.stages.append(json.loads(line[5:])["stage"])


@pytest.fixture
def request_id() -> str:
    return str(uuid.uuid4())


def stages_of(server: Server, request_id: str) -> httpx.Response:
    """The answer where there is no stream."""
    return server.http.get(f"/uploads/{request_id}/stages")


@contextmanager
def held_up(server: Server, request_id: str, audio: bytes) -> Iterator[Watcher]:
    """Watch an upload whose last byte comes when the watcher is asked for."""
    body = multipart(audio)
    with upload(server, Content_Length=str(len(body)), X_Request_ID=request_id) as connection:
        connection.send(body[:-1])
        watcher = Watcher(server, request_id)
        yield watcher
        connection.send(body[-1:])
        response_to(connection)


def test_all_stages_are_told_in_order_until_the_answer(server: Server, request_id: str) -> None:
    with held_up(server, request_id, encoded(noise(9, seed=81))) as watcher:
        assert watcher.stages == ["receive"]
        assert watcher.headers["Content-Type"].startswith("text/event-stream")
        assert watcher.headers["X-Accel-Buffering"] == "no"
        assert "Content-Encoding" not in watcher.headers
    told = watcher.ends()
    assert told == [stage for stage in ORDER if stage in told]
    assert {"receive", "decode", "infer", "derive"} <= set(told)
    assert_problem(stages_of(server, request_id), 404, "not_found")


def test_they_end_with_a_refusal(server: Server, request_id: str) -> None:
    with held_up(server, request_id, encoded(noise(0.1, seed=82))) as watcher:
        pass
    assert watcher.ends()[-1] == "decode"


def test_they_end_when_the_client_leaves(server: Server, request_id: str) -> None:
    body = multipart(encoded(noise(9, seed=83)))
    with upload(server, Content_Length=str(len(body)), X_Request_ID=request_id) as connection:
        connection.send(body[:-1])
        watcher = Watcher(server, request_id)
    assert watcher.ends() == ["receive"]


def test_a_watcher_that_leaves_changes_nothing(server: Server, request_id: str) -> None:
    body = multipart(encoded(noise(9, seed=84)))
    with upload(server, Content_Length=str(len(body)), X_Request_ID=request_id) as connection:
        connection.send(body[:-1])
        url = f"/uploads/{request_id}/stages"
        for _ in range(10):  # more than may watch at a time
            with server.http.stream("GET", url) as response:
                eventually(lambda response=response: response.status_code == httpx.codes.OK)
        connection.send(body[-1:])
        assert response_to(connection).status_code == httpx.codes.OK


def test_so_many_watch_and_no_more(server: Server, request_id: str) -> None:
    with held_up(server, request_id, encoded(noise(5, seed=85))) as first:
        others = [Watcher(server, request_id) for _ in range(3)]
        refused = stages_of(server, request_id)
        assert_problem(refused, 503, "overloaded")
    assert len({tuple(watcher.ends()) for watcher in (first, *others)}) == 1


def test_of_those_who_come_at_once_so_many_watch(server: Server, request_id: str) -> None:
    def began(connection: socket.socket) -> bool:
        return connection.recv(100).startswith(b"HTTP/1.1 200")

    ask = f"GET /uploads/{request_id}/stages HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    address = ("127.0.0.1", server.http.base_url.port)
    body = multipart(encoded(noise(5, seed=89)))
    with ExitStack() as stack:
        uploading = upload(server, Content_Length=str(len(body)), X_Request_ID=request_id)
        stack.enter_context(uploading).send(body[:-1])
        wait_for_uploads(server, 1)
        watchers = [
            stack.enter_context(socket.create_connection(address, PATIENCE_S)) for _ in range(40)
        ]
        for watcher in watchers:
            watcher.sendall(ask)
        assert sum(began(watcher) for watcher in watchers) == MOST_WATCHERS


def test_of_two_uploads_with_one_id_the_first_is_watched(server: Server, request_id: str) -> None:
    with held_up(server, request_id, encoded(noise(5, seed=86))) as watcher:
        other = server.http.post(
            "/suggest-tags",
            files={"file": encoded(noise(5, seed=87))},
            headers={"X-Request-ID": request_id},
        )
        assert other.status_code == httpx.codes.OK
        assert watcher.stages == ["receive"]
    assert watcher.ends()[-1] == "derive"


def test_nobody_else_s_upload_is_found(server: Server) -> None:
    for unknown in (str(uuid.uuid4()), "x"):
        assert_problem(stages_of(server, unknown), 404, "not_found")
    assert_problem(stages_of(server, "a" * 65), 422, "invalid_parameter")


def test_a_watcher_does_not_keep_the_service_alive(tmp_path: Path, request_id: str) -> None:
    with ExitStack() as stack:
        settings = {"TAGGRAM_MODELS": '["msd-musicnn"]'}
        server = stack.enter_context(serving(tmp_path / "log", settings))
        with held_up(server, request_id, encoded(noise(5, seed=88))) as watcher:
            server.process.send_signal(signal.SIGTERM)
        assert watcher.ends()[-1] == "derive"
        assert server.process.wait(15) == 0
