"""`GET /health/live` and `GET /health/ready`, for supervisors and load balancers."""

from fastapi import APIRouter

from app.api.dependencies import ServicesDep
from app.api.problems import document_errors
from app.api.schemas.service import Health
from app.errors import Kind, RequestError

router = APIRouter(tags=["operations"])


@router.head("/health/live", include_in_schema=False)
@router.get("/health/live", responses=document_errors(Kind.ENGINE_FAILED))
async def check_live(services: ServicesDep) -> Health:
    """Report whether the process works. If a model hangs, the process must be replaced."""
    if services.is_stuck:
        raise RequestError(Kind.ENGINE_FAILED, "A model hangs. Replace the process.")
    return Health(status="alive")


@router.head("/health/ready", include_in_schema=False)
@router.get("/health/ready", responses=document_errors(Kind.NOT_READY))
async def check_ready(services: ServicesDep) -> Health:
    """Report whether uploads are accepted: the models are loaded, and no shutdown has begun."""
    _ = services.runtime
    if services.admission.is_closed:
        raise RequestError(Kind.NOT_READY, "The service is being restarted. Try again soon.")
    return Health(status="ready")
