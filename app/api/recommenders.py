"""What the routes of recommendations and identities share."""

from app.api.schemas.recommendations import RecommenderParts
from app.api.schemas.tags import ModelOut
from app.errors import Kind, RequestError
from app.recommender.serving.served import Recommenders, ServedRecommender
from app.services import Runtime


def recommenders_of(runtime: Runtime) -> Recommenders:
    """Return the recommenders in use.

    Raises:
        RequestError: `no_recommender`.
    """
    if runtime.recommenders is None:
        raise RequestError(
            Kind.NO_RECOMMENDER,
            "This service recommends no curators. Train a recommender with `taggram recommend "
            "train`, and name it in TAGGRAM_RECOMMENDER.",
        )
    return runtime.recommenders


def parts_of(served: ServedRecommender) -> RecommenderParts:
    """Return the recommender of an answer, and what computes its tag vectors."""
    vocabularies = (projection.vocabulary for projection in served.source.projections)
    return RecommenderParts(
        recommender=ModelOut.of(served.recommender.manifest.ref),
        tag_models=[ModelOut.of(model.ref) for model in served.source.models],
        vocabularies=[ModelOut(name=each.name, version=each.version) for each in vocabularies],
    )
