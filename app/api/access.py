"""FastAPI dependencies that authenticate callers before a route runs."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from fastapi.security.utils import get_authorization_scheme_param

from app.access.authenticator import AccessLevel, Caller, needs_credentials
from app.access.keys import ApiKey
from app.api.dependencies import services_of
from app.api.problems import document_errors
from app.errors import Kind
from app.settings import Settings

DEFAULT_PORTS = {"http": ":80", "https": ":443"}
"""Ports that browsers leave out of an origin."""

SCHEME = HTTPBearer(
    scheme_name="KeyOrToken",
    description="An API key, or an upload token got with one from POST /upload-tokens.",
    auto_error=False,
)
"""Only documents the scheme in OpenAPI; the authenticator reads the header itself."""


def _admitted(access_level: AccessLevel) -> Callable[[Request], Awaitable[ApiKey | None]]:
    """Return the dependency that authenticates a request."""

    async def admit(request: Request) -> ApiKey | None:
        """Return the API key of the request, and store its client in the request's state.

        Raises:
            RequestError: `unauthorized`, `forbidden` or `rate_limited`.
        """
        caller = _caller(request)
        try:
            return await services_of(request).authenticator.admit(caller, access_level)
        finally:
            request.state.client = caller.client
            request.state.token_id = caller.token_id
            request.state.token_uses = 0
            request.state.counted_as = caller.counted_as

    return admit


async def use_token(request: Request) -> None:
    """Count a use of the request's upload token, if it has one. Call it once a permit is held.

    Raises:
        RequestError: `forbidden`: the token has no uses left.
    """
    state = request.state
    if state.token_id is not None:
        call_id = f"{state.request_id}:{state.token_uses}" if _is_forwarded(request) else None
        state.token_uses += 1
        await services_of(request).authenticator.use_token(state.token_id, call_id)


_ADMIT = {access_level: _admitted(access_level) for access_level in AccessLevel}

KeyDep = Annotated[ApiKey | None, Depends(_ADMIT[AccessLevel.KEY])]
"""The API key of a route that requires one; None if no keys are configured."""


def require_access(settings: Settings, access_level: AccessLevel) -> dict[str, Any]:
    """Return the arguments for `include_router` that authenticate each request of a router.

    The dependencies run before the framework reads the body of a request.

    Args:
        settings: Whether there are API keys decides which errors are documented.
        access_level: The access that the routes of the router require.
    """
    dependencies = [Depends(_ADMIT[access_level])]
    kinds = [Kind.RATE_LIMITED]
    if needs_credentials(settings) and access_level is not AccessLevel.NOTHING:
        dependencies.append(Depends(SCHEME))
        kinds += [Kind.UNAUTHORIZED, Kind.FORBIDDEN]
    return {"dependencies": dependencies, "responses": document_errors(*kinds)}


def cors(settings: Settings) -> dict[str, Any]:
    """Return the options of the CORS middleware for the allowed origins, without cookies."""
    return {
        "allow_origins": settings.allowed_origins,
        "allow_methods": ["GET", "POST"],
        "allow_headers": ["Authorization", "Content-Type", "X-Request-ID"],
        "expose_headers": ["X-Request-ID", "Retry-After", "Server-Timing", "ETag"],
        "max_age": 600,
    }


def _caller(request: Request) -> Caller:
    headers = request.headers
    scheme, credential = get_authorization_scheme_param(headers.get("authorization"))
    return Caller(
        credential=credential if scheme.lower() == "bearer" else None,
        origin=headers.get("origin") or _own_origin(request),
        address=request.client.host if request.client else "",
        is_forwarded=_is_forwarded(request),
    )


def _is_forwarded(request: Request) -> bool:
    """Return whether a proxy forwarded the request; it gives all attempts the same request id."""
    return "x-forwarded-for" in request.headers


def _own_origin(request: Request) -> str | None:
    """Return the origin of a same-origin GET, for which browsers send no `Origin` header."""
    if request.headers.get("sec-fetch-site") != "same-origin":
        return None
    scheme, host = request.url.scheme, request.url.netloc.lower()
    return f"{scheme}://{host.removesuffix(DEFAULT_PORTS.get(scheme, ''))}"
