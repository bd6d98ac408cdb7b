"""`GET /models`: the loaded models, with their training data, figures and licences."""

from typing import TypeVar

from fastapi import APIRouter
from pydantic import BaseModel

from app.api.dependencies import ServicesDep
from app.api.schemas.models import (
    CalibrationOut,
    ConfidenceOut,
    EvaluationOut,
    LoadedModel,
    ThresholdsOut,
)
from app.store.manifest.manifest import Manifest

Out = TypeVar("Out", bound=BaseModel)

router = APIRouter(tags=["catalogue"])


@router.head("/models", include_in_schema=False)
@router.get("/models")
async def list_models(services: ServicesDep) -> list[LoadedModel]:
    """List the loaded models, the default first."""
    return [
        LoadedModel(
            name=manifest.name,
            version=manifest.version,
            default=index == 0,
            summary=manifest.summary,
            architecture=manifest.architecture.name,
            backbone=str(manifest.backbone) if manifest.backbone else None,
            in_memory=services.is_in_memory(manifest.ref),
            engine=choice.backend if (choice := services.choices.get(manifest.ref)) else None,
            precision=choice.precision if choice else None,
            sample_rate=manifest.front_end.sample_rate,
            channels=manifest.front_end.channels,
            window_s=manifest.window_spec.window_s,
            hop_s=manifest.window_spec.hop_s,
            tags=list(manifest.tags.names),
            vocabulary=manifest.vocabulary.name if manifest.vocabulary else None,
            confidence=_show_confidence(manifest),
            evaluation=_as(EvaluationOut, manifest.evaluation),
            thresholds=_as(ThresholdsOut, manifest.thresholds),
            calibration=_as(CalibrationOut, manifest.calibration),
            weights_sha256=manifest.weights.sha256,
            licence=manifest.source.licence,
            commercial_use=manifest.source.commercial_use,
            citation=manifest.source.citation,
            url=manifest.source.url,
        )
        for index, manifest in enumerate(services.catalog.models)
    ]


def _show_confidence(manifest: Manifest) -> ConfidenceOut | None:
    if manifest.confidence is None:
        return None
    return ConfidenceOut(radii={each.kind: each.radius for each in manifest.confidence.not_music})


def _as(schema: type[Out], table: BaseModel | None) -> Out | None:
    return schema(**table.model_dump()) if table else None
