"""`POST /models/reload`: load models and vocabularies again without a restart."""

from fastapi import APIRouter

from app.api.dependencies import ServicesDep
from app.api.problems import document_errors
from app.api.routes.models import list_models
from app.api.schemas.models import LoadedModel
from app.errors import Kind

router = APIRouter(tags=["operations"])


@router.post("/models/reload", responses=document_errors(Kind.RELOAD_REFUSED, Kind.NOT_READY))
async def reload_models(services: ServicesDep) -> list[LoadedModel]:
    """Read the model store and the vocabularies again, and list the models now in use.

    The current models answer until the new ones are verified and warmed up. If that fails, the
    current models stay.
    """
    await services.reload()
    return await list_models(services)
