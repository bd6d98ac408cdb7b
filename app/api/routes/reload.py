"""`POST /models/reload`: other models and vocabularies, without a restart."""

from fastapi import APIRouter

from app.api.dependencies import ServicesDep
from app.api.problems import documented
from app.api.routes.models import models
from app.api.schemas.models import LoadedModel
from app.errors import Kind

router = APIRouter(tags=["operations"])


@router.post("/models/reload", responses=documented(Kind.RELOAD_REFUSED, Kind.NOT_READY))
async def reload(services: ServicesDep) -> list[LoadedModel]:
    """Read the model store and the vocabularies anew, and list what serves from now on.

    What served before goes on until all that is new is verified and warm, or stays.
    """
    await services.reload()
    return await models(services)
