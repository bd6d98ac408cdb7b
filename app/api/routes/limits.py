"""`GET /limits`: what an upload may be, so that a page can look at a file before it is sent."""

from fastapi import APIRouter, Response

from app.api.dependencies import ServicesDep
from app.api.schemas.tags import FormatOut, LimitsOut
from app.audio.formats import formats

router = APIRouter(tags=["catalogue"])


@router.head("/limits", include_in_schema=False)
@router.get("/limits")
async def limits(services: ServicesDep, response: Response) -> LimitsOut:
    """List the formats that are read, and the bounds of size and length."""
    settings = services.settings
    response.headers["Cache-Control"] = "max-age=300"
    return LimitsOut(
        max_bytes=settings.max_upload_bytes,
        min_duration_s=settings.min_duration_s,
        max_duration_s=settings.max_duration_s,
        formats=[
            FormatOut.model_validate(format_, from_attributes=True)
            for format_ in formats(settings.decoders)
        ],
    )
