"""`taggram identities denoise`: compare self-chosen subgenres with the tags of the tracks."""

from app.cli.console import err, out, plain_errors, say
from app.cli.recommend.options import Catalogue, Out
from app.cli.recommend.tables import (
    DEFAULT_MAX_INVALID_SHARE,
    DEFAULT_SUBGENRES,
    Data,
    MaxInvalidShare,
    Subgenres,
    read_tables,
)
from app.cli.recommend.vectors import Tagger, Vocabularies, read_vectors
from app.errors import SetupError
from app.files import locked_folder, write_atomically


def denoise(
    data: Data,
    catalogue: Catalogue,
    to: Out,
    tagger: Tagger = None,
    vocabularies: Vocabularies = None,
    subgenres: Subgenres = DEFAULT_SUBGENRES,
    max_invalid_share: MaxInvalidShare = DEFAULT_MAX_INVALID_SHARE,
) -> None:
    """Find subgenres that artists chose wrongly, or did not choose: a table and a report."""
    with plain_errors():
        from app.recommender.identities.building import IdentityBuilder, PoolingRule
        from app.recommender.identities.denoising import denoise as compare
        from app.recommender.identities.denoising_report import make_report
        from app.recommender.identities.files import write_denoised
        from app.report.html import render

        platform = read_tables(data, subgenres, max_invalid_share)
        vectors = read_vectors(catalogue, tagger, vocabularies, platform)
        builder = IdentityBuilder(platform, vectors, PoolingRule())
        if not set(platform.subgenres) & set(vectors.tags):
            raise SetupError(
                f"the tag vectors ({vectors.source}) know no subgenre of the vocabulary "
                f"{subgenres}; use --vocabularies {subgenres}"
            )
        with err.status("comparing"):
            ids = platform.artists.ids
            means = builder.artists().by_owner(len(ids))
            compared = compare(platform.subgenres, platform.artists.subgenres, vectors.tags, means)
        with locked_folder(to):
            write_denoised(to, ids, compared)
            page = render(make_report(ids, compared, str(vectors.source)))
            write_atomically(to / "report.html", page.encode())
    judged = compared.is_judged
    say(
        out,
        f"{judged.sum():,} of {len(ids):,} artists compared: {compared.unlikely.sum():,} unlikely "
        f"and {compared.missing.sum():,} missing subgenres; see {to / 'report.html'}",
    )
