"""`taggram recommend simulate`: make up a platform, with planted tastes, to try recommenders on."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.catalogue.shared import WHERE
from app.cli.console import err, out, plain_errors, say
from app.cli.recommend.vectors import read_vectors
from app.errors import SetupError
from app.files import locked_folder

if TYPE_CHECKING:
    from numpy.random import RandomState

    from app.recommender.simulation.songs import Songs

SUBGENRES, MOODS = "subgenres", "moodthemes"
"""The vocabularies of the simulated platform: what artists choose from, and what else is tagged."""


def simulate(
    to: Annotated[Path, typer.Argument(metavar="OUT", help="A new or empty folder.")],
    artists: Annotated[int, typer.Option(min=1, help="The number of artists.")] = 2_000,
    curators: Annotated[int, typer.Option(min=2, help="The number of curators.")] = 1_000,
    sparsity: Annotated[
        float, typer.Option(min=0.5, max=1.0, help="The share of pairs without an interaction.")
    ] = 0.995,
    lists: Annotated[
        int,
        typer.Option(
            min=0, help="The number of artists who then get a list of recommendations, as logged."
        ),
    ] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Of all random draws.")] = 0,
    songs: Annotated[
        str | None,
        typer.Option(
            "--catalogue", metavar="DIR_OR_URL", help=f"Real songs; by default made ones. {WHERE}"
        ),
    ] = None,
) -> None:
    """Simulate a platform: tables, a catalogue, and what is true of artists and curators."""
    with plain_errors():
        import numpy as np

        from app.recommender.simulation.settings import Settings
        from app.recommender.simulation.simulate import simulate as run
        from app.recommender.simulation.simulate import write_simulation

        if to.exists() and any(to.iterdir()):
            raise SetupError(f"{to}: it is not empty; name a new folder")
        if lists > artists:
            raise SetupError(f"--lists {lists}: there are {artists:,} artists; lower it")
        settings = Settings(
            artists=artists, curators=curators, sparsity=sparsity, lists=lists, seed=seed
        )
        if not settings.interactions:
            raise SetupError(
                f"--sparsity {sparsity}: it leaves no interaction of {artists:,} artists and "
                f"{curators:,} curators; lower it, or raise their numbers"
            )
        random = np.random.RandomState(seed)
        with err.status("simulating"):
            simulation = run(_songs(songs, random), settings, random)
        with locked_folder(to):
            write_simulation(to, simulation)
    platform = simulation.platform
    say(
        out,
        f"{to}: {artists:,} artists, {curators:,} curators, {len(platform.tracks.artists):,} "
        f"tracks, {len(platform.interactions):,} interactions, sparsity {platform.sparsity:.2%}, "
        f"{platform.interactions.accepted.mean():.0%} accepted",
    )


def _songs(catalogue: str | None, random: "RandomState") -> "Songs":
    """Return real songs, or made ones."""
    from app.recommender.simulation.songs import make_songs, take_songs
    from app.tagging.vocabulary_file import read_vocabularies

    vocabularies = read_vocabularies((), {})
    subgenres, moods = vocabularies[SUBGENRES], vocabularies[MOODS]
    if catalogue is None:
        return make_songs(subgenres, moods, random)
    vectors = read_vectors(catalogue, None, [SUBGENRES, MOODS])
    return take_songs(vectors, tuple(subgenres.tags))
