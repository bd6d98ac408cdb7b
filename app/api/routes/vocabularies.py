"""`GET /vocabularies`: the tags that can be suggested, and whether a model covers each of them."""

from fastapi import APIRouter

from app.api.dependencies import ServicesDep
from app.api.schemas.models import TagOut, VocabularyOut
from app.api.schemas.tags import ModelOut
from app.store.manifest.manifest import Manifest
from app.tagging.vocabulary import ENGLISH, Tag, Vocabulary

router = APIRouter(tags=["catalogue"])


@router.head("/vocabularies", include_in_schema=False)
@router.get("/vocabularies")
async def list_vocabularies(services: ServicesDep) -> list[VocabularyOut]:
    """List the vocabularies, the models that each uses, and the raw tags that mean each tag."""
    catalog = services.catalog
    return [
        _vocabulary(vocabulary, catalog.models_for(name))
        for name, vocabulary in catalog.vocabularies.items()
    ]


def _vocabulary(vocabulary: Vocabulary, models: tuple[Manifest, ...]) -> VocabularyOut:
    return VocabularyOut(
        name=vocabulary.name,
        version=vocabulary.version,
        description=vocabulary.description,
        models=[ModelOut.of(manifest.ref) for manifest in models],
        tags=[_tag(name, tag, models) for name, tag in vocabulary.tags.items()],
        genres=[_tag(name, genre, models) for name, genre in vocabulary.genres.items()],
    )


def _tag(name: str, tag: Tag, models: tuple[Manifest, ...]) -> TagOut:
    raw_tags = {model.name: list(raw) for model in models if (raw := tag.raw_tags_of(model))}
    return TagOut(
        tag=name,
        labels={ENGLISH: name, **tag.labels},
        parents=list(tag.parents),
        covered=bool(raw_tags),
        heard_as=raw_tags,
    )
