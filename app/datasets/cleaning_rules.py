"""The rules of cleaning: which tracks and tags of a dataset are worth training on.

They are those of the thesis, section 6. A track of unknown length counts as one of a good length.
Equally frequent tags are ordered alphabetically, so that the result is reproducible.
"""

from collections import Counter
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, replace
from functools import partial

from app.datasets.loaders import fma, mtat, mtg_jamendo
from app.datasets.loaders.dataset import Dataset, artist_name
from app.datasets.tracks import Track

SHORTEST_S, LONGEST_S = 60, 600

FMA_GENRES = {"genre": None, "subgenre": 10, "sub-subgenre": 25}
"""How many of the most frequent tags of each level are kept; None keeps all."""

FMA_TAGS = 25

FMA_NAMES = frozenset(
    {
        "spettrorecords", "clinicalarchives", "halfcocked",
        "badronald", "bigblack", "bluecheer", "buttholesurfers", "kirkpearson", "steelydan",
    }
)  # fmt: skip
"""Frequent free tags that name a label (the first three) or another band, and don't describe the
sound. Names of the dataset's own artists are excluded separately."""

MTAT_MOST_TAGS = 15

MTAT_TAGS = 100

JAMENDO_GENRES = 100
"""More than exist: 87 in the official splits, 95 in `autotagging.tsv`. So all genres are kept, as
are moods, themes and instruments, of which the thesis drops none."""

Tracks = Sequence[Track]


@dataclass(frozen=True)
class Rule:
    """A description of a rule, and the function that applies it."""

    words: str
    apply: Callable[[Tracks], Tracks]


def top(tracks: Tracks, count: int | None, among: Set[str] | None = None) -> set[str]:
    """Return the `count` most frequent tags, of all tags or of those in `among`.

    Args:
        tracks: The tracks to count in.
        count: The number of tags; None for all.
        among: The tags to choose from; None for all.
    """
    counts = Counter(tag for each in tracks for tag in each.tags if among is None or tag in among)
    ranked = sorted(counts, key=lambda tag: (-counts[tag], tag))
    return set(ranked[:count])


def plain(word: str) -> str:
    """Return a word in lower case without spaces and punctuation: `Hip-Hop` becomes `hiphop`."""
    return "".join(filter(str.isalnum, word.casefold()))


def _default_rules(_dataset: Dataset) -> tuple[Rule, ...]:
    return (Rule("no tag", _tagged),)


def _fma_rules(dataset: Dataset) -> tuple[Rule, ...]:
    genres = {tag for tag, of in dataset.categories.items() if of & FMA_GENRES.keys()}
    return (
        _lengths(),
        Rule("no genre", lambda tracks: [each for each in tracks if genres & set(each.tags)]),
        Rule(
            "genres but all top ones, 10 subgenres, 25 sub-subgenres",
            partial(_frequent_genres, dataset, genres),
        ),
        Rule(f"free tags but the top {FMA_TAGS}", partial(_frequent_words, dataset, genres)),
    )


def _mtat_rules(_dataset: Dataset) -> tuple[Rule, ...]:
    return (
        Rule("no tag", _tagged),
        Rule(
            f"more than {MTAT_MOST_TAGS} tags",
            lambda tracks: [each for each in tracks if len(each.tags) <= MTAT_MOST_TAGS],
        ),
        Rule(
            f"tags but the top {MTAT_TAGS}",
            lambda tracks: _tagged(_with(tracks, top(tracks, MTAT_TAGS))),
        ),
    )


def _jamendo_rules(dataset: Dataset) -> tuple[Rule, ...]:
    genres = {tag for tag, of in dataset.categories.items() if of == {"genre"}}
    return (
        _lengths(),
        Rule(
            f"genres but the top {JAMENDO_GENRES} (there are {len(genres)})",
            lambda tracks: _tagged(
                _without(tracks, genres - top(tracks, JAMENDO_GENRES, among=genres))
            ),
        ),
    )


RULES: dict[str, Callable[[Dataset], tuple[Rule, ...]]] = {
    fma.NAME: _fma_rules,
    mtat.NAME: _mtat_rules,
    mtg_jamendo.NAME: _jamendo_rules,
}
"""By name of a dataset, the function that makes its rules."""


def rules_for(dataset: Dataset) -> tuple[Rule, ...]:
    """Return the rules of a dataset, in order; by default one that drops untagged tracks."""
    return RULES.get(dataset.name, _default_rules)(dataset)


def _frequent_genres(dataset: Dataset, genres: Set[str], tracks: Tracks) -> Tracks:
    """Keep each level's most frequent genres; drop tracks that are left without a genre."""
    levels = {level: _of(dataset, level) for level in FMA_GENRES}
    kept = set[str]().union(
        *(top(tracks, count, among=levels[level]) for level, count in FMA_GENRES.items())
    )
    return [each for each in _without(tracks, genres - kept) if kept & set(each.tags)]


def _frequent_words(dataset: Dataset, genres: Set[str], tracks: Tracks) -> Tracks:
    """Keep the most frequent free tags that name neither a genre nor a label or artist.

    Tracks without one are kept: fewer than a quarter have any.
    """
    names = {track.artist for track in dataset.tracks}
    known = set(map(plain, genres)) | FMA_NAMES
    own = {
        word
        for word in _of(dataset, fma.TAG) - genres
        if plain(word) not in known and artist_name(word) not in names
    }
    return _with(tracks, genres | top(tracks, FMA_TAGS, among=own))


def _of(dataset: Dataset, category: str) -> set[str]:
    return {tag for tag, of in dataset.categories.items() if category in of}


def _lengths() -> Rule:
    return Rule(
        f"shorter than {SHORTEST_S} s or longer than {LONGEST_S} s",
        lambda tracks: [
            each
            for each in tracks
            if each.duration_s is None or SHORTEST_S <= each.duration_s <= LONGEST_S
        ],
    )


def _tagged(tracks: Tracks) -> Tracks:
    return [each for each in tracks if each.tags]


def _with(tracks: Tracks, tags: Set[str]) -> Tracks:
    return [replace(each, tags=tuple(tag for tag in each.tags if tag in tags)) for each in tracks]


def _without(tracks: Tracks, tags: Set[str]) -> Tracks:
    return [
        replace(each, tags=tuple(tag for tag in each.tags if tag not in tags)) for each in tracks
    ]
