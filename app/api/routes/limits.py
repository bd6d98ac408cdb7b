"""`GET /limits`: the limits of uploads, so that a page can check a file before it sends it."""

from fastapi import APIRouter, Response

from app.api.dependencies import ServicesDep
from app.api.schemas.service import FormatOut, LimitsOut, PooledLimitsOut
from app.api.upload.multipart import MAX_FILES
from app.audio.formats import formats

router = APIRouter(tags=["catalogue"])


@router.head("/limits", include_in_schema=False)
@router.get("/limits")
async def get_limits(services: ServicesDep, response: Response) -> LimitsOut:
    """List the supported formats, and the limits of file size and duration."""
    settings = services.settings
    response.headers["Cache-Control"] = "max-age=300"
    return LimitsOut(
        max_bytes=settings.max_upload_bytes,
        min_duration_s=settings.min_duration_s,
        max_duration_s=settings.max_duration_s,
        pooled=PooledLimitsOut(max_files=MAX_FILES, max_bytes=settings.max_pooled_bytes),
        formats=[
            FormatOut.model_validate(format_, from_attributes=True)
            for format_ in formats(settings.decoders)
        ],
    )
