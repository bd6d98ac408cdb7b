"""`GET /health/live`, `GET /health/ready`, `GET /metrics`: what operators and their tools ask."""

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse, Response

from app.api.dependencies import ServicesDep
from app.api.problems import documented
from app.api.schemas import Health
from app.errors import Kind
from app.metrics import CONTENT_TYPE

router = APIRouter(tags=["operations"])


@router.get("/health/live")
async def live() -> Health:
    """Whether the process answers at all."""
    return Health(status="alive")


@router.get("/health/ready", responses=documented(Kind.NOT_READY))
async def ready(services: ServicesDep) -> Health:
    """Whether the models are loaded, checked against their golden scores and warm."""
    _ = services.tagger
    return Health(status="ready")


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics(services: ServicesDep) -> Response:
    """All metrics in Prometheus's text format."""
    return Response(services.metrics.exposition(), media_type=CONTENT_TYPE)
