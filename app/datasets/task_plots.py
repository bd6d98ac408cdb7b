"""Plot what merging, splitting and resampling do (the thesis, figures 7.3 to 7.6, 8.4 and annex B).

Each figure shows the numbers of tracks before and after a step.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from app.datasets.bars import (
    BAR_INCHES,
    COUNT,
    MARGIN_INCHES,
    PALE,
    Counts,
    draw_legend,
    draw_stacks,
    short_name,
)
from app.datasets.merging import Wrangled
from app.datasets.tracks import Merged, Split, SplitTrack, Subset
from app.datasets.word_mapping import standardise
from app.plot_style import ACCENT, FONT_PT, MUTED, blank, plain
from app.text import printable

MOST_BARS = 90
"""More words than these are left out of a figure, the rarest first."""

LONGEST_WORDS = 90
"""The longest list of words next to a bar, in characters."""

NAMED_PARTS = {Subset.TRAIN: "training", Subset.VALIDATION: "validation", Subset.TEST: "test"}


def draw_merging(merged: Merged, wrangled: Sequence[Wrangled]) -> dict[str, Figure]:
    """Return the figures of a merge by name: of each dataset's words, and of all together."""
    names = [each.dataset for each in wrangled]
    words, tags = _words(wrangled), count_tags(merged)
    before = dict(list(words.items())[:MOST_BARS])
    panels = {
        f"before: {len(before)} of {len(words)} words": before,
        f"after: {len(tags)} tags": tags,
    }
    each_dataset = {f"words-{each.dataset}": _draw_words(each) for each in wrangled if each.tracks}
    return {**each_dataset, "merged": draw_stacks(panels, names)}


def draw_split(before: Split, after: Split) -> dict[str, Figure]:
    """Return the figures of a split by name: of its parts, and of the resampling if there was one.

    Args:
        before: The split, with each track once.
        after: The same after resampling, or `before` itself.
    """
    names = sorted({each.track.dataset for each in before.placed})
    training = count_part(before.part(Subset.TRAIN))
    tags = _ranked(training, [tag for each in before.placed for tag in each.track.tags])
    parts = {
        name: {tag: counts.get(tag, {}) for tag in tags}
        for part, name in NAMED_PARTS.items()
        for counts in (count_part(after.part(part)),)
        if counts
    }
    figures = {"split": draw_stacks(parts, names)}
    if after is not before:
        epoch = count_part(after.part(Subset.TRAIN))
        panels = {
            f"before: {skew(training):.1f} to 1": {tag: training.get(tag, {}) for tag in tags},
            f"after, an epoch: {skew(epoch):.1f} to 1": {tag: epoch.get(tag, {}) for tag in tags},
        }
        figures["resampling"] = draw_stacks(panels, names)
    return figures


def count_tags(merged: Merged) -> Counts:
    """Return the number of tracks of each tag by dataset, the most frequent tag first."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for track in merged.tracks:
        for tag in track.tags:
            counts[tag][track.dataset] += 1
    return {tag: counts[tag] for tag in _ranked(counts, counts)}


def count_part(placed: Iterable[SplitTrack]) -> Counts:
    """Return how often an epoch uses the tracks of each tag, by dataset."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for each in placed:
        for tag in each.track.tags:
            counts[tag][each.track.dataset] += each.repeats
    return counts


def skew(counts: Counts) -> float:
    """Return how many times as frequent the most frequent tag is as the rarest one."""
    totals = [sum(each.values()) for each in counts.values()]
    return max(totals) / min(totals) if totals else 1.0


def _ranked(counts: Counts, tags: Iterable[str]) -> list[str]:
    """Return distinct tags by falling number of tracks, and then by name."""
    totals = {tag: sum(counts[tag].values()) if tag in counts else 0 for tag in tags}
    return sorted(totals, key=lambda tag: (-totals[tag], tag))


def _words(wrangled: Sequence[Wrangled]) -> Counts:
    """Return the number of tracks of each word that maps to a tag, by dataset."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for each in wrangled:
        for words in each.words.values():
            for word, count in words.items():
                counts[word][each.dataset] += count
    return {word: counts[word] for word in _ranked(counts, counts)}


def _draw_words(wrangled: Wrangled) -> Figure:
    """Draw each tag's tracks of one dataset: those with the tag's own word, and those gained."""
    totals = Counter(tag for track in wrangled.tracks for tag in track.tags)
    tags = sorted(totals, key=lambda tag: (-totals[tag], tag))
    own = [_own(tag, wrangled.words[tag], totals[tag]) for tag in tags]
    figure = blank(11, MARGIN_INCHES + BAR_INCHES * len(tags))
    axes = figure.subplots()
    plain(axes, "tracks", grid="x")
    axes.barh(range(len(tags)), own, color=ACCENT, height=0.75)
    gained = [totals[tag] - count for tag, count in zip(tags, own, strict=True)]
    axes.barh(range(len(tags)), gained, left=own, color=PALE, height=0.75)
    for row, tag in enumerate(tags):
        text = _merged_words(tag, wrangled.words[tag])
        axes.annotate(
            text,
            (totals[tag], row),
            xytext=(4, 0),
            textcoords="offset points",
            fontsize=FONT_PT - 1,
            color=MUTED,
            va="center",
            parse_math=False,
            annotation_clip=False,
        )
    axes.set_yticks(range(len(tags)), [short_name(tag) for tag in tags], parse_math=False)
    axes.set_ylim(len(tags) - 0.4, -0.6)
    axes.set_xlim(0, 1.7 * max(totals.values(), default=1))
    axes.xaxis.set_major_formatter(COUNT)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    shades = {"with the tag itself, before": ACCENT, "with words merged into it": PALE}
    draw_legend(figure, shades)
    return figure


def _own(tag: str, words: Mapping[str, int], total: int) -> int:
    """Return the number of tracks with the tag's own word, in any spelling."""
    same = sum(count for word, count in words.items() if standardise(word) == standardise(tag))
    return min(same, total)


def _merged_words(tag: str, words: Mapping[str, int]) -> str:
    """Return the words that were merged into a tag, the most frequent first."""
    others = [word for word in words if standardise(word) != standardise(tag)]
    others.sort(key=lambda word: (-words[word], word))
    text = printable(", ".join(f"{word} {words[word]:,}" for word in others))
    return text if len(text) <= LONGEST_WORDS else f"{text[: LONGEST_WORDS - 1]}…"
