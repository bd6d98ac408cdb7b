"""The web application: routes, middleware, lifespan."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version

from fastapi import FastAPI
from fastapi.responses import RedirectResponse
from fastapi_offline import FastAPIOffline
from starlette.middleware.gzip import GZipMiddleware

from app.api import problems
from app.api.middleware import Observe
from app.api.routes import models, operations, suggest_tags, taggram, vocabularies
from app.services import Services

GZIP_LEVEL = 5
"""The highest one takes three times as long for a hundredth of the bytes."""

DESCRIPTION = """
Taggram listens to a track and suggests the tags that describe it, with the moments that speak for
them. Scores run from 0 to 1: how sure the model is, in the mean over the track unless another
pooling is asked for. Compare them within one answer, not across models.
"""


def create_app(services: Services) -> FastAPI:
    """Make the application around built services.

    It answers at once; what needs the models is answered `not_ready` until they are loaded.
    """
    # This flavour of FastAPI serves the documentation's scripts itself, not from a CDN.
    app: FastAPI = FastAPIOffline(
        title="Taggram",
        version=version("taggram"),
        description=DESCRIPTION,
        lifespan=_lifespan,
        redirect_slashes=False,  # a redirect would trust the client's word for our host
        license_info={"name": "MIT"},
    )
    app.state.services = services
    app.state.failure = None
    problems.install(app)
    for resource in (suggest_tags, taggram, vocabularies, models, operations):
        app.include_router(resource.router)
    app.add_api_route("/", _root, include_in_schema=False)
    app.add_middleware(GZipMiddleware, minimum_size=1024, compresslevel=GZIP_LEVEL)
    app.add_middleware(Observe, metrics=services.metrics)
    return app


async def _root() -> RedirectResponse:
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
    """Load the models. A service that can't must not linger half alive: it stops, and says why."""
    try:
        await asyncio.to_thread(app.state.services.load)
    except Exception as error:  # noqa: BLE001 - whatever it is, the process is of no use
        app.state.failure = error
        signal.raise_signal(signal.SIGTERM)
