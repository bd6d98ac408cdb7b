"""Requests byte for byte, as no HTTP library would send them."""

import http.client
import socket
from collections.abc import Iterable
from pathlib import Path

import httpx

from testing.multipart import BOUNDARY, CONTENT_TYPE, multipart
from testing.server import Server

PATIENCE_S = 30
GET = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n"
POST = (
    b"POST /suggest-tags HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
    + CONTENT_TYPE.encode()
    + b"\r\n"
)
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
FILE_HEAD = multipart(b"").removesuffix(b"\r\n--" + BOUNDARY + b"--\r\n")


def connect(server: Server) -> socket.socket:
    """A connection on which nothing was sent yet."""
    address = ("127.0.0.1", server.http.base_url.port)
    return socket.create_connection(address, timeout=PATIENCE_S)


def exchange(server: Server, *pieces: bytes) -> httpx.Response | None:
    """Send all of it; return the first answer, None if the server closes without one."""
    with connect(server) as connection:
        send_all(connection, pieces)
        return answer_on(connection)


def send_all(connection: socket.socket, pieces: Iterable[bytes]) -> int:
    """Send until it is done or the server takes no more; how many bytes it took."""
    sent = 0
    try:
        for piece in pieces:
            connection.sendall(piece)
            sent += len(piece)
    except OSError:
        pass
    return sent


def answer_on(connection: socket.socket) -> httpx.Response | None:
    """Return the next answer, None if the server closes without one."""
    response = http.client.HTTPResponse(connection)
    try:
        response.begin()
        content = response.read()
    except ConnectionError:
        return None
    return httpx.Response(response.status, headers=response.getheaders(), content=content)


def chunk(data: bytes) -> bytes:
    """A piece of a body of no stated length."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def resident_mb(server: Server, line: str = "VmRSS") -> float:
    """The server's memory; `VmHWM` is the most since `forget_peak`."""
    status = Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
    return next(int(text.split()[1]) / 1024 for text in status if text.startswith(line))


def forget_peak(server: Server) -> None:
    """Reset the peak memory of the server."""
    Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")
