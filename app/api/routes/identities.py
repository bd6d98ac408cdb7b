"""`GET /identities/{track_id}`: the tag vector of a track that the recommender can use."""

from fastapi import APIRouter

from app.api.dependencies import ServicesDep
from app.api.problems import document_errors
from app.api.recommenders import parts_of, recommenders_of
from app.api.schemas.recommendations import IdentityOut, IdentityTag
from app.api.schemas.tags import TrackId
from app.errors import Kind, RequestError

router = APIRouter(tags=["recommending"])


@router.head("/identities/{track_id}", include_in_schema=False)
@router.get(
    "/identities/{track_id}",
    responses=document_errors(
        Kind.INVALID_PARAMETER, Kind.NO_RECOMMENDER, Kind.UNKNOWN_TRACK, Kind.NOT_READY
    ),
)
async def get_identity(track_id: TrackId, services: ServicesDep) -> IdentityOut:
    """Return the tags of a known track, by which POST /recommendations compares it with others.

    The track was analysed by this service, or is one of those that the recommender was trained on.
    """
    runtime = services.runtime
    served = recommenders_of(runtime).current
    tracks = await served.find_tracks([track_id], runtime.tagger)
    if not tracks.used:
        raise RequestError(
            Kind.UNKNOWN_TRACK,
            "Neither the cache nor the recommender has tags of this track. POST it to "
            "/suggest-tags first.",
            {"unknown_tracks": [track_id]},
        )
    [vector] = served.score(tracks)
    ranked = sorted(zip(served.source.tags, vector.tolist(), strict=True), key=_by_falling_score)
    return IdentityOut(
        **dict(parts_of(served)),
        track_id=track_id,
        source="cache" if tracks.cached else "catalogue",
        tags=[IdentityTag(tag=tag, score=round(score, 6)) for tag, score in ranked],
    )


def _by_falling_score(tag: tuple[str, float]) -> float:
    return -tag[1]
