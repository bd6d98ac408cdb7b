"""Merge the cleaned tracks of several datasets into those of one task (the thesis, 7.1)."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from app.datasets.cleaning import Cleaned, Step
from app.datasets.tasks import Task, correspondence
from app.datasets.tracks import Merged, Track
from app.datasets.word_mapping import standardise
from app.errors import SetupError


@dataclass(frozen=True)
class Wrangled:
    """A dataset's tracks under the tags of a task.

    Attributes:
        dataset: Its name.
        tracks: Those with a tag of the task, with the task's tags in its order.
        steps: The effect of each step.
        words: By tag, the number of tracks with each of the dataset's words that map to it.
    """

    dataset: str
    tracks: tuple[Track, ...]
    steps: tuple[Step, ...]
    words: Mapping[str, Mapping[str, int]]


def merge(task: Task, datasets: Sequence[Cleaned]) -> tuple[Merged, tuple[Wrangled, ...]]:
    """Map the words of datasets to a task's tags, and merge the datasets into one.

    Args:
        task: The task.
        datasets: The cleaned datasets, in any order. Only tracks kept by cleaning are used, but
            with all their words: a task needs some of FMA's that are not among the most frequent.

    Returns:
        The merged tracks, ordered by dataset and path, and the statistics of each dataset.

    Raises:
        SetupError: Two datasets have the same name or two tracks the same id, or no track has one
            of the tags.
    """
    ordered = sorted(datasets, key=lambda cleaned: cleaned.dataset.name)
    _refuse_same_names(cleaned.dataset.name for cleaned in ordered)
    _refuse_same_ids(track for cleaned in ordered for track in cleaned.dataset.tracks)
    wrangled = tuple(_wrangled(task, cleaned) for cleaned in ordered)
    tracks = [track for each in wrangled for track in each.tracks]
    if not tracks:
        names = ", ".join(each.dataset for each in wrangled)
        raise SetupError(f"no track of {names} has a tag of the task {task.name}")
    return Merged(task.name, task.tags, tuple(tracks)), wrangled


def _wrangled(task: Task, cleaned: Cleaned) -> Wrangled:
    finals = _finals(task, cleaned)
    before = _kept(cleaned)
    known = [replace(track, tags=tuple(filter(finals.get, track.tags))) for track in before]
    wanted = [track for track in known if track.tags]
    after = [replace(track, tags=_tags(task, finals, track.tags)) for track in wanted]
    steps = (
        _step(f"words and tracks without a tag of {task.name}", before, wanted),
        _step("words that mean the same", wanted, after),
    )
    return Wrangled(cleaned.dataset.name, tuple(after), steps, _counted(finals, wanted))


def _kept(cleaned: Cleaned) -> list[Track]:
    """Return the tracks kept by cleaning, with all of their words, by path."""
    kept = {track.id for track in cleaned.tracks}
    tracks = (track for track in cleaned.dataset.tracks if track.id in kept)
    return sorted(tracks, key=lambda track: track.path)


def _finals(task: Task, cleaned: Cleaned) -> dict[str, str]:
    """Return the tag of each of a dataset's words, as the dataset spells them."""
    dataset = cleaned.dataset
    finals = correspondence(task, dataset.name)
    categories = task.categories.get(dataset.name)
    return {
        word: finals[standardise(word)]
        for word in {word for track in dataset.tracks for word in track.tags}
        if standardise(word) in finals
        and (not categories or categories & dataset.categories.get(word, frozenset()))
    }


def _tags(task: Task, finals: Mapping[str, str], words: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({finals[word] for word in words}, key=task.tags.index))


def _step(rule: str, before: Sequence[Track], after: Sequence[Track]) -> Step:
    return Step(rule, len(before) - len(after), _taggings(before) - _taggings(after), len(after))


def _taggings(tracks: Iterable[Track]) -> int:
    return sum(len(track.tags) for track in tracks)


def _counted(finals: Mapping[str, str], tracks: Iterable[Track]) -> dict[str, Counter[str]]:
    counted: dict[str, Counter[str]] = {}
    for track in tracks:
        for word in track.tags:
            counted.setdefault(finals[word], Counter())[word] += 1
    return counted


def _refuse_same_names(names: Iterable[str]) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise SetupError(f"{count} datasets are called {name}; give their folders other names")


def _refuse_same_ids(tracks: Iterable[Track]) -> None:
    seen: dict[str, Track] = {}
    for track in tracks:
        if other := seen.get(track.id):
            raise SetupError(
                f"{other.dataset}: {other.path} and {track.dataset}: {track.path} have the same id "
                f"{track.id}; remove one of them"
            )
        seen[track.id] = track
