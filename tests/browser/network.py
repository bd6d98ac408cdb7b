"""The network between a page and the service: a slow line, delayed answers, refusals."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from playwright.sync_api import Page

from testing.server import Server

UPLOADS = "**/suggest-tags*"
POOLED_UPLOADS = "**/suggest-tags/pooled*"
UNLIMITED = -1
SLOW = 15_000
"""Bytes a second: at this pace a song takes longer than any test waits."""


def origin(server: Server) -> str:
    """Where a page finds the service."""
    return str(server.http.base_url).rstrip("/")


@contextmanager
def slow_uploads(page: Page, bytes_per_s: int = SLOW) -> Iterator[None]:
    """Let a page send no faster until the body is done."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    conditions = {"offline": False, "latency": 0, "downloadThroughput": UNLIMITED}
    change = "Network.emulateNetworkConditions"
    session.send(change, {**conditions, "uploadThroughput": bytes_per_s})
    yield
    session.send(change, {**conditions, "uploadThroughput": UNLIMITED})
    session.detach()


@contextmanager
def held_answers(page: Page, uploads: str = UPLOADS) -> Iterator[None]:
    """Send a page's uploads, but hold the answers of the service until the body is done."""
    session = page.context.new_cdp_session(page)
    pattern = {"urlPattern": uploads, "requestStage": "Response"}
    session.send("Fetch.enable", {"patterns": [pattern]})
    yield
    session.send("Fetch.disable")
    session.detach()


def fulfill(
    page: Page, status: int = 200, headers: Mapping[str, str] | None = None, **body: object
) -> None:
    """Answer a page's uploads in the service's place."""
    headers = {"Access-Control-Allow-Origin": "*", **(headers or {})}
    page.route(UPLOADS, lambda route: route.fulfill(status=status, headers=headers, **body))


def refuse(page: Page, status: int, kind: str, retry_after_s: int = 0, **members: object) -> None:
    """Refuse a page's uploads as the service does."""
    problem = {"type": f"/problems/{kind}", "title": kind, "status": status, "detail": "No."}
    headers = {"Access-Control-Expose-Headers": "Retry-After, X-Request-ID"}
    if retry_after_s:
        headers["Retry-After"] = str(retry_after_s)
    fulfill(page, status, headers, json={**problem, **members})
