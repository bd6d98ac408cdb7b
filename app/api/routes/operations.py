"""`GET /metrics`: metrics for Prometheus."""

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse, Response

from app.api.dependencies import ServicesDep
from app.metrics import CONTENT_TYPE

router = APIRouter(tags=["operations"])


@router.head("/metrics", include_in_schema=False)
@router.get("/metrics", response_class=PlainTextResponse)
async def get_metrics(services: ServicesDep) -> Response:
    """Return all metrics in Prometheus's text format."""
    return Response(services.metrics.exposition(), media_type=CONTENT_TYPE)
