"""Decodes a file to mono or stereo, in blocks, so that a false size in a header costs little.

It runs in a decode process (`app.audio.worker.processes`): a crash of a library ends only that
process.
"""

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import BinaryIO

import numpy as np
import soxr

from app.audio.containers import chunks
from app.audio.containers.start import find_start
from app.audio.decoders import soundfile_source
from app.audio.decoders.mixing import mix
from app.audio.decoders.source import DecodedSource
from app.audio.limit_checks import (
    check_channels,
    check_decoded_length,
    check_duration,
    check_loudness,
    check_sample_rate,
    check_samples,
)
from app.audio.limits import (
    MAX_MAGNITUDE,
    MAX_SAMPLE_RATE,
    MIN_SAMPLE_RATE,
    PADDING_S,
    TOLERATED_S,
    AudioLimits,
)
from app.audio.refusals import Reason, RefusedFileError
from app.domain import Decoders, Samples
from app.samples import sample_shape

READ_BY_BOTH = {None, "wav", "aiff"}
"""FFmpeg's demuxers for formats that libsndfile may read too. None: the first bytes don't identify
the format, as with MP3."""


class TrackReader:
    """Reads one file as samples of `limits.sample_rate` and `limits.channels`.

    Attributes:
        announced_s: The announced duration of a damaged file, in seconds, known when all samples
            are read; None if the file is whole.
    """

    def __init__(self, file: BinaryIO, limits: AudioLimits) -> None:
        """Prepare to read.

        Args:
            file: The file, unbuffered.
            limits: See `AudioLimits`.
        """
        self.announced_s: float | None = None
        self._file = file
        self._limits = limits
        self._source: DecodedSource | None = None
        self._closing = ExitStack()

    def open(self) -> DecodedSource:
        """Read the header, and no more of the audio than that needs.

        Returns:
            The opened file; it stays open until all samples are read.

        Raises:
            RefusedFileError: `unsupported_audio`, `undecodable_audio` or `audio_too_long`.
        """
        source = self._source = _opened(self._file, self._limits, self._closing)
        announced_s = source.announced_s
        if announced_s is not None and MIN_SAMPLE_RATE <= source.sample_rate <= MAX_SAMPLE_RATE:
            check_duration(announced_s - PADDING_S, self._limits, announced_s)
            samples = (announced_s - PADDING_S) * source.sample_rate * source.channels
            check_samples(samples, source.sample_rate, source.channels, self._limits)
        return source

    def samples(self) -> Iterator[Samples]:
        """Decode, mix to mono or stereo (see `app.audio.decoders.mixing`) and resample (soxr HQ).

        Damaged parts are skipped.

        Yields:
            Consecutive pieces at `limits.sample_rate`, (samples,) float32 or stereo, (samples, 2).

        Raises:
            RefusedFileError: `unsupported_audio`, `undecodable_audio`, `audio_too_short`,
                `audio_too_long` or `silent_audio`, the latter also after the last piece.
        """
        count, peak = 0, 0.0
        with self._closing:
            source = self._source or self.open()
            for piece in _resampled(_mixed(source, self._limits), self._limits):
                if len(piece):
                    count += len(piece)
                    peak = max(peak, _peak(piece))
                    yield piece
        decoded_s = count / self._limits.sample_rate
        announced_s = max(source.announced_s or 0.0, decoded_s + source.lost_s)
        if source.lost_s or announced_s - decoded_s > TOLERATED_S:
            self.announced_s = round(announced_s, 3)
        check_decoded_length(decoded_s, self.announced_s, self._limits)
        check_loudness(peak)


def _opened(file: BinaryIO, limits: AudioLimits, stack: ExitStack) -> DecodedSource:
    """Open a file with libsndfile if it is an intact WAV or AIFF, else with FFmpeg.

    libsndfile reads some files that FFmpeg refuses: MP3s of free bit rate, some unusual WAVs. If
    both refuse an intact WAV or AIFF, libsndfile's reason is reported, as FFmpeg's depends on its
    version.
    """
    if limits.decoders is Decoders.SOUNDFILE:
        return stack.enter_context(soundfile_source.open_source(file))
    refusal = None
    if chunks.is_intact(file):
        try:
            return stack.enter_context(soundfile_source.open_source(file))
        except RefusedFileError as error:  # FFmpeg knows more codecs
            refusal = error
    from app.audio.decoders import av_source  # noqa: PLC0415 - only if the operator allows it

    start = find_start(file)
    try:
        return stack.enter_context(av_source.open_source(file, start))
    except RefusedFileError:
        if refusal:
            raise refusal from None
        if start.demuxer in READ_BY_BOTH:
            with suppress(RefusedFileError):
                return stack.enter_context(soundfile_source.open_source(file))
        raise


def _mixed(source: DecodedSource, limits: AudioLimits) -> Iterator[tuple[int, Samples]]:
    """Yield the sample rate and the mix of each block, until the file ends or is too long."""
    duration_s, samples = 0.0, 0
    for block in source.blocks:
        channels = len(block.channels)
        check_sample_rate(block.sample_rate)
        check_channels(channels)
        duration_s += len(block.channels[0]) / block.sample_rate
        samples += channels * len(block.channels[0])
        check_duration(duration_s, limits, source.announced_s)
        check_samples(samples, block.sample_rate, channels, limits)
        mixed = mix(block.channels, limits.channels)
        # The comparison is also false for NaN.
        if not _peak(mixed) <= MAX_MAGNITUDE:
            raise RefusedFileError(Reason.OUT_OF_RANGE)
        yield block.sample_rate, mixed


def _peak(samples: Samples) -> float:
    """Return the largest magnitude without a temporary array; NaN if a sample is NaN."""
    return max(float(samples.max()), -float(samples.min()))


def _resampled(blocks: Iterator[tuple[int, Samples]], limits: AudioLimits) -> Iterator[Samples]:
    """Resample blocks to one rate; a new resampler begins when their rate changes."""
    target_rate, channels = limits.sample_rate, limits.channels
    rate, stream = target_rate, None
    for block_rate, block in blocks:
        if block_rate != rate:
            if stream:
                yield _end(stream, channels)
            rate, stream = block_rate, None
            if rate != target_rate:
                stream = soxr.ResampleStream(
                    rate, target_rate, channels, dtype="float32", quality="HQ"
                )
        yield stream.resample_chunk(block) if stream else block
    if stream:
        yield _end(stream, channels)


def _end(stream: soxr.ResampleStream, channels: int) -> Samples:
    nothing = np.empty((0, *sample_shape(channels)), np.float32)
    ending: Samples = stream.resample_chunk(nothing, last=True)
    return ending
