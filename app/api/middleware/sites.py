"""Which site a browser calls, and from which: a page must not use what its reader alone may.

A service without API keys answers whoever reaches it, as the browser on an operator's machine does
for each page that is open in it. A page whose name was pointed at this machine (DNS rebinding) says
its own name in `Host`; any other page is named in `Origin` and `Sec-Fetch-Site`. With API keys
nothing depends on where a browser is, and a page has no key.
"""

import re

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from app.access.addresses import is_this_machine
from app.access.authenticator import configured
from app.api.problems import problem_response
from app.api.routes.page import FOLDER
from app.errors import Kind, RequestError
from app.settings import Settings

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
OTHER_SITES = {"cross-site", "same-site"}
"""Another port of this machine is the same site, and another service."""

HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d*)?", re.IGNORECASE)
QUOTED_CHARACTERS = 40


class Sites:
    """Refuses requests to other names than the service's, and what pages of other sites may not."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._is_open = not configured(settings)
        self._hosts = {"localhost", *settings.allowed_hosts}
        self._checks_hosts = self._is_open or bool(settings.allowed_hosts)
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
                "A page of another site may not ask for this: its origin is not among this "
                "service's TAGGRAM_ALLOWED_ORIGINS.",
            )

    def _check_host(self, hosts: list[str]) -> None:
        if len(hosts) != 1:
            raise RequestError(
                Kind.MALFORMED_REQUEST, f"There are {len(hosts)} Host headers; send one."
            )
        match = HOST.fullmatch(hosts[0])
        name = match[1].lower() if match else None
        if name is None or not (name in self._hosts or is_this_machine(name.strip("[]"))):
            raise RequestError(
                Kind.UNKNOWN_HOST,
                f"The Host header says {hosts[0][:QUOTED_CHARACTERS]!r}. This service answers to "
                "localhost, addresses of loopback and the names in TAGGRAM_ALLOWED_HOSTS: "
                "use one of these, or add that one.",
            )

    def _is_foreign(self, headers: Headers, host: str) -> bool:
        """Whether a browser says that the page is of another site, and of none that is allowed."""
        origins = set(headers.getlist("origin"))
        if origins and origins <= self._origins:
            return False
        if headers.get("sec-fetch-site") in OTHER_SITES:
            return True
        return any(_authority(origin) != host.lower() for origin in origins)


def _authority(origin: str) -> str:
    """What `Host` says where a page of this origin asks the server that it is from."""
    return origin.partition("://")[2].lower()


def _is_for_all(scope: Scope, headers: Headers) -> bool:
    """Whether any page may ask for it: the element's modules, and what opens in a tab of its own.

    A page can read nothing of another tab.
    """
    if scope["method"] not in SAFE_METHODS:
        return False
    return scope["path"].startswith(FOLDER) or headers.get("sec-fetch-dest") == "document"
