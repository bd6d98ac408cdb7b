"""Simulates a platform, and writes it as a real one would: tables, and a catalogue."""

from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

import numpy as np

from app.catalogue.entries import OK, Entry
from app.catalogue.manifest import write_manifest
from app.catalogue.rows import File, Outcome, ScoredTags, TrackRow
from app.catalogue.storage import Folder, Storage
from app.catalogue.tables import write_batch
from app.domain import ModelRef, Precision
from app.files import write_atomically
from app.recommender.data import Platform, TagVectors
from app.recommender.simulation.campaigns import run_campaigns
from app.recommender.simulation.lists import recommend_by_subgenres
from app.recommender.simulation.population import SOURCE, MadeTracks, make_artists, make_curators
from app.recommender.simulation.settings import END, Settings
from app.recommender.simulation.songs import Songs
from app.recommender.simulation.world import World
from app.recommender.tables.writing import names_of, write_platform
from app.text import csv_cell

TABLES, CATALOGUE, TRUTH = "tables", "catalogue", "truth"
"""Folders of a simulation: what the platform knows, its tracks, and what is true of it."""

DURATION_S = 180.0
BATCH_ROWS = 4096


@dataclass(frozen=True, eq=False)
class Simulation:
    """A simulated platform.

    Attributes:
        platform: What the platform knows.
        world: What is true.
    """

    platform: Platform
    world: World

    @property
    def vectors(self) -> TagVectors:
        """Return the tag vectors of the tracks."""
        return self.world.tracks.vectors


def simulate(songs: Songs, settings: Settings, random: np.random.RandomState) -> Simulation:
    """Simulate a platform.

    Args:
        songs: What its tracks and tastes are made of.
        settings: Its size.
        random: The source of random numbers.
    """
    artists, tracks = make_artists(songs, settings, random)
    world = World(settings, artists, tracks, make_curators(songs, settings, random))
    interactions = run_campaigns(world, random)
    if settings.lists:
        interactions = interactions.followed_by(recommend_by_subgenres(world, interactions, random))
    platform = Platform(
        songs.subgenres, artists.artists, world.curators.curators, tracks.tracks, interactions
    )
    return Simulation(platform, world)


def write_simulation(out: Path, simulation: Simulation) -> None:
    """Write the tables, the catalogue and the truth.

    Raises:
        SetupError: A file can't be written.
    """
    write_platform(out / TABLES, simulation.platform)
    _write_catalogue(Folder(out / CATALOGUE), simulation.world.tracks)
    _write_truth(out / TRUTH, simulation)


def _write_catalogue(out: Storage, made: MadeTracks) -> None:
    tags = ScoredTags(ModelRef(*SOURCE.split("/")), made.vectors.tags)
    rows = [
        TrackRow(
            Entry(external_id, f"simulated/{external_id}", f"a{artist}"),
            File("simulated", track_id),
            Outcome(OK, "", DURATION_S, False, Precision.FLOAT32.value, scores),
            END.item().replace(tzinfo=UTC),
        )
        for external_id, track_id, artist, scores in zip(
            made.tracks.external_ids,
            made.tracks.track_ids,
            made.tracks.artists,
            made.vectors.scores,
            strict=True,
        )
    ]
    for start in range(0, len(rows), BATCH_ROWS):
        write_batch(out, tags, rows[start : start + BATCH_ROWS])
    write_manifest(out, ())


def _write_truth(out: Path, simulation: Simulation) -> None:
    """Write the kinds of artists and curators, and the true subgenres of the artists, as CSV."""
    world, platform = simulation.world, simulation.platform
    true = names_of(world.artists.subgenres, platform.subgenres)
    artists = zip(platform.artists.ids, world.artists.choices, map("|".join, true), strict=True)
    curators = zip(
        platform.curators.ids, world.curators.statements, world.curators.answers, strict=True
    )
    for name, head, rows in (
        ("artists", ("artist_id", "choice", "subgenres"), artists),
        ("curators", ("curator_id", "statement", "answer"), curators),
    ):
        lines = [",".join(map(csv_cell, row)) for row in (head, *rows)]
        write_atomically(out / f"{name}.csv", "\n".join(lines).encode() + b"\n")
