"""A small recommender of made-up curators, for the second step of the demo page.

A simulated platform with names in the place of numbers. Its tag vectors have the tags that the
served models know, at the level and spread of real songs, so that uploads can be compared.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC
from itertools import product

import numpy as np
from scipy.special import expit

from app.domain import Scores
from app.installation import installed_version
from app.recommender.data import OneHot, Platform, TagVectors, Tracks, VectorSource
from app.recommender.models.base import prepare_training
from app.recommender.models.linear import Linear
from app.recommender.projected import projected_tags
from app.recommender.serving.contents import collect_contents
from app.recommender.serving.publishing import publish_recommender
from app.recommender.simulation.settings import Settings
from app.recommender.simulation.simulate import simulate
from app.recommender.simulation.songs import as_logits, make_songs
from app.recommender.target import TargetWeights
from app.store.manifest.recommender import (
    Evaluation,
    RecommenderManifest,
    RecommenderSpec,
    Target,
    TrainedOn,
    Vectors,
)
from app.store.storage.store import Store
from app.tagging.catalog import ModelCatalog
from app.tagging.projection import Projection
from app.tagging.vocabulary import Vocabulary

NAME = "demo-curators"
SUBGENRES, MOODS = "subgenres", "moodthemes"
SETTINGS = Settings(artists=300, curators=60, sparsity=0.9, two_styles=0.0, popularity=0.3)
WEIGHTS = TargetWeights(selectiveness=1.0)
"""Otherwise everyone gets the few curators who accept all tracks."""

LEVEL, SPREAD = -1.9, 1.1
"""The mean logit of tags, and the mean standard deviation of a tag's logits, over 22 songs of the
Debian packages that the tests use (`app.recommender.simulation.songs.as_logits`)."""

CURATORS = (
    *("Attic Transistor", "Bluefinch Weekly", "Borrowed Umbrella", "Brass Lantern Radio"),
    *("Cardboard Comet", "Cellar Door Tapes", "Chalk & Static", "Cloudberry Club"),
    *("Copper Kettle FM", "Corner Shop Sessions", "Dented Trumpet", "Dial Tone Diary"),
    *("Driftwood Decks", "Echo Orchard", "Eleventh Platform", "Fernlight Radio"),
    *("Fog Signal Sounds", "Folding Chair Mixes", "Freight Elevator", "Garden Fence Gazette"),
    *("Glasshouse Nights", "Gravel Road Review", "Half Past Never", "Hazel & Hum"),
    *("Hidden Staircase", "Inkwell Airwaves", "Ivory Telegraph", "Jam Jar Jukebox"),
    *("Kitchen Floor Disco", "Lanternfish Picks", "Late Bus Home", "Little Lighthouse"),
    *("Loose Change Radio", "Marble Arcade", "Midnight Marmalade", "Moth & Moonlamp"),
    *("Northbound Notes", "Nutmeg Numbers", "Odd Socks Playlist", "Orchard Overdrive"),
    *("Paper Boat Picks", "Pebble Broadcast", "Pinecone Parade", "Porch Light Playlist"),
    *("Quiet Carriage", "Rainy Day Reels", "Rooftop Almanac", "Rust & Rosewater"),
    *("Saltwater Cassettes", "Second Breakfast FM", "Shoebox Sessions", "Slow Escalator"),
    *("Snowglobe Sounds", "Spare Key Club", "Tangerine Tuesday", "The Long Way Round"),
    *("Tin Roof Tapes", "Umbrella Stand", "Velvet Postbox", "Wandering Antenna"),
)

FIRST_WORDS = (
    *("Amber", "Backward", "Bitter", "Borrowed", "Broken", "Careful", "Distant", "Empty", "Faded"),
    *("Gentle", "Golden", "Half", "Hollow", "Idle", "Iron", "Late", "Little", "Lost", "Loud"),
    *("Lower", "Minor", "Narrow", "Northern", "Other", "Painted", "Pale", "Patient", "Quiet"),
    *("Restless", "Rising", "Second", "Shallow", "Silver", "Simple", "Sleeping", "Slow", "Small"),
    *("Sudden", "Tall", "Unsent"),
)
SECOND_WORDS = (
    *("Anchors", "Avenue", "Balcony", "Bridges", "Candles", "Circles", "Clouds", "Compass"),
    *("Corridor", "Dancers", "Doorway", "Engine", "Feathers", "Ferry", "Fields", "Garden"),
    *("Harbour", "Hours", "Island", "Kites", "Ladder", "Letters", "Machines", "Meadow", "Mirrors"),
    *("Mountain", "Paper", "Pilots", "Rain", "River", "Satellites", "Shadows", "Signals"),
    *("Staircase", "Summer", "Telephone", "Tides", "Trains", "Windows", "Winter"),
)


def publish_demo(store: Store, catalog: ModelCatalog) -> RecommenderManifest:
    """Simulate a platform of made-up curators, and publish a recommender that was trained on it.

    Args:
        store: The model store.
        catalog: The models and vocabularies that the service uses.

    Raises:
        SetupError: It can't be written.
    """
    projections = [catalog.projection(name, None) for name in (SUBGENRES, MOODS)]
    random = np.random.RandomState(SETTINGS.seed)
    subgenres, moods = map(_known, projections)
    songs = make_songs(subgenres, moods, random)
    simulation = simulate(songs, SETTINGS, random)
    platform = _name(_widen(simulation.platform, tuple(catalog.vocabularies[SUBGENRES].tags)))
    vectors = _vectors(simulation.vectors, platform.tracks, projections)
    model = Linear(has_tags=True)
    model.fit(prepare_training(platform, vectors, WEIGHTS))
    spec = _describe(platform, vectors)
    return publish_recommender(store, spec, collect_contents(platform, vectors, model))


def _known(projection: Projection) -> Vocabulary:
    """Return the vocabulary with the tags that the models know."""
    vocabulary = projection.vocabulary
    return replace(vocabulary, tags={name: vocabulary.tags[name] for name in projection.tags})


def _widen(platform: Platform, subgenres: tuple[str, ...]) -> Platform:
    """Return the platform with further subgenres, which no artist or curator names."""
    columns = [subgenres.index(name) for name in platform.subgenres]

    def widened(chosen: OneHot) -> OneHot:
        wide = np.zeros((len(chosen), len(subgenres)), np.float32)
        wide[:, columns] = chosen
        return wide

    artists, curators = platform.artists, platform.curators
    return replace(
        platform,
        subgenres=subgenres,
        artists=replace(artists, subgenres=widened(artists.subgenres)),
        curators=replace(
            curators,
            liked=widened(curators.liked),
            neutral=widened(curators.neutral),
            disliked=widened(curators.disliked),
        ),
    )


def _name(platform: Platform) -> Platform:
    """Return the platform with names of curators and tracks; made-up tracks have no files."""
    titles = [" ".join(words) for words in product(FIRST_WORDS, SECOND_WORDS)]
    count = len(platform.tracks.artists)
    shuffled = np.random.RandomState(SETTINGS.seed).permutation(len(titles))[:count]
    external_ids = tuple(titles[each] for each in shuffled)
    tracks = replace(platform.tracks, external_ids=external_ids, track_ids=("",) * count)
    return replace(platform, curators=replace(platform.curators, ids=CURATORS), tracks=tracks)


def _vectors(made: TagVectors, tracks: Tracks, projections: Sequence[Projection]) -> TagVectors:
    """Return the vectors of the tracks in the tags that the service computes, in its order."""
    tags = projected_tags(projections)
    models = dict.fromkeys(str(model.ref) for each in projections for model in each.models)
    used = tuple(f"{each.vocabulary.name}/{each.vocabulary.version}" for each in projections)
    scores = _as_real(made.scores[:, [made.tags.index(tag) for tag in tags]])
    rows = {name: row for row, name in enumerate(tracks.external_ids)}
    return TagVectors(tags, scores, rows, {}, VectorSource(tuple(models), used))


def _as_real(scores: Scores) -> Scores:
    """Return made scores at the level and the spread of real ones, (tracks, tags)."""
    logits = as_logits(scores)
    standard = (logits - logits.mean(axis=0)) / logits.std(axis=0)
    real: Scores = expit(LEVEL + SPREAD * standard).astype(np.float32)
    return real


def _describe(platform: Platform, vectors: TagVectors) -> RecommenderSpec:
    made = platform.interactions
    first, last = (at.item().replace(tzinfo=UTC) for at in (made.at.min(), made.at.max()))
    return RecommenderSpec(
        name=NAME,
        summary="Made-up curators with planted tastes, to show recommendations; of no other use",
        model=Linear(has_tags=True).name,
        subgenres=platform.subgenres,
        tags=vectors.tags,
        vectors=Vectors(models=vectors.source.models, vocabularies=vectors.source.vocabularies),
        trained_on=TrainedOn(
            artists=len(platform.artists.ids),
            curators=len(platform.curators.ids),
            tracks=len(platform.tracks.external_ids),
            interactions=len(made),
            first_at=first,
            last_at=last,
        ),
        target=Target(**vars(WEIGHTS)),
        evaluation=Evaluation(split_at=last, interactions=0, figures=()),
        taggram=installed_version(),
    )
