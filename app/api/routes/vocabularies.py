"""`GET /vocabularies`: which words can be suggested, and which of them never come."""

from fastapi import APIRouter

from app.api.dependencies import ServicesDep
from app.api.schemas.models import TagOut, VocabularyOut
from app.api.schemas.tags import ModelOut
from app.store.manifest.manifest import Manifest
from app.tagging.vocabulary import ENGLISH, Tag, Vocabulary

router = APIRouter(tags=["catalogue"])


@router.head("/vocabularies", include_in_schema=False)
@router.get("/vocabularies")
async def vocabularies(services: ServicesDep) -> list[VocabularyOut]:
    """List the vocabularies, the models that each asks, and the raw tags that mean each tag."""
    catalog = services.catalog
    return [
        _shown(vocabulary, catalog.asked_models(name))
        for name, vocabulary in catalog.vocabularies.items()
    ]


def _shown(vocabulary: Vocabulary, models: tuple[Manifest, ...]) -> VocabularyOut:
    return VocabularyOut(
        name=vocabulary.name,
        version=vocabulary.version,
        description=vocabulary.description,
        models=[ModelOut.of(manifest.ref) for manifest in models],
        tags=[_tag(name, tag, models) for name, tag in vocabulary.tags.items()],
        genres=[_tag(name, genre, models) for name, genre in vocabulary.genres.items()],
    )


def _tag(name: str, tag: Tag, models: tuple[Manifest, ...]) -> TagOut:
    heard_as = {model.name: list(known) for model in models if (known := tag.known_to(model))}
    return TagOut(
        tag=name,
        labels={ENGLISH: name, **tag.labels},
        parents=list(tag.parents),
        covered=bool(heard_as),
        heard_as=heard_as,
    )
