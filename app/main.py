"""Creates the web application: routes, middleware, lifespan."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from importlib.metadata import version

from fastapi import FastAPI
from fastapi.responses import RedirectResponse
from fastapi_offline import FastAPIOffline
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware

from app.access.authenticator import AccessLevel
from app.api import problems
from app.api.access import cors, require_access
from app.api.middleware.page_headers import PageHeaders
from app.api.middleware.requests import Observe
from app.api.middleware.sites import Sites, site_errors
from app.api.openapi import get_operation_id, share_schemas
from app.api.routes import (
    docs,
    feedback,
    health,
    identities,
    limits,
    models,
    operations,
    page,
    pooled_tags,
    recommendations,
    reload,
    suggest_tags,
    taggram,
    upload_tokens,
    vocabularies,
)
from app.api.upload.body_limits import BodyLimits
from app.errors import Kind, SetupError, TaggramError, describe
from app.services import Services

log = logging.getLogger(__name__)

GZIP_LEVEL = 5
"""The highest level takes three times as long, for 1 % fewer bytes."""

DESCRIPTION = """
Taggram analyses a track and suggests the tags that describe it, with the moments that support them.
Scores are between 0 and 1, and means over the track unless the request chooses another pooling.
Scores of a vocabulary can be compared across tags and models; raw scores can't.
"""


def create_app(services: Services, *, for_operators: bool = True) -> FastAPI:
    """Create the application for services.

    It answers at once. Requests that need the models get `not_ready` until they are loaded.

    Args:
        services: The services that routes use.
        for_operators: Whether to include the operators' routes: documentation, metrics, reloading.
    """
    app = _framework(for_operators)(
        title="Taggram",
        version=version("taggram"),
        description=DESCRIPTION,
        lifespan=_lifespan,
        redirect_slashes=False,  # a redirect would use the Host header that the client sent
        license_info={"name": "MIT"},
        responses=problems.document_errors(Kind.INTERNAL_ERROR, *site_errors(services.settings)),
        generate_unique_id_function=get_operation_id,
    )
    share_schemas(app)
    app.state.services = services
    app.state.failure = None
    problems.install(app)
    for resource, access_level in (
        (suggest_tags, AccessLevel.TOKEN_USE),
        (pooled_tags, AccessLevel.TOKEN_USE),
        (taggram, AccessLevel.TOKEN),
        (feedback, AccessLevel.TOKEN),
        (recommendations, AccessLevel.TOKEN),
        (identities, AccessLevel.TOKEN),
        (upload_tokens, AccessLevel.KEY),
        (vocabularies, AccessLevel.NOTHING),
        (models, AccessLevel.NOTHING),
        (limits, AccessLevel.NOTHING),
    ):
        app.include_router(resource.router, **require_access(services.settings, access_level))
    app.include_router(health.router)
    if for_operators:
        app.include_router(
            reload.router, **require_access(services.settings, AccessLevel.ADMIN_KEY)
        )
        app.include_router(operations.router)
        app.include_router(docs.router)
        if services.settings.operations_address:
            app.add_api_route("/", _to_docs, methods=["GET", "HEAD"], include_in_schema=False)
    app.include_router(page.router)
    app.add_middleware(GZipMiddleware, minimum_size=1024, compresslevel=GZIP_LEVEL)
    app.add_middleware(Sites, settings=services.settings)
    app.add_middleware(Observe, metrics=services.metrics)
    app.add_middleware(BodyLimits, settings=services.settings)
    app.add_middleware(PageHeaders)
    if services.settings.allowed_origins:
        # The outermost middleware: pages must be able to read every error.
        app.add_middleware(CORSMiddleware, **cors(services.settings))
    return app


def _framework(for_operators: bool) -> Callable[..., FastAPI]:
    """Return FastAPI, with the scripts of the documentation if served; `docs` serves its page."""
    if for_operators:
        return partial(FastAPIOffline, docs_url=None, redoc_url=None)
    return partial(FastAPI, openapi_url=None)


async def _to_docs() -> RedirectResponse:
    """Redirect `/` to the documentation, on the operators' address."""
    return RedirectResponse("/docs")


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    services: Services = app.state.services
    loading = asyncio.create_task(_load(app))
    yield
    loading.cancel()
    with suppress(asyncio.CancelledError):
        await loading
    await services.close()


async def _load(app: FastAPI) -> None:
    """Load the models; record a failure, so that the server stops and reports it."""
    try:
        await asyncio.to_thread(app.state.services.load)
    except TaggramError as error:
        app.state.failure = error
    except Exception as error:
        log.debug("the models can't be loaded", exc_info=True)
        app.state.failure = SetupError(
            f"the models can't be loaded: {describe(error)}; "
            "with TAGGRAM_LOG_LEVEL=debug the log holds the traceback"
        )
