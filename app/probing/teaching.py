"""A platform's own tags, learnt from a few dozen songs each on top of a published model.

songs' embeddings --(artists apart)--> out-of-fold scores --> figures, thresholds, confusable pairs
                  --(all of them)----> probe --> encoder and probe as a version in the store
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from app.datasets.tracks import Split, SplitTrack, Subset, Track
from app.domain import Scores
from app.errors import ManifestError, SetupError
from app.evaluation.bootstrap import drawn, interval
from app.evaluation.evaluate import Plan, evaluate
from app.evaluation.figures import Evaluation, Interval
from app.evaluation.metrics import roc_pr_auc
from app.evaluation.scoring import Scored
from app.models.folding import Weights
from app.probing.encoder import Encoder, Song
from app.probing.probe import (
    Examples,
    OnProgress,
    Probe,
    artist_of,
    learn,
    out_of_fold,
    song_scores,
)
from app.store.manifest.manifest import Manifest, Tags, manifests
from app.store.manifest.printable_words import checked_word
from app.store.manifest.tables import validate
from app.store.manifest.training_results import TrainedVocabulary
from app.store.storage.store import Store
from app.training.run.publishing import base_rates_of, publish_trained

ARCHITECTURE = "embedding_probe"

MIN_TAGS, MIN_SONGS, MIN_ARTISTS = 2, 5, 3
"""With less there is nothing to learn from and to judge by at once."""

FEW_SONGS, FEW_ARTISTS = 20, 8
"""With fewer a tag is learnt, but the figures are little more than a hint."""

CHANCE = 0.5


@dataclass(frozen=True)
class Pair:
    """Two tags, and how well songs of the one are told from songs of the other.

    Attributes:
        first: One tag.
        second: The other.
        separation: The ROC-AUC of the difference of their scores over the songs that have one of
            them; artists are drawn for its interval.
    """

    first: str
    second: str
    separation: Interval

    @property
    def is_told_apart(self) -> bool:
        """Whether chance is outside of the interval."""
        return self.separation.low is not None and self.separation.low > CHANCE


@dataclass(frozen=True)
class Taught:
    """What came of it.

    Attributes:
        manifest: Of the version that was published.
        evaluation: Figures of out-of-fold scores.
        pairs: All pairs of tags, the least told apart first.
    """

    manifest: Manifest
    evaluation: Evaluation
    pairs: tuple[Pair, ...]


def lacking(tracks: Iterable[Track], songs: int, artists: int) -> dict[str, str]:
    """Which tags have too few songs, or songs of too few artists, with how many they have."""
    counts, known = Counter[str](), defaultdict[str, set[str]](set)
    for track in tracks:
        counts.update(track.tags)
        for tag in track.tags:
            known[tag].add(artist_of(track))
    return {
        tag: f"{count} songs of {len(known[tag])} artists"
        for tag, count in sorted(counts.items())
        if count < songs or len(known[tag]) < artists
    }


def check_lesson(tracks: Sequence[Track]) -> None:
    """Hold tracks against the least that can be learnt from.

    Raises:
        SetupError: There are too few tags, or too few songs or artists of one; or a tag is on all.
    """
    tags = tags_of(tracks)
    if len(tags) < MIN_TAGS:
        raise SetupError(
            f"there are too few tags ({len(tags)}): what is learnt is what tells tags apart; bring "
            f"songs of {MIN_TAGS} tags at least"
        )
    if poor := lacking(tracks, MIN_SONGS, MIN_ARTISTS):
        said = "; ".join(f"{tag} has {count}" for tag, count in poor.items())
        raise SetupError(
            f"too little to learn from: {said}; bring {MIN_SONGS} songs of {MIN_ARTISTS} artists "
            "at least for each tag, a few dozen if you can"
        )
    if everywhere := [tag for tag in tags if all(tag in each.tags for each in tracks)]:
        raise SetupError(
            f"all songs have the tag {everywhere[0]!r}; bring songs that have not, or take it out"
        )


def check_name(models: Store, name: str, tags: Sequence[str]) -> None:
    """Refuse at once what could not be published at the end.

    Raises:
        SetupError: It is no name for a model, that of another one, or a tag is no word.
    """
    validate(Tags, {"family": name, "names": tags}, f"--name {name}")
    validate(TrainedVocabulary, {"name": name, "description": ""}, f"--name {name}")
    for tag in tags:
        try:
            checked_word(tag)
        except ValueError as error:
            raise ManifestError(f"the tag {error}; rename it") from error
    of_that_name = manifests(models).get(name, ())
    if of_that_name and of_that_name[-1].architecture.name != ARCHITECTURE:
        raise SetupError(f"{name} is the name of another model in {models.url}; choose another")


def tags_of(tracks: Iterable[Track]) -> tuple[str, ...]:
    """All tags, in alphabetical order."""
    return tuple(sorted({tag for track in tracks for tag in track.tags}))


def teach(
    models: Store,
    encoder: Encoder,
    songs: Sequence[Song],
    *,
    name: str,
    precision: float,
    on_progress: OnProgress,
) -> Taught:
    """Learn the songs' tags, judge what was learnt, and publish it.

    Thresholds are chosen on the scores that they are judged by, which flatters them a little: there
    is one number to choose, and to keep more songs back would cost more.

    Args:
        models: Where to.
        encoder: What heard the songs.
        songs: As `check_lesson` wants them.
        name: Of the model, and of its vocabulary.
        precision: Wished of each tag's threshold.
        on_progress: See `OnProgress`.

    Raises:
        SetupError: There is too little to learn from, or it can't be published.
    """
    tracks = [song.track for song in songs]
    check_lesson(tracks)
    examples = Examples.of(songs, tags_of(tracks))
    scores = out_of_fold(examples, on_progress)
    evaluation = _evaluation(name, tracks, examples, scores, precision)
    manifest = publish_trained(
        models,
        name=name,
        summary=f"{len(examples.tags)} tags, taught on {encoder.manifest.ref}.",
        architecture=ARCHITECTURE,
        arguments=_arguments(encoder.manifest),
        window_spec=encoder.manifest.window_spec,
        tags=examples.tags,
        family=name,
        weights=_weights(encoder, learn(examples)),
        vocabulary=name,
        base_rates=base_rates_of(
            examples.tags, [SplitTrack(each, Subset.TRAIN) for each in tracks]
        ),
        evaluation=evaluation,
        data=f"{len(songs)} songs of {len(set(examples.artists))} artists, beside what "
        f"{encoder.manifest.ref} learnt from: {encoder.manifest.source.description}",
        licence=encoder.manifest.source.licence,
        citation=encoder.manifest.source.citation,
    )
    return Taught(manifest, evaluation, pairs(examples, scores))


def pairs(examples: Examples, scores: Sequence[Scores]) -> tuple[Pair, ...]:
    """How well each two tags are told apart, the least first.

    Args:
        examples: What is true.
        scores: Out of fold, (windows, tags) of each song.
    """
    songs = song_scores(scores)
    columns = combinations(range(len(examples.tags)), 2)
    found = [_pair(examples, songs, first, second) for first, second in columns]
    return tuple(sorted(found, key=lambda pair: pair.separation.value or 0))


def _pair(examples: Examples, songs: Scores, first: int, second: int) -> Pair:
    has, other = examples.y_true[:, first], examples.y_true[:, second]
    either = has != other
    separation = Interval(value=None)
    if (has & either).any() and (other & either).any():
        artists, owners = np.unique(examples.artists[either], return_inverse=True)
        differences = (songs[:, first] - songs[:, second])[either]
        separation = interval(roc_pr_auc(has[either], differences, drawn(len(artists)), owners).roc)
    return Pair(examples.tags[first], examples.tags[second], separation)


def _evaluation(
    name: str,
    tracks: Sequence[Track],
    examples: Examples,
    scores: tuple[Scores, ...],
    precision: float,
) -> Evaluation:
    """Figures of out-of-fold scores: each song has been in validation once."""
    placed = tuple(SplitTrack(track, Subset.VALIDATION) for track in tracks)
    split = Split(name, examples.tags, "out of fold, artists apart", placed)
    ids = tuple(track.id for track in tracks)
    scored = Scored(examples.tags, ids, examples.y_true, scores, {}, {})
    plan = Plan(split, Subset.VALIDATION, (), precision)
    evaluation = evaluate(plan, name, lambda *_: scored)
    tags = (  # and in training in all other folds
        each.model_copy(update={"train_positives": each.positives}) for each in evaluation.tags
    )
    return evaluation.model_copy(update={"tags": tuple(tags)})


def _arguments(manifest: Manifest) -> dict[str, object]:
    architecture = manifest.architecture
    return {"encoder": architecture.name, "arguments": architecture.arguments}


def _weights(encoder: Encoder, probe: Probe) -> Weights:
    """The whole network's, by path, as `app.models.embedding_probe` names them."""
    heard = {f"encoder/{path}": array for path, array in encoder.weights.items()}
    encoding = {path: heard[path] for path in heard if not path.startswith("encoder/tags/")}
    return {**encoding, "head/tags/kernel": probe.kernel, "head/tags/bias": probe.bias}
