"""The section of one task: merging, splitting and resampling."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from app.datasets.cleaning import Cleaned
from app.datasets.merging import Wrangled
from app.datasets.splits.resampling import tag_counts
from app.datasets.splits.splitting import SplitResult
from app.datasets.task_plots import count_tags, draw_merging, draw_split
from app.datasets.tasks import tallies
from app.datasets.tracks import Merged, Split, Subset
from app.report.blocks import Cell, Grid, Picture, Prose, Section


@dataclass(frozen=True, eq=False)
class TaskSteps:
    """What became of the datasets in one task.

    Attributes:
        merged: The merged tracks.
        wrangled: The tracks of each dataset under the tags of the task.
        divided: The split; None if it can't be made.
        resampled: The split after resampling; None without a target.
        problem: Why there is no split; empty if there is one.
    """

    merged: Merged
    wrangled: Sequence[Wrangled]
    divided: SplitResult | None
    resampled: Split | None = None
    problem: str = ""


def make_task_section(steps: TaskSteps, cleaned: Sequence[Cleaned]) -> Section:
    """Return the section of a task.

    Args:
        steps: The task's steps.
        cleaned: The cleaned datasets that were merged.
    """
    merged = steps.merged
    about = (
        f"{len(merged.tracks):,} tracks of {', '.join(each.dataset for each in steps.wrangled)} "
        f"with {len(count_tags(merged))} of {len(merged.tags)} tags."
    )
    tally = [each for each in tallies() if each.task == merged.task]
    notes = tuple(
        Prose(
            f"The thesis states {each.thesis} tags, its dictionaries give {each.dictionaries}. "
            f"{each.difference}"
        )
        for each in tally
    )
    parts = (_merging(steps, cleaned), *_splitting(steps))
    return Section(f"Task: {merged.task}", (Prose(about), *notes), parts)


def _merging(steps: TaskSteps, cleaned: Sequence[Cleaned]) -> Section:
    figures = draw_merging(steps.merged, steps.wrangled)
    datasets = tuple(
        Picture(
            f"Tags of {each.dataset}, with the words that were merged into them",
            "Bars: tracks that had the tag itself, and tracks gained by other words",
            figures[f"words-{each.dataset}"],
        )
        for each in steps.wrangled
        if each.tracks
    )
    together = Picture(
        "Words before the merge, and tags after it, by dataset",
        "Two panels of bars, stacked by dataset",
        figures["merged"],
    )
    return Section("Merging", (_steps(steps, cleaned), *datasets, together, _tags(steps)))


def _steps(steps: TaskSteps, cleaned: Sequence[Cleaned]) -> Grid:
    cleaning = {each.dataset.name: each.steps for each in cleaned}
    rows = tuple(
        (
            Cell(each.dataset),
            Cell(step.rule),
            *_numbers(step.tracks_dropped, step.tags_dropped, step.tracks_left),
        )
        for each in steps.wrangled
        for step in (*cleaning[each.dataset], *each.steps)
    )
    head = ("dataset", "dropped", "tracks", "taggings", "tracks left")
    return Grid("What cleaning and merging drop", head, rows, words=2)


def _tags(steps: TaskSteps) -> Grid:
    names = [each.dataset for each in steps.wrangled]
    rows = tuple(
        (
            Cell(tag),
            Cell(_words(tag, steps.wrangled)),
            *_numbers(*(counts[name] for name in names), sum(counts.values())),
        )
        for tag, counts in count_tags(steps.merged).items()
    )
    return Grid("Tracks of each tag", ("tag", "from", *names, "tracks"), rows, words=2)


def _words(tag: str, wrangled: Sequence[Wrangled]) -> str:
    words: Counter[str] = Counter()
    for each in wrangled:
        words.update(each.words.get(tag, {}))
    return ", ".join(f"{word} {count:,}" for word, count in words.most_common())


def _splitting(steps: TaskSteps) -> tuple[Section, ...]:
    if steps.divided is None:
        return (Section("Split", (Prose(f"There is no split: {steps.problem}."),)),)
    before = steps.divided.split
    after = steps.resampled or before
    figures = draw_split(before, after)
    parts = Picture(
        "Tracks of each tag in training, validation and test, by dataset",
        "Three panels of bars, stacked by dataset",
        figures["split"],
    )
    about = Prose(f"{before.name}. No artist is in two parts.")
    sections = (Section("Split", (about, _parts(steps.divided), parts)),)
    if steps.resampled is None:
        return sections
    return *sections, _resampling(before, steps.resampled, figures["resampling"])


def _parts(divided: SplitResult) -> Grid:
    rows = []
    for part in Subset:
        placed = divided.split.part(part)
        if placed:
            artists = len({each.track.artist or each.track.id for each in placed})
            lacking = len(divided.lacking.get(part, ()))
            rows.append((Cell(part.value), *_numbers(len(placed), artists, lacking)))
    head = ("part", "tracks", "artists", "tags without a track")
    return Grid("Parts of the split", head, tuple(rows))


def _resampling(before: Split, after: Split, figure: Figure) -> Section:
    was, now = (tag_counts(split.part(Subset.TRAIN)) for split in (before, after))
    ranked = sorted(was, key=lambda tag: (-was[tag], tag))
    rows = tuple((Cell(tag), *_numbers(was[tag], now[tag])) for tag in ranked)
    picture = Picture(
        "Training before and after resampling, by dataset; most frequent to rarest tag",
        "Two panels of bars, stacked by dataset",
        figure,
    )
    grid = Grid("Tracks of each tag in training", ("tag", "tracks", "an epoch"), rows)
    note = Prose(f"{after.name}. Validation and test stay as they are.")
    return Section("Resampling", (note, picture, grid))


def _numbers(*counts: int) -> tuple[Cell, ...]:
    return tuple(Cell(f"{count:,}") for count in counts)
