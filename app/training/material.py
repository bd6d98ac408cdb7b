"""What a phase learns from: the tracks of a split that the audio store has, as batches."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt

from app.errors import SetupError
from app.training import epochs, losses
from app.training.audio_store import AudioStore
from app.training.augmentation import Augmenter
from app.training.fit import Material
from app.training.pipeline import Feed, Source, Targets
from app.training.pseudo_labels import PseudoLabels
from app.training.recipe import Phase
from app.training.tracks import Part, Placed, Split

Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Corpus:
    """A split's tracks beside their audio.

    Attributes:
        store: The audio.
        train: What is learnt from.
        validation: What decides when to stop.
        unlabelled: What a student or contrast hears besides.
        tags: The task's.
        missing: Ids of the split that the store has not.
    """

    store: AudioStore
    train: tuple[Placed, ...]
    validation: tuple[Placed, ...]
    unlabelled: tuple[Placed, ...]
    tags: tuple[str, ...]
    missing: tuple[str, ...]

    def matrix(self, tracks: Sequence[Placed]) -> Matrix:
        """(tracks, tags), 1 where a track has a tag."""
        column = {tag: number for number, tag in enumerate(self.tags)}
        matrix = np.zeros((len(tracks), len(self.tags)), np.float32)
        for row, each in enumerate(tracks):
            matrix[row, [column[tag] for tag in each.track.tags]] = 1
        return matrix


def corpus(split: Split, store: AudioStore) -> Corpus:
    """Find the audio of a split's tracks.

    Raises:
        SetupError: The store has nothing to train on, or nothing to validate on.
    """
    parts = {part: _stored(split.part(part), store) for part in Part}
    for part in (Part.TRAIN, Part.VALIDATION):
        if not parts[part]:
            raise SetupError(
                f"the audio store has no track of the split's {part} part; "
                "fill it with `taggram data store`"
            )
    missing = [
        each.track.id for part in Part for each in split.part(part) if each.track.id not in store
    ]
    return Corpus(
        store,
        parts[Part.TRAIN],
        parts[Part.VALIDATION],
        parts[Part.UNLABELLED],
        split.tags,
        tuple(missing),
    )


def material(
    phase: Phase, window: int, corpus: Corpus, seed: int, pseudo: PseudoLabels | None
) -> Material:
    """The batches of a phase whose network hears `window` samples at a time."""
    if phase.learns == "contrast":
        return _contrast(phase, window, corpus, seed)
    labelled = _hearing(phase, window, corpus, corpus.train)
    matrix = corpus.matrix(corpus.train)
    source = _source(phase, window, corpus, corpus.train, _constant(matrix))
    heard_again = _hearing(phase, window, corpus, corpus.unlabelled) if pseudo is not None else None
    if pseudo is not None:
        both = (*corpus.train, *corpus.unlabelled)
        targets = pseudo.after(_constant(matrix), len(corpus.train))
        source = _source(phase, window, corpus, both, targets)

    def epoch(number: int) -> Feed:
        windows = epochs.training_epoch(labelled, seed, number)
        if pseudo is not None and heard_again is not None:
            other = pseudo.on_grid(epochs.training_epoch(heard_again, seed + 1, number))
            windows = epochs.interleaved(windows, other, len(corpus.train))
        return Feed(source, windows, phase.batch_size)

    return Material(epoch, _validation(phase, window, corpus, seed), _loss(phase, matrix))


def _contrast(phase: Phase, window: int, corpus: Corpus, seed: int) -> Material:
    """Pairs of windows of all tracks, with tags or without; a batch holds twice its size."""
    size = 2 * phase.batch_size

    def paired(tracks: Sequence[Placed], seed: int, number: int | None) -> Feed:
        hearing = _hearing(phase, window, corpus, tracks)
        windows = (
            epochs.validation_epoch(hearing, seed)
            if number is None
            else epochs.training_epoch(hearing, seed, number)
        )
        both = epochs.pairs(windows, hearing, seed + (number or 0))
        source = _source(phase, window, corpus, tracks, _nothing)
        return Feed(source, both, size)

    heard = (*corpus.train, *corpus.unlabelled)
    validation = paired(corpus.validation, seed, None)
    loss = losses.ContrastLoss(phase.temperature)
    return Material(lambda number: paired(heard, seed, number), validation, loss)


def _validation(phase: Phase, window: int, corpus: Corpus, seed: int) -> Feed:
    """Windows side by side, as they are: never augmented."""
    tracks = corpus.validation
    windows = epochs.validation_epoch(_hearing(phase, window, corpus, tracks), seed)
    targets = _constant(corpus.matrix(tracks))
    ids = [each.track.id for each in tracks]
    source = Source(corpus.store, ids, targets, window)
    return Feed(source, windows, phase.batch_size)


def _loss(phase: Phase, matrix: Matrix) -> keras.losses.Loss:
    return losses.tag_loss(phase.loss, matrix)


def _hearing(phase: Phase, window: int, corpus: Corpus, tracks: Sequence[Placed]) -> epochs.Hearing:
    lengths = [corpus.store.length(each.track.id) for each in tracks]
    copies = [each.copies for each in tracks]
    return epochs.Hearing(lengths, copies, corpus.store.sample_rate, window, phase.crops)


def _source(
    phase: Phase, window: int, corpus: Corpus, tracks: Sequence[Placed], targets: Targets
) -> Source:
    augmenter = None
    if phase.augmentation is not None:
        augmenter = Augmenter(phase.augmentation, corpus.store.sample_rate)
    return Source(corpus.store, [each.track.id for each in tracks], targets, window, augmenter)


def _constant(matrix: Matrix) -> Targets:
    return lambda track, start: matrix[track]  # noqa: ARG005 - a track's tags hold all along


def _nothing(track: int, start: int) -> npt.NDArray[np.float32]:  # noqa: ARG001 - as above
    return np.zeros(1, np.float32)


def _stored(tracks: Iterable[Placed], store: AudioStore) -> tuple[Placed, ...]:
    return tuple(each for each in tracks if each.track.id in store)
