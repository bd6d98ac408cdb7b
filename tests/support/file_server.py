"""Files over HTTP on loopback, and all that can go wrong with them."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast


@dataclass
class FileServer:
    """The files it serves, its faults, and its requests.

    Attributes:
        url: Its own.
        files: By path.
        moved: From path to path.
        ranges: Whether it supports `Range`.
        announces: Whether it sends `Content-Length`.
        cut: The number of bytes of content after which the connection ends.
        stalls: Whether it then stays open instead, and sends nothing.
        requests: Path and `Range` of each request.
        stopped: Set to end a stalled connection.
    """

    url: str
    files: dict[str, bytes] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    ranges: bool = True
    announces: bool = True
    cut: int | None = None
    stalls: bool = False
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)


class _Server(ThreadingHTTPServer):
    behaviour: FileServer


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Answer as the server is set."""
        behaviour = cast("_Server", self.server).behaviour
        wanted = self.headers["Range"]
        behaviour.requests.append((self.path, wanted))
        if self.path in behaviour.moved:
            self.send_response(302)
            self.send_header("Location", behaviour.moved[self.path])
            self.end_headers()
            return
        if self.path not in behaviour.files:
            self.send_error(404)
            return
        data, start = behaviour.files[self.path], 0
        if wanted and behaviour.ranges:
            start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1])
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        else:
            self.send_response(200)
        if behaviour.announces:
            self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        self.wfile.write(data[start:][: behaviour.cut])
        if behaviour.stalls:
            behaviour.stopped.wait(300)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def file_server() -> Iterator[FileServer]:
    """A server of no files, on a port of its own."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.behaviour = FileServer(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.behaviour
        finally:
            server.behaviour.stopped.set()
            server.shutdown()
            thread.join(300)
