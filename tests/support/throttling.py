"""An HTTP proxy on loopback that answers a share of the requests as an object store that throttles.

Amazon S3 answers `503 Slow Down` when a prefix gets too many requests.
"""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast
from urllib.parse import urlsplit

SLOW_DOWN = (
    b"<?xml version='1.0'?><Error><Code>SlowDown</Code>"
    b"<Message>Please reduce your request rate.</Message></Error>"
)
OMITTED = {"connection", "transfer-encoding", "content-length", "date", "server"}


class _Proxy(ThreadingHTTPServer):
    target: str
    every: int
    count = 0
    refused = 0
    lock = threading.Lock()

    def is_refused(self) -> bool:
        """Count a request, and return whether it is one too many."""
        with self.lock:
            self.count += 1
            is_refused = self.count % self.every != 0
            self.refused += is_refused
            return is_refused


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        proxy = cast("_Proxy", self.server)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if proxy.is_refused():
            self._send(503, {"Content-Type": "application/xml"}, SLOW_DOWN)
            return
        connection = http.client.HTTPConnection(proxy.target)
        connection.request(self.command, self.path, body, dict(self.headers))
        answer = connection.getresponse()
        self._send(answer.status, dict(answer.getheaders()), answer.read())
        connection.close()

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = _answer  # noqa: N815 - http.server's names

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in OMITTED:
                self.send_header(name, value)
        length = str(len(body))
        if self.command == "HEAD":
            length = next((v for n, v in headers.items() if n.lower() == "content-length"), "0")
        self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@contextmanager
def throttling(url: str, every: int) -> Iterator[_Proxy]:
    """Run a proxy that passes each request of the number `every`, and refuses the others.

    Args:
        url: The server behind it.
        every: The number; 1 refuses none.
    """
    proxy = _Proxy(("127.0.0.1", 0), _Handler)
    proxy.target, proxy.every = urlsplit(url).netloc, every
    thread = threading.Thread(target=proxy.serve_forever)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.shutdown()
        thread.join()
        proxy.server_close()
