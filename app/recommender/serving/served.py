"""The recommenders in use: finding the tags of an artist's tracks, and comparing two of them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b, sha256
from typing import TYPE_CHECKING

import numpy as np

from app.domain import ModelRef, Samples, Scores, Taggram
from app.recommender.serving.tag_source import TagSource
from app.tagging.tagger import Tagger

if TYPE_CHECKING:
    from app.recommender.serving.recommender import PublishedRecommender


@dataclass(frozen=True, eq=False)
class FoundTracks:
    """What is known of some tracks.

    Attributes:
        cached: Taggrams of those that the service analysed, by track id.
        packaged: Tag vectors of the others that the recommender knows.
        unknown: The ids of the rest.
    """

    cached: Mapping[str, Sequence[Taggram]]
    packaged: Mapping[str, Samples]
    unknown: tuple[str, ...]

    @property
    def used(self) -> int:
        """Return the number of tracks with tags."""
        return len(self.cached) + len(self.packaged)


@dataclass(frozen=True, eq=False)
class ServedRecommender:
    """A recommender in use.

    Attributes:
        recommender: The recommender.
        source: How this service computes the tag vectors that it takes.
    """

    recommender: "PublishedRecommender"
    source: TagSource

    async def find_tracks(self, track_ids: Sequence[str], tagger: Tagger) -> FoundTracks:
        """Look tracks up: in the cache of taggrams, and else in the recommender.

        Args:
            track_ids: SHA-256 of the files; one that is given twice counts once.
            tagger: Knows the cache.
        """
        asked = list(dict.fromkeys(track_ids))
        models = self.source.models
        cached = await tagger.find(asked, models) if asked and models else {}
        packaged = {
            track_id: vector
            for track_id in asked
            if track_id not in cached
            and (vector := self.recommender.identity(track_id)) is not None
        }
        unknown = tuple(each for each in asked if each not in cached and each not in packaged)
        return FoundTracks(cached, packaged, unknown)

    def score(self, tracks: FoundTracks) -> Scores:
        """Return the tag vectors of the tracks that are known, (tracks, tags)."""
        vectors = [np.empty((0, len(self.source.tags)), np.float32)]
        if tracks.cached:
            vectors.append(self.source.score(list(tracks.cached.values())))
        vectors.extend(vector[np.newaxis] for vector in tracks.packaged.values())
        return np.concatenate(vectors)


@dataclass(frozen=True, eq=False)
class Recommenders:
    """The recommender in use, and maybe one that is compared with it on a share of the artists.

    Attributes:
        current: The recommender in use.
        candidate: The one that is compared with it; None if there is no comparison.
        candidate_share: The share of artists that the candidate answers.
    """

    current: ServedRecommender
    candidate: ServedRecommender | None = None
    candidate_share: float = 0.0

    @property
    def refs(self) -> tuple[ModelRef, ...]:
        """Return the names and versions of the recommenders."""
        served = [self.current, *([self.candidate] if self.candidate else [])]
        return tuple(each.recommender.manifest.ref for each in served)

    def choose(self, artist: str) -> ServedRecommender:
        """Return the recommender that answers an artist.

        It depends on nothing but the artist, the versions of both recommenders and the share: all
        replicas choose alike, also after a restart. A higher share moves artists to the candidate
        only. Another pair divides the artists in another way.

        Args:
            artist: What identifies the artist; see `identify_artist`.
        """
        if self.candidate is None:
            return self.current
        refs = f"{self.current.recommender.manifest.ref} {self.candidate.recommender.manifest.ref}"
        salt = sha256(refs.encode()).digest()
        digest = blake2b(artist.encode(), digest_size=8, key=salt).digest()
        place = int.from_bytes(digest) / 2 ** (8 * len(digest))
        return self.candidate if place < self.candidate_share else self.current


def identify_artist(
    artist_id: str | None, track_ids: Sequence[str], subgenres: Sequence[str], country: str
) -> str:
    """Return what identifies an artist in a comparison.

    That is the id of the platform, or else the tracks, or else all that is known.
    """
    if artist_id:
        return json.dumps(["artist", artist_id])
    if track_ids:
        return json.dumps(["tracks", sorted(set(track_ids))])
    return json.dumps(["query", sorted(set(subgenres)), country])
