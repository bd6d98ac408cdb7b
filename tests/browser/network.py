"""What lies between a page and the service: slow lines, a service that stands still."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, Route

from testing.server import Server

UNLIMITED = -1


def origin(server: Server) -> str:
    """Where a page finds the service."""
    return str(server.http.base_url).rstrip("/")


@contextmanager
def slow_uploads(page: Page, bytes_per_s: int) -> Iterator[None]:
    """Let a page send no faster until the body is done."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    conditions = {"offline": False, "latency": 0, "downloadThroughput": UNLIMITED}
    change = "Network.emulateNetworkConditions"
    session.send(change, {**conditions, "uploadThroughput": bytes_per_s})
    try:
        yield
    finally:
        session.send(change, {**conditions, "uploadThroughput": UNLIMITED})
        session.detach()


@contextmanager
def standing_still(server: Server) -> Iterator[None]:
    """Stop the service's process until the body is done: what is sent to it waits in its socket."""
    server.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        server.process.send_signal(signal.SIGCONT)


def refuse(page: Page, status: int, kind: str, retry_after_s: int | None = None) -> None:
    """Refuse a page's uploads in the service's place."""
    problem = {"type": f"/problems/{kind}", "title": kind, "status": status, "detail": "No."}
    headers = {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": "Retry-After, X-Request-ID",
    }
    if retry_after_s is not None:
        headers["Retry-After"] = str(retry_after_s)

    def answer(route: Route) -> None:
        route.fulfill(
            status=status, headers=headers, json=problem, content_type="application/problem+json"
        )

    page.route("**/suggest-tags*", answer)
