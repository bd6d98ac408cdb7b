"""Requests byte for byte, as no HTTP library would send them."""

import socket
from collections.abc import Iterable
from pathlib import Path

import httpx

from testing.server import Server

PATIENCE_S = 30


def connect(server: Server) -> socket.socket:
    """A connection on which nothing was sent yet."""
    address = ("127.0.0.1", server.http.base_url.port)
    return socket.create_connection(address, timeout=PATIENCE_S)


def exchange(server: Server, *pieces: bytes) -> httpx.Response | None:
    """Send all of it; what came back until the server closed, None where that was nothing."""
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
    """What comes until the server closes, None where that is nothing."""
    data = bytearray()
    try:
        while received := connection.recv(2**16):
            data += received
    except ConnectionResetError:
        pass
    if not data:
        return None
    head, _, body = bytes(data).partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = [tuple(line.split(": ", 1)) for line in lines]
    return httpx.Response(int(status.split()[1]), headers=headers, content=body)


def chunk(data: bytes) -> bytes:
    """A piece of a body of no stated length."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def resident_mb(server: Server, line: str = "VmRSS") -> float:
    """The server's memory; `VmHWM` is the most since `forget_peak`."""
    status = Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
    return next(int(text.split()[1]) / 1024 for text in status if text.startswith(line))


def forget_peak(server: Server) -> None:
    """Begin anew to note the most memory that the server has."""
    Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")
