"""`GET /models`: who answers, trained on what, under which licence."""

from fastapi import APIRouter

from app.api.dependencies import ServicesDep
from app.api.schemas import ConfidenceOut, EvaluationOut, LoadedModel

router = APIRouter(tags=["catalogue"])


@router.get("/models")
async def models(services: ServicesDep) -> list[LoadedModel]:
    """List the loaded models, the default first."""
    return [
        LoadedModel(
            name=manifest.name,
            version=manifest.version,
            default=index == 0,
            summary=manifest.summary,
            architecture=manifest.architecture.name,
            engine=engine.backend if (engine := services.engines.get(manifest.ref)) else None,
            precision=engine.precision if engine else None,
            sample_rate=manifest.front_end.sample_rate,
            window_s=manifest.window.window_s,
            hop_s=manifest.window.hop_s,
            tags=list(manifest.tags.names),
            confidence=ConfidenceOut(**manifest.confidence.model_dump()),
            evaluation=EvaluationOut(**manifest.evaluation.model_dump()),
            weights_sha256=manifest.weights.sha256,
            licence=manifest.source.licence,
            citation=manifest.source.citation,
            url=manifest.source.url,
        )
        for index, manifest in enumerate(services.lexicon.models)
    ]
