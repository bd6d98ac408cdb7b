"""`POST /recommendations`: the curators who may like an artist's tracks, with reasons."""

import time
from collections.abc import Sequence
from difflib import get_close_matches
from functools import partial
from uuid import UUID, uuid4

from fastapi import APIRouter, Request

from app.api.dependencies import ServicesDep, client_of
from app.api.problems import document_errors
from app.api.recommenders import parts_of, recommenders_of
from app.api.schemas.recommendations import (
    ArtistIn,
    CuratorOut,
    RecommendationsIn,
    RecommendationsOut,
)
from app.api.upload.json_body import describe_json_body, read_json_body, require_json
from app.api.upload.waiting import not_counted, run_while_connected
from app.errors import Kind, RequestError
from app.recommender.serving.query import ArtistQuery, Recommendations
from app.recommender.serving.served import FoundTracks, ServedRecommender, identify_artist
from app.services import Runtime, Services

router = APIRouter(tags=["recommending"])

MAX_BYTES = 128 * 1024
"""Enough for a thousand excluded ids of a hundred characters, and the other fields."""

NEAREST = 3
"""The most subgenres that are proposed for an unknown one."""


@router.post(
    "/recommendations",
    openapi_extra=describe_json_body(RecommendationsIn),
    responses=document_errors(
        Kind.REQUEST_TIMEOUT,
        Kind.INVALID_PARAMETER,
        Kind.PAYLOAD_TOO_LARGE,
        Kind.UNSUPPORTED_MEDIA_TYPE,
        Kind.NO_RECOMMENDER,
        Kind.UNKNOWN_TRACK,
        Kind.OVERLOADED,
        Kind.NOT_READY,
        Kind.DEADLINE_EXCEEDED,
    ),
)
async def recommend_curators(request: Request, services: ServicesDep) -> RecommendationsOut:
    """Return the curators who most probably accept this artist's tracks, and why.

    The tags of the tracks come from the cache of this service, where POST /suggest-tags leaves
    them, or from the recommender itself. A track that neither of them knows is listed in
    `unknown_tracks`; the answer is then based on the rest.
    """
    runtime = services.runtime
    recommenders = recommenders_of(runtime)
    require_json(request, "the artist")
    body = await read_json_body(request, RecommendationsIn, MAX_BYTES)
    artist = body.artist
    served = recommenders.choose(
        identify_artist(artist.artist_id, artist.track_ids, artist.subgenres, artist.country or "")
    )
    _check_subgenres(artist.subgenres, served.recommender.manifest.subgenres)
    recommendation_id = uuid4()
    begun = time.monotonic()
    tracks, recommended = await run_while_connected(
        request,
        _recommend(services, runtime, served, body, client_of(request), recommendation_id),
        "Recommending took too long. Try again later.",
        not_counted,
    )
    services.metrics.recommendations.count_answer(
        served.recommender.manifest.ref, time.monotonic() - begun, is_cold=recommended.is_cold
    )
    return RecommendationsOut(
        **dict(parts_of(served)),
        recommendation_id=recommendation_id,
        model=served.recommender.manifest.model,
        cold=recommended.is_cold,
        tracks_used=tracks.used,
        unknown_tracks=list(tracks.unknown),
        curators=[CuratorOut.of(*each) for each in enumerate(recommended.curators, 1)],
    )


async def _recommend(
    services: Services,
    runtime: Runtime,
    served: ServedRecommender,
    body: RecommendationsIn,
    client: str,
    recommendation_id: UUID,
) -> tuple[FoundTracks, Recommendations]:
    """Return the tracks that were found, and the recommendations.

    Raises:
        RequestError: `unknown_track` if nothing is known of the artist, or `overloaded`.
    """
    tracks = await served.find_tracks(body.artist.track_ids, runtime.tagger)
    metrics = services.metrics.recommendations
    metrics.count_tracks("cache", len(tracks.cached))
    metrics.count_tracks("catalogue", len(tracks.packaged))
    metrics.count_tracks("unknown", len(tracks.unknown))
    if not tracks.used:
        _check_rest(body.artist)
    work = partial(_compute, served, body, tracks, seed_of(recommendation_id))
    return tracks, await services.recommending.run(client, work)


def _compute(
    served: ServedRecommender, body: RecommendationsIn, tracks: FoundTracks, seed: int
) -> Recommendations:
    """Return the recommendations; this takes milliseconds of computation."""
    artist = body.artist
    query = ArtistQuery(
        artist.artist_id,
        tuple(dict.fromkeys(artist.subgenres)),
        artist.country or "",
        served.score(tracks),
    )
    return served.recommender.recommend(query, body.k, frozenset(body.exclude), seed)


def seed_of(recommendation_id: UUID) -> int:
    """Return the seed of an answer, so that a list can be made again from its id."""
    return recommendation_id.int % 2**32


def _check_rest(artist: ArtistIn) -> None:
    """Refuse an artist for which only unknown tracks are given."""
    if artist.artist_id or artist.subgenres or artist.country:
        return
    raise RequestError(
        Kind.UNKNOWN_TRACK,
        f"Neither the cache nor the recommender has tags of {', '.join(artist.track_ids)}. POST "
        "the tracks to /suggest-tags first, or give the artist's subgenres.",
        {"unknown_tracks": list(dict.fromkeys(artist.track_ids))},
    )


def _check_subgenres(given: Sequence[str], known: Sequence[str]) -> None:
    """Refuse subgenres that the recommender does not know, and name those like them.

    Raises:
        RequestError: `invalid_parameter`.
    """
    unknown = [name for name in dict.fromkeys(given) if name not in known]
    if not unknown:
        return
    problems = [
        f"{name!r} is not a subgenre of the recommender{_near(name, known)}" for name in unknown
    ]
    raise RequestError(
        Kind.INVALID_PARAMETER,
        f"{'; '.join(problems)}. `subgenres` lists the valid ones.",
        {
            "errors": [{"parameter": "subgenres", "problem": each} for each in problems],
            "subgenres": list(known),
        },
    )


def _near(name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, n=NEAREST)
    return f"; the nearest are {', '.join(near)}" if near else ""
