"""`taggram identities build`: make tag vectors of artists and curators."""

from datetime import datetime
from typing import Annotated

import typer

from app.cli.console import err, out, plain_errors, say
from app.cli.recommend.options import Catalogue, Out, PoolingOption, TopN
from app.cli.recommend.tables import (
    DEFAULT_MAX_INVALID_SHARE,
    DEFAULT_SUBGENRES,
    Data,
    MaxInvalidShare,
    Subgenres,
    read_tables,
)
from app.cli.recommend.vectors import Tagger, Vocabularies, read_vectors
from app.files import locked_folder
from app.tagging.pooling import Pooling


def build(
    data: Data,
    catalogue: Catalogue,
    to: Out,
    tagger: Tagger = None,
    vocabularies: Vocabularies = None,
    pooling: PoolingOption = Pooling.MEAN,
    top_n: TopN = None,
    until: Annotated[
        datetime | None, typer.Option(help="Use interactions before this time only, in UTC.")
    ] = None,
    subgenres: Subgenres = DEFAULT_SUBGENRES,
    max_invalid_share: MaxInvalidShare = DEFAULT_MAX_INVALID_SHARE,
) -> None:
    """Make a vector for each style of an artist, and two for each curator: accepted, declined."""
    with plain_errors():
        import numpy as np

        from app.recommender.identities.building import IdentityBuilder, PoolingRule
        from app.recommender.identities.files import (
            ACCEPTED,
            DECLINED,
            describe_vectors,
            write_artists,
            write_curators,
        )

        platform = read_tables(data, subgenres, max_invalid_share)
        vectors = read_vectors(catalogue, tagger, vocabularies, platform)
        rule = PoolingRule(pooling, top_n)
        builder = IdentityBuilder(platform, vectors, rule)
        with err.status("building the identities"):
            made = platform.interactions
            if until is not None:
                made = made.take(made.at < np.datetime64(until))
            artists = builder.artists()
            sides = {
                ACCEPTED: builder.curators(made, made.accepted),
                DECLINED: builder.curators(made, made.declined),
            }
        about = describe_vectors(vectors, rule) | {"until": until and until.isoformat()}
        with locked_folder(to):
            write_artists(to, platform.artists.ids, artists, about)
            write_curators(to, platform.curators.ids, sides, about)
    of_styles = np.bincount(np.bincount(artists.owners))
    several = int(of_styles[2:].sum())
    say(
        out,
        f"{len(np.unique(artists.owners)):,} of {len(platform.artists.ids):,} artists, {several:,} "
        f"of them with several styles; of {len(platform.curators.ids):,} curators, "
        f"{len(sides[ACCEPTED].owners):,} with accepted and {len(sides[DECLINED].owners):,} with "
        f"declined tracks",
    )
