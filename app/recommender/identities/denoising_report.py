"""The report of denoising: how many artists have which problem, by subgenre, and examples."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from app.plot_style import ACCENT, MUTED, SECOND, blank, plain
from app.recommender.identities.denoising import Denoised, Verdict
from app.recommender.tables.writing import names_of
from app.report.blocks import Cell, Document, Grid, Picture, Prose, Section
from app.text import printable

EXAMPLES = 50
"""The artists that the page lists, those with the lowest cosines."""

SUBGENRES = 30
"""The subgenres in the picture, those with most changes."""

LEAD = (
    "The subgenres that artists chose, compared with the tags of their tracks. A chosen subgenre "
    "is unlikely if its score is low, and a subgenre is missing if its score is as high as that of "
    "artists who chose it. Each subgenre has its own two thresholds, from all artists."
)

MEANINGS = {
    Verdict.PLAUSIBLE: "nothing is missing, or few subgenres are unlikely",
    Verdict.NONE_CHOSEN: "the artist chose no subgenre",
    Verdict.TOO_MANY: "at least three, and half of the chosen ones, are unlikely",
    Verdict.TOO_FEW: "some are missing, and none is unlikely",
    Verdict.UNLIKELY: "all that the artist chose are unlikely",
    Verdict.NOT_JUDGED: "no track has a tag vector, or the vectors know none of the chosen ones",
}


def make_report(ids: Sequence[str], denoised: Denoised, source: str) -> Document:
    """Return the report.

    Args:
        ids: The ids of the artists.
        denoised: The comparison.
        source: What computed the tag vectors.
    """
    sections = [
        Section("Verdicts", (_verdicts(denoised), _means(denoised, source))),
        Section("Subgenres", (_changes(denoised),)),
        Section("Artists", (_artists(ids, denoised),)),
    ]
    if denoised.unknown:
        names = ", ".join(denoised.unknown)
        sections.append(Section("Not judged", (Prose(f"The tag vectors do not know {names}."),)))
    return Document("Self-chosen subgenres and tags", LEAD, tuple(sections))


def _verdicts(denoised: Denoised) -> Grid:
    counts = Counter(denoised.verdicts)
    total = len(denoised.chosen)
    rows = tuple(
        (
            Cell(verdict.value),
            Cell(meaning),
            Cell(f"{counts[verdict]:,}"),
            _percent(counts[verdict], total),
        )
        for verdict, meaning in MEANINGS.items()
    )
    return Grid("Artists by verdict", ("verdict", "meaning", "artists", "share"), rows, words=2)


def _means(denoised: Denoised, source: str) -> Prose:
    judged = denoised.is_judged
    if not judged.any():
        return Prose("No artist has a scored track.")
    before, after = denoised.cosines[judged].mean(), denoised.denoised_cosines[judged].mean()
    return Prose(
        f"The mean cosine of an artist's subgenres with the tags ({source}) is {before:.2f} for "
        f"the chosen ones and {after:.2f} for the denoised ones. The second is higher by "
        "construction: it does not prove that the changes are right."
    )


def _changes(denoised: Denoised) -> Picture:
    unlikely, missing = denoised.unlikely.sum(axis=0), denoised.missing.sum(axis=0)
    chosen = (denoised.chosen > 0).sum(axis=0)
    order = np.argsort(-(unlikely + missing), kind="stable")[:SUBGENRES]
    figure: Figure = blank(7.2, 1.0 + 0.22 * len(order))
    axes = figure.subplots()
    plain(axes, "artists", grid="x")
    places = np.arange(len(order))
    axes.barh(places, chosen[order] - unlikely[order], color=ACCENT, label="chosen and likely")
    left = chosen[order] - unlikely[order]
    axes.barh(places, unlikely[order], left=left, color=SECOND, label="chosen and unlikely")
    axes.barh(
        *(places, missing[order]),
        left=chosen[order],
        color=MUTED,
        label="missing",
    )
    names = [printable(denoised.subgenres[column]) for column in order]
    axes.set_yticks(places, names, parse_math=False)
    axes.invert_yaxis()
    figure.legend(loc="outside lower right", ncols=3, frameon=False, fontsize=8)
    description = "For each subgenre, the artists who chose it rightly or not, and who lack it."
    return Picture("Changes by subgenre", description, figure)


def _artists(ids: Sequence[str], denoised: Denoised) -> Grid:
    names = denoised.subgenres
    judged = np.flatnonzero(denoised.is_judged & (denoised.chosen > 0).any(axis=1))
    worst = judged[np.argsort(denoised.cosines[judged], kind="stable")][:EXAMPLES]
    lists = [
        names_of(each[worst], names)
        for each in (denoised.chosen, denoised.unlikely, denoised.missing)
    ]
    verdicts = denoised.verdicts
    rows = tuple(
        (
            Cell(ids[artist]),
            Cell(verdicts[artist].value),
            *(Cell(", ".join(each)) for each in of_artist),
            Cell(f"{denoised.cosines[artist]:.2f}"),
        )
        for artist, *of_artist in zip(worst.tolist(), *lists, strict=True)
    )
    head = ("artist", "verdict", "chosen", "unlikely", "missing", "cosine")
    return Grid(f"The {len(rows)} artists with the lowest cosines", head, rows, words=5)


def _percent(count: int, total: int) -> Cell:
    return Cell(f"{count / total:.0%}" if total else "")
