"""Train a user's own tags on a published model's embeddings, from a few dozen songs each.

songs' embeddings --(folds by artist)--> out-of-fold scores --> figures, thresholds, pairs of tags
                  --(all)--> probe --> encoder and probe as a version in the store
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from app.datasets.tracks import Split, SplitTrack, Subset, Track
from app.domain import Scores
from app.errors import ManifestError, SetupError
from app.evaluation.bootstrap import draw_counts, interval
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
    out_of_fold,
    song_scores,
    train_probe,
)
from app.store.manifest.manifest import Manifest, Tags, manifests
from app.store.manifest.printable_words import checked_word
from app.store.manifest.tables import validate
from app.store.manifest.training_results import TrainedVocabulary
from app.store.storage.store import Store
from app.training.run.publishing import base_rates_of, publish_trained

ARCHITECTURE = "embedding_probe"

MIN_TAGS, MIN_SONGS, MIN_ARTISTS = 2, 5, 3
"""The least with which a probe can be trained and evaluated."""

FEW_SONGS, FEW_ARTISTS = 20, 8
"""With fewer, a tag is trained but its figures are uncertain."""

CHANCE = 0.5


@dataclass(frozen=True)
class Pair:
    """Two tags, and how well their songs are separated.

    Attributes:
        first: One tag.
        second: The other.
        separation: The ROC-AUC of the difference of their scores over the songs with one of them;
            artists are resampled for its interval.
    """

    first: str
    second: str
    separation: Interval

    @property
    def is_separated(self) -> bool:
        """Whether the separation is significantly better than chance."""
        return self.separation.low is not None and self.separation.low > CHANCE


@dataclass(frozen=True)
class TeachResult:
    """The result of `teach`.

    Attributes:
        manifest: Of the published version.
        evaluation: Figures of out-of-fold scores.
        pairs: All pairs of tags, the least separated first.
    """

    manifest: Manifest
    evaluation: Evaluation
    pairs: tuple[Pair, ...]


def lacking(tracks: Iterable[Track], songs: int, artists: int) -> dict[str, str]:
    """Return the tags with too few songs or artists, with their numbers in words.

    Args:
        tracks: The tracks.
        songs: The least number of songs of a tag.
        artists: The least number of artists of a tag.
    """
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


def check_examples(tracks: Sequence[Track]) -> None:
    """Check that the tracks suffice to train a probe.

    Raises:
        SetupError: There are too few tags, a tag has too few songs or artists, or all tracks have a
            tag.
    """
    tags = tags_of(tracks)
    if len(tags) < MIN_TAGS:
        raise SetupError(
            f"{len(tags)} tags are too few to train on; add songs of at least {MIN_TAGS} different "
            "tags"
        )
    if poor := lacking(tracks, MIN_SONGS, MIN_ARTISTS):
        counts = "; ".join(f"{tag} has {count}" for tag, count in poor.items())
        raise SetupError(
            f"too few songs to train on: {counts}; add songs until each tag has at least "
            f"{MIN_SONGS} of {MIN_ARTISTS} artists, or better a few dozen"
        )
    if everywhere := [tag for tag in tags if all(tag in each.tags for each in tracks)]:
        raise SetupError(
            f"all songs have the tag {everywhere[0]!r}; add songs without it, or remove the tag"
        )


def check_name(models: Store, name: str, tags: Sequence[str]) -> None:
    """Check a model's name and tags before the training, as they are checked when it is published.

    Args:
        models: The store to publish to.
        name: The model's name.
        tags: The tags.

    Raises:
        SetupError: The name is invalid or that of another kind of model, or a tag is invalid.
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
        raise SetupError(
            f"{name} is the name of another model in {models.url}; choose a different name"
        )


def tags_of(tracks: Iterable[Track]) -> tuple[str, ...]:
    """Return all tags of tracks, in alphabetical order."""
    return tuple(sorted({tag for track in tracks for tag in track.tags}))


def teach(
    models: Store,
    encoder: Encoder,
    songs: Sequence[Song],
    *,
    name: str,
    precision: float,
    on_progress: OnProgress,
) -> TeachResult:
    """Train a probe on the songs' tags, evaluate it, and publish it.

    Thresholds are chosen and evaluated on the same scores, so their precision is slightly too good:
    only one number is chosen, and holding back more songs would cost more accuracy.

    Args:
        models: The store to publish to.
        encoder: The model that the songs were embedded with.
        songs: That satisfy `check_examples`.
        name: Of the model, and of its vocabulary.
        precision: The target precision of each tag's threshold.
        on_progress: See `OnProgress`.

    Returns:
        The published version, its figures, and the separation of the tags.

    Raises:
        SetupError: There are too few songs, or the model can't be published.
    """
    tracks = [song.track for song in songs]
    check_examples(tracks)
    examples = Examples.of(songs, tags_of(tracks))
    scores = out_of_fold(examples, on_progress)
    evaluation = _evaluation(name, tracks, examples, scores, precision)
    manifest = publish_trained(
        models,
        name=name,
        summary=f"{len(examples.tags)} tags, trained on embeddings of {encoder.manifest.ref}.",
        architecture=ARCHITECTURE,
        arguments=_arguments(encoder.manifest),
        window_spec=encoder.manifest.window_spec,
        tags=examples.tags,
        family=name,
        weights=_weights(encoder, train_probe(examples)),
        vocabulary=name,
        base_rates=base_rates_of(
            examples.tags, [SplitTrack(each, Subset.TRAIN) for each in tracks]
        ),
        evaluation=evaluation,
        data=f"{len(songs)} songs of {len(set(examples.artists))} artists; the training data of "
        f"{encoder.manifest.ref}: {encoder.manifest.source.description}",
        licence=encoder.manifest.source.licence,
        citation=encoder.manifest.source.citation,
    )
    return TeachResult(manifest, evaluation, pairs(examples, scores))


def pairs(examples: Examples, scores: Sequence[Scores]) -> tuple[Pair, ...]:
    """Return how well each two tags are separated, the least first.

    Args:
        examples: With the labels.
        scores: Out-of-fold scores of each song, (windows, tags).
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
        separation = interval(
            roc_pr_auc(has[either], differences, draw_counts(len(artists)), owners).roc
        )
    return Pair(examples.tags[first], examples.tags[second], separation)


def _evaluation(
    name: str,
    tracks: Sequence[Track],
    examples: Examples,
    scores: tuple[Scores, ...],
    precision: float,
) -> Evaluation:
    """Evaluate out-of-fold scores: each song was in validation once."""
    placed = tuple(SplitTrack(track, Subset.VALIDATION) for track in tracks)
    split = Split(name, examples.tags, "out of fold, artists apart", placed)
    ids = tuple(track.id for track in tracks)
    scored = Scored(examples.tags, ids, examples.y_true, scores, {}, {})
    plan = Plan(split, Subset.VALIDATION, (), precision)
    evaluation = evaluate(plan, name, lambda *_: scored)
    tags = (  # each was in training in all other folds
        each.model_copy(update={"train_positives": each.positives}) for each in evaluation.tags
    )
    return evaluation.model_copy(update={"tags": tuple(tags)})


def _arguments(manifest: Manifest) -> dict[str, object]:
    architecture = manifest.architecture
    return {"encoder": architecture.name, "arguments": architecture.arguments}


def _weights(encoder: Encoder, probe: Probe) -> Weights:
    """Return the whole network's weights, by path, as in the architecture `embedding_probe`."""
    prefixed = {f"encoder/{path}": array for path, array in encoder.weights.items()}
    encoding = {path: prefixed[path] for path in prefixed if not path.startswith("encoder/tags/")}
    return {**encoding, "head/tags/kernel": probe.kernel, "head/tags/bias": probe.bias}
