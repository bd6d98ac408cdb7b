"""Make the batches of a phase from a split and an audio store."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt

from app.datasets.audio.audio_store import AudioStore
from app.datasets.tracks import Split, SplitTrack, Subset
from app.errors import SetupError
from app.training import losses
from app.training.data import sampling, skew
from app.training.data.augmenter import Augmenter
from app.training.data.batches import BatchDataset, Mixing, Targets, WindowSource
from app.training.data.pseudo_labels import PseudoLabels
from app.training.loop.phase import TrainingInputs
from app.training.recipe.schema import Phase

Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class SplitAudio:
    """A split's tracks with their audio.

    Attributes:
        store: The audio.
        train: The training part.
        validation: The validation part, for early stopping.
        unlabelled: Tracks without tags, for students and contrastive training.
        tags: The task's tags.
        missing: Ids of the split's tracks that the store lacks.
    """

    store: AudioStore
    train: tuple[SplitTrack, ...]
    validation: tuple[SplitTrack, ...]
    unlabelled: tuple[SplitTrack, ...]
    tags: tuple[str, ...]
    missing: tuple[str, ...]

    def matrix(self, tracks: Sequence[SplitTrack]) -> Matrix:
        """Return the labels of tracks, (tracks, tags), 1 where a track has a tag."""
        column = {tag: number for number, tag in enumerate(self.tags)}
        matrix = np.zeros((len(tracks), len(self.tags)), np.float32)
        for row, each in enumerate(tracks):
            matrix[row, [column[tag] for tag in each.track.tags]] = 1
        return matrix


def read_split_audio(split: Split, store: AudioStore) -> SplitAudio:
    """Find the audio of a split's tracks.

    Returns:
        The tracks of each part that are in the store, and the ids of the missing ones.

    Raises:
        SetupError: The store has no track of the training or the validation part.
    """
    parts = {part: _stored(split.part(part), store) for part in Subset}
    for part in (Subset.TRAIN, Subset.VALIDATION):
        if not parts[part]:
            raise SetupError(
                f"the audio store has no track of the split's {part} part; "
                "add them with `taggram data store`"
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


def training_inputs(
    phase: Phase, window: int, audio: SplitAudio, seed: int, pseudo: PseudoLabels | None
) -> TrainingInputs:
    """Return the batches and the loss of a phase.

    Args:
        phase: The phase.
        window: Length of the network's window in samples.
        audio: The split's tracks with their audio.
        seed: Seed of crops, order and augmentation.
        pseudo: A teacher's scores of the unlabelled tracks, if the phase has a teacher.

    Raises:
        SetupError: A filter of the augmentation is above the Nyquist frequency.
    """
    if phase.learns == "contrast":
        return _contrast(phase, window, audio, seed)
    labelled = _sampler(phase, window, audio, audio.train)
    matrix = audio.matrix(audio.train)
    source = _source(phase, window, audio, audio.train, _constant(matrix))
    unlabelled = _sampler(phase, window, audio, audio.unlabelled) if pseudo is not None else None
    if pseudo is not None:
        both = (*audio.train, *audio.unlabelled)
        targets = pseudo.after(_constant(matrix), len(audio.train))
        source = _source(phase, window, audio, both, targets)

    draw = _draws(phase, labelled, matrix, seed)

    def epoch(number: int) -> BatchDataset:
        windows, mixing = draw(number)
        if pseudo is not None and unlabelled is not None:
            other = pseudo.on_grid(sampling.training_epoch(unlabelled, seed + 1, number))
            windows = sampling.interleaved(windows, other, len(audio.train))
        return BatchDataset(source, windows, phase.batch_size, mixing)

    return TrainingInputs(epoch, _validation(phase, window, audio, seed), _loss(phase, matrix))


Draw = Callable[[int], tuple[sampling.Epoch, Mixing | None]]
"""Returns the windows of an epoch by its number, and how they are mixed."""


def _draws(phase: Phase, config: sampling.SamplerConfig, matrix: Matrix, seed: int) -> Draw:
    """Return a function that draws the windows of an epoch, with the phase's options for skew."""
    options = phase.skew
    minorities = skew.find_minorities(matrix, np.asarray(config.repeats))
    majority_only = skew.find_majority_only(matrix, minorities)

    def draw(number: int) -> tuple[sampling.Epoch, Mixing | None]:
        used = skew.draw_tracks(config, majority_only, options.majority_only, seed, number)
        epoch = sampling.training_epoch(used, seed, number)
        if options.mixup:
            return epoch, Mixing(skew.mix_all(epoch, options.mixup, seed, number), embeddings=False)
        if options.interpolate:
            epoch, weights = skew.add_synthetic(
                epoch, config, matrix[:, minorities] > 0, options.interpolate, [seed, number]
            )
            return epoch, Mixing(weights, embeddings=True)
        return epoch, None

    return draw


def _contrast(phase: Phase, window: int, audio: SplitAudio, seed: int) -> TrainingInputs:
    """Return pairs of windows of all tracks, with tags or without; a batch has twice its size."""
    size = 2 * phase.batch_size

    def paired(tracks: Sequence[SplitTrack], seed: int, number: int | None) -> BatchDataset:
        """Return the batches of an epoch; without a number, those of the validation."""
        config = _sampler(phase, window, audio, tracks)
        windows = (
            sampling.validation_epoch(config, seed)
            if number is None
            else sampling.training_epoch(config, seed, number)
        )
        both = sampling.pairs(windows, config, seed + (number or 0))
        source = _source(phase, window, audio, tracks, _no_targets)
        return BatchDataset(source, both, size)

    tracks = (*audio.train, *audio.unlabelled)
    validation = paired(audio.validation, seed, None)
    loss = losses.ContrastLoss(phase.temperature)
    return TrainingInputs(lambda number: paired(tracks, seed, number), validation, loss)


def _validation(phase: Phase, window: int, audio: SplitAudio, seed: int) -> BatchDataset:
    """Return adjacent windows without augmentation."""
    tracks = audio.validation
    windows = sampling.validation_epoch(_sampler(phase, window, audio, tracks), seed)
    targets = _constant(audio.matrix(tracks))
    ids = [each.track.id for each in tracks]
    source = WindowSource(audio.store, ids, targets, window, None, phase.crops.short_track)
    mixing = None
    if phase.skew.interpolate:  # the network expects weights
        mixing = Mixing(np.ones(len(windows), np.float32), embeddings=True)
    return BatchDataset(source, windows, phase.batch_size, mixing)


def _loss(phase: Phase, matrix: Matrix) -> keras.losses.Loss:
    return losses.tag_loss(phase.loss, matrix)


def _sampler(
    phase: Phase, window: int, audio: SplitAudio, tracks: Sequence[SplitTrack]
) -> sampling.SamplerConfig:
    lengths = [audio.store.length(each.track.id) for each in tracks]
    repeats = [each.repeats for each in tracks]
    return sampling.SamplerConfig(lengths, repeats, audio.store.sample_rate, window, phase.crops)


def _source(
    phase: Phase, window: int, audio: SplitAudio, tracks: Sequence[SplitTrack], targets: Targets
) -> WindowSource:
    augmenter = None
    if phase.augmentation is not None:
        augmenter = Augmenter(phase.augmentation, audio.store.sample_rate)
    ids = [each.track.id for each in tracks]
    return WindowSource(audio.store, ids, targets, window, augmenter, phase.crops.short_track)


def _constant(matrix: Matrix) -> Targets:
    return lambda track, start: matrix[track]  # noqa: ARG005 - all windows have the track's tags


def _no_targets(track: int, start: int) -> npt.NDArray[np.float32]:  # noqa: ARG001 - as above
    return np.zeros(1, np.float32)


def _stored(tracks: Iterable[SplitTrack], store: AudioStore) -> tuple[SplitTrack, ...]:
    return tuple(each for each in tracks if each.track.id in store)
