"""The section of one dataset: its statistics, and the effect of cleaning."""

from collections import Counter

from app.datasets.cleaning import Cleaned
from app.datasets.plots import TOP, draw_figures, missing_shares
from app.datasets.summary import Description, by_category, describe
from app.report.blocks import Block, Cell, Grid, Picture, Prose, Section

PICTURES = {
    "top-tags": ("Most frequent tags", "Bars for each category of tags"),
    "tags-a-track": ("Tags of a track", "Bars: how many tracks have 0, 1, 2 and more tags"),
    "durations": ("Durations", "Histogram of durations"),
    "sample-rates": ("Sample rates", "Bars for each sample rate"),
    "bit-rates": ("Bit rates", "Histogram of bit rates; higher ones are in the last bar"),
    "genre-tree": (
        "Tree of genres, with numbers of tracks",
        "Lists of genres, each below its parent",
    ),
    "missing-values": ("Missing values", "Bars: the share of rows without a value, by column"),
}
"""Titles and descriptions by the names of `app.datasets.plots.draw_figures`."""

BOTH = ("before cleaning", "after cleaning")


def make_dataset_section(cleaned: Cleaned) -> Section:
    """Return the section of a dataset."""
    before, after = describe(cleaned.dataset.tracks), describe(cleaned.tracks)
    drawn = {
        name: Picture(*PICTURES[name], figure) for name, figure in draw_figures(cleaned).items()
    }
    about = cleaned.dataset.about
    lines = tuple(Prose(line) for line in (about.url, about.licence, about.citation) if line)
    kinds = [drawn[name] for name in ("durations", "sample-rates", "bit-rates") if name in drawn]
    tree: tuple[Block, ...] = (drawn["genre-tree"],) if "genre-tree" in drawn else ()
    parts = (
        Section("Counts", (_counts(before, after), _steps(cleaned), *_skipped(cleaned))),
        Section("Tags", (drawn["top-tags"], _tags(cleaned, after), drawn["tags-a-track"], *tree)),
        Section("Durations and formats", tuple(kinds)) if kinds else None,
        Section("Missing values", (drawn["missing-values"], _missing(cleaned, before))),
    )
    return Section(about.title, lines, tuple(filter(None, parts)))


def _counts(before: Description, after: Description) -> Grid:
    rows = (
        ("tracks", *(f"{each.tracks:,}" for each in (before, after))),
        ("artists", *(f"{each.artists:,}" for each in (before, after))),
        ("tags", *(f"{len(each.tags):,}" for each in (before, after))),
        ("hours", *(f"{each.hours:,.0f}" for each in (before, after))),
    )
    return Grid("Tracks, artists and tags", ("number of", *BOTH), _cells(rows))


def _steps(cleaned: Cleaned) -> Grid:
    total = max(len(cleaned.dataset.tracks), 1)
    rows = tuple(
        (
            step.rule,
            f"{step.tracks_dropped:,}",
            f"{step.tracks_dropped / total:.1%}",
            f"{step.tags_dropped:,}",
            f"{step.tracks_left:,}",
        )
        for step in cleaned.steps
    )
    head = ("dropped", "tracks", "of all", "taggings", "tracks left")
    return Grid("What each rule of cleaning drops", head, _cells(rows))


def _skipped(cleaned: Cleaned) -> tuple[Grid, ...]:
    counts = Counter(each.file.name for each in cleaned.dataset.skipped)
    if not counts:
        return ()
    rows = tuple((name, f"{count:,}") for name, count in counts.items())
    return (Grid("Rows that could not be read", ("file", "rows"), _cells(rows)),)


def _tags(cleaned: Cleaned, after: Description) -> Grid:
    rows = tuple(
        (tag, category, f"{count:,}", f"{after.tags.get(tag, 0):,}")
        for category, tags in by_category(cleaned).items()
        for tag, count in list(tags.items())[:TOP]
    )
    head = ("tag", "category", *BOTH)
    return Grid(f"The {TOP} most frequent tags of each category", head, _cells(rows), words=2)


def _missing(cleaned: Cleaned, before: Description) -> Grid:
    shares = missing_shares(cleaned, before)
    ranked = sorted(shares, key=lambda name: (-shares[name], name))
    rows = tuple((name, f"{shares[name]:.1%}") for name in ranked)
    return Grid("Rows without a value, by column", ("column", "rows"), _cells(rows))


def _cells(rows: tuple[tuple[str, ...], ...]) -> tuple[tuple[Cell, ...], ...]:
    return tuple(tuple(map(Cell, row)) for row in rows)
