"""The gate in the framework's terms: who may call which route, said where routes are included."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from fastapi.security.utils import get_authorization_scheme_param

from app.access.authenticator import AccessLevel, Caller, configured
from app.access.keys import ApiKey
from app.api.dependencies import services_of
from app.api.problems import documented
from app.errors import Kind
from app.settings import Settings

DEFAULT_PORTS = {"http": ":80", "https": ":443"}
"""Which browsers leave out of an origin."""

SCHEME = HTTPBearer(
    scheme_name="KeyOrToken",
    description="An API key, or an upload token got with one from POST /upload-tokens.",
    auto_error=False,
)
"""For the documentation; the gate itself looks at what comes."""


def _admitted(access_level: AccessLevel) -> Callable[[Request], Awaitable[ApiKey | None]]:
    async def admit(request: Request) -> ApiKey | None:
        caller = _call(request)
        try:
            return await services_of(request).authenticator.admit(caller, access_level)
        finally:
            request.state.client = caller.client
            request.state.token_id = caller.token_id
            request.state.counted_as = caller.counted_as

    return admit


async def use_token(request: Request) -> None:
    """Count a use of the upload token, where one was shown: call it once a place is had.

    Raises:
        RequestError: `forbidden`: it has none left.
    """
    if request.state.token_id is not None:
        await services_of(request).authenticator.use_token(request.state.token_id)


_ADMIT = {access_level: _admitted(access_level) for access_level in AccessLevel}

KeyDep = Annotated[ApiKey | None, Depends(_ADMIT[AccessLevel.KEY])]
"""The API key of a route that is guarded by it; None where no keys are configured."""


def guarded(settings: Settings, access_level: AccessLevel) -> dict[str, Any]:
    """What `include_router` is told, so that nobody reaches a resource but through the gate.

    It runs before the framework looks at anything else of the request, its body least of all.
    """
    dependencies = [Depends(_ADMIT[access_level])]
    kinds = [Kind.RATE_LIMITED]
    if not configured(settings):
        kinds += [Kind.UNKNOWN_HOST, Kind.CROSS_SITE]
    elif access_level is not AccessLevel.NOTHING:
        dependencies.append(Depends(SCHEME))
        kinds += [Kind.UNAUTHORIZED, Kind.FORBIDDEN]
    return {"dependencies": dependencies, "responses": documented(*kinds)}


def cors(settings: Settings) -> dict[str, Any]:
    """What pages of the allowed origins may send and read; cookies are not among it."""
    return {
        "allow_origins": settings.allowed_origins,
        "allow_methods": ["GET", "POST"],
        "allow_headers": ["Authorization", "Content-Type", "X-Request-ID"],
        "expose_headers": ["X-Request-ID", "Retry-After", "Server-Timing", "ETag"],
        "max_age": 600,
    }


def _call(request: Request) -> Caller:
    headers = request.headers
    scheme, credential = get_authorization_scheme_param(headers.get("authorization"))
    return Caller(
        credential=credential if scheme.lower() == "bearer" else None,
        origin=headers.get("origin") or _own_origin(request),
        address=request.client.host if request.client else "",
        is_forwarded="x-forwarded-for" in headers,
    )


def _own_origin(request: Request) -> str | None:
    """What browsers leave out when they GET from where the page is from; they say so, though."""
    if request.headers.get("sec-fetch-site") != "same-origin":
        return None
    scheme, host = request.url.scheme, request.url.netloc.lower()
    return f"{scheme}://{host.removesuffix(DEFAULT_PORTS.get(scheme, ''))}"
