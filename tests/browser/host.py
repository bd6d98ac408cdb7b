"""A stranger's signup page, on an origin of its own and under a policy as strict as they come."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

SIGNUP = "/signup"
STYLE = ":root { color-scheme: light dark; } body { margin: 16px; font: 16px/1.5 sans-serif; }"
PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Signup</title>
<link rel="stylesheet" href="/style.css">
<script type="module" src="{service}/web/tag-suggest.js"></script>
</head>
<body>
<main>
<h1>Signup</h1>
<form action="{action}" method="{method}">
{fields}
<button>Sign up</button>
<button type="reset">Start over</button>
</form>
</main>
</body>
</html>
"""
WELCOME = '<!doctype html><title>Welcome</title><link rel="icon" href="data:,"><h1>Welcome</h1>'
POLICY = (
    "default-src 'none'; script-src {service} 'self'; connect-src {service} 'self'; "
    "media-src blob:; style-src 'self'; form-action 'self'; base-uri 'none'"
)


class Host:
    """Serves forms with the element in them, and stores the submitted data.

    Attributes:
        origin: Its origin.
        submitted: The data of each form, in order: pairs of a name and a value.
        issue_token: Return an upload token of the service.
        tokens_given: The number of tokens requested by pages.
    """

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.submitted: list[list[tuple[str, str]]] = []
        self.issue_token: Callable[[], dict[str, Any]] | None = None
        self.tokens_given = 0
        self._pages: dict[str, tuple[str, str]] = {}

    def page(self, service: str, fields: str, method: str = "post") -> str:
        """Serve a form; return its address.

        Args:
            service: The origin of the service that the element is from.
            fields: The content of the form, as HTML.
            method: How it is sent.
        """
        path = f"/pages/{len(self._pages)}"
        html = PAGE.format(service=service, action=SIGNUP, method=method, fields=fields)
        self._pages[path] = (html, POLICY.format(service=service))
        return self.origin + path

    def show(self, html: str) -> str:
        """Serve a whole page, without a policy; return its address."""
        path = f"/pages/{len(self._pages)}"
        self._pages[path] = (html, "default-src * 'unsafe-inline' data: blob:")
        return self.origin + path

    def answer(self, path: str) -> tuple[str, str, dict[str, str]] | None:
        """What is at a path: its type, its text, further headers."""
        if path in self._pages:
            html, policy = self._pages[path]
            return "text/html", html, {"Content-Security-Policy": policy}
        if path == "/style.css":
            return "text/css", STYLE, {}
        if path == "/token" and self.issue_token is not None:
            self.tokens_given += 1
            return "application/json", json.dumps(self.issue_token()), {}
        return None

    def take(self, form: str) -> None:
        """Store the submitted data."""
        self.submitted.append(parse_qsl(form, keep_blank_values=True))


class _Handler(BaseHTTPRequestHandler):
    host: Host

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == SIGNUP:
            self._welcome(url.query)
        elif answer := self.host.answer(url.path):
            self._answer(200, *answer)
        else:
            self._answer(404, "text/plain", "", {})

    def do_POST(self) -> None:
        self._welcome(self.rfile.read(int(self.headers["Content-Length"])).decode())

    def _welcome(self, form: str) -> None:
        self.host.take(form)
        self._answer(200, "text/html", WELCOME, {})

    def _answer(self, status: int, media_type: str, text: str, headers: dict[str, str]) -> None:
        body = text.encode()
        self.send_response(status)
        more = {"Content-Type": f"{media_type}; charset=utf-8", "Content-Length": str(len(body))}
        for name, value in {**more, **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def hosting() -> Iterator[Host]:
    """Run it on loopback until the body is done."""
    handler = type("Handler", (_Handler,), {})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        handler.host = Host(f"http://127.0.0.1:{server.server_port}")
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield handler.host
        finally:
            server.shutdown()
