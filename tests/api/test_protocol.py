"""The protocol on real sockets, around applications that are slower than ours."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.api.protocol import bounded
from app.metrics import Metrics
from app.settings import Settings
from testing.server import free_port

PATIENCE_S = 30
STALL_TIMEOUT_S = 0.5
HEADER_TIMEOUT_S = 1
HALF_SENT = 300
LARGE = bytes(2**25)
HEAD = b"Host: here\r\nConnection: close\r\n"


async def large(request: Request) -> Response:
    """Answer with more than fits into the buffers of a kernel."""
    return Response(LARGE)


async def late(request: Request) -> Response:
    """Answer after a while."""
    await asyncio.sleep(3 * STALL_TIMEOUT_S)
    return Response("late")


async def slow_reader(request: Request) -> Response:
    """Read a body with pauses in which the client can send nothing."""
    size = 0
    async for piece in request.stream():
        size += len(piece)
        await asyncio.sleep(2 * STALL_TIMEOUT_S if size < 2 * 2**16 else 0)
    return Response(str(size))


@contextmanager
def served(application: Starlette, max_connections: int) -> Iterator[tuple[str, int]]:
    """The address of a server in a thread of this process."""
    settings = Settings(
        header_timeout_s=HEADER_TIMEOUT_S,
        stall_timeout_s=STALL_TIMEOUT_S,
        min_upload_rate=2**20,
        max_connections=max_connections,
    )
    protocol = bounded(settings, Metrics())
    address = ("127.0.0.1", free_port())
    config = uvicorn.Config(application, host=address[0], port=address[1], http=protocol, ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    deadline = time.monotonic() + PATIENCE_S
    while not server.started:
        assert time.monotonic() < deadline, "it never listened"
        time.sleep(0.01)
    yield address
    server.should_exit = True
    thread.join(PATIENCE_S)
    assert not thread.is_alive()


APPLICATION = Starlette(
    routes=[
        Route("/large", large),
        Route("/late", late),
        Route("/slow-reader", slow_reader, methods=["POST"]),
    ]
)


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    """Where the slow applications are served."""
    with served(APPLICATION, HALF_SENT + 10) as address:
        yield address


def connected(address: tuple[str, int]) -> socket.socket:
    return socket.create_connection(address, timeout=PATIENCE_S)


def rest_of(connection: socket.socket) -> bytes:
    data = bytearray()
    with suppress(ConnectionError):
        while piece := connection.recv(2**20):
            data += piece
    return bytes(data)


def test_heads_that_do_not_end_are_closed_while_others_are_served(
    address: tuple[str, int],
) -> None:
    with ExitStack() as stack:
        connections = [stack.enter_context(connected(address)) for _ in range(HALF_SENT)]
        for connection in connections:
            connection.sendall(b"GET /late HTTP/1.1\r\n" + HEAD)
        with connected(address) as other:
            other.sendall(b"GET /late HTTP/1.1\r\n" + HEAD + b"\r\n")
            assert rest_of(other).endswith(b"late")
        for connection in connections:
            assert rest_of(connection).startswith(b"HTTP/1.1 408 ")


def test_one_too_many_is_asked_to_come_again_where_none_is_idle() -> None:
    with (
        served(APPLICATION, max_connections=2) as address,
        connected(address) as first,
        connected(address) as second,
    ):
        for connection in (first, second):
            connection.sendall(b"GET /late HTTP/1.1\r\n" + HEAD + b"\r\n")
        time.sleep(STALL_TIMEOUT_S)
        with connected(address) as third:
            refusal = rest_of(third)
        assert refusal.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nRetry-After: 2\r\n" in refusal
        for connection in (first, second):
            assert rest_of(connection).endswith(b"late")


def test_an_answer_that_nobody_takes_is_given_up(address: tuple[str, int]) -> None:
    with connected(address) as connection:
        connection.sendall(b"GET /large HTTP/1.1\r\n" + HEAD + b"\r\n")
        time.sleep(4 * STALL_TIMEOUT_S)
        assert len(rest_of(connection)) < len(LARGE)


def test_an_answer_that_is_taken_slowly_is_not(address: tuple[str, int]) -> None:
    taken = 0
    with connected(address) as connection:
        connection.sendall(b"GET /large HTTP/1.1\r\n" + HEAD + b"\r\n")
        for _ in range(8):
            taken += len(connection.recv(2**21, socket.MSG_WAITALL))
            time.sleep(STALL_TIMEOUT_S / 2)
        taken += len(rest_of(connection))
    assert taken > len(LARGE)


def test_a_client_is_not_blamed_where_the_service_is_slow(address: tuple[str, int]) -> None:
    size = 2**23
    with connected(address) as connection:
        connection.sendall(b"POST /slow-reader HTTP/1.1\r\n" + HEAD)
        connection.sendall(b"Content-Length: %d\r\n\r\n" % size + bytes(size))
        answer = rest_of(connection)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"%d" % size)
