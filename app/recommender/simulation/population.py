"""Makes artists with tracks, and curators with tastes."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeVar

import numpy as np
from scipy.special import expit

from app.recommender.data import (
    Artists,
    Curators,
    Floats,
    Indices,
    OneHot,
    TagVectors,
    Times,
    Tracks,
    VectorSource,
)
from app.recommender.similarity import unit_rows
from app.recommender.simulation.settings import (
    ANSWERS,
    CHOICES,
    END,
    START,
    STATEMENTS,
    Answer,
    Choice,
    Settings,
    Statement,
)
from app.recommender.simulation.songs import Songs

SOURCE = "simulated/1"

MOST_TRACKS = 8
TRACK_NOISE = 0.4
"""The spread of the logits of an artist's tracks around the song that they are made of."""

SCENE = 6
"""The number of songs whose mean is a curator's taste."""

TASTE_NOISE = 0.08
"""The spread of each component of a curator's taste, a unit vector."""

MOST_TRUE, TRUE_SHARE = 3, 0.5
"""The true subgenres of a style: at most three, those with half of the highest component."""

LIKED, NEUTRAL, DISLIKED = 5, 10, 10
"""The number of subgenres that an honest curator names."""

FIRST_CURATORS = 0.7
"""The share of curators who are there from the start."""

LATEST_JOIN = 0.9
"""Artists and curators join before this share of the time has passed."""

COUNTRIES = ("FR", "US", "GB", "DE", "BR", "IT")
COUNTRY_SHARES = (0.4, 0.2, 0.15, 0.1, 0.1, 0.05)
LANGUAGES = {"FR": "fr", "US": "en", "GB": "en", "DE": "de", "BR": "pt", "IT": "it"}

Kind = TypeVar("Kind", Choice, Statement, Answer)


@dataclass(frozen=True, eq=False)
class MadeArtists:
    """Artists, and what is true of them.

    Attributes:
        artists: What the platform knows.
        choices: How each chose subgenres.
        subgenres: The subgenres of the music, (artists, subgenres).
        styles: The number of styles of each, (artists,).
    """

    artists: Artists
    choices: tuple[Choice, ...]
    subgenres: OneHot
    styles: Indices


@dataclass(frozen=True, eq=False)
class MadeTracks:
    """Tracks, and what is true of them.

    Attributes:
        tracks: What the platform knows.
        vectors: Their tag scores, as a model gives them.
        directions: What distinguishes them, (tracks, tags), unit vectors.
    """

    tracks: Tracks
    vectors: TagVectors
    directions: Floats


@dataclass(frozen=True, eq=False)
class MadeCurators:
    """Curators, and what is true of them.

    Attributes:
        curators: What the platform knows.
        statements: What each says about subgenres.
        answers: How often each accepts.
        tastes: Unit vectors in the space of the tracks' directions, (curators, tags).
        joined: Times from which they receive tracks, (curators,).
    """

    curators: Curators
    statements: tuple[Statement, ...]
    answers: tuple[Answer, ...]
    tastes: Floats
    joined: Times


def make_artists(
    songs: Songs, settings: Settings, random: np.random.RandomState
) -> tuple[MadeArtists, MadeTracks]:
    """Make artists with one to eight tracks each, made of one or two songs of the pool."""
    count = settings.artists
    seeds = random.randint(len(songs.logits), size=(count, 2))
    counts = 1 + random.randint(MOST_TRACKS, size=count)
    styles = np.where((random.uniform(size=count) < settings.two_styles) & (counts > 1), 2, 1)
    owners = np.repeat(np.arange(count), counts)
    position = np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts, counts)
    style = position % styles[owners]
    logits = songs.logits[seeds[owners, style]]
    logits = logits + TRACK_NOISE * random.normal(size=logits.shape)
    first, second = (
        _find_true(songs.directions(songs.logits[of])[:, songs.subgenre_columns]) for of in seeds.T
    )
    true = np.where(styles[:, np.newaxis] > 1, np.maximum(first, second), first)
    choices = _draw(CHOICES, count, random)
    artists = Artists(
        ids=tuple(f"a{index}" for index in range(count)),
        subgenres=np.stack([_choose(*each, random) for each in zip(choices, true, strict=True)]),
        countries=tuple(random.choice(COUNTRIES, count, p=COUNTRY_SHARES)),
        joined=_join_times(count, random),
        goals=tuple(random.choice(("coverage", "feedback", "label"), count)),
        bio_features=((),) * count,
    )
    return MadeArtists(artists, choices, true, styles), _make_tracks(
        songs, owners, logits, settings.seed
    )


def make_curators(songs: Songs, settings: Settings, random: np.random.RandomState) -> MadeCurators:
    """Make curators, each with the taste of some songs of like subgenres, and noise."""
    count = settings.curators
    tastes = _scenes(songs, random.randint(len(songs.logits), size=count))
    tastes = tastes + TASTE_NOISE * random.normal(size=tastes.shape)
    tastes = unit_rows(tastes)
    of_subgenres = tastes[:, songs.subgenre_columns]
    statements = _draw(STATEMENTS, count, random)
    liked, neutral, disliked = _honest(of_subgenres)
    for index, statement in enumerate(statements):
        if statement is Statement.LIKES_ALL:
            liked[index], neutral[index], disliked[index] = 1, 0, 0
        elif statement is Statement.CARELESS:
            order = random.permutation(len(songs.subgenres))
            for table in (liked, neutral, disliked):
                table[index] = table[index][order]
    countries = tuple(random.choice(COUNTRIES, count, p=COUNTRY_SHARES))
    curators = Curators(
        ids=tuple(f"c{index}" for index in range(count)),
        liked=liked,
        neutral=neutral,
        disliked=disliked,
        countries=countries,
        languages=tuple(LANGUAGES[country] for country in countries),
    )
    joined = np.where(
        random.uniform(size=count) < FIRST_CURATORS, START, _join_times(count, random)
    )
    return MadeCurators(curators, statements, _draw(ANSWERS, count, random), tastes, joined)


def _make_tracks(songs: Songs, owners: Indices, logits: Floats, seed: int) -> MadeTracks:
    count = len(owners)
    external_ids = tuple(f"t{index}" for index in range(count))
    track_ids = tuple(sha256(f"{seed} {each}".encode()).hexdigest() for each in external_ids)
    rows = {each: row for row, each in enumerate(external_ids)}
    files = {each: row for row, each in enumerate(track_ids)}
    scores = expit(logits).astype(np.float32)
    vectors = TagVectors(songs.tags, scores, rows, files, VectorSource((SOURCE,)))
    tracks = Tracks(external_ids, track_ids, owners.astype(np.int64))
    return MadeTracks(tracks, vectors, songs.directions(logits))


def _choose(choice: Choice, true: OneHot, random: np.random.RandomState) -> OneHot:
    """Return the subgenres that an artist chooses, given the true ones, (subgenres,)."""
    chosen = np.zeros_like(true)
    own, others = np.flatnonzero(true), np.flatnonzero(true == 0)
    match choice:
        case Choice.ACCURATE:
            chosen[own] = 1
        case Choice.SUBJECTIVE:
            chosen[random.choice(others, min(len(others), 3), replace=False)] = 1
        case Choice.TOO_MANY:
            more = min(len(others), 8 + random.randint(8))
            chosen[own], chosen[random.choice(others, more, replace=False)] = 1, 1
        case Choice.TOO_FEW:
            chosen[own[: random.randint(2)]] = 1
    return chosen


def _scenes(songs: Songs, seeds: Indices) -> Floats:
    """Return the mean directions of songs and those with the most similar subgenres, (rows, tags).

    Args:
        songs: The pool.
        seeds: Indices of songs, (rows,).
    """
    directions = songs.directions(songs.logits)
    of_subgenres = directions[:, songs.subgenre_columns]
    similar = of_subgenres[seeds] @ of_subgenres.T
    nearest = np.argsort(-similar, axis=1, kind="stable")[:, :SCENE]
    scenes: Floats = directions[nearest].mean(axis=1)
    return scenes


def _honest(tastes: Floats) -> tuple[OneHot, OneHot, OneHot]:
    """Return the subgenres that honest curators like, accept and dislike."""
    liked, lowest = _top(tastes, LIKED), _top(-tastes, DISLIKED)
    neutral = _top(tastes, LIKED + NEUTRAL) - liked
    return liked, neutral * (1 - lowest), lowest * (1 - liked)


def _find_true(directions: Floats) -> OneHot:
    """Return the true subgenres of songs, (songs, subgenres)."""
    is_high = directions >= TRUE_SHARE * directions.max(axis=1, keepdims=True)
    true: OneHot = _top(directions, MOST_TRUE) * is_high
    return true


def _top(values: Floats, count: int) -> OneHot:
    """Return 1 for the highest values of each row, otherwise 0."""
    order = np.argsort(-values, axis=1, kind="stable")[:, :count]
    chosen = np.zeros(values.shape, np.float32)
    np.put_along_axis(chosen, order, 1, axis=1)
    return chosen


def _draw(
    shares: Mapping[Kind, float], count: int, random: np.random.RandomState
) -> tuple[Kind, ...]:
    kinds = list(shares)
    drawn = random.choice(len(kinds), count, p=list(shares.values()))
    return tuple(kinds[index] for index in drawn)


def _join_times(count: int, random: np.random.RandomState) -> Times:
    shares = LATEST_JOIN * random.uniform(size=count)
    times: Times = START + (shares * (END - START).astype(np.int64)).astype("timedelta64[us]")
    return times
