"""What a phase learns from: the tracks of a split that the audio store has, as batches."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt

from app.datasets.audio.audio_store import AudioStore
from app.datasets.tracks import Split, SplitTrack, Subset
from app.errors import SetupError
from app.training import losses
from app.training.data import sampling
from app.training.data.augmentation import Augmenter
from app.training.data.batches import BatchDataset, Source, Targets
from app.training.data.pseudo_labels import PseudoLabels
from app.training.loop.phase import TrainingInputs
from app.training.recipe.schema import Phase

Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class SplitAudio:
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
    train: tuple[SplitTrack, ...]
    validation: tuple[SplitTrack, ...]
    unlabelled: tuple[SplitTrack, ...]
    tags: tuple[str, ...]
    missing: tuple[str, ...]

    def matrix(self, tracks: Sequence[SplitTrack]) -> Matrix:
        """(tracks, tags), 1 where a track has a tag."""
        column = {tag: number for number, tag in enumerate(self.tags)}
        matrix = np.zeros((len(tracks), len(self.tags)), np.float32)
        for row, each in enumerate(tracks):
            matrix[row, [column[tag] for tag in each.track.tags]] = 1
        return matrix


def corpus(split: Split, store: AudioStore) -> SplitAudio:
    """Find the audio of a split's tracks.

    Raises:
        SetupError: The store has nothing to train on, or nothing to validate on.
    """
    parts = {part: _stored(split.part(part), store) for part in Subset}
    for part in (Subset.TRAIN, Subset.VALIDATION):
        if not parts[part]:
            raise SetupError(
                f"the audio store has no track of the split's {part} part; "
                "fill it with `taggram data store`"
            )
    missing = [
        each.track.id for part in Subset for each in split.part(part) if each.track.id not in store
    ]
    return SplitAudio(
        store,
        parts[Subset.TRAIN],
        parts[Subset.VALIDATION],
        parts[Subset.UNLABELLED],
        split.tags,
        tuple(missing),
    )


def material(
    phase: Phase, window: int, corpus: SplitAudio, seed: int, pseudo: PseudoLabels | None
) -> TrainingInputs:
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

    def epoch(number: int) -> BatchDataset:
        windows = sampling.training_epoch(labelled, seed, number)
        if pseudo is not None and heard_again is not None:
            other = pseudo.on_grid(sampling.training_epoch(heard_again, seed + 1, number))
            windows = sampling.interleaved(windows, other, len(corpus.train))
        return BatchDataset(source, windows, phase.batch_size)

    return TrainingInputs(epoch, _validation(phase, window, corpus, seed), _loss(phase, matrix))


def _contrast(phase: Phase, window: int, corpus: SplitAudio, seed: int) -> TrainingInputs:
    """Pairs of windows of all tracks, with tags or without; a batch holds twice its size."""
    size = 2 * phase.batch_size

    def paired(tracks: Sequence[SplitTrack], seed: int, number: int | None) -> BatchDataset:
        hearing = _hearing(phase, window, corpus, tracks)
        windows = (
            sampling.validation_epoch(hearing, seed)
            if number is None
            else sampling.training_epoch(hearing, seed, number)
        )
        both = sampling.pairs(windows, hearing, seed + (number or 0))
        source = _source(phase, window, corpus, tracks, _nothing)
        return BatchDataset(source, both, size)

    heard = (*corpus.train, *corpus.unlabelled)
    validation = paired(corpus.validation, seed, None)
    loss = losses.ContrastLoss(phase.temperature)
    return TrainingInputs(lambda number: paired(heard, seed, number), validation, loss)


def _validation(phase: Phase, window: int, corpus: SplitAudio, seed: int) -> BatchDataset:
    """Windows side by side, as they are: never augmented."""
    tracks = corpus.validation
    windows = sampling.validation_epoch(_hearing(phase, window, corpus, tracks), seed)
    targets = _constant(corpus.matrix(tracks))
    ids = [each.track.id for each in tracks]
    source = Source(corpus.store, ids, targets, window)
    return BatchDataset(source, windows, phase.batch_size)


def _loss(phase: Phase, matrix: Matrix) -> keras.losses.Loss:
    return losses.tag_loss(phase.loss, matrix)


def _hearing(
    phase: Phase, window: int, corpus: SplitAudio, tracks: Sequence[SplitTrack]
) -> sampling.SamplerConfig:
    lengths = [corpus.store.length(each.track.id) for each in tracks]
    repeats = [each.repeats for each in tracks]
    return sampling.SamplerConfig(lengths, repeats, corpus.store.sample_rate, window, phase.crops)


def _source(
    phase: Phase, window: int, corpus: SplitAudio, tracks: Sequence[SplitTrack], targets: Targets
) -> Source:
    augmenter = None
    if phase.augmentation is not None:
        augmenter = Augmenter(phase.augmentation, corpus.store.sample_rate)
    return Source(corpus.store, [each.track.id for each in tracks], targets, window, augmenter)


def _constant(matrix: Matrix) -> Targets:
    return lambda track, start: matrix[track]  # noqa: ARG005 - a track's tags hold all along


def _nothing(track: int, start: int) -> npt.NDArray[np.float32]:  # noqa: ARG001 - as above
    return np.zeros(1, np.float32)


def _stored(tracks: Iterable[SplitTrack], store: AudioStore) -> tuple[SplitTrack, ...]:
    return tuple(each for each in tracks if each.track.id in store)
