"""`taggram recommend sample-size`: count the artists that a comparison on live users needs."""

from typing import Annotated

import typer

from app.cli.console import out, plain_errors, say


def sample_size(
    rate: Annotated[float, typer.Option(help="The acceptance rate of the old recommender.")],
    difference: Annotated[float, typer.Option(help="The smallest difference to find.")],
    power: Annotated[float, typer.Option(help="The probability of finding it if it exists.")] = 0.8,
    significance: Annotated[
        float, typer.Option(help="The probability of finding a difference if none exists.")
    ] = 0.05,
    sends_per_artist: Annotated[
        float, typer.Option(help="The mean number of recommended curators that an artist sends to.")
    ] = 1.0,
    correlation: Annotated[
        float,
        typer.Option(
            help="How much answers to the same artist are alike, as `taggram recommend compare` "
            "shows it; with 1, further sends of an artist say nothing new."
        ),
    ] = 1.0,
) -> None:
    """Count the artists that a comparison of two recommenders on live users needs."""
    with plain_errors():
        from app.recommender.live.sample_size import count_artists

        artists = count_artists(
            rate,
            difference,
            power=power,
            significance=significance,
            sends_per_artist=sends_per_artist,
            correlation=correlation,
        )
    say(
        out,
        f"{artists:,} artists in each arm, {2 * artists:,} in all, to find acceptance rates of "
        f"{rate:g} and {rate + difference:g} different",
    )
