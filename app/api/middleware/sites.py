"""Protects against DNS rebinding and cross-site requests.

A service without API keys answers every client that can reach it. The browser on an operator's
machine can, and so can each page open in that browser. A page whose name was pointed at this
machine (DNS rebinding) has its own name in `Host`. Any other page is named in `Origin` and
`Sec-Fetch-Site`. With API keys access does not depend on where a browser runs, and a page has no
key.
"""

import re

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from app.access.addresses import is_this_machine
from app.access.authenticator import needs_credentials
from app.api.problems import problem_response
from app.api.routes.page import FOLDER
from app.errors import Kind, RequestError
from app.settings import Settings

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
OTHER_SITES = {"cross-site", "same-site"}
"""`same-site` is included: another port of this machine is the same site but another service."""

HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d*)?", re.IGNORECASE)
QUOTED_CHARACTERS = 40


def site_errors(settings: Settings) -> list[Kind]:
    """Return the errors of this middleware that the settings allow, for the documentation."""
    is_open = not needs_credentials(settings)
    kinds = [Kind.MALFORMED_REQUEST, Kind.UNKNOWN_HOST] if _checks_hosts(settings) else []
    return [*kinds, Kind.CROSS_SITE] if is_open else kinds


def _checks_hosts(settings: Settings) -> bool:
    return not needs_credentials(settings) or bool(settings.allowed_hosts)


class Sites:
    """Refuses requests to a host name that is not the service's, and requests of other sites."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._is_open = not needs_credentials(settings)
        self._hosts = {"localhost", *settings.allowed_hosts}
        self._checks_hosts = _checks_hosts(settings)
        self._origins = set(settings.allowed_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one request."""
        if scope["type"] == "http":
            try:
                self._check(scope, Headers(scope=scope))
            except RequestError as error:
                response = problem_response(Request(scope), error)
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _check(self, scope: Scope, headers: Headers) -> None:
        hosts = headers.getlist("host")
        if self._checks_hosts:
            self._check_host(hosts)
        if (
            self._is_open
            and self._is_foreign(headers, hosts[0])
            and not _is_for_all(scope, headers)
        ):
            raise RequestError(
                Kind.CROSS_SITE,
                "The request comes from a page of another site; its origin is not in "
                "TAGGRAM_ALLOWED_ORIGINS. Add the origin there to allow the page.",
            )

    def _check_host(self, hosts: list[str]) -> None:
        if len(hosts) != 1:
            raise RequestError(
                Kind.MALFORMED_REQUEST, f"The request has {len(hosts)} Host headers; send one."
            )
        match = HOST.fullmatch(hosts[0])
        name = match[1].lower() if match else None
        if name is None or not (name in self._hosts or is_this_machine(name.strip("[]"))):
            raise RequestError(
                Kind.UNKNOWN_HOST,
                f"The Host header is {hosts[0][:QUOTED_CHARACTERS]!r}. This service accepts "
                "localhost, loopback addresses and the names in TAGGRAM_ALLOWED_HOSTS. Use one of "
                "these, or add the host to TAGGRAM_ALLOWED_HOSTS.",
            )

    def _is_foreign(self, headers: Headers, host: str) -> bool:
        """Return whether the headers name a page of another site that is not allowed."""
        origins = set(headers.getlist("origin"))
        if origins and origins <= self._origins:
            return False
        if headers.get("sec-fetch-site") in OTHER_SITES:
            return True
        return any(_authority(origin) != host.lower() for origin in origins)


def _authority(origin: str) -> str:
    """Return the `Host` header of a same-origin request from a page of this origin."""
    return origin.partition("://")[2].lower()


def _is_for_all(scope: Scope, headers: Headers) -> bool:
    """Return whether any page may send the request: for the element's modules and for new tabs.

    A page can't read the content of another tab.
    """
    if scope["method"] not in SAFE_METHODS:
        return False
    return scope["path"].startswith(FOLDER) or headers.get("sec-fetch-dest") == "document"
