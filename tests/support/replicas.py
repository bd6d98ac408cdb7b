"""Replicas of the service behind nginx."""

import signal
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from app.access.key_file import create_key
from testing.proxy import run_nginx
from testing.waiting import PATIENCE_S
from tests.api.conftest import ORIGIN
from tests.support.client import assert_problem, new_track
from tests.support.halting import HaltingServer, serving_with_fault

SECONDS = 4
"""Length of a track."""

UNLIMITED = {"rate=10r/s": "rate=10000r/s", "rate=5r/s": "rate=10000r/s"}
"""Rates that no test reaches."""


class Replica(HaltingServer):
    """A replica whose engines can be halted, and its process be stopped."""

    @property
    def port(self) -> int:
        return self.server.http.base_url.port

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """The process is stopped: it is connected to, and answers nothing."""
        self.server.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.server.process.send_signal(signal.SIGCONT)


@dataclass(frozen=True)
class Front:
    """nginx before the replicas.

    Attributes:
        http: A client of it.
        keys: The file of API keys of all replicas.
    """

    http: httpx.Client
    keys: Path

    def token(self, name: str) -> str:
        """An upload token of a new API key of this name."""
        key = create_key(self.keys, name, admin=False)
        response = self.http.post("/upload-tokens", json={"origin": ORIGIN}, headers=bearer(key))
        return str(response.json()["token"])

    def send(self, token: str, files: int = 1) -> httpx.Response:
        """Upload new tracks, each of which costs a use of the token."""
        path = "/suggest-tags" if files == 1 else "/suggest-tags/pooled"
        parts = [("file", new_track(SECONDS)) for _ in range(files)]
        headers = {**bearer(token), "Origin": ORIGIN}
        return self.http.post(path, files=parts, headers=headers)

    def assert_used_up(self, token: str) -> None:
        problem = assert_problem(self.send(token), 403, "forbidden")
        assert "used up" in problem["detail"]


def bearer(credential: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {credential}"}


@contextmanager
def replica(folder: Path, name: str, settings: Mapping[str, str]) -> Iterator[Replica]:
    with serving_with_fault(folder, name, settings) as (server, fault):
        yield Replica(server, fault)


@contextmanager
def nginx(
    folder: Path, settings: Mapping[str, str], *ports: int, changed: Mapping[str, str] | None = None
) -> Iterator[Front]:
    """Run nginx before the replicas on some ports."""
    with (
        run_nginx(folder, *ports, changed={**UNLIMITED, **(changed or {})}) as (port, _),
        httpx.Client(
            base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S, trust_env=False
        ) as client,
    ):
        yield Front(client, Path(settings["TAGGRAM_KEYS_FILE"]))


@contextmanager
def dying() -> Iterator[int]:
    """Yield the port of a replica that closes each connection once it has got a request."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def close_connections() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        connection.recv(2**16)

        closing = threading.Thread(target=close_connections)
        closing.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        closing.join()
