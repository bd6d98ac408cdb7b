"""`GET /vocabularies`: which words can be suggested, and which of them never come."""

from fastapi import APIRouter

from app.api.catalogue_schemas import TagOut, VocabularyOut
from app.api.dependencies import ServicesDep
from app.api.schemas import ModelOut
from app.store.manifest import Manifest
from app.tagging.vocabulary import Vocabulary, raw_tags

router = APIRouter(tags=["catalogue"])


@router.get("/vocabularies")
async def vocabularies(services: ServicesDep) -> list[VocabularyOut]:
    """List the vocabularies, the default models of each, and how each tag is heard."""
    return [
        _shown(vocabulary, services.lexicon.needed_models(vocabulary))
        for vocabulary in services.lexicon.vocabularies.values()
    ]


def _shown(vocabulary: Vocabulary, models: tuple[Manifest, ...]) -> VocabularyOut:
    tags = []
    for tag, families in vocabulary.tags.items():
        heard_as = {
            manifest.name: list(raw) for manifest in models if (raw := raw_tags(families, manifest))
        }
        tags.append(TagOut(tag=tag, covered=bool(heard_as), heard_as=heard_as))
    return VocabularyOut(
        name=vocabulary.name,
        version=vocabulary.version,
        description=vocabulary.description,
        models=[ModelOut.of(manifest.ref) for manifest in models],
        tags=tags,
    )
