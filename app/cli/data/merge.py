"""`taggram data merge`: clean datasets and merge them into a task."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Column, Table
from rich.text import Text

from app.cli.console import cell, err, out, plain_errors, say
from app.cli.data.sources import (
    FmaSubset,
    Folder,
    JamendoSubset,
    OwnFolders,
    Sources,
    make_own_task,
)

if TYPE_CHECKING:
    from app.datasets.cleaning import Cleaned
    from app.datasets.merging import Wrangled
    from app.datasets.tracks import Merged


def merge(
    target: Annotated[
        Path, typer.Argument(metavar="OUT", help="The table, such as `subgenres.parquet`.")
    ],
    task: Annotated[
        str,
        typer.Option(help="genres, subgenres, moodthemes, alltags; or own: the tags of --folder."),
    ],
    fma: Folder = None,
    fma_subset: FmaSubset = "large",
    mtat: Folder = None,
    mtg_jamendo: Folder = None,
    mtg_jamendo_subset: JamendoSubset = "autotagging",
    folder: OwnFolders = None,
    pictures: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write charts of tags before and after the merge there."),
    ] = None,
) -> None:
    """Clean datasets, and merge them into one table of tracks with the tags of a task."""
    with plain_errors():
        from app.datasets.merging import merge as merged_of
        from app.datasets.tables import write_merged
        from app.datasets.tasks import OWN, read_task

        wanted = None if task == OWN else read_task(task)
        sources = Sources(fma, fma_subset, mtat, mtg_jamendo, mtg_jamendo_subset, folder or ())
        public, own = sources.load()
        cleaned = [*public, *own]
        merged, wrangled = merged_of(wanted or make_own_task(own), cleaned)
        write_merged(target, merged)
        if pictures:
            _draw(merged, wrangled, pictures)
    out.print(_steps(cleaned, wrangled), _tags(merged, wrangled), _counts(), sep="\n")
    _report_unused(merged, wrangled)
    say(out, f"{target}: {len(merged.tracks)} tracks, {len(merged.tags)} tags")


def _steps(cleaned: Sequence["Cleaned"], wrangled: Sequence["Wrangled"]) -> Table:
    """Return the effect of each rule, in cleaning and in merging."""
    table = Table("dataset", "dropped", *_numbers("tracks", "taggings", "tracks left"))
    cleaning = {each.dataset.name: each.steps for each in cleaned}
    for each in wrangled:
        for index, step in enumerate((*cleaning[each.dataset], *each.steps)):
            counts = (step.tracks_dropped, step.tags_dropped, step.tracks_left)
            name = "" if index else each.dataset
            table.add_row(cell(name), cell(step.rule), *map(_count, counts))
        table.add_section()
    return table


def _tags(merged: "Merged", wrangled: Sequence["Wrangled"]) -> Table:
    """Return a row for each tag: its tracks in each dataset, and the words that map to it."""
    names = [each.dataset for each in wrangled]
    table = Table("tag", *_numbers(*names, "tracks"), "from")
    counted = Counter((track.dataset, tag) for track in merged.tracks for tag in track.tags)
    for tag in merged.tags:
        counts = [counted[name, tag] for name in names]
        table.add_row(cell(tag), *map(_count, (*counts, sum(counts))), _words(tag, wrangled))
    return table


def _words(tag: str, wrangled: Sequence["Wrangled"]) -> Text:
    """Return the words that map to a tag, the most frequent first; empty if only itself."""
    words: Counter[str] = Counter()
    for each in wrangled:
        words.update(each.words.get(tag, {}))
    if list(words) == [tag]:
        return Text()
    return cell(", ".join(f"{word} {_count(count)}" for word, count in words.most_common()))


def _counts() -> Table:
    """Return the numbers of tags that the thesis states, and those in its dictionaries."""
    from app.datasets.tasks import tallies

    table = Table("task", *_numbers("thesis", "dictionaries"), "why")
    for each in tallies():
        table.add_row(each.task, str(each.thesis), str(each.dictionaries), each.difference)
    return table


def _report_unused(merged: "Merged", wrangled: Sequence["Wrangled"]) -> None:
    unused = [tag for tag in merged.tags if not any(tag in each.words for each in wrangled)]
    if unused:
        say(err, f"No track has {', '.join(unused)}.")


def _draw(merged: "Merged", wrangled: Sequence["Wrangled"], folder: Path) -> None:
    from app.datasets.plots import write_figures
    from app.datasets.task_plots import draw_merging

    for path in write_figures(folder, merged.task, draw_merging(merged, wrangled)):
        say(out, str(path))


def _numbers(*headers: str) -> list[Column]:
    return [Column(cell(header), justify="right") for header in headers]


def _count(number: int) -> str:
    return f"{number:,}" if number else "-"
